/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The second router: when it is looked for, what it is asked, and when it is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <string.h>

#include "natd/upstream.h"

#define REQUESTS_MAX 64

/* What went to the home router's client and to the second one's. */
struct recorder {
	struct upnp_request list[REQUESTS_MAX];
	size_t count;
};

struct house {
	struct recorder to_home;
	struct recorder to_outer;
	struct engine home;
	struct upstream upstream;
	struct config config;
	int64_t now;
};

static struct house house;

static void record(void *context, const struct upnp_request *request)
{
	struct recorder *recorder = context;

	assert_true(recorder->count < REQUESTS_MAX);
	recorder->list[recorder->count++] = *request;
}

static void save(void *context)
{
	(void)context;
	house.home.forwards.dirty = house.upstream.engine.forwards.dirty = false;
}

static const struct engine_hooks hooks = { .send = record, .save = save };

static const struct config_forward wireguard = {
	.name = "wireguard", .protocol = IPPROTO_UDP, .port = 51820, .external = 51820, .ipv6 = true
};

static struct in_addr v4(const char *text)
{
	struct in_addr address;

	assert_int_equal(inet_pton(AF_INET, text, &address), 1);
	return address;
}

static void follow(void)
{
	house.now++;
	upstream_follow(&house.upstream, &house.home, &house.config, house.now);
}

static void home_says(struct upnp_report report)
{
	report.generation = house.home.generation;
	assert_true(engine_report(&house.home, &report, house.now));
	follow();
}

static void outer_says(struct upnp_report report)
{
	report.generation = house.upstream.engine.generation;
	assert_true(engine_report(&house.upstream.engine, &report, house.now));
	follow();
}

/* The same answer by all three protocols. */
static void all_say(void (*says)(struct upnp_report report), uint8_t state)
{
	for (uint8_t i = 0; i < UPNP_PROTOCOLS; i++)
		says((struct upnp_report){
			.what = UPNP_PROTOCOL,
			.protocol = { .protocol = i, .state = state, .took_us = 1 } });
}

static void wan_is(void (*says)(struct upnp_report report), const char *address)
{
	says((struct upnp_report){ .what = UPNP_WAN,
				   .wan = { .address = v4(address), .via = UPNP_PCP } });
}

static void home_grants(uint16_t external_port)
{
	home_says((struct upnp_report){ .what = UPNP_MAPPED,
					.granted = { .id = house.home.forwards.list[0].id,
						     .via = UPNP_PCP,
						     .external_port = external_port,
						     .lifetime = 7200 } });
}

static void outer_grants(uint16_t external_port)
{
	outer_says(
		(struct upnp_report){ .what = UPNP_MAPPED,
				      .granted = { .id = house.upstream.engine.forwards.list[0].id,
						   .via = UPNP_PCP,
						   .external_port = external_port,
						   .external_address = v4("11.0.1.2"),
						   .lifetime = 7200 } });
}

static void hops_are(const char *second, const char *recorded)
{
	struct upnp_report report = { .what = UPNP_FOUND_HOPS,
				      .hops.router = { v4("192.168.1.1"), v4(second) } };

	if (recorded)
		report.hops.wan[0] = v4(recorded);
	assert_true(upstream_report(&house.upstream, &report, house.now));
	follow();
}

static size_t count_of(const struct recorder *recorder, enum upnp_request_what what)
{
	size_t count = 0;

	for (size_t i = 0; i < recorder->count; i++)
		count += recorder->list[i].what == what;
	return count;
}

/* The last of a kind; an empty one where none was made. */
static const struct upnp_request *last(const struct recorder *recorder, enum upnp_request_what what)
{
	static const struct upnp_request none;
	const struct upnp_request *found = &none;

	for (size_t i = 0; i < recorder->count; i++)
		if (recorder->list[i].what == what)
			found = &recorder->list[i];
	assert_ptr_not_equal(found, &none);
	return found;
}

static int move_in(void **state)
{
	struct upnp_network network = { .gateway = v4("192.168.1.1"),
					.address = v4("192.168.1.31"),
					.ifindex = 2,
					.prefix = 24,
					.mac = { 2, 0, 0, 0, 0, 1 } };

	(void)state;
	memset(&house, 0, sizeof(house));
	house.now = 1000;
	config_defaults(&house.config);
	engine_init(&house.home, &hooks, &house.to_home);
	upstream_init(&house.upstream, &hooks, &house.to_outer);
	engine_want(&house.home, &house.config, &wireguard, 1, house.now);
	engine_network(&house.home, &network, house.now);
	follow();
	return 0;
}

/* To where both routers are asked, and the second one is to answer. */
static void two_routers(void)
{
	wan_is(home_says, "192.168.0.2");
	home_grants(51820);
	all_say(home_says, UPNP_OK);
	hops_are("192.168.0.1", NULL);
}

static void nobody_looks_before_the_router_has_answered(void **state)
{
	(void)state;
	assert_int_equal(count_of(&house.to_home, UPNP_LOOK_OUT), 0);
	wan_is(home_says, "192.168.0.2");
	assert_int_equal(count_of(&house.to_home, UPNP_LOOK_OUT), 0);
	home_grants(51820);
	all_say(home_says, UPNP_OK);
	assert_int_equal(count_of(&house.to_home, UPNP_LOOK_OUT), 1);
	assert_true(upstream_is_asking(&house.upstream));
	follow();
	assert_int_equal(count_of(&house.to_home, UPNP_LOOK_OUT), 1);
	assert_int_equal(house.to_outer.count, 0);
}

static void the_second_router_hands_on_to_the_first(void **state)
{
	const struct upnp_request *request;
	const struct forward *outer;

	(void)state;
	two_routers();
	request = last(&house.to_outer, UPNP_USE);
	assert_int_equal(request->network.gateway.s_addr, v4("192.168.0.1").s_addr);
	assert_int_equal(request->network.address.s_addr, v4("192.168.0.2").s_addr);
	assert_int_equal(request->network.source.s_addr, v4("192.168.1.31").s_addr);
	assert_int_equal(request->network.count, UPNP_PROTOCOLS);
	request = last(&house.to_outer, UPNP_MAP);
	assert_int_equal(request->mapping.port, 51820);
	assert_int_equal(request->mapping.external_port, 51820);
	assert_true(upstream_is_asking(&house.upstream));
	all_say(outer_says, UPNP_OK);
	outer_grants(51820);
	assert_true(upstream_is_there(&house.upstream));
	assert_false(upstream_is_asking(&house.upstream));
	outer = upstream_outermost(&house.upstream, &house.home.forwards.list[0]);
	assert_int_equal(outer->external_address.s_addr, v4("11.0.1.2").s_addr);
}

/* The home router had another port free: that is where the second one has to hand on to. */
static void the_wanted_port_is_the_second_routers(void **state)
{
	const struct upnp_request *request;

	(void)state;
	wan_is(home_says, "192.168.0.2");
	home_grants(40000);
	all_say(home_says, UPNP_OK);
	hops_are("192.168.0.1", NULL);
	request = last(&house.to_outer, UPNP_MAP);
	assert_int_equal(request->mapping.port, 40000);
	assert_int_equal(request->mapping.external_port, 51820);
	assert_false(house.upstream.engine.forwards.list[0].wanted.ipv6);
}

/* PCP and UPnP want the client named; NAT-PMP sees it. */
static void without_its_address_only_nat_pmp_is_asked(void **state)
{
	const struct upnp_request *request;

	(void)state;
	all_say(home_says, UPNP_SILENT);
	home_says((struct upnp_report){ .what = UPNP_FAILED,
					.failed = { .id = house.home.forwards.list[0].id,
						    .via = UPNP_ANY,
						    .failure = UPNP_NO_PROTOCOL } });
	hops_are("192.168.0.1", NULL);
	request = last(&house.to_outer, UPNP_USE);
	assert_int_equal(request->network.count, 1);
	assert_int_equal(request->network.order[0], UPNP_NATPMP);
	assert_int_equal(last(&house.to_outer, UPNP_MAP)->mapping.port, 51820);
}

static void record_route_tells_its_address(void **state)
{
	(void)state;
	all_say(home_says, UPNP_SILENT);
	home_says((struct upnp_report){ .what = UPNP_FAILED,
					.failed = { .id = house.home.forwards.list[0].id,
						    .via = UPNP_ANY,
						    .failure = UPNP_NO_PROTOCOL } });
	hops_are("192.168.0.1", "192.168.0.2");
	assert_int_equal(last(&house.to_outer, UPNP_USE)->network.address.s_addr,
			 v4("192.168.0.2").s_addr);
	assert_int_equal(last(&house.to_outer, UPNP_USE)->network.count, UPNP_PROTOCOLS);
}

/* The provider's own routers may be private: one that speaks nothing is none of this home's. */
static void a_stranger_is_asked_once(void **state)
{
	(void)state;
	wan_is(home_says, "11.0.1.2");
	home_grants(51820);
	all_say(home_says, UPNP_OK);
	assert_false(upstream_is_asking(&house.upstream));
	hops_are("10.1.2.3", NULL);
	assert_int_equal(count_of(&house.to_outer, UPNP_ASK), 1);
	all_say(outer_says, UPNP_SILENT);
	assert_false(upstream_is_there(&house.upstream));
	assert_int_equal(house.upstream.engine.forwards.count, 0);
	assert_int_equal(last(&house.to_outer, UPNP_USE)->network.count, 0);
	follow();
	assert_int_equal(count_of(&house.to_outer, UPNP_ASK), 1);
}

static void carrier_grade_nat_is_not_asked(void **state)
{
	(void)state;
	wan_is(home_says, "0.0.0.0");
	home_grants(51820);
	all_say(home_says, UPNP_OK);
	hops_are("100.64.0.1", NULL);
	assert_int_equal(house.upstream.line.kind, LINE_CGNAT);
	assert_int_equal(house.to_outer.count, 0);
}

/* Nothing is asked with the old address while the new one is being looked at. */
static void follows_the_home_routers_address(void **state)
{
	size_t asked;

	(void)state;
	two_routers();
	all_say(outer_says, UPNP_OK);
	outer_grants(51820);
	asked = count_of(&house.to_outer, UPNP_USE);
	wan_is(home_says, "192.168.0.7");
	assert_int_equal(count_of(&house.to_home, UPNP_LOOK_OUT), 2);
	assert_int_equal(count_of(&house.to_outer, UPNP_USE), asked);
	hops_are("192.168.0.1", NULL);
	assert_int_equal(count_of(&house.to_outer, UPNP_USE), asked + 1);
	assert_int_equal(last(&house.to_outer, UPNP_USE)->network.address.s_addr,
			 v4("192.168.0.7").s_addr);
	assert_int_equal(last(&house.to_outer, UPNP_MAP)->mapping.former.s_addr,
			 v4("192.168.0.2").s_addr);
}

static void is_left_when_the_line_is_clear(void **state)
{
	(void)state;
	two_routers();
	all_say(outer_says, UPNP_OK);
	outer_grants(51820);
	wan_is(home_says, "11.0.1.2");
	hops_are("11.0.1.1", NULL);
	assert_false(upstream_is_there(&house.upstream));
	assert_int_equal(house.upstream.engine.forwards.count, 0);
	assert_int_equal(last(&house.to_outer, UPNP_USE)->network.count, 0);
}

/* The cable is out when it is time to look: nothing wakes natd up before the router is there again. */
static void no_time_passes_without_the_home_router(void **state)
{
	(void)state;
	two_routers();
	house.upstream.look_at = house.now - 1000;
	engine_network(&house.home, NULL, house.now);
	upstream_follow(&house.upstream, &house.home, &house.config, house.now);
	upstream_tick(&house.upstream, house.now);
	assert_int_equal(upstream_deadline(&house.upstream), 0);
}

/* What restarts without a word is found by the check, and is nothing that the home router has to do with. */
static void is_checked_four_times_an_hour(void **state)
{
	size_t home, outer;

	(void)state;
	two_routers();
	all_say(outer_says, UPNP_OK);
	outer_grants(51820);
	assert_int_equal(last(&house.to_outer, UPNP_USE)->network.check, 900);
	home = count_of(&house.to_home, UPNP_MAP);
	outer = count_of(&house.to_outer, UPNP_MAP);
	outer_says((struct upnp_report){ .what = UPNP_LOST, .lost = { .via = UPNP_PCP } });
	assert_in_range(upstream_deadline(&house.upstream), 1, house.now);
	upstream_tick(&house.upstream, house.now);
	assert_int_equal(count_of(&house.to_outer, UPNP_MAP), outer + 1);
	assert_int_equal(count_of(&house.to_home, UPNP_MAP), home);
}

/* natctl doctor: the way out is looked at, the second router asked; nothing is closed meanwhile. */
static void is_asked_afresh(void **state)
{
	size_t mapped;

	(void)state;
	two_routers();
	all_say(outer_says, UPNP_OK);
	outer_grants(51820);
	mapped = count_of(&house.to_outer, UPNP_MAP);
	upstream_check(&house.upstream, &house.home, &house.config, house.now);
	assert_int_equal(count_of(&house.to_home, UPNP_LOOK_OUT), 2);
	assert_int_equal(count_of(&house.to_outer, UPNP_MAP), mapped + 1);
	assert_int_equal(count_of(&house.to_outer, UPNP_PROBE), 1);
	assert_true(upstream_is_looking(&house.upstream, &house.config, house.now));
	follow();
	assert_int_equal(house.upstream.engine.forwards.list[0].state, FORWARD_OPEN);
	hops_are("192.168.0.1", NULL);
	assert_false(upstream_is_looking(&house.upstream, &house.config, house.now));
	house.config.stun.port = 3478; /* the server's word is waited for as well */
	assert_true(upstream_is_looking(&house.upstream, &house.config, house.now));
	assert_true(upstream_report(&house.upstream,
				    &(struct upnp_report){ .what = UPNP_MAPPED_AS }, house.now));
	assert_false(upstream_is_looking(&house.upstream, &house.config, house.now));
}

/* One answer of the three that is lost proves nothing. */
static void is_not_left_when_a_look_sees_nobody(void **state)
{
	(void)state;
	two_routers();
	all_say(outer_says, UPNP_OK);
	outer_grants(51820);
	wan_is(home_says, "192.168.0.7");
	hops_are("0.0.0.0", NULL);
	assert_true(upstream_is_there(&house.upstream));
	assert_int_equal(house.upstream.engine.forwards.count, 1);
}

/* The home router claims a public address, and hides the second one until a look has found that. */
static void claims_a_public_address(void)
{
	wan_is(home_says, "11.0.1.2");
	home_grants(51820);
	all_say(home_says, UPNP_OK);
}

static void moves(const char *address, uint8_t mac)
{
	struct upnp_network network = house.home.network;

	network.address = v4(address);
	network.mac[MAC_SIZE - 1] = mac;
	engine_network(&house.home, &network, house.now);
	follow();
	claims_a_public_address();
	assert_int_equal(count_of(&house.to_home, UPNP_LOOK_OUT), 2);
	hops_are("0.0.0.0", NULL); /* routers answer only so often */
}

static void is_not_left_when_this_host_has_another_address(void **state)
{
	(void)state;
	claims_a_public_address();
	hops_are("192.168.0.1", "192.168.0.2");
	moves("192.168.1.32", 1);
	assert_int_equal(house.upstream.line.kind, LINE_TWO_ROUTERS);
	assert_true(house.upstream.engine.has_router);
}

/* Without an address, upnp cannot look. */
static void is_looked_for_again_when_the_router_is_back(void **state)
{
	struct upnp_network network = house.home.network;

	(void)state;
	claims_a_public_address();
	engine_network(&house.home, NULL, house.now);
	hops_are("0.0.0.0", NULL);
	engine_network(&house.home, &network, house.now);
	follow();
	claims_a_public_address();
	assert_int_equal(count_of(&house.to_home, UPNP_LOOK_OUT), 2);
	hops_are("192.168.0.1", "192.168.0.2");
	assert_int_equal(house.upstream.line.kind, LINE_TWO_ROUTERS);
}

static void is_forgotten_behind_another_router(void **state)
{
	(void)state;
	claims_a_public_address();
	hops_are("192.168.0.1", "192.168.0.2");
	moves("192.168.1.32", 2);
	assert_int_equal(house.upstream.line.kind, LINE_CLEAR);
	assert_false(house.upstream.engine.has_router);
}

/* The home router claims a public address; that it has another was recorded once, and not again. */
static void is_not_a_stranger_when_less_is_seen(void **state)
{
	(void)state;
	wan_is(home_says, "11.0.1.2");
	home_grants(51820);
	all_say(home_says, UPNP_OK);
	hops_are("192.168.0.1", "192.168.0.2");
	assert_int_equal(house.upstream.line.kind, LINE_TWO_ROUTERS);
	all_say(outer_says, UPNP_SILENT);
	hops_are("192.168.0.1", NULL);
	assert_int_equal(house.upstream.line.kind, LINE_TWO_ROUTERS);
	assert_true(upstream_is_there(&house.upstream));
	/* Another router is next: that is news. */
	hops_are("192.168.5.1", NULL);
	assert_int_equal(house.upstream.line.kind, LINE_MAYBE_TWO);
}

/* After a crash the state file has it: the same nonce renews the same mapping. */
static void a_restored_mapping_is_renewed(void **state)
{
	struct forward saved = { .wanted = wireguard,
				 .nonce = "0123456789a",
				 .via = UPNP_PCP,
				 .external_port = 51820,
				 .host = v4("192.168.0.2"),
				 .router = { 2, 0, 0, 0, 0, 1 } };

	(void)state;
	engine_restore(&house.upstream.engine, &saved);
	two_routers();
	assert_int_equal(count_of(&house.to_outer, UPNP_UNMAP), 0);
	assert_int_equal(count_of(&house.to_outer, UPNP_MAP), 1);
	assert_memory_equal(last(&house.to_outer, UPNP_MAP)->mapping.nonce, saved.nonce,
			    UPNP_NONCE_SIZE);
}

/* Perhaps the home router has another address there, which it does not tell (ext_ip). */
static void looks_again_when_it_refuses(void **state)
{
	(void)state;
	two_routers();
	all_say(outer_says, UPNP_OK);
	outer_grants(51820);
	assert_int_equal(count_of(&house.to_home, UPNP_LOOK_OUT), 1);
	assert_int_equal(house.upstream.look_at, 0);
	outer_says(
		(struct upnp_report){ .what = UPNP_FAILED,
				      .failed = { .id = house.upstream.engine.forwards.list[0].id,
						  .via = UPNP_PCP,
						  .failure = UPNP_OTHER_FAILURE,
						  .said = "PCP 12 ADDRESS_MISMATCH" } });
	assert_int_equal(count_of(&house.to_home, UPNP_LOOK_OUT), 2);
	follow();
	assert_int_equal(count_of(&house.to_home, UPNP_LOOK_OUT), 2);
	hops_are("192.168.0.1", "192.168.0.7");
	assert_int_equal(last(&house.to_outer, UPNP_USE)->network.address.s_addr,
			 v4("192.168.0.7").s_addr);
}

/* reload with another server in natd.conf */
static void asks_the_stun_server_that_is_configured(void **state)
{
	(void)state;
	two_routers();
	assert_int_equal(count_of(&house.to_home, UPNP_STUN), 0);
	house.config.stun = (struct upnp_server){ .address = v4("11.0.3.80"), .port = 3478 };
	follow();
	assert_int_equal(count_of(&house.to_home, UPNP_STUN), 1);
	assert_int_equal(last(&house.to_home, UPNP_STUN)->server.port, 3478);
	follow();
	assert_int_equal(count_of(&house.to_home, UPNP_STUN), 1);
	strcpy(house.config.stun.lookup.name, "stun.example.net");
	follow();
	assert_int_equal(count_of(&house.to_home, UPNP_STUN), 2);
	assert_string_equal(last(&house.to_home, UPNP_STUN)->server.lookup.name,
			    "stun.example.net");
}

static void what_is_closed_at_home_is_closed_there(void **state)
{
	(void)state;
	two_routers();
	all_say(outer_says, UPNP_OK);
	outer_grants(51820);
	engine_want(&house.home, &house.config, NULL, 0, house.now);
	follow();
	assert_int_equal(count_of(&house.to_outer, UPNP_UNMAP), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nobody_looks_before_the_router_has_answered, move_in),
		cmocka_unit_test_setup(the_second_router_hands_on_to_the_first, move_in),
		cmocka_unit_test_setup(the_wanted_port_is_the_second_routers, move_in),
		cmocka_unit_test_setup(without_its_address_only_nat_pmp_is_asked, move_in),
		cmocka_unit_test_setup(record_route_tells_its_address, move_in),
		cmocka_unit_test_setup(a_stranger_is_asked_once, move_in),
		cmocka_unit_test_setup(carrier_grade_nat_is_not_asked, move_in),
		cmocka_unit_test_setup(follows_the_home_routers_address, move_in),
		cmocka_unit_test_setup(is_left_when_the_line_is_clear, move_in),
		cmocka_unit_test_setup(no_time_passes_without_the_home_router, move_in),
		cmocka_unit_test_setup(is_checked_four_times_an_hour, move_in),
		cmocka_unit_test_setup(is_asked_afresh, move_in),
		cmocka_unit_test_setup(is_not_left_when_a_look_sees_nobody, move_in),
		cmocka_unit_test_setup(is_not_left_when_this_host_has_another_address, move_in),
		cmocka_unit_test_setup(is_looked_for_again_when_the_router_is_back, move_in),
		cmocka_unit_test_setup(is_forgotten_behind_another_router, move_in),
		cmocka_unit_test_setup(is_not_a_stranger_when_less_is_seen, move_in),
		cmocka_unit_test_setup(a_restored_mapping_is_renewed, move_in),
		cmocka_unit_test_setup(looks_again_when_it_refuses, move_in),
		cmocka_unit_test_setup(asks_the_stun_server_that_is_configured, move_in),
		cmocka_unit_test_setup(what_is_closed_at_home_is_closed_there, move_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
