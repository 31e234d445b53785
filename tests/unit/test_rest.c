/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A day at which nothing happens: how often natd wakes up for what it holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <string.h>

#include "natd/clock.h"
#include "natd/engine.h"
#include "natd/log.h"
#include "natd/pinholes.h"

#define HOUR     3600000 /* ms */
#define FORWARDS 8
#define LEASE    7200

/* A house whose routers grant everything at once but one pinhole, which they always refuse. */
static struct house {
	struct config config;
	struct engine home;
	struct engine outer;
	struct pinholes pinholes;
	int64_t now;
	unsigned int asked;
	struct upnp_request waiting[64];
	size_t waiting_count;
} house;

static void later(void *context, const struct upnp_request *request)
{
	assert_true(house.waiting_count < 64);
	house.waiting[house.waiting_count] = *request;
	house.waiting[house.waiting_count++].hop = context == &house.outer;
}

static void save(void *context)
{
	(void)context;
	house.home.forwards.dirty = house.outer.forwards.dirty = house.pinholes.dirty = false;
}

static const struct engine_hooks hooks = { later, save, NULL };

static void grant(const struct upnp_request *request)
{
	struct engine *engine = request->hop ? &house.outer : &house.home;
	struct upnp_report report = {
		.what = UPNP_MAPPED,
		.generation = request->generation,
		.granted = { .id = request->mapping.id,
			     .via = UPNP_PCP,
			     .external_port = request->mapping.wanted_port,
			     .lifetime = LEASE },
	};

	assert_true(engine_report(engine, &report, house.now));
}

static void grant_pinhole(const struct upnp_request *request)
{
	bool refused = request->pinhole.port == FORWARDS;
	struct upnp_report report = {
		.what = refused ? UPNP_PIN_FAILED : UPNP_PINNED,
		.pinned = { .id = request->pinhole.id,
			    .via = UPNP_PCP,
			    .failure = UPNP_HOST_REFUSED,
			    .external_port = request->pinhole.port,
			    .lifetime = refused ? 0 : LEASE },
	};

	assert_true(pinholes_report(&house.pinholes, &report, house.now));
}

static void answer_all(void)
{
	for (size_t i = 0; i < house.waiting_count; i++) {
		house.asked++;
		if (house.waiting[i].what == UPNP_MAP)
			grant(&house.waiting[i]);
		else if (house.waiting[i].what == UPNP_PIN)
			grant_pinhole(&house.waiting[i]);
	}
	house.waiting_count = 0;
}

static void start_engine(struct engine *engine, const char *gateway,
			 const struct config_forward *forwards)
{
	struct upnp_network network = { .gateway.s_addr = inet_addr(gateway),
					.address.s_addr = inet_addr("192.168.1.31"),
					.ifindex = 2,
					.mac = { 2 } };

	engine_init(engine, &hooks, engine);
	engine_want(engine, &house.config, forwards, FORWARDS, house.now);
	engine_network(engine, &network, house.now);
	answer_all();
	house.now += 250; /* the next is granted a little later */
}

static int start(void **state)
{
	struct pinhole_network network = { .index = 2 };
	struct config_forward forwards[FORWARDS];

	(void)state;
	memset(&house, 0, sizeof(house));
	house.now = 1000;
	config_defaults(&house.config);
	for (uint16_t i = 0; i < FORWARDS; i++)
		forwards[i] = (struct config_forward){
			.protocol = IPPROTO_UDP, .port = i + 1, .external = i + 1, .ipv6 = true
		};
	start_engine(&house.home, "192.168.1.1", forwards);
	start_engine(&house.outer, "192.168.0.1", forwards);
	address_parse(&network.address, "2001:db8::10");
	address_parse(&network.gateway, "fe80::1");
	pinholes_init(&house.pinholes, &hooks, NULL);
	pinholes_want(&house.pinholes, &house.config, &house.home.forwards, &network);
	answer_all();
	return 0;
}

/* As loop.c does it. False: not before `end`. */
static bool wake_up(int64_t end)
{
	int64_t at = clock_sooner(
		clock_sooner(engine_deadline(&house.home), engine_deadline(&house.outer)),
		pinholes_deadline(&house.pinholes));

	assert_true(at > house.now);
	if (at > end)
		return false;
	house.now = at;
	engine_gather(&house.home, house.now);
	engine_gather(&house.outer, house.now);
	pinholes_gather(&house.pinholes, house.now);
	engine_tick(&house.home, house.now);
	engine_tick(&house.outer, house.now);
	pinholes_tick(&house.pinholes, house.now);
	answer_all();
	return true;
}

/* Eight ports on two routers and eight pinholes are looked after as often as one port would be; the
 * first day begins with the two tries of what is refused. */
static void test_one_wake_up_for_all(void **state)
{
	int64_t end = house.now + 24 * HOUR;
	unsigned int woken = 0;

	(void)state;
	while (wake_up(end))
		woken++;
	assert_in_range(woken, 24 * 3600 / (LEASE / 8 * 5), 24 * 3600 / (LEASE / 2) + 2);
}

/* All of them are renewed in time, and none before its half. */
static void test_nothing_is_renewed_early_or_late(void **state)
{
	(void)state;
	house.asked = 0;
	while (house.asked < 3 * FORWARDS) {
		int64_t before = house.now;

		assert_true(wake_up(before + LEASE / 8 * 5 * 1000));
		if (house.now < LEASE / 2 * 1000) /* only what is refused: nothing of it is open */
			assert_in_range(house.asked, 0, 2);
	}
	for (size_t i = 0; i < FORWARDS; i++) {
		assert_int_equal(house.home.forwards.list[i].granted_at, house.now);
		assert_int_equal(house.outer.forwards.list[i].granted_at, house.now);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_one_wake_up_for_all, start),
		cmocka_unit_test_setup(test_nothing_is_renewed_early_or_late, start),
	};

	log_open("test", false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
