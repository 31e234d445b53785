/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What natctl watch says happened between two snapshots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "natd/ctl/changes.h"
#include "natd/ctl/members.h"

#define OPEN(port, external)                                                                       \
	"{\"name\": \"vpn\", \"protocol\": \"udp\", \"port\": " port                               \
	", \"external_port\": " external ", \"open\": true}"
#define CLOSED(port)                                                                               \
	"{\"name\": \"vpn\", \"protocol\": \"udp\", \"port\": " port ", \"external_port\": " port  \
	", \"open\": false}"
#define SNAPSHOT(wan, forwards, repairs)                                                           \
	"{\"wan_address\": " wan ", \"forwards\": [" forwards "], \"repairs\": " repairs           \
	", \"program\": \"nft\"}"

#define WAN "\"11.0.0.1\""

/* The names of the events between the two, with a comma between them. */
static const char *happened(const char *before, const char *after)
{
	static char text[128];
	json_t *was = json_loads(before, 0, NULL);
	json_t *is = json_loads(after, 0, NULL);
	json_t *events = changes_between(was, is);
	const json_t *event;
	size_t used = 0;
	size_t i;

	text[0] = '\0';
	json_array_foreach(events, i, event)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? "," : "",
					 text_of(event, "event"));
	json_decref(events);
	json_decref(was);
	json_decref(is);
	return text;
}

static void nothing_happened(void **state)
{
	(void)state;
	assert_string_equal(
		happened(SNAPSHOT(WAN, OPEN("1", "1"), "2"), SNAPSHOT(WAN, OPEN("1", "1"), "2")),
		"");
	assert_string_equal(happened("{}", "{}"), "");
	assert_string_equal(happened("{\"forwards\": null}", "{\"forwards\": [null, 3]}"), "");
}

static void one_thing_happened(void **state)
{
	static const char was[] = SNAPSHOT(WAN, OPEN("1", "1"), "2");

	(void)state;
	assert_string_equal(happened(was, SNAPSHOT("\"11.0.0.2\"", OPEN("1", "1"), "2")),
			    "wan-changed");
	assert_string_equal(happened(was, SNAPSHOT(WAN, OPEN("1", "7"), "2")), "port-changed");
	assert_string_equal(happened(was, SNAPSHOT(WAN, CLOSED("1"), "2")), "mapping-lost");
	assert_string_equal(happened(was, SNAPSHOT(WAN, "", "2")), "mapping-lost");
	assert_string_equal(happened(was, SNAPSHOT(WAN, OPEN("1", "1") "," OPEN("2", "2"), "2")),
			    "mapping-opened");
	assert_string_equal(happened(SNAPSHOT(WAN, CLOSED("1"), "2"), was), "mapping-opened");
	assert_string_equal(happened(was, SNAPSHOT(WAN, OPEN("1", "1"), "3")), "rules-repaired");
}

static void host_has_another_address(void **state)
{
	(void)state;
	assert_string_equal(happened("{\"host_address\": \"192.168.1.2\"}",
				     "{\"host_address\": \"192.168.1.3\"}"),
			    "host-changed");
	assert_string_equal(
		happened("{\"host_address\": \"192.168.1.2\"}", "{\"host_address\": null}"), "");
}

/* natctl(8): "old_host_address" is the one from before, also where there was none in between. */
static void an_address_is_remembered_while_there_is_none(void **state)
{
	json_t *before = json_loads("{\"host_address\": \"192.168.1.2\", \"wan_address\": " WAN "}",
				    0, NULL);
	json_t *without = json_loads("{\"host_address\": null, \"wan_address\": null}", 0, NULL);
	json_t *after = json_loads("{\"host_address\": \"192.168.1.3\", \"wan_address\": " WAN "}",
				   0, NULL);
	json_t *events;

	(void)state;
	changes_remember(NULL, before);
	changes_remember(before, without);
	events = changes_between(without, after);
	assert_int_equal(json_array_size(events), 1);
	assert_string_equal(text_of(json_array_get(events, 0), "event"), "host-changed");
	assert_string_equal(text_of(json_array_get(events, 0), "old_host_address"), "192.168.1.2");
	json_decref(events);
	events = changes_between(without, before); /* the same as before is no change */
	assert_int_equal(json_array_size(events), 0);
	json_decref(events);
	json_decref(before);
	json_decref(without);
	json_decref(after);
}

#define NAME(stale, addresses)                                                                     \
	"{\"name\": {\"name\": \"home.test\", \"stale\": " stale ", \"addresses\": [" addresses    \
	"]}}"

static void name_leads_elsewhere_and_back(void **state)
{
	static const char right[] = NAME("false", WAN);
	static const char stale[] = NAME("true", "\"11.0.0.9\"");

	(void)state;
	assert_string_equal(happened(right, stale), "name-stale");
	assert_string_equal(happened(right, NAME("true", "")), "name-stale");
	assert_string_equal(happened(stale, right), "name-right");
	assert_string_equal(happened(stale, NAME("true", "\"11.0.0.8\"")), "");
	assert_string_equal(happened("{}", stale), "name-stale");
	assert_string_equal(happened("{}", right), "");
	/* A natd that has just started has not asked yet; another configuration names none. */
	assert_string_equal(happened(stale, NAME("false", "")), "");
	assert_string_equal(happened(stale, "{}"), "");
}

static void much_happened(void **state)
{
	(void)state;
	assert_string_equal(happened(SNAPSHOT(WAN, OPEN("1", "1"), "2"),
				     SNAPSHOT("\"11.0.0.2\"", OPEN("2", "2"), "3")),
			    "wan-changed,mapping-lost,mapping-opened,rules-repaired");
}

/* While natd asks a router anew it knows no address; a natd that restarts counts from zero. */
static void not_knowing_is_no_event(void **state)
{
	(void)state;
	assert_string_equal(happened(SNAPSHOT(WAN, "", "2"), SNAPSHOT("null", "", "0")), "");
	assert_string_equal(happened(SNAPSHOT("null", "", "0"), SNAPSHOT(WAN, "", "0")),
			    "wan-changed");
}

static void events_say_what_it_was(void **state)
{
	json_t *was = json_loads(SNAPSHOT(WAN, OPEN("1", "1"), "2"), 0, NULL);
	json_t *is = json_loads(SNAPSHOT("\"11.0.0.2\"", OPEN("1", "7"), "2"), 0, NULL);
	json_t *events = changes_between(was, is);
	char *wan = json_dumps(json_array_get(events, 0), JSON_COMPACT);
	char *port = json_dumps(json_array_get(events, 1), JSON_COMPACT);

	(void)state;
	assert_string_equal(wan, "{\"event\":\"wan-changed\",\"wan_address\":\"11.0.0.2\","
				 "\"old_wan_address\":\"11.0.0.1\"}");
	assert_string_equal(port,
			    "{\"event\":\"port-changed\",\"name\":\"vpn\",\"protocol\":"
			    "\"udp\",\"port\":1,\"external_port\":7,\"old_external_port\":1}");
	free(wan);
	free(port);
	json_decref(events);
	json_decref(was);
	json_decref(is);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_happened),
		cmocka_unit_test(one_thing_happened),
		cmocka_unit_test(host_has_another_address),
		cmocka_unit_test(an_address_is_remembered_while_there_is_none),
		cmocka_unit_test(name_leads_elsewhere_and_back),
		cmocka_unit_test(much_happened),
		cmocka_unit_test(not_knowing_is_no_event),
		cmocka_unit_test(events_say_what_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
