/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "natd/ctl/ctl.h"
#include "natd/ctl/doctor.h"
#include "natd/ctl/headline.h"
#include "natd/ctl/print.h"
#include "natd/ctl/status.h"
#include "tests/unit/test_ctl_samples.h"

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *json = json_loads(text, 0, &error);

	if (!json)
		fail_msg("the sample is not JSON, line %d: %s", error.line, error.text);
	return json;
}

/* The screen for a sample that is laid over the one where all is well; to be freed. */
static char *screen(const char *difference)
{
	json_t *status = parse(SAMPLE_WELL);
	json_t *over = parse(difference);
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	json_object_update_recursive(status, over);
	print_clean_json(status);
	status_show(out, status);
	fclose(out);
	json_decref(status);
	json_decref(over);
	return text;
}

static void assert_holds(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in\n%s", part, text);
}

static void assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" is in\n%s", part, text);
}

/* What holds for each screen: 80 columns, no null, no control character, no space at a line's end. */
static void assert_screen(const char *text)
{
	char line[1024];

	assert_lacks(text, "null");
	assert_lacks(text, " \n");
	for (const char *at = text; *at; at += strcspn(at, "\n") + 1) {
		size_t length = strcspn(at, "\n");

		assert_true(length < sizeof(line));
		assert_int_equal(at[length], '\n');
		memcpy(line, at, length);
		line[length] = '\0';
		if (print_width(line) > PRINT_COLUMNS)
			fail_msg("%zu columns: %s", print_width(line), line);
		for (size_t i = 0; i < length; i++)
			assert_true((unsigned char)line[i] >= 0x20 && line[i] != 0x7f);
	}
}

static int exit_for(const char *sample)
{
	json_t *status = parse(sample);
	int exit_status = headline_exit(json_object_get(status, "verdict"));

	json_decref(status);
	return exit_status;
}

static void all_well_is_one_screen(void **state)
{
	char *text = screen("{}");

	(void)state;
	assert_string_equal(
		text, "Home VPN reachable: YES\n"
		      "\n"
		      " Clients use   UDP port 51820  -> 11.0.0.45\n"
		      " Router        192.168.1.1  \"RT-AX3000 (ASUSTeK)\"  PCP  UPnP\n"
		      "               UDP 51820 opened by PCP  renewed in 29 min  lasts 89 min\n"
		      " WAN address   11.0.0.45  public\n"
		      " This host     192.168.1.31  eth0  (given by the router, DHCP)\n"
		      "               MAC dc:a6:32:01:02:03\n"
		      " VPN           wg0  clients in 10.8.0.0/24, fd42::/64  5150 packets\n"
		      "               a program listens on UDP 51820  412 packets\n"
		      "               last packet 4 min ago, from outside\n"
		      " Exit IP       10.8.0.0/24  -> eth0  -> 192.168.1.31  -> 11.0.0.45\n"
		      "               fd42::/64  -> eth0\n");
	assert_screen(text);
	assert_int_equal(exit_for(SAMPLE_WELL), NATCTL_WELL);
	free(text);
}

static void asking_is_not_known_yet(void **state)
{
	char *text = screen(SAMPLE_ASKING);

	(void)state;
	assert_screen(text);
	assert_holds(text, "Home VPN reachable: NOT KNOWN YET  the router is being asked\n");
	assert_holds(text, "-> address not known yet");
	assert_holds(text, "PCP: asking  NAT-PMP: asking  UPnP: asking");
	assert_holds(text, "UDP 51820: asking the router to open it");
	assert_holds(text, " WAN address   not known yet\n");
	assert_holds(text, "no tunnel interface yet");
	assert_lacks(text, "Do this");
	assert_int_equal(exit_for(SAMPLE_ASKING), NATCTL_NOT_KNOWN);
	free(text);
}

static void silent_router_leads_to_the_manual(void **state)
{
	char *text = screen(SAMPLE_E10);

	(void)state;
	assert_screen(text);
	assert_holds(text, "Home VPN reachable: UNKNOWN  E10 the router cannot be asked\n");
	assert_holds(text, "PCP: refused  NAT-PMP: refused  UPnP: no answer");
	assert_holds(text, "UDP 51820 not opened: no protocol of the router answers");
	assert_holds(text, " WAN address   not known\n");
	assert_holds(text, "no packet yet");
	assert_holds(text, " Because       router 192.168.1.1: UPnP no answer");
	assert_holds(text, "\nDo this: switch UPnP on in the router, or open the port by hand:\n"
			   "           natctl manual\n");
	assert_int_equal(exit_for(SAMPLE_E10), NATCTL_BROKEN);
	free(text);
}

static void shared_address_does_not_work(void **state)
{
	char *text = screen(SAMPLE_E20);

	(void)state;
	assert_screen(text);
	assert_holds(text, "Home VPN reachable: NO  E20 carrier-grade NAT\n");
	assert_holds(text, "-> no address that the internet can reach\n");
	assert_holds(text, " WAN address   100.72.14.9\n               shared by many customers");
	/* What the clients leave with is not known to the router either. */
	assert_holds(text, "-> 192.168.1.31\n");
	assert_holds(text, "Do this: no setting in your router can fix this.");
	assert_int_equal(exit_for(SAMPLE_E20), NATCTL_BROKEN);
	free(text);
}

static void two_routers_do_not_work(void **state)
{
	char *text = screen(SAMPLE_E21);

	(void)state;
	assert_screen(text);
	assert_holds(text, "Home VPN reachable: NO  E21 two routers in a row\n");
	assert_holds(text, " WAN address   192.168.0.2\n               private: there is a second");
	assert_holds(text, "Do this: 1  set the inner router to access-point mode\n"
			   "         2  or two rules\n");
	assert_int_equal(exit_for(SAMPLE_E21), NATCTL_BROKEN);
	free(text);
}

static void trouble_behind_the_vpn_has_its_own_headline(void **state)
{
	char *text = screen(SAMPLE_E42);

	(void)state;
	assert_screen(text);
	assert_holds(text, "Clients connect, but have no Internet  E42 forwarding is off\n");
	assert_int_equal(exit_for(SAMPLE_E42), NATCTL_BROKEN);
	free(text);
}

static void nobody_listens(void **state)
{
	char *text = screen(SAMPLE_E60);

	(void)state;
	assert_screen(text);
	assert_holds(text, "Home VPN reachable: NO  E60 nothing listens on UDP 51820\n");
	assert_holds(text, " Clients use   UDP port 50528  -> 11.0.0.45");
	assert_holds(text, "UDP 50528 opened by NAT-PMP");
	assert_holds(text, "nothing listens on UDP 51820  3 packets\n");
	assert_holds(text, "last packet 25 h ago, from outside\n");
	assert_int_equal(exit_for(SAMPLE_E60), NATCTL_BROKEN);
	free(text);
}

static void nulls_are_never_printed(void **state)
{
	char *text = screen(SAMPLE_NULLS);

	(void)state;
	assert_screen(text);
	assert_holds(text, "Home VPN reachable: NOT KNOWN YET\n");
	assert_holds(text, " Router        none found\n");
	assert_lacks(text, " port 0");
	assert_int_equal(exit_for(SAMPLE_NULLS), NATCTL_NOT_KNOWN);
	free(text);
}

static void missing_keys_are_not_known(void **state)
{
	static const char *const samples[] = { "{}", "{\"verdict\": 3, \"router\": []}",
					       "{\"forwards\": {}, \"tunnels\": \"wg0\"}",
					       "{\"forwards\": [[]], \"tunnels\": [{}]}" };

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		json_t *status = parse(samples[i]);
		char *text = NULL;
		size_t size = 0;
		FILE *out = open_memstream(&text, &size);

		status_show(out, status);
		fclose(out);
		assert_screen(text);
		assert_int_equal(strncmp(text, "Home VPN reachable: NOT KNOWN YET\n", 34), 0);
		assert_int_equal(headline_exit(json_object_get(status, "verdict")),
				 NATCTL_NOT_KNOWN);
		free(text);
		json_decref(status);
	}
}

static void works_with_a_code_is_a_warning(void **state)
{
	(void)state;
	assert_int_equal(exit_for("{\"verdict\": {\"code\": \"E44\", \"works\": \"yes\"}}"),
			 NATCTL_WARNING);
}

static void egress_is_said_as_it_is(void **state)
{
	char *text = screen("{\"tunnels\": [{\"interface\": \"wg0\","
			    " \"networks\": [\"10.8.0.0/24\"], \"egress\": {\"kind\": \"address\","
			    " \"address\": \"11.0.0.9\", \"interface\": \"eth0\"}},"
			    " {\"interface\": \"tun0\", \"networks\": [\"10.9.0.0/24\"],"
			    " \"egress\": {\"kind\": \"none\"}}]}");

	(void)state;
	assert_screen(text);
	/* A public address of the host's own is what the internet sees. */
	assert_holds(text, " Exit IP       10.8.0.0/24  -> eth0  -> 11.0.0.9\n");
	assert_holds(text, "               10.9.0.0/24 -> with the clients' own addresses\n");
	free(text);
}

static void what_natd_found_by_itself_is_said(void **state)
{
	char *text = screen("{\"forwards_from\": \"PiVPN's settings\", \"tunnels\": ["
			    "{\"interface\": \"wg9\", \"present\": false}]}");

	(void)state;
	assert_screen(text);
	assert_holds(text, "wg9  does not exist yet\n");
	assert_holds(text, "(port: PiVPN's settings)\n");
	free(text);
}

static void what_is_past_is_not_shown_as_present(void **state)
{
	char *text = screen("{\"router\": {\"address\": null, \"model\": \"Debian router\", "
			    "\"wan_address\": \"11.0.0.45\", \"wan_kind\": \"public\"}, \"host\": "
			    "{\"address\": null}, \"tunnels\": [{\"interface\": \"wg0\", "
			    "\"networks\": [\"10.8.0.0/24\"], \"egress\": {}}]}");

	(void)state;
	assert_screen(text);
	assert_holds(text, " Router        none found\n");
	assert_holds(text, " WAN address   11.0.0.45  last known  public\n");
	assert_holds(text, " Exit IP       10.8.0.0/24\n");
	free(text);
	text = screen("{\"router\": {\"address\": null, \"wan_address\": \"11.0.0.45\", "
		      "\"wan_kind\": \"public\"}, \"host\": {\"address\": \"11.0.0.45\"}}");
	assert_holds(text, " WAN address   11.0.0.45  public\n");
	free(text);
}

static void one_is_not_several(void **state)
{
	char *text = screen("{\"tunnels\": [{\"interface\": \"wg0\", \"packets\": 1}], "
			    "\"forwards\": [{\"protocol\": \"udp\", \"port\": 1, \"packets\": 1}], "
			    "\"rules\": {\"repairs\": 1}}");

	(void)state;
	assert_holds(text, "wg0  without client networks  1 packet\n");
	assert_holds(text, "UDP 1  1 packet\n");
	assert_holds(text, " Rules         repaired 1 time\n");
	free(text);
	text = screen("{\"tunnels\": [{\"interface\": \"wg0\", \"packets\": 0}], "
		      "\"rules\": {\"repairs\": 2}}");
	assert_holds(text, "wg0  without client networks  0 packets\n");
	assert_holds(text, " Rules         repaired 2 times\n");
	free(text);
}

static void a_warning_of_the_doctor_is_one(void **state)
{
	static const struct {
		const char *result;
		int status;
	} cases[] = {
		{ "{\"steps\": [{\"result\": \"ok\"}, {\"result\": \"info\"}, {\"result\": "
		  "\"unknown\"}], \"verdict\": {\"works\": \"yes\", \"code\": \"OK\"}}",
		  NATCTL_WELL },
		{ "{\"steps\": [{\"result\": \"warn\"}, {\"result\": \"ok\"}], \"verdict\": "
		  "{\"works\": \"yes\", \"code\": \"OK\"}}",
		  NATCTL_WARNING },
		{ "{\"steps\": [{\"result\": \"warn\"}], \"verdict\": {\"works\": \"no\", "
		  "\"code\": \"E10\"}}",
		  NATCTL_BROKEN },
		{ "{\"steps\": [{\"result\": \"warn\"}], \"verdict\": {\"works\": \"unknown\"}}",
		  NATCTL_NOT_KNOWN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *result = json_loads(cases[i].result, 0, NULL);

		assert_non_null(result);
		assert_int_equal(doctor_exit(result), cases[i].status);
		json_decref(result);
	}
}

static void hostile_router_cannot_draw(void **state)
{
	char *text = screen("{\"router\": {\"model\": \"evil\\u001b[2J\\nHome VPN reachable: YES"
			    "\\u009b31m\", \"wan_address\": \"\\u0007\"}, \"verdict\": {\"works\":"
			    " \"no\", \"code\": \"E14\", \"advice\": \"one\\u001b\\ntwo\"}}");

	(void)state;
	assert_screen(text);
	assert_holds(text, "Home VPN reachable: NO  E14\n");
	assert_lacks(text, "\nHome VPN reachable: YES");
	assert_holds(text, "Do this: one? two\n");
	free(text);
}

static void long_words_stay_on_the_screen(void **state)
{
	char sample[512];
	char model[160];
	char *text;

	(void)state;
	memset(model, 'x', sizeof(model) - 1);
	model[sizeof(model) - 1] = '\0';
	snprintf(sample, sizeof(sample), "{\"router\": {\"model\": \"%s\"}}", model);
	text = screen(sample);
	assert_screen(text);
	free(text);
	text = screen("{\"router\": {\"model\": \"無線ルーター無線ルーター無線ルーター無線ルーター"
		      "無線ルーター無線ルーター\"}}");
	assert_screen(text);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_well_is_one_screen),
		cmocka_unit_test(asking_is_not_known_yet),
		cmocka_unit_test(silent_router_leads_to_the_manual),
		cmocka_unit_test(shared_address_does_not_work),
		cmocka_unit_test(two_routers_do_not_work),
		cmocka_unit_test(trouble_behind_the_vpn_has_its_own_headline),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(nulls_are_never_printed),
		cmocka_unit_test(missing_keys_are_not_known),
		cmocka_unit_test(works_with_a_code_is_a_warning),
		cmocka_unit_test(egress_is_said_as_it_is),
		cmocka_unit_test(what_natd_found_by_itself_is_said),
		cmocka_unit_test(what_is_past_is_not_shown_as_present),
		cmocka_unit_test(one_is_not_several),
		cmocka_unit_test(a_warning_of_the_doctor_is_one),
		cmocka_unit_test(hostile_router_cannot_draw),
		cmocka_unit_test(long_words_stay_on_the_screen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
