/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another address of this host, another port than wanted, and the way back to the wanted one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <string.h>

#include "natd/engine.h"

#define SECOND 1000
#define TRIAL  (ENGINE_TRIAL_SECONDS * (int64_t)SECOND)

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

static uint16_t free_port(void *context, uint8_t protocol)
{
	(void)context;
	assert_int_equal(protocol, IPPROTO_UDP);
	return 50000;
}

static const struct engine_hooks hooks = { record, save, free_port };

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

static void be_at(struct engine *engine, const char *address)
{
	struct upnp_network network = { .ifindex = 2, .prefix = 24, .mac = { 2 } };

	network.gateway.s_addr = inet_addr("192.168.1.1");
	network.address.s_addr = inet_addr(address);
	engine_network(engine, &network, SECOND);
}

static void grant(struct engine *engine, uint32_t id, uint8_t via, uint16_t port, int64_t now)
{
	struct upnp_report report = { .what = UPNP_MAPPED, .generation = engine->generation };

	report.granted = (struct upnp_granted){
		.id = id, .via = via, .external_port = port, .lifetime = 7200
	};
	assert_true(engine_report(engine, &report, now));
}

static void unmapped(struct engine *engine, uint32_t id, bool removed)
{
	struct upnp_report report = { .what = UPNP_UNMAPPED, .generation = engine->generation };

	report.unmapped = (struct upnp_unmapped){ .id = id, .removed = removed };
	assert_true(engine_report(engine, &report, SECOND));
}

static void holder(struct engine *engine, const char *address, bool removed)
{
	struct upnp_report report = { .what = UPNP_HOLDER, .generation = engine->generation };

	report.holder = (struct upnp_holder){ .id = 1, .removed = removed };
	report.holder.address.s_addr = inet_addr(address);
	assert_true(engine_report(engine, &report, 5 * SECOND));
}

/* The router has granted `port` by `via`. */
static struct forward *start(struct engine *engine, uint8_t via, uint16_t port)
{
	struct config config;

	config_defaults(&config);
	engine_init(engine, &hooks, engine);
	engine_want(engine, &config, &wireguard, 1, SECOND);
	be_at(engine, "192.168.1.31");
	grant(engine, 1, via, port, 0);
	sent_count = 0;
	return &engine->forwards.list[0];
}

static void test_former_address_is_told_and_remembered(void **state)
{
	static struct engine engine;
	const struct forward *forward = start(&engine, UPNP_PCP, 51820);
	struct in_addr before = { inet_addr("192.168.1.31") };

	(void)state;
	be_at(&engine, "192.168.1.44");
	assert_string_equal(letters(), "UMA");
	assert_int_equal(sent[1].mapping.former.s_addr, before.s_addr);
	assert_int_equal(sent[1].mapping.former_port, 51820);
	assert_int_equal(sent[1].mapping.former_via, UPNP_PCP);
	assert_int_equal(sent[1].mapping.via, UPNP_ANY);
	assert_true(engine_is_former(&engine, before));
	assert_false(engine_is_former(&engine, engine.network.address));
	assert_false(engine_is_former(&engine, (struct in_addr){ 0 }));
	/* the router gives another port: it holds the wanted one for what we were */
	grant(&engine, 1, UPNP_PCP, 51821, SECOND);
	assert_int_equal(forward->holder.s_addr, before.s_addr);
	grant(&engine, 1, UPNP_PCP, 51820, SECOND);
	assert_int_equal(forward->holder.s_addr, 0);
	be_at(&engine, "192.168.1.31");
	assert_false(engine_is_former(&engine, before));
}

/* PCP answers each question for a port of ours with what it has: another port of ours asks. */
static void test_wanted_port_is_taken_back_when_it_is_free(void **state)
{
	static struct engine engine;
	const struct forward *forward = start(&engine, UPNP_PCP, 51821);

	(void)state;
	assert_int_equal(engine_deadline(&engine), TRIAL);
	engine_tick(&engine, TRIAL);
	assert_string_equal(letters(), "M");
	assert_int_equal(sent[0].mapping.id, 2);
	assert_int_equal(sent[0].mapping.via, UPNP_PCP);
	assert_int_equal(sent[0].mapping.port, 50000);
	assert_int_equal(sent[0].mapping.external_port, 51820);
	assert_int_equal(sent[0].mapping.lifetime, 120);
	assert_memory_not_equal(sent[0].mapping.nonce, forward->nonce, UPNP_NONCE_SIZE);
	grant(&engine, 2, UPNP_PCP, 51820, TRIAL);
	assert_string_equal(letters(), "X");
	assert_int_equal(sent[0].mapping.id, 2);
	unmapped(&engine, 2, true);
	assert_string_equal(letters(), "X");
	assert_int_equal(sent[0].mapping.id, 1);
	assert_int_equal(engine.forwards.count, 1);
	assert_int_equal(forward->state, FORWARD_OPEN);
	unmapped(&engine, 1, true);
	assert_string_equal(letters(), "MA");
	assert_int_equal(sent[0].mapping.external_port, 51820);
	assert_int_equal(sent[0].mapping.via, UPNP_ANY);
	grant(&engine, 1, UPNP_PCP, 51820, TRIAL);
	assert_int_equal(forward->external_port, 51820);
	engine_tick(&engine, 2 * TRIAL);
	assert_string_equal(letters(), "");
	assert_int_equal(engine.trial_at, 0);
}

static void test_port_that_is_not_free_costs_nothing(void **state)
{
	static struct engine engine;
	const struct forward *forward = start(&engine, UPNP_NATPMP, 51821);
	struct upnp_report refusal = { .what = UPNP_FAILED };

	(void)state;
	engine_tick(&engine, TRIAL);
	grant(&engine, 2, UPNP_NATPMP, 51822, TRIAL);
	assert_string_equal(letters(), "MX");
	unmapped(&engine, 2, true);
	assert_string_equal(letters(), "");
	assert_int_equal(forward->external_port, 51821);
	assert_int_equal(engine.trial_at, 2 * TRIAL);
	/* refused */
	engine_tick(&engine, 2 * TRIAL);
	refusal.generation = engine.generation;
	refusal.failed = (struct upnp_failed){ .id = 3, .failure = UPNP_PORT_TAKEN };
	assert_true(engine_report(&engine, &refusal, 2 * TRIAL));
	assert_int_equal(engine.forwards.count, 1);
	assert_int_equal(forward->state, FORWARD_OPEN);
	assert_int_equal(engine.retry_at, 0);
}

static void test_upnp_needs_only_a_renewal(void **state)
{
	static struct engine engine;

	(void)state;
	start(&engine, UPNP_IGD, 49160);
	engine_tick(&engine, TRIAL);
	assert_string_equal(letters(), "M");
	assert_int_equal(sent[0].mapping.id, 1);
	assert_int_equal(sent[0].mapping.wanted_port, 51820);
	assert_int_equal(sent[0].mapping.via, UPNP_IGD);
}

/* The port cannot be given up: it is kept, and renewed. */
static void test_mapping_that_stays_is_kept(void **state)
{
	static struct engine engine;
	const struct forward *forward = start(&engine, UPNP_PCP, 51821);

	(void)state;
	engine_start_trials(&engine, SECOND);
	grant(&engine, 2, UPNP_PCP, 51820, SECOND);
	unmapped(&engine, 2, true);
	letters();
	unmapped(&engine, 1, false);
	assert_string_equal(letters(), "MA");
	assert_int_equal(sent[0].mapping.via, UPNP_PCP);
	assert_int_equal(sent[0].mapping.external_port, 51821);
	assert_int_equal(forward->state, FORWARD_OPEN);
}

static void test_stop_takes_the_trial_along(void **state)
{
	static struct engine engine;

	(void)state;
	start(&engine, UPNP_PCP, 51821);
	engine_start_trials(&engine, SECOND);
	letters();
	engine_stop(&engine);
	unmapped(&engine, 1, true);
	assert_false(engine_is_idle(&engine));
	grant(&engine, 2, UPNP_PCP, 51820, SECOND);
	unmapped(&engine, 2, true);
	assert_true(engine_is_idle(&engine));
}

static void test_a_freed_port_is_tried_at_once(void **state)
{
	static struct engine engine;
	const struct forward *forward = start(&engine, UPNP_PCP, 51821);

	(void)state;
	holder(&engine, "192.168.1.9", false);
	assert_int_equal(forward->holder.s_addr, inet_addr("192.168.1.9"));
	assert_int_equal(engine.trial_at, TRIAL);
	holder(&engine, "192.168.1.9", true);
	assert_int_equal(forward->holder.s_addr, 0);
	assert_int_equal(engine_deadline(&engine), 5 * SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_former_address_is_told_and_remembered),
		cmocka_unit_test(test_wanted_port_is_taken_back_when_it_is_free),
		cmocka_unit_test(test_port_that_is_not_free_costs_nothing),
		cmocka_unit_test(test_upnp_needs_only_a_renewal),
		cmocka_unit_test(test_mapping_that_stays_is_kept),
		cmocka_unit_test(test_stop_takes_the_trial_along),
		cmocka_unit_test(test_a_freed_port_is_tried_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
