/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine: what it asks, when, and what it makes of the answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "natd/engine.h"
#include "natd/log.h"

#define SECOND 1000

static struct upnp_request sent[64];
static size_t sent_count;
static size_t saves;
static size_t sent_when_saved; /* how much had been sent at the last save */

static void record(void *context, const struct upnp_request *request)
{
	(void)context;
	assert_true(sent_count < 64);
	sent[sent_count++] = *request;
}

static void save(void *context)
{
	struct engine *engine = context;

	saves++;
	sent_when_saved = sent_count;
	engine->forwards.dirty = false;
}

static const struct engine_hooks hooks = { record, save, NULL };

static const struct config_forward wireguard = {
	.name = "wireguard", .protocol = IPPROTO_UDP, .port = 51820, .external = 51820
};
static const struct config_forward web = {
	.name = "web", .protocol = IPPROTO_TCP, .port = 8443, .external = 443
};

static struct upnp_network home(void)
{
	struct upnp_network network = { .ifindex = 2, .prefix = 24 };

	network.gateway.s_addr = inet_addr("192.168.1.1");
	network.address.s_addr = inet_addr("192.168.1.31");
	return network;
}

static void forget_sent(void)
{
	sent_count = 0;
}

/* The requests since the last forget_sent(), one letter each. */
static const char *letters(void)
{
	static const char names[] = "UMXAPLOSDK";
	static char text[65];
	size_t i;

	for (i = 0; i < sent_count; i++)
		text[i] = names[sent[i].what];
	text[i] = '\0';
	return text;
}

static void start(struct engine *engine, const struct config_forward *forwards, size_t count)
{
	struct upnp_network network = home();
	struct config config;

	config_defaults(&config);
	forget_sent();
	saves = 0;
	engine_init(engine, &hooks, engine);
	engine_want(engine, &config, forwards, count, SECOND);
	assert_int_equal(sent_count, 0); /* nobody to ask yet */
	engine_network(engine, &network, SECOND);
}

static void grant(struct engine *engine, uint32_t id, uint16_t port, uint32_t lifetime, int64_t now)
{
	struct upnp_report report = {
		.what = UPNP_MAPPED,
		.generation = engine->generation,
		.granted = { .id = id,
			     .via = UPNP_PCP,
			     .external_port = port,
			     .lifetime = lifetime },
	};

	assert_true(engine_report(engine, &report, now));
}

static void refuse(struct engine *engine, uint32_t id, uint8_t failure, const char *said,
		   int64_t now)
{
	struct upnp_report report = {
		.what = UPNP_FAILED,
		.generation = engine->generation,
		.failed = { .id = id, .via = UPNP_ANY, .failure = failure },
	};

	snprintf(report.failed.said, sizeof(report.failed.said), "%s", said);
	assert_true(engine_report(engine, &report, now));
}

static void unmapped(struct engine *engine, uint32_t id)
{
	struct upnp_report report = {
		.what = UPNP_UNMAPPED,
		.generation = engine->generation,
		.unmapped = { .id = id, .removed = true },
	};

	assert_true(engine_report(engine, &report, SECOND));
}

static void test_it_asks_once_there_is_a_router(void **state)
{
	static struct engine engine;

	(void)state;
	start(&engine, &wireguard, 1);
	assert_string_equal(letters(), "UMA");
	assert_int_equal(sent[0].network.count, 3);
	assert_int_equal(sent[0].network.order[0], UPNP_PCP);
	assert_int_equal(sent[1].mapping.port, 51820);
	assert_int_equal(sent[1].mapping.external_port, 51820);
	assert_int_equal(sent[1].mapping.via, UPNP_ANY);
	assert_int_equal(sent[1].mapping.lifetime, 7200);
	/* The nonce was on disk before the question. */
	assert_int_equal(saves, 1);
	assert_int_equal(sent_when_saved, 0);
	assert_int_equal(engine.forwards.list[0].state, FORWARD_OPENING);
	/* The same network again is no news. */
	struct upnp_network network = home();
	engine_network(&engine, &network, 2 * SECOND);
	assert_string_equal(letters(), "UMA");
}

static void lost(struct engine *engine, uint16_t delay_ms, int64_t now)
{
	struct upnp_report report = {
		.what = UPNP_LOST,
		.generation = engine->generation,
		.lost = { .via = UPNP_PCP, .delay_ms = delay_ms, .said = "it restarted" },
	};

	assert_true(engine_report(engine, &report, now));
}

static void test_router_that_lost_its_state_is_asked_afresh(void **state)
{
	static struct engine engine;

	(void)state;
	start(&engine, &wireguard, 1);
	grant(&engine, 1, 51820, 7200, 2 * SECOND);
	forget_sent();
	/* heard by the whole link: after the delay, and once for many signs of it */
	lost(&engine, 4000, 10 * SECOND);
	lost(&engine, UPNP_DELAY_MAX, 11 * SECOND);
	assert_int_equal(engine_deadline(&engine), 14 * SECOND);
	engine_tick(&engine, 13 * SECOND);
	assert_string_equal(letters(), "");
	engine_tick(&engine, 14 * SECOND);
	assert_string_equal(letters(), "UMA");
	assert_int_equal(engine.forwards.list[0].state, FORWARD_OPENING);
	assert_int_equal(engine_deadline(&engine), 0);
	grant(&engine, 1, 51820, 7200, 15 * SECOND);
	forget_sent();
	/* seen in an answer to us alone: at once */
	lost(&engine, 4000, 20 * SECOND);
	lost(&engine, 0, 20 * SECOND);
	assert_int_equal(engine_deadline(&engine), 20 * SECOND);
	engine_tick(&engine, 20 * SECOND);
	assert_string_equal(letters(), "UMA");
}

static void test_protocol_that_turns_up_late_is_used(void **state)
{
	static struct engine engine;
	struct upnp_report report = { .what = UPNP_PROTOCOL };

	(void)state;
	start(&engine, &wireguard, 1);
	refuse(&engine, 1, UPNP_NO_PROTOCOL, "", 5 * SECOND);
	forget_sent();
	report.generation = engine.generation;
	report.protocol = (struct upnp_protocol_report){ .protocol = UPNP_IGD, .state = UPNP_OK };
	assert_true(engine_report(&engine, &report, 6 * SECOND));
	/* without another search, which would be answered as late as the first */
	assert_string_equal(letters(), "MA");
	assert_int_equal(engine_deadline(&engine), 0);
	/* and not again for what is under way */
	assert_true(engine_report(&engine, &report, 7 * SECOND));
	assert_string_equal(letters(), "MA");
}

/* Killed while one port was asked for, it comes back: the other, which was open, is asked for as well. */
static void test_protocol_that_comes_back_is_asked_for_all(void **state)
{
	static struct engine engine;
	struct upnp_report report = { .what = UPNP_PROTOCOL };

	(void)state;
	start(&engine, &wireguard, 1);
	grant(&engine, 1, 51820, 7200, 2 * SECOND);
	forget_sent();
	report.generation = engine.generation;
	report.protocol = (struct upnp_protocol_report){ .protocol = UPNP_PCP, .state = UPNP_OK };
	assert_true(engine_report(&engine, &report, 3 * SECOND));
	assert_string_equal(letters(), "");
	report.protocol.state = UPNP_SILENT;
	assert_true(engine_report(&engine, &report, 4 * SECOND));
	report.protocol.state = UPNP_ASKING;
	assert_true(engine_report(&engine, &report, 5 * SECOND));
	assert_string_equal(letters(), "");
	report.protocol.state = UPNP_OK;
	assert_true(engine_report(&engine, &report, 6 * SECOND));
	assert_string_equal(letters(), "UMA");
}

static void test_router_is_to_be_checked_four_times_an_hour(void **state)
{
	static struct engine engine;

	(void)state;
	start(&engine, &wireguard, 1);
	assert_int_equal(sent[0].network.check, 900);
}

static void test_renewal_at_half_the_lifetime(void **state)
{
	static struct engine engine;
	const struct forward *forward = &engine.forwards.list[0];

	(void)state;
	start(&engine, &wireguard, 1);
	grant(&engine, forward->id, 51820, 120, 10 * SECOND);
	assert_int_equal(forward->state, FORWARD_OPEN);
	assert_in_range(engine_deadline(&engine), 70 * SECOND, 85 * SECOND);
	forget_sent();
	engine_tick(&engine, engine_deadline(&engine) - 1);
	assert_string_equal(letters(), "");
	engine_tick(&engine, engine_deadline(&engine));
	assert_string_equal(letters(), "M");
	assert_int_equal(sent[0].mapping.via, UPNP_PCP);
	assert_int_equal(engine_deadline(&engine), 0);
	grant(&engine, forward->id, 51820, 120, 71 * SECOND);
	assert_in_range(engine_deadline(&engine), 131 * SECOND, 146 * SECOND);
}

static void test_renewals_are_spread(void **state)
{
	static struct engine engine;
	int64_t first, other;
	int same = 0;

	(void)state;
	start(&engine, &wireguard, 1);
	grant(&engine, 1, 51820, 7200, SECOND);
	first = engine_deadline(&engine);
	for (int i = 0; i < 20; i++) {
		grant(&engine, 1, 51820, 7200, SECOND);
		other = engine_deadline(&engine);
		assert_in_range(other, 3601 * SECOND, 4501 * SECOND);
		same += other == first;
	}
	assert_true(same < 10);
}

static void test_service_is_kept_for_its_router(void **state)
{
	static struct engine engine;
	struct upnp_report report = { .what = UPNP_SERVICE };
	struct upnp_network other = home();

	(void)state;
	start(&engine, &wireguard, 1);
	assert_string_equal(sent[0].network.service.control, "");
	report.generation = engine.generation;
	strcpy(report.service.control, "http://192.168.1.1:5000/ctl");
	strcpy(report.service.type, "urn:x");
	assert_true(engine_report(&engine, &report, SECOND));
	assert_true(engine.forwards.dirty);
	forget_sent();
	lost(&engine, 0, 2 * SECOND);
	engine_tick(&engine, 2 * SECOND);
	assert_string_equal(sent[0].network.service.control, "http://192.168.1.1:5000/ctl");
	forget_sent();
	other.gateway.s_addr = inet_addr("192.168.1.2");
	engine_network(&engine, &other, 3 * SECOND);
	assert_string_equal(sent[0].network.service.control, "");
}

static void test_a_permanent_mapping_is_looked_after(void **state)
{
	static struct engine engine;

	(void)state;
	start(&engine, &wireguard, 1);
	grant(&engine, engine.forwards.list[0].id, 51820, 0, 0);
	assert_in_range(engine_deadline(&engine), 1800 * SECOND, 2250 * SECOND);
}

static void test_another_port_than_wanted_is_renewed_as_granted(void **state)
{
	static struct engine engine;

	(void)state;
	start(&engine, &wireguard, 1);
	grant(&engine, engine.forwards.list[0].id, 1024, 120, 0);
	forget_sent();
	engine_tick(&engine, 75 * SECOND);
	assert_int_equal(sent[0].mapping.external_port, 1024);
	assert_int_equal(sent[0].mapping.wanted_port, 51820);
}

static void test_retries_slow_down(void **state)
{
	static const int64_t delays[] = { 2, 4, 8, 16, 32, 60, 600, 600 };
	static struct engine engine;
	int64_t now = SECOND;

	(void)state;
	start(&engine, &wireguard, 1);
	for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		refuse(&engine, engine.forwards.list[0].id, UPNP_NO_PROTOCOL, "nobody answers",
		       now);
		assert_int_equal(engine.forwards.list[0].state, FORWARD_FAILED);
		assert_int_equal(engine_deadline(&engine), now + delays[i] * SECOND);
		forget_sent();
		now += delays[i] * SECOND;
		engine_tick(&engine, now);
		assert_string_equal(letters(), "UMA");
	}
	/* Success starts the count anew. */
	grant(&engine, engine.forwards.list[0].id, 51820, 120, now);
	refuse(&engine, engine.forwards.list[0].id, UPNP_HOST_REFUSED, "606", now);
	assert_int_equal(engine_deadline(&engine), now + 2 * SECOND);
}

static void test_a_router_that_forgot_is_asked_at_once(void **state)
{
	static struct engine engine;

	(void)state;
	start(&engine, &wireguard, 1);
	grant(&engine, engine.forwards.list[0].id, 51820, 120, 0);
	engine_tick(&engine, 60 * SECOND);
	forget_sent();
	refuse(&engine, engine.forwards.list[0].id, UPNP_NO_ANSWER, "silence", 64 * SECOND);
	assert_string_equal(letters(), "UMA");
	/* ... but only once: then it slows down. */
	forget_sent();
	refuse(&engine, engine.forwards.list[0].id, UPNP_NO_PROTOCOL, "silence", 68 * SECOND);
	assert_string_equal(letters(), "");
	assert_int_equal(engine_deadline(&engine), 72 * SECOND);
}

static void test_only_what_is_missing_is_asked_again(void **state)
{
	const struct config_forward both[] = { wireguard, web };
	static struct engine engine;

	(void)state;
	start(&engine, both, 2);
	assert_string_equal(letters(), "UMMA");
	grant(&engine, engine.forwards.list[0].id, 51820, 7200, 0);
	refuse(&engine, engine.forwards.list[1].id, UPNP_PORT_TAKEN, "718", 0);
	forget_sent();
	engine_tick(&engine, 2 * SECOND);
	assert_string_equal(letters(), "MA");
	assert_int_equal(sent[0].mapping.port, 8443);
	assert_int_equal(engine.forwards.list[0].state, FORWARD_OPEN);
}

static void test_an_answer_about_an_old_network_is_dropped(void **state)
{
	static struct engine engine;
	struct upnp_network network = home();
	struct upnp_report late = { .what = UPNP_MAPPED };

	(void)state;
	start(&engine, &wireguard, 1);
	late.generation = engine.generation;
	late.granted = (struct upnp_granted){ .id = engine.forwards.list[0].id,
					      .external_port = 51820,
					      .lifetime = 120 };
	network.address.s_addr = inet_addr("192.168.1.77");
	forget_sent();
	engine_network(&engine, &network, 5 * SECOND);
	assert_string_equal(letters(), "UMA");
	assert_true(engine_report(&engine, &late, 6 * SECOND));
	assert_int_equal(engine.forwards.list[0].state, FORWARD_OPENING);
}

static void test_stop_removes_and_waits(void **state)
{
	static struct engine engine;
	uint32_t id;

	(void)state;
	start(&engine, &wireguard, 1);
	id = engine.forwards.list[0].id;
	grant(&engine, id, 51820, 7200, 0);
	forget_sent();
	engine_stop(&engine);
	assert_string_equal(letters(), "X");
	assert_int_equal(sent[0].mapping.via, UPNP_PCP);
	assert_false(engine_is_idle(&engine));
	unmapped(&engine, id);
	assert_true(engine_is_idle(&engine));
	assert_int_equal(engine.forwards.count, 0);
}

static void test_a_grant_that_comes_after_the_close_is_removed(void **state)
{
	static struct engine engine;
	uint32_t id;

	(void)state;
	start(&engine, &wireguard, 1);
	id = engine.forwards.list[0].id;
	engine_stop(&engine);
	forget_sent();
	grant(&engine, id, 51820, 7200, 0);
	assert_string_equal(letters(), "X");
	assert_false(engine_is_idle(&engine));
}

/* What a killed natd left on the router: taken over with its nonce, or removed. */
static void test_the_run_before(void **state)
{
	static struct engine engine;
	struct upnp_network network = home();
	struct forward kept = { .wanted = wireguard,
				.via = UPNP_NATPMP,
				.external_port = 51820,
				.nonce = { 1, 2, 3 } };
	struct forward dropped = {
		.wanted = web, .via = UPNP_NATPMP, .external_port = 443, .nonce = { 9 }
	};
	struct config config;

	(void)state;
	config_defaults(&config);
	forget_sent();
	engine_init(&engine, &hooks, &engine);
	engine_restore(&engine, &kept);
	engine_restore(&engine, &dropped);
	engine_want(&engine, &config, &wireguard, 1, SECOND);
	engine_network(&engine, &network, SECOND);
	assert_string_equal(letters(), "UMXA");
	/* The protocol that holds our mapping goes first: a second one would make a second mapping. */
	assert_int_equal(sent[0].network.order[0], UPNP_NATPMP);
	assert_int_equal(sent[0].network.count, 3);
	assert_memory_equal(sent[1].mapping.nonce, kept.nonce, UPNP_NONCE_SIZE);
	assert_memory_equal(sent[2].mapping.nonce, dropped.nonce, UPNP_NONCE_SIZE);
	assert_int_equal(sent[2].mapping.via, UPNP_NATPMP);
	assert_int_equal(sent[2].mapping.external_port, 443);
}

static void test_reload_closes_what_is_not_wanted(void **state)
{
	const struct config_forward both[] = { wireguard, web };
	static struct engine engine;
	struct config config;

	(void)state;
	config_defaults(&config);
	start(&engine, both, 2);
	grant(&engine, engine.forwards.list[0].id, 51820, 7200, 0);
	grant(&engine, engine.forwards.list[1].id, 443, 7200, 0);
	forget_sent();
	engine_want(&engine, &config, both, 2, SECOND);
	assert_string_equal(letters(), "");
	engine_want(&engine, &config, both, 1, SECOND);
	assert_string_equal(letters(), "X");
	assert_int_equal(sent[0].mapping.port, 8443);
	/* Wanted again before the router has answered: asked for again. */
	forget_sent();
	engine_want(&engine, &config, both, 2, SECOND);
	assert_string_equal(letters(), "MA");
}

static void test_open_and_close_by_hand(void **state)
{
	static struct engine engine;
	struct config_forward other = {
		.name = "natctl-9999", .protocol = IPPROTO_UDP, .port = 9999, .external = 9999
	};
	const struct forward *forward;
	char error[UPNP_TEXT_MAX];

	(void)state;
	start(&engine, &wireguard, 1);
	grant(&engine, engine.forwards.list[0].id, 51820, 7200, SECOND);
	assert_null(engine_open(&engine, &wireguard, 0, SECOND, error));
	assert_string_equal(error, "udp 51820 is forwarded already: natd keeps it open by itself");
	forget_sent();
	forward = engine_open(&engine, &other, 60, SECOND, error);
	assert_non_null(forward);
	assert_string_equal(letters(), "MA");
	grant(&engine, forward->id, 9999, 7200, SECOND);
	/* Its time is over before its lease is. */
	assert_int_equal(engine_deadline(&engine), 61 * SECOND);
	forget_sent();
	engine_tick(&engine, 61 * SECOND);
	assert_string_equal(letters(), "X");
	assert_false(engine_close(&engine, IPPROTO_UDP, 51820, error));
	assert_string_equal(error,
			    "udp 51820 is kept open by natd itself: natd.conf or the VPN says so");
	assert_false(engine_close(&engine, IPPROTO_TCP, 1, error));
	assert_string_equal(error, "tcp 1 is not forwarded");
}

/* On a router that has one table for all, the second would take the first one's entry away. */
static void test_an_external_port_leads_to_one_port(void **state)
{
	static struct engine engine;
	struct config_forward other = {
		.name = "natctl-9999", .protocol = IPPROTO_UDP, .port = 9999, .external = 51820
	};
	struct config_forward config_of_now = other;
	char error[UPNP_TEXT_MAX];

	(void)state;
	start(&engine, &wireguard, 1);
	assert_null(engine_open(&engine, &other, 0, SECOND, error));
	assert_string_equal(error,
			    "udp 9999 cannot have external port 51820: it leads to udp 51820 "
			    "already");
	/* also that which it has instead of the wanted one */
	grant(&engine, engine.forwards.list[0].id, 51821, 7200, SECOND);
	other.external = 51821;
	assert_null(engine_open(&engine, &other, 0, SECOND, error));
	other.external = 443;
	assert_non_null(engine_open(&engine, &other, 0, SECOND, error));
	other.external = 444;
	assert_null(engine_open(&engine, &other, 0, SECOND, error));
	assert_string_equal(error, "udp 9999 is open already, from external port 443: natctl close "
				   "it first");
	/* TCP has ports of its own. */
	other.protocol = IPPROTO_TCP;
	other.external = 443;
	assert_non_null(engine_open(&engine, &other, 0, SECOND, error));

	/* natd.conf wants it now. */
	config_of_now.port = 8443;
	config_of_now.external = 443;
	forget_sent();
	engine_yield(&engine, &config_of_now, 1);
	assert_string_equal(letters(), "X");
	assert_int_equal(sent[0].mapping.port, 9999);
	assert_int_equal(sent[0].mapping.protocol, IPPROTO_UDP);
}

static void test_a_reload_without_protocols(void **state)
{
	static struct engine engine;
	struct config config;

	(void)state;
	start(&engine, &wireguard, 1);
	grant(&engine, engine.forwards.list[0].id, 51820, 7200, SECOND);
	engine.protocols[UPNP_IGD].state = UPNP_OK;
	engine.retry_at = engine.trial_at = 5 * SECOND; /* of another forward */
	config_defaults(&config);
	config.order_count = 0;
	forget_sent();
	engine_want(&engine, &config, &wireguard, 1, SECOND);
	assert_string_equal(letters(), "U");
	assert_int_equal(sent[0].network.count, 0);
	assert_int_equal(engine.forwards.list[0].state, FORWARD_OFF);
	assert_false(engine_answers(&engine));
	assert_int_equal(engine_deadline(&engine), 0);
	/* and back */
	config_defaults(&config);
	forget_sent();
	engine_want(&engine, &config, &wireguard, 1, SECOND);
	assert_string_equal(letters(), "UMA");
}

static void test_no_protocol_means_nobody_is_asked(void **state)
{
	static struct engine engine;
	struct upnp_network network = home();
	struct config config;

	(void)state;
	config_defaults(&config);
	config.order_count = 0;
	forget_sent();
	engine_init(&engine, &hooks, &engine);
	engine_want(&engine, &config, &wireguard, 1, SECOND);
	engine_network(&engine, &network, SECOND);
	assert_string_equal(letters(), "");
	assert_int_equal(engine.forwards.list[0].state, FORWARD_OFF);
	engine_stop(&engine);
	assert_true(engine_is_idle(&engine));
}

/* The cable is pulled while the router is asked: what it answered late is not believed, nothing is
 * renewed or tried again, and all is asked when it is back. */
static void test_without_a_router_it_rests(void **state)
{
	static struct engine engine;
	struct upnp_network network = home();
	struct upnp_report late = { .what = UPNP_FAILED };

	(void)state;
	start(&engine, &wireguard, 1);
	late.generation = engine.generation;
	late.failed.id = engine.forwards.list[0].id;
	late.failed.via = UPNP_ANY;
	engine_network(&engine, NULL, SECOND);
	assert_int_equal(engine.forwards.list[0].state, FORWARD_OFF);
	assert_string_equal(engine.forwards.list[0].reason, "there is no router to ask");
	engine_report(&engine, &late, SECOND);
	assert_int_equal(engine.forwards.list[0].state, FORWARD_OFF);
	assert_int_equal(engine_deadline(&engine), 0);
	forget_sent();
	engine_network(&engine, &network, SECOND);
	assert_string_equal(letters(), "UMA");
	assert_int_equal(engine.forwards.list[0].state, FORWARD_OPENING);
}

static void test_the_last_public_address_is_kept(void **state)
{
	static struct engine engine;
	struct upnp_report report = { .what = UPNP_WAN };

	(void)state;
	start(&engine, &wireguard, 1);
	report.generation = engine.generation;
	report.wan.address.s_addr = inet_addr("11.0.0.2");
	engine_report(&engine, &report, SECOND);
	assert_int_equal(engine.public_wan.s_addr, inet_addr("11.0.0.2"));
	engine_network(&engine, NULL, SECOND);
	assert_false(engine.wan_known);
	assert_int_equal(engine.public_wan.s_addr, inet_addr("11.0.0.2"));
	/* A private one is never told as the public one. */
	struct upnp_network network = home();
	engine_network(&engine, &network, SECOND);
	report.generation = engine.generation;
	report.wan.address.s_addr = inet_addr("100.64.1.1");
	engine_report(&engine, &report, SECOND);
	assert_int_equal(engine.public_wan.s_addr, 0);
}

/* natctl doctor: what is open is renewed by who holds it and stays open, what failed is tried again,
 * and every protocol is asked. */
static void test_a_check_closes_nothing(void **state)
{
	static const struct config_forward both[] = { wireguard, web };
	static struct engine engine;

	(void)state;
	start(&engine, both, 2);
	grant(&engine, sent[1].mapping.id, 51820, 7200, 2 * SECOND);
	refuse(&engine, sent[2].mapping.id, UPNP_PORT_TAKEN, "taken", 2 * SECOND);
	forget_sent();
	assert_true(engine_check(&engine));
	assert_string_equal(letters(), "MMAP");
	assert_int_equal(sent[0].mapping.via, UPNP_PCP);
	assert_int_equal(sent[0].mapping.external_port, 51820);
	assert_int_equal(sent[1].mapping.via, UPNP_ANY);
	assert_int_equal(engine.forwards.list[0].state, FORWARD_OPEN);
	engine_network(&engine, NULL, 3 * SECOND);
	assert_false(engine_check(&engine));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_asks_once_there_is_a_router),
		cmocka_unit_test(test_router_that_lost_its_state_is_asked_afresh),
		cmocka_unit_test(test_router_is_to_be_checked_four_times_an_hour),
		cmocka_unit_test(test_protocol_that_turns_up_late_is_used),
		cmocka_unit_test(test_protocol_that_comes_back_is_asked_for_all),
		cmocka_unit_test(test_renewal_at_half_the_lifetime),
		cmocka_unit_test(test_renewals_are_spread),
		cmocka_unit_test(test_service_is_kept_for_its_router),
		cmocka_unit_test(test_a_permanent_mapping_is_looked_after),
		cmocka_unit_test(test_another_port_than_wanted_is_renewed_as_granted),
		cmocka_unit_test(test_retries_slow_down),
		cmocka_unit_test(test_a_router_that_forgot_is_asked_at_once),
		cmocka_unit_test(test_only_what_is_missing_is_asked_again),
		cmocka_unit_test(test_an_answer_about_an_old_network_is_dropped),
		cmocka_unit_test(test_stop_removes_and_waits),
		cmocka_unit_test(test_a_grant_that_comes_after_the_close_is_removed),
		cmocka_unit_test(test_the_run_before),
		cmocka_unit_test(test_reload_closes_what_is_not_wanted),
		cmocka_unit_test(test_open_and_close_by_hand),
		cmocka_unit_test(test_an_external_port_leads_to_one_port),
		cmocka_unit_test(test_a_reload_without_protocols),
		cmocka_unit_test(test_no_protocol_means_nobody_is_asked),
		cmocka_unit_test(test_without_a_router_it_rests),
		cmocka_unit_test(test_the_last_public_address_is_kept),
		cmocka_unit_test(test_a_check_closes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
