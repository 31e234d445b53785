/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The set that natd asks for: what fits together, what the ranges are, which counters stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/set.h"

static struct rules_prefix prefix(const char *text)
{
	char address[64];
	struct rules_prefix made = { 0 };
	char *slash;

	snprintf(address, sizeof(address), "%s", text);
	slash = strchr(address, '/');
	assert_non_null(slash);
	*slash = '\0';
	made.length = (uint8_t)atoi(slash + 1);
	made.family = strchr(address, ':') ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(made.family, address, &made.v6), 1);
	return made;
}

static void add_tunnel(struct set *set, const char *name, uint8_t reach)
{
	struct rules_tunnel tunnel = { .reach = reach };

	snprintf(tunnel.interface, sizeof(tunnel.interface), "%s", name);
	set_add_tunnel(set, &tunnel);
}

static void add_network(struct set *set, const char *name, const char *text, uint8_t egress)
{
	struct rules_network network = { .egress = egress, .network = prefix(text) };

	snprintf(network.interface, sizeof(network.interface), "%s", name);
	set_add_network(set, &network);
}

/* "10.8.0.0-10.8.0.1:0 10.8.0.2-10.8.0.2:1": first, last, item. */
static const char *ranges_text(const struct ranges *ranges)
{
	static char text[2048];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < ranges->count; i++) {
		char first[INET6_ADDRSTRLEN];
		char last[INET6_ADDRSTRLEN];

		inet_ntop(ranges->family, ranges->items[i].first, first, sizeof(first));
		inet_ntop(ranges->family, ranges->items[i].last, last, sizeof(last));
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s-%s:%u",
					 i ? " " : "", first, last, ranges->items[i].item);
	}
	return text;
}

static void ranges_are(const char *const *prefixes, const char *expected)
{
	struct range_prefix in[8];
	struct ranges ranges;
	size_t count = 0;

	for (; prefixes[count]; count++)
		in[count] = (struct range_prefix){ prefix(prefixes[count]), (uint32_t)count };
	ranges_make(&ranges, count ? in[0].prefix.family : AF_INET, in, count);
	assert_string_equal(ranges_text(&ranges), expected);
	for (size_t i = 0; i < ranges.count; i++)
		assert_ptr_equal(ranges_find(&ranges, ranges.items[i].first), &ranges.items[i]);
	ranges_free(&ranges);
}

#define RANGES_ARE(expected, ...) ranges_are((const char *const[]){ __VA_ARGS__, NULL }, expected)

static void test_ranges(void **state)
{
	(void)state;
	ranges_are((const char *const[]){ NULL }, "");
	RANGES_ARE("10.8.0.0-10.8.0.255:0", "10.8.0.0/24");
	RANGES_ARE("10.7.0.0-10.7.0.255:1 10.8.0.0-10.8.0.255:0", "10.8.0.0/24", "10.7.0.0/24");
	/* the longest prefix wins */
	RANGES_ARE("10.8.0.0-10.8.0.1:0 10.8.0.2-10.8.0.2:1 10.8.0.3-10.8.0.255:0", "10.8.0.0/24",
		   "10.8.0.2/32");
	/* at the first and the last address of the network around it */
	RANGES_ARE("10.8.0.0-10.8.0.0:1 10.8.0.1-10.8.0.255:0", "10.8.0.0/24", "10.8.0.0/32");
	RANGES_ARE("10.8.0.0-10.8.0.254:0 10.8.0.255-10.8.0.255:1", "10.8.0.0/24", "10.8.0.255/32");
	/* three deep, and beside each other */
	RANGES_ARE("10.0.0.0-10.7.255.255:2 10.8.0.0-10.8.0.4:1 10.8.0.5-10.8.0.5:0 "
		   "10.8.0.6-10.8.255.255:1 10.9.0.0-10.9.255.255:3 10.10.0.0-10.255.255.255:2",
		   "10.8.0.5/32", "10.8.0.0/16", "10.0.0.0/8", "10.9.0.0/16");
	/* two halves leave nothing of the whole */
	RANGES_ARE("10.8.0.0-10.8.0.127:1 10.8.0.128-10.8.0.255:2", "10.8.0.0/24", "10.8.0.0/25",
		   "10.8.0.128/25");
	/* of equals the first wins */
	RANGES_ARE("10.8.0.0-10.8.0.255:0", "10.8.0.0/24", "10.8.0.0/24");
}

static void test_ranges_to_the_last_address(void **state)
{
	(void)state;
	RANGES_ARE("0.0.0.0-255.255.255.255:0", "0.0.0.0/0");
	RANGES_ARE("0.0.0.0-254.255.255.255:0 255.0.0.0-255.255.255.254:1 "
		   "255.255.255.255-255.255.255.255:2",
		   "0.0.0.0/0", "255.0.0.0/8", "255.255.255.255/32");
	RANGES_ARE("::-fd41:ffff:ffff:ffff:ffff:ffff:ffff:ffff:1 "
		   "fd42::-fd42::ffff:ffff:ffff:ffff:0 "
		   "fd42:0:0:1::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:1",
		   "fd42::/64", "::/0");
}

static void test_a_good_set(void **state)
{
	struct rules_prefix lan = prefix("192.168.1.0/24");
	struct rules_port port = { .protocol = IPPROTO_UDP, .port = 51820 };
	struct set set = { 0 };

	(void)state;
	set_begin(&set, 7);
	add_tunnel(&set, "wg0", 7);
	add_tunnel(&set, "wg0", 7);
	add_network(&set, "wg0", "10.8.0.0/24", RULES_EGRESS_MASQUERADE);
	add_network(&set, "wg0", "10.8.0.2/32", RULES_EGRESS_NONE);
	add_network(&set, "wg0", "fd42::/64", RULES_EGRESS_MASQUERADE);
	set_add_lan(&set, &lan);
	set_add_lan(&set, &lan);
	set_add_port(&set, &port);
	set_add_port(&set, &port);
	assert_true(set_finish(&set));
	assert_int_equal(set.generation, 7);
	assert_int_equal(set.tunnel_count, 1);
	assert_int_equal(set.port_count, 1);
	assert_int_equal(set.networks.ranges4.count, 3);
	assert_int_equal(set.networks.ranges6.count, 1);
	assert_int_equal(set.lans4.count, 1);
	assert_int_equal(set.lans6.count, 0);
	set_clear(&set);
	assert_false(set.exists);
}

static void set_refuses(struct set *set, int error, const char *what)
{
	assert_false(set_finish(set));
	assert_int_equal(set->error, error);
	assert_string_equal(set->what, what);
	set_clear(set);
}

static void test_a_network_of_no_tunnel(void **state)
{
	struct set set = { 0 };

	(void)state;
	set_begin(&set, 1);
	add_network(&set, "wg1", "10.8.0.0/24", RULES_EGRESS_MASQUERADE);
	set_refuses(&set, ENODEV, "the network 10.8.0.0/24: wg1 is no tunnel of this set");
}

static void test_one_network_two_egresses(void **state)
{
	struct set set = { 0 };

	(void)state;
	set_begin(&set, 1);
	add_tunnel(&set, "wg0", 7);
	add_tunnel(&set, "wg1", 7);
	add_network(&set, "wg0", "10.8.0.0/24", RULES_EGRESS_MASQUERADE);
	add_network(&set, "wg1", "10.8.0.0/24", RULES_EGRESS_NONE);
	set_refuses(&set, EEXIST,
		    "the network 10.8.0.0/24 of wg1 is also behind wg0, with another egress");
}

static void test_one_tunnel_two_reaches(void **state)
{
	struct set set = { 0 };

	(void)state;
	set_begin(&set, 1);
	add_tunnel(&set, "wg0", 7);
	add_tunnel(&set, "wg0", 1);
	add_tunnel(&set, "wg*", 1); /* the first reason is told */
	set_refuses(&set, EEXIST, "the tunnel wg0 is there twice, with different reach");
}

static void test_a_name_that_nft_cannot_read(void **state)
{
	struct set set = { 0 };

	(void)state;
	set_begin(&set, 1);
	add_tunnel(&set, "wg*", 7);
	set_refuses(&set, EINVAL, "the tunnel \"wg*\": a name with this character cannot be used");
}

static void test_too_many(void **state)
{
	struct set set = { 0 };
	char name[IF_NAMESIZE];

	(void)state;
	set_begin(&set, 1);
	for (int i = 0; i <= SET_TUNNELS_MAX; i++) {
		snprintf(name, sizeof(name), "wg%d", i);
		add_tunnel(&set, name, 7);
	}
	assert_int_equal(set.tunnel_count, SET_TUNNELS_MAX);
	set_refuses(&set, ENOSPC, "more than 256 items of one kind");
}

static void test_counters_of_networks(void **state)
{
	struct set set = { 0 };

	(void)state;
	set_begin(&set, 1);
	add_tunnel(&set, "wg0", 7);
	add_tunnel(&set, "wg1", 7);
	add_network(&set, "wg0", "10.8.0.0/24", RULES_EGRESS_MASQUERADE);
	add_network(&set, "wg0", "10.8.0.2/32", RULES_EGRESS_NONE);
	add_network(&set, "wg1", "10.8.0.0/24", RULES_EGRESS_MASQUERADE);
	assert_true(set_finish(&set));
	set.networks.ranges4.items[0].count.packets = 1;
	set.networks.ranges4.items[1].count.packets = 20;
	set.networks.ranges4.items[2].count.packets = 300;
	networks_sum(&set.networks);
	assert_int_equal(set.networks.items[0].count.packets, 301);
	assert_int_equal(set.networks.items[1].count.packets, 301); /* the same network */
	assert_int_equal(set.networks.items[2].count.packets, 20);
	set_clear(&set);
}

static void test_counters_are_carried(void **state)
{
	struct rules_port port = { .protocol = IPPROTO_UDP, .port = 51820 };
	struct set old = { 0 };
	struct set new = { 0 };

	(void)state;
	set_begin(&old, 1);
	add_tunnel(&old, "wg0", 7);
	add_network(&old, "wg0", "10.8.0.0/24", RULES_EGRESS_MASQUERADE);
	set_add_port(&old, &port);
	assert_true(set_finish(&old));
	old.tunnels[0].in.packets = 5;
	old.tunnels[0].out.bytes = 6;
	old.ports[0].outside.packets = 7;
	old.ports[0].lan.packets = 9;
	old.ports[0].seen_ms = 4711;
	old.ports[0].delivered.packets = 8;
	old.networks.ranges4.items[0].count.packets = 9;

	set_begin(&new, 2);
	add_tunnel(&new, "wg1", 7);
	add_tunnel(&new, "wg0", 1);
	add_network(&new, "wg0", "10.7.0.0/24", RULES_EGRESS_MASQUERADE);
	add_network(&new, "wg0", "10.8.0.0/24", RULES_EGRESS_MASQUERADE);
	set_add_port(&new, &port);
	assert_true(set_finish(&new));
	set_carry_counts(&new, &old);
	assert_int_equal(new.tunnels[0].in.packets, 0);
	assert_int_equal(new.tunnels[1].in.packets, 5);
	assert_int_equal(new.tunnels[1].out.bytes, 6);
	assert_int_equal(new.ports[0].outside.packets, 7);
	assert_int_equal(new.ports[0].lan.packets, 9);
	assert_int_equal(new.ports[0].seen_ms, 4711);
	assert_int_equal(new.ports[0].delivered.packets, 8);
	assert_int_equal(new.networks.ranges4.items[0].count.packets, 0);
	assert_int_equal(new.networks.ranges4.items[1].count.packets, 9);
	set_clear(&old);
	set_clear(&new);
}

static void add_publish(struct set *set, uint8_t protocol, uint16_t port, uint16_t last,
			const char *to)
{
	struct rules_publish publish = { .protocol = protocol,
					 .keep_source = 1,
					 .port = port,
					 .last = last,
					 .to_port = port,
					 .to = prefix(to) };

	set_add_publish(set, &publish);
}

static void test_published_ports_are_found(void **state)
{
	struct set set = { 0 };

	(void)state;
	set_begin(&set, 1);
	add_publish(&set, IPPROTO_UDP, 2000, 2499, "10.8.0.2/32");
	add_publish(&set, IPPROTO_TCP, 443, 443, "fd42::2/128");
	add_publish(&set, IPPROTO_TCP, 443, 443, "10.8.0.3/32");
	add_publish(&set, IPPROTO_TCP, 1, 442, "10.8.0.4/32");
	assert_true(set_finish(&set));
	assert_int_equal(set.published.ports, 500 + 1 + 1 + 442);
	assert_int_equal(publishes_find(&set.published, AF_INET, IPPROTO_UDP, 2000)->is.last, 2499);
	assert_int_equal(publishes_find(&set.published, AF_INET, IPPROTO_UDP, 2499)->is.last, 2499);
	assert_null(publishes_find(&set.published, AF_INET, IPPROTO_UDP, 2500));
	assert_null(publishes_find(&set.published, AF_INET, IPPROTO_UDP, 1999));
	assert_null(publishes_find(&set.published, AF_INET6, IPPROTO_UDP, 2000));
	assert_int_equal(publishes_find(&set.published, AF_INET, IPPROTO_TCP, 442)->is.last, 442);
	assert_int_equal(publishes_find(&set.published, AF_INET, IPPROTO_TCP, 443)->is.to.family,
			 AF_INET);
	assert_int_equal(publishes_find(&set.published, AF_INET6, IPPROTO_TCP, 443)->is.to.family,
			 AF_INET6);
	set_clear(&set);
}

static void test_a_port_is_published_once(void **state)
{
	struct set set = { 0 };

	(void)state;
	set_begin(&set, 1);
	add_publish(&set, IPPROTO_TCP, 100, 200, "10.8.0.2/32");
	add_publish(&set, IPPROTO_TCP, 200, 300, "10.8.0.3/32");
	assert_false(set_finish(&set));
	assert_int_equal(set.error, EEXIST);
	assert_string_equal(set.what,
			    "the published tcp port 100 of 10.8.0.2 is there twice, in part");
	set_begin(&set, 2);
	add_publish(&set, IPPROTO_TCP, 1, 65535, "10.8.0.2/32");
	add_publish(&set, IPPROTO_UDP, 1, 65535, "10.8.0.2/32");
	add_publish(&set, IPPROTO_TCP, 1, 3, "fd42::2/128");
	assert_false(set_finish(&set));
	assert_int_equal(set.error, ENOSPC);
	assert_string_equal(set.what, "more than 131072 published ports");
	set_clear(&set);
}

static void test_published_ports_keep_their_counts(void **state)
{
	struct set before = { 0 };
	struct set after = { 0 };

	(void)state;
	set_begin(&before, 1);
	add_publish(&before, IPPROTO_UDP, 2000, 2009, "10.8.0.2/32");
	assert_true(set_finish(&before));
	publishes_count(&before.published, AF_INET, IPPROTO_UDP, 2003)->packets = 3;
	publishes_count(&before.published, AF_INET, IPPROTO_UDP, 2009)->packets = 4;
	networks_sum(&before.networks);
	assert_int_equal(publish_connections(&before.published, &before.published.items[0]), 7);
	set_begin(&after, 2);
	add_publish(&after, IPPROTO_UDP, 2005, 2009, "10.8.0.2/32");
	add_publish(&after, IPPROTO_UDP, 1, 2, "10.8.0.2/32");
	assert_true(set_finish(&after));
	set_carry_counts(&after, &before);
	networks_sum(&after.networks);
	assert_int_equal(publish_connections(&after.published, &after.published.items[0]), 0);
	assert_int_equal(publish_connections(&after.published, &after.published.items[1]), 4);
	set_clear(&before);
	set_clear(&after);
}

static void test_the_range_around_an_address(void **state)
{
	static const struct {
		const char *address;
		int item; /* -1: none */
	} cases[] = { { "10.7.255.255", -1 }, { "10.8.0.0", 0 },        { "10.8.0.3", 0 },
		      { "10.8.0.4", 1 },      { "10.8.0.7", 1 },        { "10.8.0.8", 0 },
		      { "10.8.0.255", 0 },    { "10.8.1.0", -1 },       { "10.9.0.0", 2 },
		      { "0.0.0.0", -1 },      { "255.255.255.255", -1 } };
	struct range_prefix in[] = { { prefix("10.8.0.0/24"), 0 },
				     { prefix("10.8.0.4/30"), 1 },
				     { prefix("10.9.0.0/32"), 2 } };
	struct ranges ranges;

	(void)state;
	ranges_make(&ranges, AF_INET, in, 3);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct range *found;
		struct in_addr address;

		assert_int_equal(inet_pton(AF_INET, cases[i].address, &address), 1);
		found = ranges_around(&ranges, (const uint8_t *)&address);
		assert_int_equal(found ? (int)found->item : -1, cases[i].item);
	}
	ranges_free(&ranges);
}

static void make_pair(struct set *set, const char *network4, uint8_t egress, const char *to)
{
	set_clear(set);
	set_begin(set, 1);
	add_tunnel(set, "wg0", 7);
	add_network(set, "wg0", network4, egress);
	add_network(set, "wg0", "fd42::/64", RULES_EGRESS_MASQUERADE);
	add_publish(set, IPPROTO_TCP, 443, 443, to);
	assert_true(set_finish(set));
}

/* What purge looks through: the families that translate otherwise than before. */
static void test_differences(void **state)
{
	static const struct set nothing;
	struct set before = { 0 };
	struct set after = { 0 };

	(void)state;
	make_pair(&before, "10.8.0.0/24", RULES_EGRESS_MASQUERADE, "10.8.0.2/32");
	make_pair(&after, "10.8.0.0/24", RULES_EGRESS_MASQUERADE, "10.8.0.2/32");
	assert_int_equal(set_differences(&before, &after), 0);
	assert_int_equal(set_differences(&nothing, &after), 3);
	assert_int_equal(set_differences(&nothing, &nothing), 0);
	make_pair(&after, "10.8.0.0/24", RULES_EGRESS_NONE, "10.8.0.2/32");
	assert_int_equal(set_differences(&before, &after), 1);
	make_pair(&after, "10.8.0.0/25", RULES_EGRESS_MASQUERADE, "10.8.0.2/32");
	assert_int_equal(set_differences(&before, &after), 1);
	make_pair(&after, "10.8.0.0/24", RULES_EGRESS_MASQUERADE, "10.8.0.3/32");
	assert_int_not_equal(set_differences(&before, &after), 0);
	set_clear(&before);
	set_clear(&after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_ranges_to_the_last_address),
		cmocka_unit_test(test_a_good_set),
		cmocka_unit_test(test_a_network_of_no_tunnel),
		cmocka_unit_test(test_one_network_two_egresses),
		cmocka_unit_test(test_one_tunnel_two_reaches),
		cmocka_unit_test(test_a_name_that_nft_cannot_read),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_counters_of_networks),
		cmocka_unit_test(test_counters_are_carried),
		cmocka_unit_test(test_published_ports_are_found),
		cmocka_unit_test(test_a_port_is_published_once),
		cmocka_unit_test(test_published_ports_keep_their_counts),
		cmocka_unit_test(test_the_range_around_an_address),
		cmocka_unit_test(test_differences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
