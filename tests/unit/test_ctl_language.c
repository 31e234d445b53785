/* SPDX-License-Identifier: GPL-2.0-or-later */
/* natctl's screens in English and Japanese, compared with the kept copies in tests/unit/screens.
 * NATD_KEEP=1 writes them anew; look at the difference before keeping it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "natd/ctl/doctor.h"
#include "natd/ctl/list.h"
#include "natd/ctl/manual.h"
#include "natd/ctl/print.h"
#include "natd/ctl/probe.h"
#include "natd/ctl/recognise.h"
#include "natd/ctl/routers.h"
#include "natd/ctl/sentences.h"
#include "natd/ctl/status.h"
#include "natd/ctl/test.h"
#include "natd/ctl/text.h"
#include "natd/ctl/why.h"
#include "natd/config.h"
#include "natd/setting.h"
#include "natd/verdict.h"
#include "tests/unit/test_ctl_samples.h"
#include "tests/unit/test_ctl_catalogue.h"
#include "upnp/igd_soap.h"
#include "upnp/pcp.h"

#define SCREENS "tests/unit/screens/"

#define SAMPLE_LIST                                                                                \
	"{\"complete\": true, \"mappings\": ["                                                     \
	"{\"protocol\": \"udp\", \"external_port\": 51820, \"client\": \"192.168.1.31\", "         \
	"\"port\": 51820, \"description\": \"natd wireguard\", \"expires_in\": 7140, "             \
	"\"enabled\": true, \"owner\": \"us\"}, "                                                  \
	"{\"protocol\": \"tcp\", \"external_port\": 80, \"client\": \"192.168.1.7\", "             \
	"\"port\": 8080, \"description\": \"玄関のカメラ\", \"expires_in\": null, "          \
	"\"enabled\": false, \"owner\": \"other\"}]}"

#define SAMPLE_PROBE                                                                               \
	"{\"host\": {\"address\": \"192.168.1.31\", \"interface\": \"eth0\"}, \"router\": "        \
	"{\"address\": \"192.168.1.1\", \"model\": \"RT-AX3000\", \"url\": null, "                 \
	"\"wan_address\": \"192.168.0.2\", \"wan_kind\": \"private\"}, \"answers\": ["             \
	"{\"protocol\": \"pcp\", \"state\": \"ok\", \"said\": \"PCP version 2\", \"took\": "       \
	"0.0012}, {\"protocol\": \"upnp\", \"state\": \"silent\", \"said\": null, \"took\": 3}]}"

#define SAMPLE_PROBE6                                                                              \
	"{\"table\": {\"entries\": 3, \"complete\": true, \"said\": null, \"took\": 0.012}, "      \
	"\"ipv6\": {\"address\": \"2001:db8:5::10\", \"gateway\": \"fe80::1\", "                   \
	"\"firewall\": true, \"pinholes\": false, \"answers\": [{\"protocol\": \"pcp\", "          \
	"\"state\": \"refused\", \"said\": null, \"took\": 0.001}, {\"protocol\": \"upnp\", "      \
	"\"state\": \"ok\", \"said\": null, \"took\": 0.02}]}}"

#define SAMPLE_STALE                                                                               \
	"{\"name\": {\"name\": \"myhome.ddns.test\", \"addresses\": [\"11.0.0.12\"], "             \
	"\"matches\": false, \"wrong_for\": 18420}, \"notes\": [\"PiVPN's clients call "           \
	"192.168.1.31, which nobody reaches from outside: change Endpoint in their settings, "     \
	"and pivpnHOST for new ones\", \"a rule in /etc/iptables/rules.v4 lets clients out by "    \
	"wlan0, but this host goes out by eth0 now; natd's own rule does\"]}"

/* natd's own verdicts, so that the screens hold what it really says. */
static const struct facts well = { .has_route = true,
				   .has_router = true,
				   .asks_router = true,
				   .router_answers = true,
				   .wan_known = true,
				   .wan_kind = ADDRESS_PUBLIC,
				   .host_kind = ADDRESS_PRIVATE,
				   .wan_address = "11.0.0.45",
				   .router_address = "192.168.1.1",
				   .host_address = "192.168.1.31",
				   .forwards = 1,
				   .open = 1 };

static struct facts with_nothing_open(void)
{
	struct facts facts = well;

	facts.open = 0;
	facts.router_answers = false;
	facts.wan_known = false;
	return facts;
}

static struct facts with_questions(void)
{
	struct facts facts = with_nothing_open();

	facts.asking = true;
	return facts;
}

static struct facts with_cgnat(void)
{
	struct facts facts = well;

	facts.wan_kind = ADDRESS_CGNAT;
	snprintf(facts.wan_address, sizeof(facts.wan_address), "100.72.14.9");
	return facts;
}

static struct facts with_two_routers(void)
{
	struct facts facts = well;

	facts.wan_kind = ADDRESS_PRIVATE;
	snprintf(facts.wan_address, sizeof(facts.wan_address), "192.168.0.2");
	return facts;
}

static struct facts with_a_closed_outer_router(void)
{
	struct facts facts = well;

	facts.two_routers = true;
	facts.wan_kind = ADDRESS_PRIVATE;
	snprintf(facts.wan_address, sizeof(facts.wan_address), "192.168.0.2");
	snprintf(facts.next_address, sizeof(facts.next_address), "192.168.0.1");
	snprintf(facts.outer_rule, sizeof(facts.outer_rule), "UDP 51820 -> 192.168.0.2:51820");
	return facts;
}

static struct facts with_two_open_routers(void)
{
	struct facts facts = with_a_closed_outer_router();

	facts.outer_answers = true;
	facts.outer_open = 1;
	facts.outer_wan_kind = ADDRESS_PUBLIC;
	return facts;
}

static struct facts with_a_stale_name(void)
{
	struct facts facts = well;

	snprintf(facts.name, sizeof(facts.name), "myhome.ddns.test");
	snprintf(facts.name_address, sizeof(facts.name_address), "11.0.0.12");
	snprintf(facts.home_address, sizeof(facts.home_address), "11.0.0.45");
	facts.updater = "ddclient";
	return facts;
}

static struct facts with_nothing_wrong(void)
{
	return well;
}

/* natd's own words; the tests in tests/system/test_doctor.py have them from natd itself. */
/* clang-format off */
#define STEP(result, text) "{\"result\": \"" result "\", \"text\": \"" text "\"}"

#define SAMPLE_DOCTOR "{\"steps\": [" \
	STEP("ok", "this host (192.168.1.31) goes by eth0 to the router 192.168.1.1") "," \
	STEP("ok", "the router opens ports when asked by PCP, UPnP") "," \
	STEP("ok", "the router's WAN address 11.0.0.45 is public") "," \
	STEP("ok", "the router confirms: udp 51820 is open as external port 51820") "," \
	STEP("ok", "a program on this host listens on udp 51820") "," \
	STEP("ok", "the last packet from outside for udp 51820 came 240 s ago") "," \
	STEP("ok", "the tunnel wg0 is there") "," \
	STEP("ok", "wg0: clients that have shaken hands: 2 of 3, the last 21 s ago") "," \
	STEP("ok", "the kernel forwards the clients of wg0 to the internet by eth0") "," \
	STEP("ok", "the kernel holds natd's rules") "," \
	STEP("ok", "packets of wg0 fit the line: 1420 + 60 bytes of 1500") "]}"

#define SAMPLE_DOCTOR_SICK "{\"steps\": [" \
	STEP("unknown", "the router does not tell its WAN address") "," \
	STEP("info", "no packet from outside has come for udp 51820: natctl test waits for one") "," \
	STEP("info", "wg0: clients that have shaken hands: none of 3 yet") "," \
	STEP("fail", "the kernel does not forward what comes from wg0: forwarding is off") "," \
	STEP("warn", "packets of wg0 are too big for the line: 1420 + 60 bytes of 1454") "]}"
#define PACKET(fate, rest) "{\"packet\": {\"fate\": \"" fate "\", \"protocol\": \"udp\", " \
	"\"from\": \"10.8.0.2\", \"to\": \"1.1.1.1\", \"port\": 53, \"in\": \"wg0\"" rest "}, " \
	"\"result\": \"outside\"}"
#define TABLE(family, table, chain) ", \"family\": \"" family "\", \"table\": \"" table "\", " \
	"\"chain\": \"" chain "\""

#define SAMPLE_POLICY  PACKET("dropped", TABLE("ip", "filter", "FORWARD"))
#define SAMPLE_RULE    PACKET("dropped", TABLE("inet", "firewalld", "filter_FORWARD_POLICIES") \
			      ", \"handle\": 421, \"comment\": \"nobody comes in here\"")
#define SAMPLE_REACH   PACKET("dropped", TABLE("inet", "natd", "forwarding") \
			      ", \"handle\": 59, \"comment\": \"reach without lan\"")
#define SAMPLE_LEFT    PACKET("left", ", \"out\": \"eth0\", \"source\": \"192.168.1.31\"")
#define SAMPLE_GONE    PACKET("vanished", TABLE("inet", "natd", "hand-on"))
#define SAMPLE_LEGACY  PACKET("vanished", TABLE("inet", "natd", "forwarding") \
			      ", \"legacy\": [\"filter\"]")
#define SAMPLE_ARRIVED "{\"result\": \"outside\", \"packet\": {\"fate\": \"delivered\", " \
	"\"protocol\": \"udp\", \"from\": \"198.51.100.7\", \"to\": \"192.168.1.31\", \"port\": 51820, " \
	"\"in\": \"eth0\"}}"
#define SAMPLE_HOME    "{\"result\": \"none\", \"packet\": null, \"from_home\": 2}"
#define SAMPLE_NOTHING "{\"result\": \"none\", \"packet\": null, \"from_home\": 0}"
/* clang-format on */

static void show_test(FILE *out, const json_t *json)
{
	test_show(out, json, "14:03:05");
}

static void show_why(FILE *out, const json_t *json)
{
	why_show(out, json, "10.8.0.2", "1.1.1.1");
}

static struct facts with_packets_too_big(void)
{
	struct facts facts = well;

	snprintf(facts.too_big, sizeof(facts.too_big), "wg0");
	facts.fitting_mtu = 1394;
	facts.line_mtu = 1454;
	return facts;
}

/* Its commands are longer than a line. */
static struct facts with_docker(void)
{
	static const struct rules_firewall docker = { .family = AF_INET,
						      .owner = RULES_OWNER_DOCKER,
						      .table = "filter",
						      .chain = "FORWARD" };
	struct facts facts = well;

	facts.stopped = 37;
	facts.tunnel_dropper = &docker;
	snprintf(facts.stopped_tunnel, sizeof(facts.stopped_tunnel), "wg0");
	return facts;
}

static const struct screen {
	const char *name;
	void (*show)(FILE *out, const json_t *json);
	const char *base;
	const char *difference;
	struct facts (*facts)(void);
} screens[] = {
	{ "status-well", status_show, SAMPLE_WELL, "{}", with_nothing_wrong },
	{ "status-asking", status_show, SAMPLE_WELL, SAMPLE_ASKING, with_questions },
	{ "status-upnp-off", status_show, SAMPLE_WELL, SAMPLE_E10, with_nothing_open },
	{ "status-cgnat", status_show, SAMPLE_WELL, SAMPLE_E20, with_cgnat },
	{ "status-two-routers", status_show, SAMPLE_WELL, SAMPLE_E21, with_two_routers },
	{ "status-stale-name", status_show, SAMPLE_WELL, SAMPLE_STALE, with_a_stale_name },
	{ "status-nothing-known", status_show, SAMPLE_NULLS, "{}", NULL },
	{ "manual-ntt", manual_show, SAMPLE_WELL,
	  "{\"router\": {\"model\": null, \"url\": null, \"mac\": \"00:0d:02:01:02:03\", "
	  "\"wan_address\": null, \"wan_kind\": \"unknown\"}, \"forwards\": [{\"name\": "
	  "\"wireguard\", \"protocol\": \"udp\", \"port\": 51820, \"external_port\": 51820, "
	  "\"state\": \"failed\"}]}",
	  NULL },
	{ "status-outer", status_show, SAMPLE_WELL, SAMPLE_OUTER, with_two_open_routers },
	{ "status-outer-closed", status_show, SAMPLE_WELL, SAMPLE_OUTER_CLOSED,
	  with_a_closed_outer_router },
	{ "manual-outer", manual_show, SAMPLE_WELL, SAMPLE_OUTER_CLOSED, NULL },
	{ "manual-two-routers", manual_show, SAMPLE_WELL, SAMPLE_E21, NULL },
	{ "list", list_show, SAMPLE_LIST, "{}", NULL },
	{ "doctor-well", doctor_show, SAMPLE_DOCTOR, "{}", with_nothing_wrong },
	{ "doctor-size", doctor_show, SAMPLE_DOCTOR_SICK, "{}", with_packets_too_big },
	{ "doctor-docker", doctor_show, SAMPLE_DOCTOR, "{}", with_docker },
	{ "test-arrived", show_test, SAMPLE_ARRIVED, "{}", NULL },
	{ "test-home", show_test, SAMPLE_HOME, "{}", NULL },
	{ "test-nothing", show_test, SAMPLE_NOTHING, "{}", NULL },
	{ "why-policy", show_why, SAMPLE_POLICY, "{}", NULL },
	{ "why-rule", show_why, SAMPLE_RULE, "{}", NULL },
	{ "why-natd", show_why, SAMPLE_REACH, "{}", NULL },
	{ "why-left", show_why, SAMPLE_LEFT, "{}", NULL },
	{ "why-vanished", show_why, SAMPLE_GONE, "{}", NULL },
	{ "why-legacy", show_why, SAMPLE_LEGACY, "{}", NULL },
	{ "why-nothing", show_why, SAMPLE_NOTHING, "{}", NULL },
	{ "probe", probe_show, SAMPLE_PROBE, "{}", NULL },
	{ "probe-ipv6", probe_show, SAMPLE_PROBE, SAMPLE_PROBE6, NULL },
};

static const char *const languages[] = { "en", "ja" };

static void add_verdict(json_t *json, const struct facts *facts)
{
	struct verdict verdict = verdict_of(facts);

	json_object_set_new(json, "verdict",
			    json_pack("{s:s?, s:s, s:s, s:s}", "code", verdict.code, "works",
				      verdict_works_names[verdict.works], "text", verdict.text,
				      "advice", verdict.advice));
}

static json_t *sample(const struct screen *screen)
{
	char error[ROUTERS_ERROR_MAX];
	json_t *json = json_loads(screen->base, 0, NULL);
	json_t *over = json_loads(screen->difference, 0, NULL);
	json_t *routers = routers_read("natd/service/routers.conf", false, error);

	assert_non_null(json);
	assert_non_null(over);
	json_object_update_recursive(json, over);
	json_decref(over);
	if (screen->facts) {
		struct facts facts = screen->facts();

		add_verdict(json, &facts);
	}
	print_clean_json(json);
	recognise_router(json, routers);
	json_decref(routers);
	return json;
}

static char *shown(const struct screen *screen)
{
	json_t *json = sample(screen);
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	screen->show(out, json);
	fclose(out);
	json_decref(json);
	return text;
}

static void keep(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fputs(text, file) >= 0, 1);
	fclose(file);
}

static char *kept(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = calloc(1, 65536);

	if (!file)
		fail_msg("%s: %s (NATD_KEEP=1 writes it)", path, strerror(errno));
	assert_true(fread(text, 1, 65535, file) < 65535);
	fclose(file);
	return text;
}

static void assert_fits(const char *name, const char *text)
{
	char line[1024];

	for (const char *at = text; *at; at += strcspn(at, "\n") + 1) {
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
		if (print_width(line) > PRINT_COLUMNS)
			fail_msg("%s: %zu columns: %s", name, print_width(line), line);
	}
}

static void screens_are_as_kept(void **state)
{
	char path[256];

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(screens) / sizeof(screens[0]); i++) {
		const struct screen *screen = &screens[i / 2];
		char *text;
		char *before;

		assert_true(text_use(languages[i % 2]));
		text = shown(screen);
		snprintf(path, sizeof(path), SCREENS "%s.%s", screen->name, languages[i % 2]);
		if (getenv("NATD_KEEP"))
			keep(path, text);
		before = kept(path);
		assert_string_equal(text, before);
		assert_fits(path, text);
		free(before);
		free(text);
	}
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if (*text & 0x80)
			return false;
	return true;
}

static void sentences_keep_their_values(void **state)
{
	char text[SENTENCE_MAX];

	(void)state;
	assert_true(text_use("ja"));
	assert_string_equal(
		sentence("two routers in a row: the WAN address 192.168.0.2 of the router "
			 "192.168.1.1 is private",
			 text),
		"二重ルーター: ルーター 192.168.1.1 の WAN アドレス 192.168.0.2 "
		"がプライベートアドレスです");
	/* The router's own words stay; natd's reason in them is a sentence itself. */
	assert_string_equal(sentence("the router did not open udp 51820: PCP 77 ?", text),
			    "ルーターが udp 51820 を開きませんでした: PCP 77 ?");
	assert_string_equal(
		sentence("the router did not open udp 51820: the router's table is full", text),
		"ルーターが udp 51820 を開きませんでした: ルーターの表がいっぱいです");
	assert_string_equal(
		sentence("udp 51820 is open as external port 1024: UPnP 718 UDP 51820 is held by "
			 "192.168.1.7 port 51820 (game)",
			 text),
		"udp 51820 は外部ポート 1024 で開いています: UDP 51820 は 192.168.1.7 のポート "
		"51820 "
		"に転送されています (game、UPnP 718)");
	assert_string_equal(sentence("this line (v6 Plus) owns only some ports, not 51820; 50528 "
				     "is open instead",
				     text),
			    "この回線 (v6プラス) で使えるのは一部のポートだけで、51820 "
			    "は使えません。代わりに 50528 "
			    "を開放しました");
}

/* What the router said comes in natd's words, which its number follows: the maker's help may know it. */
static void reasons_of_routers_are_sentences(void **state)
{
	static const struct {
		const char *said;
		const char *shown;
	} cases[] = {
		{ "the router did not open udp 51820: UPnP 606 Action not authorized",
		  "ルーターが udp 51820 を開きませんでした: ルーターがこの操作を許可していません "
		  "(UPnP 606)" },
		{ "udp 51820 is taken on the router: UPnP 718 UDP 51820 is held by 192.168.1.7 "
		  "port 51820 (game)",
		  "udp 51820 はルーターで使用中です: UDP 51820 は 192.168.1.7 のポート 51820 "
		  "に転送されています (game、UPnP 718)" },
		{ "PCP 2 NOT_AUTHORIZED; UPnP 606 Action not authorized",
		  "ルーターがこの操作を許可していません (PCP "
		  "2)、ルーターがこの操作を許可していません "
		  "(UPnP 606)" },
		{ "UPnP 899 UnknownError", "ルーターがエラーを返しました (UPnP 899 UnknownError)" },
	};
	char text[SENTENCE_MAX];

	(void)state;
	assert_true(text_use("ja"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(sentence(cases[i].said, text), cases[i].shown);
	/* All that natd can get to hear from libminiupnpc about a number, and of its own codes. */
	for (int code = 400; code < 800; code++) {
		char english[UPNP_TEXT_MAX];

		igd_say(english, code);
		if (is_ascii(sentence(english, text)))
			fail_msg("natd/ctl/sentences_router.c lacks: %s", english);
	}
	for (uint8_t code = 1; code < 14; code++) {
		char english[UPNP_TEXT_MAX];

		snprintf(english, sizeof(english), "PCP %u %s", code, pcp_result_name(code));
		if (is_ascii(sentence(english, text)))
			fail_msg("natd/ctl/sentences_router.c lacks: %s", english);
	}
}

static void unknown_sentences_stay_english(void **state)
{
	static const char *const unknown[] = {
		"",
		"something that no natd says",
		"asking the router",
		"the router did not open udp 51820",
		"%s is taken on the router",
		"%n%s%s%s%s",
	};
	char text[SENTENCE_MAX];

	(void)state;
	assert_true(text_use("ja"));
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_ptr_equal(sentence(unknown[i], text), unknown[i]);
}

static void a_long_value_is_cut_not_overrun(void **state)
{
	char english[SENTENCE_MAX * 2] = "the router did not open udp 1: ";
	char text[SENTENCE_MAX];
	size_t used = strlen(english);

	(void)state;
	assert_true(text_use("ja"));
	memset(english + used, 'x', sizeof(english) - used - 1);
	english[sizeof(english) - 1] = '\0';
	assert_ptr_equal(sentence(english, text), text);
	assert_int_equal(strlen(text), SENTENCE_MAX - 1);
}

static void english_is_left_as_natd_says_it(void **state)
{
	static const char said[] = "asking the router 192.168.1.1";
	char text[SENTENCE_MAX];

	(void)state;
	assert_true(text_use("en"));
	assert_ptr_equal(sentence(said, text), said);
	assert_false(text_is_japanese());
}

/* Every verdict that natd reaches from any set of facts has a Japanese sentence and advice. */
static void every_verdict_is_translated(void **state)
{
	char text[SENTENCE_MAX];

	(void)state;
	assert_true(text_use("ja"));
	for (unsigned int bits = 0; bits < 1 << 13; bits++) {
		struct facts facts = well;
		struct verdict verdict;

		facts.has_route = !(bits & 1);
		facts.has_router = !(bits & 2);
		facts.asks_router = !(bits & 4);
		facts.router_answers = !(bits & 8);
		facts.wan_kind = (enum address_kind)(bits >> 4 & 7) % (ADDRESS_DSLITE + 1);
		facts.open = !(bits & 1 << 7);
		facts.host_refused = bits & 1 << 8;
		facts.port_taken = bits & 1 << 9;
		facts.dropped = bits & 1 << 10;
		facts.not_listening = bits & 1 << 11;
		facts.asking = bits & 1 << 12;
		if (bits & 1 << 3)
			facts.too_big[0] = facts.not_forwarded[0] = 'x';
		facts.has_tunnels = bits & 1 << 5;
		snprintf(facts.failed, sizeof(facts.failed), "udp 51820");
		snprintf(facts.silent_port, sizeof(facts.silent_port), "udp 51820");
		snprintf(facts.reason, sizeof(facts.reason), "the router gives no reason");
		verdict = verdict_of(&facts);
		if (is_ascii(sentence(verdict.text, text)))
			fail_msg("natd/ctl/sentences.c or natd/po/ja.po lacks: %s", verdict.text);
		if (verdict.advice[0] && is_ascii(sentence(verdict.advice, text)))
			fail_msg("natd/ctl/sentences.c or natd/po/ja.po lacks: %s", verdict.advice);
	}
}

/* The format of each sentence of the doctor is a sentence of its own form. */
/* The literals in the calls of `call` in the files that `cat` prints. */
static void assert_translated(const char *cat, const char *call, size_t least)
{
	FILE *file = popen(cat, "re");
	char *source = calloc(1, 65536);
	char text[SENTENCE_MAX];
	size_t count = 0;

	assert_true(text_use("ja"));
	assert_non_null(file);
	assert_true(fread(source, 1, 65535, file) < 65535);
	for (char *at = source; (at = strstr(at, call)); count++) {
		char *start = strchr(at, '"') + 1;

		at = strchr(start, '"');
		*at++ = '\0';
		if (strcmp(start, "%s") != 0 && is_ascii(sentence(start, text)))
			fail_msg("natd/ctl/sentences*.c or natd/po/ja.po lacks: %s", start);
	}
	assert_true(count >= least);
	pclose(file);
	free(source);
}

static void every_step_is_translated(void **state)
{
	(void)state;
	assert_translated("cat natd/doctor_router.c natd/doctor_host.c", "finding_say(finding,",
			  20);
}

static void every_refusal_is_translated(void **state)
{
	(void)state;
	assert_translated("cat natd/control*.c", "client_refuse(client,", 10);
	assert_translated("cat natd/engine*.c", "snprintf(error,", 3);
	assert_translated("cat natd/control.h", "#define CONTROL_BUSY", 1);
	assert_translated("sed -n '/failure_texts\\[/,/^}/p' natd/engine_answers.c", "] = \"", 8);
}

/* natctl reload says what is wrong in natd.conf. */
static void every_error_of_a_configuration_is_translated(void **state)
{
	static const char *const wrong[] = {
		"router { leese = 7200 }",
		"router { lease = 5 }",
		"router {",
		"}",
		"name =",
		"name myhome.example",
		"router 7",
		"{",
		"forward { port = 1 }",
		"forward \"a b\" { port = 1 }",
		"forward \"a\" { port = 1 }\nforward \"a\" { port = 2 }",
		"forward \"a\" { port = 1 }\nforward \"b\" { port = 1 }",
		"forward \"a\" { }",
		"tunnel \"a name of no interface\" { }",
		"/* no end",
		"name = \"no end\n",
		"name = 'no end\n",
		"client \"10.8.0.2\" { }",
		"client \"10.8.0.2/24\" { egress = none }",
		"client \"10.8.0.2\" { egress = \"2001:db8::1\" }",
		"client \"10.8.0.2\" { egress = none }\nclient \"10.8.0.2/32\" { egress = none }",
		"publish \"a\" { port = 1 }",
		"publish \"a\" { port = \"1-10\"  to = 10.8.0.2  to-port = 65530 }",
		"publish \"a\" { port = 1  to = 10.8.0.2 }\npublish \"b\" { port = 1  to = "
		"10.8.0.3 }",
	};
	char path[] = "/tmp/test_ctl_language.XXXXXX";
	int fd = mkstemp(path);
	char error[CONFIG_ERROR_MAX];
	char text[SENTENCE_MAX];
	struct config config;

	(void)state;
	assert_true(text_use("ja"));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, wrong[i], strlen(wrong[i]), 0), strlen(wrong[i]));
		error[0] = '\0';
		assert_false(config_read(&config, path, false, error));
		if (is_ascii(sentence(error, text)) || strstr(text, "allowed"))
			fail_msg("natd/ctl/sentences_config.c lacks: %s", error);
	}
	close(fd);
	unlink(path);
	for (size_t i = 0; i < setting_count; i++)
		if (is_ascii(sentence(settings[i].allowed, text)))
			fail_msg("natd/ctl/sentences_config.c lacks: %s", settings[i].allowed);
	assert_string_equal(
		sentence(
			"/etc/natd/natd.conf:3: lease = \"5\" is not allowed; allowed: seconds, 20 "
			"to 604800",
			text),
		"/etc/natd/natd.conf の 3 行目: lease = \"5\" は使えません。使えるもの: 20 から "
		"604800 "
		"の秒数");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(screens_are_as_kept),
		cmocka_unit_test(sentences_keep_their_values),
		cmocka_unit_test(reasons_of_routers_are_sentences),
		cmocka_unit_test(unknown_sentences_stay_english),
		cmocka_unit_test(a_long_value_is_cut_not_overrun),
		cmocka_unit_test(english_is_left_as_natd_says_it),
		cmocka_unit_test(every_verdict_is_translated),
		cmocka_unit_test(every_step_is_translated),
		cmocka_unit_test(every_refusal_is_translated),
		cmocka_unit_test(every_error_of_a_configuration_is_translated),
	};

	start_text();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
