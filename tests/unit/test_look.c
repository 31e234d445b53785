/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What follows from a look: which forwards may be asked for now, and which wait for others to leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natd/log.h"
#include "natd/look.h"

static struct natd natd;
static struct process rules;
static int pair[2];

static void send_nothing(void *context, const struct upnp_request *request)
{
	(void)context;
	(void)request;
}

static void save_nothing(void *context)
{
	(void)context;
}

static uint16_t no_port(void *context, uint8_t protocol)
{
	(void)context;
	(void)protocol;
	return 0;
}

static const struct engine_hooks hooks = { send_nothing, save_nothing, no_port };

static struct config_forward udp(uint16_t port, uint16_t external)
{
	struct config_forward forward = { .name = "vpn", .protocol = IPPROTO_UDP };

	forward.port = port;
	forward.external = external;
	return forward;
}

static void want(struct config_forward forward)
{
	natd.config.forward_count = 1;
	natd.config.forwards[0] = forward;
}

static int move_in(void **state)
{
	(void)state;
	memset(&natd, 0, sizeof(natd));
	engine_init(&natd.engine, &hooks, &natd);
	upstream_init(&natd.upstream, &hooks, &natd);
	pinholes_init(&natd.pinholes, &hooks, &natd);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) < 0)
		return -1;
	rules = (struct process){ .name = "rules", .socket = pair[0] };
	kernel_init(&natd.kernel, &rules);
	config_defaults(&natd.config);
	natd.uplink = (struct uplink){ .known = true, .index = 1 };
	address_parse(&natd.uplink.gateway, "192.168.1.1");
	address_parse(&natd.uplink.address.address, "192.168.1.31");
	natd.uplink.address.length = 24;
	return 0;
}

static int move_out(void **state)
{
	(void)state;
	free(natd.kernel.set);
	free(natd.kernel.clients);
	free(natd.kernel.publishes);
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static void say(struct upnp_report report)
{
	report.generation = natd.engine.generation;
	engine_report(&natd.engine, &report, natd_now());
}

/* The router does all that it was asked for. */
static void answer_all(void)
{
	for (size_t i = natd.engine.forwards.count; i-- > 0;) {
		struct forward *forward = &natd.engine.forwards.list[i];

		if (forward->state == FORWARD_CLOSING)
			say((struct upnp_report){
				.what = UPNP_UNMAPPED,
				.unmapped = { .id = forward->id, .removed = true } });
		else if (forward->state == FORWARD_OPENING)
			say((struct upnp_report){
				.what = UPNP_MAPPED,
				.granted = { .id = forward->id,
					     .via = UPNP_IGD,
					     .external_port = forward->wanted.external,
					     .lifetime = 3600 } });
	}
	look_at_line(&natd);
}

static const struct forward *only(void)
{
	assert_int_equal(natd.engine.forwards.count, 1);
	return &natd.engine.forwards.list[0];
}

/* The port was taken, so the user names another: nothing has to leave first. */
static void what_the_router_never_held_holds_nothing_back(void **state)
{
	(void)state;
	want(udp(51820, 51820));
	look_act(&natd);
	say((struct upnp_report){
		.what = UPNP_FAILED,
		.failed = { .id = only()->id, .via = UPNP_IGD, .failure = UPNP_PORT_TAKEN } });
	want(udp(51820, 2000));
	look_act(&natd);
	assert_false(natd.holds_back);
	assert_int_equal(only()->wanted.external, 2000);
	assert_int_equal(only()->state, FORWARD_OPENING);
}

static void what_the_router_holds_leaves_first(void **state)
{
	(void)state;
	want(udp(51820, 51820));
	look_act(&natd);
	answer_all();
	want(udp(51820, 2000));
	look_act(&natd);
	assert_true(natd.holds_back);
	assert_int_equal(only()->state, FORWARD_CLOSING);
	answer_all();
	answer_all();
	assert_int_equal(only()->wanted.external, 2000);
	assert_int_equal(only()->state, FORWARD_OPEN);
}

/* natctl opened the VPN's port as another one, before there was a VPN. */
static void natctls_own_way_to_the_port_makes_way(void **state)
{
	struct config_forward guest = udp(51820, 5000);
	char error[UPNP_TEXT_MAX];

	(void)state;
	want(udp(1000, 1000));
	look_act(&natd);
	assert_non_null(engine_open(&natd.engine, &guest, 0, natd_now(), error));
	answer_all();
	want(udp(51820, 51820));
	for (int i = 0; i < 3; i++) {
		look_act(&natd);
		answer_all();
	}
	assert_int_equal(only()->wanted.external, 51820);
	assert_int_equal(only()->state, FORWARD_OPEN);
}

static void two_ways_to_one_port_stay(void **state)
{
	(void)state;
	want(udp(51820, 51820));
	natd.config.forwards[natd.config.forward_count++] = udp(51820, 443);
	for (int i = 0; i < 3; i++) {
		look_act(&natd);
		assert_false(natd.holds_back);
		answer_all();
	}
	assert_int_equal(natd.engine.forwards.count, 2);
	assert_int_equal(natd.engine.forwards.list[0].state, FORWARD_OPEN);
	assert_int_equal(natd.engine.forwards.list[1].state, FORWARD_OPEN);
}

/* natd.conf takes over what natctl opened for a minute: that minute's end is nothing to wake up for. */
static void what_stays_has_no_end(void **state)
{
	struct config_forward guest = udp(51820, 51820);
	char error[UPNP_TEXT_MAX];
	int64_t now = natd_now();

	(void)state;
	want(udp(1000, 1000));
	look_act(&natd);
	assert_non_null(engine_open(&natd.engine, &guest, 60, now, error));
	want(guest);
	look_act(&natd);
	answer_all();
	engine_tick(&natd.engine, now + 100000);
	assert_int_equal(only()->state, FORWARD_OPEN);
	assert_true(engine_deadline(&natd.engine) > now + 100000);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, move_in, move_out)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_the_router_never_held_holds_nothing_back),
		TEST(what_the_router_holds_leaves_first),
		TEST(natctls_own_way_to_the_port_makes_way),
		TEST(two_ways_to_one_port_stay),
		TEST(what_stays_has_no_end),
	};

	log_open("test", false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
