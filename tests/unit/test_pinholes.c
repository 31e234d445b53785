/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pinholes of IPv6: for which address, what is asked, when, and what becomes of the answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "natd/log.h"
#include "natd/pinholes.h"

#define SECOND 1000

static struct upnp_request sent[32];
static size_t sent_count;
static size_t saves;
static struct pinholes pinholes;
static struct forwards forwards;
static struct config config;

static void record(void *context, const struct upnp_request *request)
{
	(void)context;
	assert_true(sent_count < 32);
	assert_false(pinholes.dirty); /* it is on disk before it is asked */
	sent[sent_count++] = *request;
}

static void save(void *context)
{
	(void)context;
	saves++;
	pinholes.dirty = false;
}

static const struct engine_hooks hooks = { .send = record, .save = save };

static struct address address(const char *text)
{
	struct address parsed;

	assert_true(address_parse(&parsed, text));
	return parsed;
}

static struct pinhole_network at(const char *ours)
{
	return (struct pinhole_network){ .gateway = address("fe80::1"),
					 .address = address(ours),
					 .index = 2 };
}

static void want(const struct pinhole_network *network)
{
	pinholes_want(&pinholes, &config, &forwards, network);
}

/* What was sent since the last call: "pin 1" and "unpin 1". */
static const char *asked(void)
{
	static char text[256];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sent_count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %u", i ? ", " : "",
					 sent[i].what == UPNP_PIN ? "pin" : "unpin",
					 sent[i].pinhole.id);
	sent_count = 0;
	return text;
}

static void answer(enum upnp_report_what what, uint32_t id, const struct upnp_pinned *pinned,
		   int64_t now)
{
	struct upnp_report report = { .what = what, .pinned = *pinned };

	report.pinned.id = id;
	assert_true(pinholes_report(&pinholes, &report, now));
}

static void grant(uint32_t id, uint8_t via, int64_t now)
{
	struct upnp_pinned granted = {
		.via = via,
		.unique_id = via == UPNP_IGD ? 7 : 0,
		.external_port = 51820,
		.external_address = address("2001:db8::10").v6,
		.lifetime = 7200,
	};

	answer(UPNP_PINNED, id, &granted, now);
}

static void refuse(uint32_t id, enum upnp_failure failure, int64_t now)
{
	struct upnp_pinned failed = { .via = UPNP_ANY, .failure = (uint8_t)failure };

	snprintf(failed.said, sizeof(failed.said), "PCP over IPv6: refused");
	answer(UPNP_PIN_FAILED, id, &failed, now);
}

/* One forward, and a router that has been asked for it. */
static int start(void **state)
{
	static const struct config_forward wireguard = { .name = "wireguard",
							 .protocol = IPPROTO_UDP,
							 .port = 51820,
							 .external = 51820,
							 .ipv6 = true };
	struct pinhole_network network = at("2001:db8::10");

	(void)state;
	memset(&forwards, 0, sizeof(forwards));
	config_defaults(&config);
	pinholes_init(&pinholes, &hooks, NULL);
	saves = sent_count = 0;
	forwards_add(&forwards, &wireguard)->state = FORWARD_OPENING;
	want(&network);
	assert_string_equal(asked(), "pin 1");
	return 0;
}

static const struct pinhole *only(void)
{
	return pinholes_of(&pinholes, &forwards.list[0].wanted);
}

static void assert_sent(size_t index, const char *text)
{
	struct address expected = address(text);

	assert_memory_equal(&sent[index].pinhole.address, &expected.v6, 16);
}

static void test_asks_for_the_stable_address(void **state)
{
	struct address gateway = address("fe80::1");

	(void)state;
	assert_int_equal(saves, 1);
	assert_int_equal(sent[0].pinhole.via, UPNP_ANY);
	assert_int_equal(sent[0].pinhole.port, 51820);
	assert_int_equal(sent[0].pinhole.lifetime, 7200);
	assert_int_equal(sent[0].pinhole.ifindex, 2);
	assert_sent(0, "2001:db8::10");
	assert_int_equal(memcmp(&sent[0].pinhole.gateway, &gateway.v6, 16), 0);
	assert_int_equal(only()->state, FORWARD_OPENING);
}

static void test_nothing_is_asked_twice(void **state)
{
	struct pinhole_network network = at("2001:db8::10");

	(void)state;
	want(&network);
	pinholes_follow(&pinholes, &config, &forwards);
	grant(1, UPNP_PCP, 0);
	want(&network);
	assert_string_equal(asked(), "");
}

static void test_is_renewed_by_what_holds_it(void **state)
{
	(void)state;
	grant(1, UPNP_IGD, 0);
	assert_int_equal(only()->state, FORWARD_OPEN);
	assert_in_range(pinholes_deadline(&pinholes), 3600 * SECOND, 4500 * SECOND);
	pinholes_tick(&pinholes, 3599 * SECOND);
	assert_string_equal(asked(), "");
	pinholes_tick(&pinholes, 4500 * SECOND);
	assert_int_equal(sent[0].pinhole.via, UPNP_IGD);
	assert_int_equal(sent[0].pinhole.unique_id, 7);
	assert_string_equal(asked(), "pin 1");
	assert_int_equal(only()->state, FORWARD_OPEN); /* while it is renewed */
	assert_int_equal(pinholes_deadline(&pinholes), 0);
}

static void test_follows_the_address(void **state)
{
	struct pinhole_network moved = at("2001:db8:2::10");

	(void)state;
	grant(1, UPNP_PCP, 0);
	want(&moved);
	assert_sent(0, "2001:db8::10");
	assert_sent(1, "2001:db8:2::10");
	assert_string_equal(asked(), "unpin 1, pin 2");
	answer(UPNP_UNPINNED, 1, &(struct upnp_pinned){ .removed = true }, 0);
	assert_int_equal(pinholes.count, 1);
	assert_int_equal(only()->id, 2);
}

static void test_comes_back_after_a_loss_of_the_network(void **state)
{
	struct pinhole_network network = at("2001:db8::10");
	struct pinhole_network none = { .why = "this host has no public IPv6 address" };

	(void)state;
	grant(1, UPNP_PCP, 0);
	want(&none);
	assert_string_equal(asked(), "");
	assert_null(only());
	assert_string_equal(pinholes_why_none(&pinholes, &forwards.list[0]), none.why);
	want(&network);
	assert_int_equal(sent[0].pinhole.via, UPNP_PCP);
	assert_string_equal(asked(), "pin 1"); /* with its nonce: the router still has it */
}

static void test_another_router_is_asked_afresh(void **state)
{
	struct pinhole_network network = at("2001:db8::10");

	(void)state;
	grant(1, UPNP_PCP, 0);
	network.gateway = address("fe80::2");
	want(&network);
	assert_memory_equal(&sent[0].pinhole.gateway, &network.gateway.v6, 16);
	assert_string_equal(asked(), "pin 1");
	assert_int_equal(only()->state, FORWARD_OPENING);
}

static int64_t failing(enum upnp_failure failure, const int64_t *rests, size_t count)
{
	int64_t now = 0;

	for (size_t i = 0; i < count; i++) {
		refuse(1, failure, now);
		assert_int_equal(only()->state, FORWARD_FAILED);
		assert_string_equal(only()->reason, "PCP over IPv6: refused");
		assert_int_equal(pinholes_deadline(&pinholes), now + rests[i] * SECOND);
		now += rests[i] * SECOND;
		pinholes_tick(&pinholes, now);
		assert_string_equal(asked(), "pin 1");
	}
	return now;
}

static void test_a_refusal_is_told_and_tried_again_rarely(void **state)
{
	static const int64_t rests[] = { 900, 3600, 3600 };

	(void)state;
	grant(1, UPNP_PCP, failing(UPNP_NO_PROTOCOL, rests, 3));
	assert_string_equal(only()->reason, "");
}

static void test_silence_is_tried_again_soon(void **state)
{
	static const int64_t rests[] = { 4, 16, 60, 600, 3600, 3600 };

	(void)state;
	failing(UPNP_NO_ANSWER, rests, 6);
}

static void tell(enum upnp_state state, int64_t now)
{
	struct upnp_report report = { .what = UPNP_PROTOCOL,
				      .protocol = { .state = (uint8_t)state } };

	assert_false(pinholes_report(&pinholes, &report, now)); /* the engine wants it as well */
	pinholes_tick(&pinholes, now);
}

static void test_a_router_that_answers_later_is_asked_then(void **state)
{
	(void)state;
	refuse(1, UPNP_NO_PROTOCOL, 0);
	tell(UPNP_OK, 100);
	assert_string_equal(asked(), ""); /* it was there before */
	tell(UPNP_ASKING, 2 * SECOND);
	tell(UPNP_REFUSED, 2 * SECOND);
	assert_string_equal(asked(), "");
	tell(UPNP_ASKING, 4 * SECOND);
	tell(UPNP_OK, 4 * SECOND);
	assert_string_equal(asked(), "pin 1");
}

/* At boot, IPv6 is often there before DHCP has answered. */
static void test_a_router_that_is_known_on_ipv4_later_is_asked_then(void **state)
{
	(void)state;
	pinholes_miss_ipv4(&pinholes);
	refuse(1, UPNP_NO_PROTOCOL, 0);
	tell(UPNP_ASKING, 1 * SECOND);
	assert_string_equal(asked(), "");
	tell(UPNP_OK, 1 * SECOND);
	assert_string_equal(asked(), "pin 1");
	refuse(1, UPNP_NO_PROTOCOL, 2 * SECOND);
	tell(UPNP_OK, 60 * SECOND);
	assert_string_equal(asked(), ""); /* it was there before */
}

static void test_a_firewall_that_turns_up_is_asked(void **state)
{
	struct upnp_report report = { .what = UPNP_SERVICE };

	(void)state;
	refuse(1, UPNP_NO_PROTOCOL, 0);
	assert_false(pinholes_report(&pinholes, &report, 1 * SECOND));
	pinholes_tick(&pinholes, 1 * SECOND);
	assert_string_equal(asked(), "");
	snprintf(report.service.firewall, UPNP_TEXT_MAX, "http://192.168.1.1:5000/ctl/IP6FCtl");
	assert_false(pinholes_report(&pinholes, &report, 2 * SECOND));
	pinholes_tick(&pinholes, 2 * SECOND);
	assert_string_equal(asked(), "pin 1");
	grant(1, UPNP_IGD, 3 * SECOND);
	assert_false(pinholes_report(&pinholes, &report, 60 * SECOND)); /* the same one */
	pinholes_tick(&pinholes, 60 * SECOND);
	assert_string_equal(asked(), "");
	snprintf(report.service.firewall, UPNP_TEXT_MAX, "http://192.168.1.1:5001/ctl/IP6FCtl");
	assert_false(pinholes_report(&pinholes, &report, 61 * SECOND)); /* it has restarted */
	pinholes_tick(&pinholes, 61 * SECOND);
	assert_string_equal(asked(), "pin 1");
}

/* It was gone and is back: perhaps it has restarted. */
static void test_a_router_that_is_back_is_asked_for_what_is_open(void **state)
{
	(void)state;
	grant(1, UPNP_PCP, 0);
	tell(UPNP_OK, 1 * SECOND);
	tell(UPNP_SILENT, 60 * SECOND);
	assert_string_equal(asked(), "");
	tell(UPNP_OK, 90 * SECOND);
	assert_string_equal(asked(), "pin 1");
	assert_int_equal(only()->state, FORWARD_OPEN); /* while it is renewed */
}

/* It starts while the next protocol is still waited for. */
static void test_a_failure_of_before_the_router_started(void **state)
{
	struct upnp_report lost = { .what = UPNP_LOST, .lost = { .delay_ms = 100 } };

	(void)state;
	tell(UPNP_REFUSED, 0);
	tell(UPNP_OK, 1 * SECOND);
	assert_string_equal(asked(), "");
	refuse(1, UPNP_NO_PROTOCOL, 4 * SECOND);
	pinholes_tick(&pinholes, 4 * SECOND);
	assert_string_equal(asked(), "pin 1");
	assert_false(pinholes_report(&pinholes, &lost, 5 * SECOND));
	refuse(1, UPNP_NO_PROTOCOL, 8 * SECOND);
	pinholes_tick(&pinholes, 8 * SECOND);
	assert_string_equal(asked(), "pin 1");
	refuse(1, UPNP_NO_PROTOCOL, 9 * SECOND);
	pinholes_tick(&pinholes, 9 * SECOND);
	assert_string_equal(asked(), "");
}

static void test_a_router_that_lost_its_state_is_asked_again(void **state)
{
	struct upnp_report report = { .what = UPNP_LOST, .lost = { .delay_ms = 100 } };

	(void)state;
	grant(1, UPNP_PCP, 0);
	report.hop = 1; /* the router before it has restarted, not this one */
	assert_false(pinholes_report(&pinholes, &report, 0));
	pinholes_tick(&pinholes, 100);
	assert_string_equal(asked(), "");
	report.hop = 0;
	assert_false(pinholes_report(&pinholes, &report, 0)); /* the engine wants it as well */
	pinholes_tick(&pinholes, 100);
	assert_string_equal(asked(), "pin 1");
}

static void test_is_removed_with_its_forward(void **state)
{
	(void)state;
	grant(1, UPNP_PCP, 0);
	forwards.list[0].state = FORWARD_CLOSING;
	pinholes_follow(&pinholes, &config, &forwards);
	assert_string_equal(asked(), "unpin 1");
	assert_false(pinholes_are_idle(&pinholes));
	answer(UPNP_UNPINNED, 1, &(struct upnp_pinned){ .removed = true }, 0);
	assert_true(pinholes_are_idle(&pinholes));
	assert_int_equal(pinholes.count, 0);
}

/* The answer to a question that was taken back: what was granted must go. */
static void test_a_grant_that_comes_too_late_is_undone(void **state)
{
	(void)state;
	pinholes_stop(&pinholes);
	assert_string_equal(asked(), "unpin 1");
	grant(1, UPNP_PCP, 0);
	assert_int_equal(sent[0].pinhole.via, UPNP_PCP);
	assert_string_equal(asked(), "unpin 1");
}

static void test_only_where_it_is_wanted(void **state)
{
	struct pinhole_network network = at("2001:db8::10");

	(void)state;
	grant(1, UPNP_PCP, 0);
	forwards.list[0].wanted.ipv6 = false;
	want(&network);
	assert_string_equal(asked(), "unpin 1");
	assert_string_equal(pinholes_why_none(&pinholes, &forwards.list[0]),
			    "natd.conf says ipv6 = false");
	forwards.list[0].temporary = true;
	assert_string_equal(pinholes_why_none(&pinholes, &forwards.list[0]),
			    "natctl open opens a port for IPv4 only");
	forwards.list[0].wanted.ipv6 = true;
	config.order[0] = UPNP_NATPMP; /* which knows no IPv6 */
	config.order_count = 1;
	want(&network);
	assert_string_equal(asked(), "");
}

/* After a crash: the same pinhole is renewed, and one that is not wanted any more is removed. */
static void test_restored(void **state)
{
	static struct pinholes before;
	struct pinhole_network network = at("2001:db8::10");
	struct address former = address("2001:db8:9::10");
	json_t *saved;

	(void)state;
	grant(1, UPNP_IGD, 0);
	before = pinholes;
	pinholes_add(&before, IPPROTO_UDP, 51820, &former)->via = UPNP_PCP;
	saved = pinholes_to_json(&before);
	pinholes_init(&pinholes, &hooks, NULL);
	assert_true(pinholes_restore(&pinholes, json_array_get(saved, 0)));
	assert_true(pinholes_restore(&pinholes, json_array_get(saved, 1)));
	json_decref(saved);
	want(&network);
	assert_int_equal(sent[1].pinhole.via, UPNP_IGD);
	assert_int_equal(sent[1].pinhole.unique_id, 7);
	assert_memory_equal(sent[1].pinhole.nonce, before.list[0].nonce, UPNP_NONCE_SIZE);
	assert_string_equal(asked(), "unpin 2, pin 1");
}

/* ---- which address ---- */

static struct network host;

static void add_address(const char *text, bool temporary, bool usable)
{
	host.addresses[host.address_count++] = (struct network_address){
		.index = 2,
		.prefix = { address(text), 64 },
		.temporary = temporary,
		.usable = usable,
	};
}

static void expect_address(const char *present, const char *expected)
{
	struct address now = address(present);
	struct address found = network_public_v6(&host, 2, &now);
	char text[ADDRESS_TEXT_MAX];

	assert_string_equal(address_print(&found, text), expected);
}

static void test_never_a_temporary_or_local_address(void **state)
{
	(void)state;
	memset(&host, 0, sizeof(host));
	add_address("fe80::10", false, true);
	add_address("fd00::10", false, true);
	add_address("2001:db8::dead", true, true);
	add_address("2001:db8:1::10", false, false); /* deprecated */
	expect_address("::", "");
	add_address("2001:db8::10", false, true);
	add_address("2001:db8::beef", true, true);
	expect_address("::", "2001:db8::10");
	add_address("2001:db8:7::10", false, true);
	expect_address("2001:db8:7::10", "2001:db8:7::10"); /* it stays what it was */
	expect_address("2001:db8:1::10", "2001:db8::10");   /* while it can */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_asks_for_the_stable_address, start),
		cmocka_unit_test_setup(test_nothing_is_asked_twice, start),
		cmocka_unit_test_setup(test_is_renewed_by_what_holds_it, start),
		cmocka_unit_test_setup(test_follows_the_address, start),
		cmocka_unit_test_setup(test_comes_back_after_a_loss_of_the_network, start),
		cmocka_unit_test_setup(test_another_router_is_asked_afresh, start),
		cmocka_unit_test_setup(test_a_refusal_is_told_and_tried_again_rarely, start),
		cmocka_unit_test_setup(test_silence_is_tried_again_soon, start),
		cmocka_unit_test_setup(test_a_router_that_answers_later_is_asked_then, start),
		cmocka_unit_test_setup(test_a_router_that_is_known_on_ipv4_later_is_asked_then,
				       start),
		cmocka_unit_test_setup(test_a_firewall_that_turns_up_is_asked, start),
		cmocka_unit_test_setup(test_a_router_that_is_back_is_asked_for_what_is_open, start),
		cmocka_unit_test_setup(test_a_failure_of_before_the_router_started, start),
		cmocka_unit_test_setup(test_a_router_that_lost_its_state_is_asked_again, start),
		cmocka_unit_test_setup(test_is_removed_with_its_forward, start),
		cmocka_unit_test_setup(test_a_grant_that_comes_too_late_is_undone, start),
		cmocka_unit_test_setup(test_only_where_it_is_wanted, start),
		cmocka_unit_test_setup(test_restored, start),
		cmocka_unit_test(test_never_a_temporary_or_local_address),
	};

	log_open("test", false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
