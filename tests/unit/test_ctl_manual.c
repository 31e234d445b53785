/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "natd/ctl/ctl.h"
#include "natd/ctl/list.h"
#include "natd/ctl/manual.h"
#include "natd/ctl/print.h"
#include "natd/ctl/probe.h"
#include "tests/unit/test_ctl_samples.h"

static json_t *laid_over(const char *base, const char *difference)
{
	json_t *json = json_loads(base, 0, NULL);
	json_t *over = json_loads(difference, 0, NULL);

	assert_non_null(json);
	assert_non_null(over);
	json_object_update_recursive(json, over);
	json_decref(over);
	print_clean_json(json);
	return json;
}

/* What a printing function makes of `json`, which it releases; to be freed. */
static char *printed(void (*show)(FILE *out, const json_t *json), json_t *json)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	show(out, json);
	fclose(out);
	json_decref(json);
	for (const char *at = text; *at; at += strcspn(at, "\n") + 1)
		assert_true(strcspn(at, "\n") <= PRINT_COLUMNS);
	assert_null(strstr(text, "null"));
	return text;
}

static void assert_holds(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in\n%s", part, text);
}

static void manual_has_every_value(void **state)
{
	char *text = printed(manual_show, laid_over(SAMPLE_WELL, SAMPLE_E60));

	(void)state;
	assert_holds(text, "      Page             http://192.168.1.1/admin\n");
	assert_holds(text,
		     "      Router           RT-AX3000 (ASUSTeK), as it names itself over UPnP\n");
	assert_holds(text, "      MAC address      dc:a6:32:01:02:03\n");
	assert_holds(text, "      IP address       192.168.1.31\n");
	assert_holds(text, "      Name, comment    wireguard\n");
	assert_holds(text, "      Protocol         UDP (only: not TCP, not both)\n");
	assert_holds(text, "      External port    50528\n");
	assert_holds(text, "      To address       192.168.1.31\n");
	assert_holds(text, "      Internal port    51820\n");
	assert_holds(text, "      Remote host      leave empty");
	assert_holds(text, "may\n    change it"); /* the address is dynamic */
	assert_holds(text, "mobile data");
	assert_holds(text, "delete the rule");
	assert_holds(text, "\"DMZ\"");
	assert_holds(text, "22 or 80");
	assert_holds(text, "firmware update");
	free(text);
}

static void manual_knows_the_usual_page(void **state)
{
	char *text = printed(manual_show, laid_over(SAMPLE_WELL, SAMPLE_E10));

	(void)state;
	assert_holds(text, "      Page             http://192.168.1.1/\n");
	assert_holds(text, "      Router           model not known: it does not tell\n");
	free(text);
	text = printed(manual_show,
		       laid_over(SAMPLE_WELL, "{\"router\": {\"url\": \"javascript:alert(1)\"}}"));
	assert_holds(text, "      Page             http://192.168.1.1/\n");
	free(text);
}

#define RECOGNISED(by, more)                                                                       \
	"{\"recognised\": {\"id\": \"x\", \"by\": \"" by "\", \"name\": \"Maker\", \"menu\": "     \
	"\"Advanced > Ports\"" more "}}"

static void manual_leads_to_the_menu(void **state)
{
	char *text = printed(manual_show,
			     laid_over(SAMPLE_WELL, RECOGNISED("model", ", \"checked\": \"yes\", "
									"\"reservation\": \"LAN\", "
									"\"note\": \"Mind.\"")));

	(void)state;
	assert_holds(text, "      Maker            Maker (recognised by its own description)\n");
	assert_holds(text, "3   Add the rule:\n      Menu             Advanced > Ports\n"
			   "      Note             Mind.\n");
	assert_holds(text, "      Menu             LAN\n"
			   "                       (may differ: not checked on your model)\n");
	assert_null(strstr(text, "some makers"));
	free(text);
	text = printed(manual_show, laid_over(SAMPLE_WELL, RECOGNISED("mac", "")));
	assert_holds(text, "Maker (recognised by its MAC address");
	assert_holds(text, "Advanced > Ports\n"
			   "                       (may differ: not checked on your model)\n");
	free(text);
	/* A guess makes nothing sure. */
	text = printed(manual_show,
		       laid_over(SAMPLE_WELL, RECOGNISED("address", ", \"checked\": \"yes\"")));
	assert_holds(text, "may differ");
	free(text);
}

static void manual_names_the_app(void **state)
{
	char *text = printed(manual_show,
			     laid_over(SAMPLE_WELL, RECOGNISED("model", ", \"app\": \"Home\"")));

	(void)state;
	assert_holds(text, "      App              Home\n");
	assert_null(strstr(text, "      Page "));
	free(text);
	text = printed(manual_show,
		       laid_over(SAMPLE_WELL, RECOGNISED("model", ", \"page\": \"http://r/\"")));
	assert_holds(text, "      Page             http://192.168.1.1/admin\n"
			   "      or also          http://r/\n");
	free(text);
}

static void manual_says_when_it_cannot_help(void **state)
{
	json_t *facts = laid_over(SAMPLE_WELL, SAMPLE_E20);
	char *text;

	(void)state;
	assert_int_equal(manual_exit(facts), NATCTL_WARNING);
	text = printed(manual_show, facts);
	assert_holds(text, "First: the router's internet address is 100.72.14.9: your provider");
	free(text);
	text = printed(manual_show, laid_over(SAMPLE_WELL, SAMPLE_E21));
	assert_holds(text, "First: the router's internet address is 192.168.0.2: this is the");
	free(text);
}

static void manual_is_not_needed_while_all_is_well(void **state)
{
	json_t *facts = laid_over(SAMPLE_WELL, "{}");
	char *text;

	(void)state;
	assert_int_equal(manual_exit(facts), NATCTL_WELL);
	text = printed(manual_show, facts);
	assert_holds(text, "natd keeps the port open by itself at this time");
	free(text);
}

static void manual_without_a_router(void **state)
{
	json_t *facts = laid_over(SAMPLE_WELL, SAMPLE_NULLS);
	char *text;

	(void)state;
	assert_int_equal(manual_exit(facts), NATCTL_BROKEN);
	text = printed(manual_show, facts);
	assert_string_equal(text, "There is no router to open a port in.\n");
	free(text);
	facts = laid_over("{}", "{\"reason\": \"this host has no default route\"}");
	text = printed(manual_show, facts);
	assert_string_equal(text, "There is no router to open a port in: this host has no default "
				  "route.\n");
	free(text);
}

static void manual_for_programs(void **state)
{
	json_t *facts = laid_over(SAMPLE_WELL, SAMPLE_E60);
	json_t *manual = manual_json(facts);
	json_t *rule = json_array_get(json_object_get(manual, "rules"), 0);

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(rule, "external_port")), 50528);
	assert_int_equal(json_integer_value(json_object_get(rule, "port")), 51820);
	assert_string_equal(json_string_value(json_object_get(rule, "address")), "192.168.1.31");
	assert_string_equal(json_string_value(json_object_get(manual, "page")),
			    "http://192.168.1.1/admin");
	json_decref(manual);
	json_decref(facts);

	facts = json_object();
	manual = manual_json(facts);
	assert_true(json_is_null(json_object_get(manual, "page")));
	assert_int_equal(json_array_size(json_object_get(manual, "rules")), 0);
	assert_int_equal(json_array_size(json_object_get(manual, "warnings")), 1);
	json_decref(manual);
	json_decref(facts);
}

#define PROBED                                                                                     \
	"{\"host\": {\"address\": \"192.168.1.31\", \"interface\": \"eth0\"}, \"router\": "        \
	"{\"address\": \"192.168.1.1\", \"model\": \"RT-AX3000\", \"url\": null, "                 \
	"\"wan_address\": \"11.0.0.45\", \"wan_kind\": \"public\"}, \"answers\": ["                \
	"{\"protocol\": \"pcp\", \"state\": \"ok\", \"said\": \"PCP version 2\", \"took\": "       \
	"0.0012},"                                                                                 \
	"{\"protocol\": \"upnp\", \"state\": \"silent\", \"said\": null, \"took\": 3.0}]}"

static void probe_says_what_each_protocol_said(void **state)
{
	json_t *facts = laid_over(PROBED, "{}");
	char *text;

	(void)state;
	assert_int_equal(probe_exit(facts), NATCTL_WELL);
	text = printed(probe_show, facts);
	assert_string_equal(text, "Router         192.168.1.1  RT-AX3000\n"
				  " PCP           yes  after 1.2 ms  PCP version 2\n"
				  " UPnP          no answer  after 3.0 s\n"
				  " WAN address   11.0.0.45  public\n"
				  "This host      192.168.1.31  eth0\n");
	free(text);
}

static void probe_exit_tells_what_helps(void **state)
{
	json_t *shared = laid_over(PROBED, "{\"router\": {\"wan_kind\": \"cgnat\"}}");
	json_t *silent = laid_over(PROBED, "{\"answers\": [{\"state\": \"silent\"}]}");
	json_t *nothing = json_pack("{s:s}", "reason", "this host has no default route");
	char *text;

	(void)state;
	assert_int_equal(probe_exit(shared), NATCTL_WARNING);
	assert_int_equal(probe_exit(silent), NATCTL_BROKEN);
	assert_int_equal(probe_exit(nothing), NATCTL_BROKEN);
	json_decref(shared);
	json_decref(silent);
	text = printed(probe_show, nothing);
	assert_string_equal(text, "No router:     this host has no default route\n");
	free(text);
}

static void list_is_a_table(void **state)
{
	char *text = printed(
		list_show,
		laid_over("{}",
			  "{\"complete\": true, \"reason\": null, \"mappings\": ["
			  "{\"protocol\": \"udp\", \"external_port\": 51820, \"client\": "
			  "\"192.168.1.31\", \"port\": 51820, \"description\": \"natd wireguard\","
			  " \"expires_in\": 7140, \"enabled\": true, \"owner\": \"us\"},"
			  "{\"protocol\": \"tcp\", \"external_port\": 80, \"client\": "
			  "\"192.168.1.7\", \"port\": 8080, \"description\": \"x\\u001b[1m\","
			  " \"expires_in\": 0, \"enabled\": false, \"owner\": \"other\"},"
			  "{\"protocol\": null}]}"));

	(void)state;
	assert_string_equal(
		text,
		"PROTO  EXTERNAL  TO                     EXPIRES   WHOSE      DESCRIPTION\n"
		"udp    51820     192.168.1.31:51820     2 h       us         natd wireguard\n"
		"tcp    80        192.168.1.7:8080       disabled  other      x?[1m\n"
		"       ?         :?                     never     ?          \n");
	free(text);
}

static void list_says_why_it_is_short(void **state)
{
	char *text;

	(void)state;
	text = printed(list_show, laid_over("{}", "{\"complete\": true, \"mappings\": []}"));
	assert_string_equal(text, "The router has no port open\n");
	free(text);
	text = printed(list_show, laid_over("{}", "{\"complete\": false, \"mappings\": [],"
						  " \"reason\": \"no UPnP\"}"));
	assert_string_equal(text, "The router's table could not be read to its end: no UPnP\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manual_has_every_value),
		cmocka_unit_test(manual_knows_the_usual_page),
		cmocka_unit_test(manual_leads_to_the_menu),
		cmocka_unit_test(manual_names_the_app),
		cmocka_unit_test(manual_says_when_it_cannot_help),
		cmocka_unit_test(manual_is_not_needed_while_all_is_well),
		cmocka_unit_test(manual_without_a_router),
		cmocka_unit_test(manual_for_programs),
		cmocka_unit_test(probe_says_what_each_protocol_said),
		cmocka_unit_test(probe_exit_tells_what_helps),
		cmocka_unit_test(list_is_a_table),
		cmocka_unit_test(list_says_why_it_is_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
