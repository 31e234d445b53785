/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which router is it? What one holds is neither asked for nor removed at another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <string.h>

#include "natd/engine.h"

#define SECOND 1000

static const uint8_t home_mac[MAC_SIZE] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t cafe_mac[MAC_SIZE] = { 2, 0, 0, 0, 0, 2 };
static const uint8_t no_mac[MAC_SIZE];

static struct upnp_request sent[64];
static size_t sent_count;

static void record(void *context, const struct upnp_request *request)
{
	(void)context;
	assert_true(sent_count < 64);
	sent[sent_count++] = *request;
}

static void save(void *context)
{
	struct engine *engine = context;

	engine->forwards.dirty = false;
}

static const struct engine_hooks hooks = { record, save, NULL };

static const struct config_forward wireguard = {
	.name = "wireguard", .protocol = IPPROTO_UDP, .port = 51820, .external = 51820
};

/* The requests since the last call, one letter each. */
static const char *letters(void)
{
	static const char names[] = "UMXAPLOSDK";
	static char text[65];

	for (size_t i = 0; i < sent_count; i++)
		text[i] = names[sent[i].what];
	text[sent_count] = '\0';
	sent_count = 0;
	return text;
}

/* Every router here is 192.168.1.1. */
static void move_to(struct engine *engine, const uint8_t mac[MAC_SIZE], int64_t now)
{
	struct upnp_network network = { .ifindex = 2, .prefix = 24 };

	network.gateway.s_addr = inet_addr("192.168.1.1");
	network.address.s_addr = inet_addr("192.168.1.31");
	memcpy(network.mac, mac, MAC_SIZE);
	engine_network(engine, &network, now);
}

static void grant(struct engine *engine, uint16_t port)
{
	struct upnp_report report = { .what = UPNP_MAPPED, .generation = engine->generation };

	report.granted = (struct upnp_granted){ .id = engine->forwards.list[0].id,
						.via = UPNP_PCP,
						.external_port = port,
						.lifetime = 7200 };
	assert_true(engine_report(engine, &report, 2 * SECOND));
}

static void want(struct engine *engine, size_t count)
{
	struct config config;

	config_defaults(&config);
	engine_want(engine, &config, &wireguard, count, SECOND);
}

/* Behind the router at home, which has opened the port. */
static void be_at_home(struct engine *engine)
{
	sent_count = 0;
	engine_init(engine, &hooks, engine);
	want(engine, 1);
	move_to(engine, home_mac, SECOND);
	grant(engine, 51821);
	sent_count = 0;
}

static void test_another_router_is_asked_with_a_fresh_nonce(void **state)
{
	static struct engine engine;
	struct forward before;

	(void)state;
	be_at_home(&engine);
	before = engine.forwards.list[0];
	move_to(&engine, cafe_mac, 3 * SECOND);
	assert_string_equal(letters(), "UMA");
	assert_int_equal(sent[1].mapping.external_port, 51820);
	assert_int_equal(sent[1].mapping.former.s_addr, 0);
	assert_memory_not_equal(sent[1].mapping.nonce, before.nonce, UPNP_NONCE_SIZE);
	assert_int_equal(engine.elsewhere.count, 1);
	grant(&engine, 51820);
	/* home again: the same mapping, and the cafe's is left alone */
	letters();
	move_to(&engine, home_mac, 4 * SECOND);
	assert_string_equal(letters(), "UMA");
	assert_memory_equal(sent[1].mapping.nonce, before.nonce, UPNP_NONCE_SIZE);
	assert_int_equal(engine.forwards.list[0].external_port, 51821);
	assert_int_equal(engine.forwards.list[0].via, UPNP_PCP);
	assert_int_equal(engine.elsewhere.count, 1);
	assert_memory_equal(engine.elsewhere.list[0].router, cafe_mac, MAC_SIZE);
}

static void test_what_is_not_wanted_any_more_is_removed_at_home(void **state)
{
	static struct engine engine;
	struct forward before;

	(void)state;
	be_at_home(&engine);
	before = engine.forwards.list[0];
	move_to(&engine, cafe_mac, 3 * SECOND);
	want(&engine, 0);
	letters();
	assert_int_equal(engine.elsewhere.count, 1);
	move_to(&engine, home_mac, 4 * SECOND);
	assert_string_equal(letters(), "UXA");
	assert_memory_equal(sent[1].mapping.nonce, before.nonce, UPNP_NONCE_SIZE);
	assert_int_equal(engine.elsewhere.count, 0);
}

static void test_stopping_in_the_cafe_leaves_home_alone(void **state)
{
	static struct engine engine;

	(void)state;
	be_at_home(&engine);
	move_to(&engine, cafe_mac, 3 * SECOND);
	grant(&engine, 51820);
	letters();
	engine_stop(&engine);
	assert_string_equal(letters(), "X");
	assert_int_equal(engine.elsewhere.count, 1);
}

static void test_nothing_is_asked_before_the_router_is_known(void **state)
{
	static struct engine engine;

	(void)state;
	be_at_home(&engine);
	engine_network(&engine, NULL, 3 * SECOND);
	move_to(&engine, no_mac, 4 * SECOND);
	assert_string_equal(letters(), "UK");
	assert_int_equal(engine_deadline(&engine), 5 * SECOND);
	want(&engine, 1);
	want(&engine, 0);
	want(&engine, 1);
	assert_string_equal(letters(), "");
	move_to(&engine, cafe_mac, 4 * SECOND + 20);
	assert_string_equal(letters(), "UMA");
	assert_int_equal(engine.elsewhere.count, 1);
	assert_int_equal(engine_deadline(&engine), 0);
}

/* It takes too long: as if there were no MAC addresses. */
static void test_router_that_stays_unknown_is_asked_as_before(void **state)
{
	static struct engine engine;
	uint8_t nonce[UPNP_NONCE_SIZE];

	(void)state;
	be_at_home(&engine);
	memcpy(nonce, engine.forwards.list[0].nonce, sizeof(nonce));
	engine_network(&engine, NULL, 3 * SECOND);
	move_to(&engine, no_mac, 4 * SECOND);
	letters();
	engine_tick(&engine, 5 * SECOND);
	assert_string_equal(letters(), "UMA");
	assert_memory_equal(sent[1].mapping.nonce, nonce, sizeof(nonce));
}

/* The first start of all: nobody's mapping is at stake. */
static void test_first_question_does_not_wait_for_the_mac(void **state)
{
	static struct engine engine;

	(void)state;
	sent_count = 0;
	engine_init(&engine, &hooks, &engine);
	want(&engine, 1);
	move_to(&engine, no_mac, SECOND);
	assert_string_equal(letters(), "UMA");
	assert_false(engine_lacks_mac(&engine));
	grant(&engine, 51820);
	assert_true(engine_lacks_mac(&engine));
	engine.forwards.dirty = false;
	move_to(&engine, home_mac, 3 * SECOND);
	assert_string_equal(letters(), "");
	assert_false(engine_lacks_mac(&engine));
	assert_memory_equal(engine.forwards.list[0].router, home_mac, MAC_SIZE);
	assert_true(engine.forwards.dirty);
}

/* The same box at another address, or a forgotten neighbour, is no other router. */
static void test_only_another_mac_is_another_router(void **state)
{
	static struct engine engine;
	struct upnp_network network = { .ifindex = 2, .prefix = 24 };

	(void)state;
	be_at_home(&engine);
	move_to(&engine, no_mac, 3 * SECOND);
	assert_string_equal(letters(), "");
	network.gateway.s_addr = inet_addr("192.168.1.254");
	network.address.s_addr = inet_addr("192.168.1.31");
	memcpy(network.mac, home_mac, MAC_SIZE);
	engine_network(&engine, &network, 4 * SECOND);
	assert_string_equal(letters(), "UMA");
	assert_int_equal(engine.elsewhere.count, 0);
}

static void test_full_memory_lets_go_what_ends_by_itself(void **state)
{
	static struct elsewhere elsewhere;
	struct forward forward = { .wanted = wireguard, .via = UPNP_IGD };

	(void)state;
	for (uint16_t i = 0; i < UPNP_MAPPINGS_MAX; i++) {
		forward.lifetime = i == 5 ? 7200 : 0;
		forward.external_port = i;
		elsewhere_keep(&elsewhere, &forward);
	}
	forward.external_port = 1000;
	elsewhere_keep(&elsewhere, &forward);
	assert_int_equal(elsewhere.count, UPNP_MAPPINGS_MAX);
	assert_int_equal(elsewhere.list[5].external_port, 6);
	assert_int_equal(elsewhere.list[UPNP_MAPPINGS_MAX - 1].external_port, 1000);
	elsewhere_keep(&elsewhere, &forward);
	assert_int_equal(elsewhere.list[0].external_port, 1);
}

static void test_mac_text(void **state)
{
	static const char *const bad[] = { "", "2:0:0:0:0:1", "02:00:00:00:00:0g",
					   "02:00:00:00:00:01:", "02:00:00:00:00:01 " };
	uint8_t mac[MAC_SIZE];
	char text[MAC_TEXT_MAX];

	(void)state;
	assert_true(mac_parse(mac, "02:00:00:00:00:01"));
	assert_memory_equal(mac, home_mac, MAC_SIZE);
	assert_string_equal(mac_print(mac, text), "02:00:00:00:00:01");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(mac_parse(mac, bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_another_router_is_asked_with_a_fresh_nonce),
		cmocka_unit_test(test_what_is_not_wanted_any_more_is_removed_at_home),
		cmocka_unit_test(test_stopping_in_the_cafe_leaves_home_alone),
		cmocka_unit_test(test_nothing_is_asked_before_the_router_is_known),
		cmocka_unit_test(test_router_that_stays_unknown_is_asked_as_before),
		cmocka_unit_test(test_first_question_does_not_wait_for_the_mac),
		cmocka_unit_test(test_only_another_mac_is_another_router),
		cmocka_unit_test(test_full_memory_lets_go_what_ends_by_itself),
		cmocka_unit_test(test_mac_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
