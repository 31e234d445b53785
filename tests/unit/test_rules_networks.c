/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is behind the tunnels: hashed or a range, which of them decides, and how an address leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/networks.h"

static struct rules_prefix prefix(const char *text)
{
	char address[64];
	struct rules_prefix made = { 0 };
	char *slash;

	snprintf(address, sizeof(address), "%s", text);
	slash = strchr(address, '/');
	made.family = strchr(address, ':') ? AF_INET6 : AF_INET;
	made.length = (uint8_t)(slash ? atoi(slash + 1) : made.family == AF_INET ? 32 : 128);
	if (slash)
		*slash = '\0';
	assert_int_equal(inet_pton(made.family, address, &made.v6), 1);
	return made;
}

static void add(struct networks *networks, const char *network, uint8_t egress, const char *first,
		const char *last)
{
	struct rules_network made = { .network = prefix(network), .egress = egress };

	if (first)
		made.address = prefix(first);
	if (last)
		made.last = prefix(last);
	assert_true(networks_add(networks, &made, 0));
}

/* The egress of an address, -1 for none. */
static int egress_of(const struct networks *networks, const char *address)
{
	struct rules_prefix wanted = prefix(address);
	const struct way *way =
		networks_way_from(networks, wanted.family, (const uint8_t *)&wanted.v6);

	return way ? way->egress : -1;
}

static void test_the_longest_decides(void **state)
{
	struct networks networks = { 0 };

	(void)state;
	add(&networks, "10.8.0.0/24", RULES_EGRESS_MASQUERADE, NULL, NULL);
	add(&networks, "10.8.0.0", RULES_EGRESS_ADDRESS, "203.0.113.9", NULL);
	add(&networks, "10.8.0.2", RULES_EGRESS_ADDRESS, "203.0.113.9", NULL);
	add(&networks, "10.8.0.4", RULES_EGRESS_NONE, NULL, NULL);
	add(&networks, "10.8.0.255", RULES_EGRESS_CLOSED, NULL, NULL);
	add(&networks, "10.8.0.128/25", RULES_EGRESS_POOL, "203.0.113.8", "203.0.113.11");
	add(&networks, "fd42::/64", RULES_EGRESS_PREFIX, "2001:db8:1::/64", NULL);
	add(&networks, "fd42::2", RULES_EGRESS_MASQUERADE, NULL, NULL);
	assert_null(networks_finish(&networks));
	assert_int_equal(egress_of(&networks, "10.8.0.0"), RULES_EGRESS_ADDRESS);
	assert_int_equal(egress_of(&networks, "10.8.0.1"), RULES_EGRESS_MASQUERADE);
	assert_int_equal(egress_of(&networks, "10.8.0.2"), RULES_EGRESS_ADDRESS);
	assert_int_equal(egress_of(&networks, "10.8.0.4"), RULES_EGRESS_NONE);
	assert_int_equal(egress_of(&networks, "10.8.0.200"), RULES_EGRESS_POOL);
	assert_int_equal(egress_of(&networks, "10.8.0.255"), RULES_EGRESS_CLOSED);
	assert_int_equal(egress_of(&networks, "10.8.1.0"), -1);
	assert_int_equal(egress_of(&networks, "fd42::1"), RULES_EGRESS_PREFIX);
	assert_int_equal(egress_of(&networks, "fd42::2"), RULES_EGRESS_MASQUERADE);
	assert_int_equal(egress_of(&networks, "fd43::2"), -1);
	/* 10.8.0.0, .2 and .255 cut nothing; 10.8.0.4 does */
	assert_int_equal(networks.ranges4.count, 4);
	assert_int_equal(networks.ranges6.count, 1);
	networks_free(&networks);
}

/* The rule that drops what is closed stands before every hash. */
static void test_an_address_in_a_closed_network_is_a_range(void **state)
{
	struct networks networks = { 0 };

	(void)state;
	add(&networks, "10.8.0.0/24", RULES_EGRESS_CLOSED, NULL, NULL);
	add(&networks, "10.8.0.2", RULES_EGRESS_ADDRESS, "203.0.113.9", NULL);
	add(&networks, "10.8.0.3", RULES_EGRESS_CLOSED, NULL, NULL);
	add(&networks, "10.9.0.2", RULES_EGRESS_MASQUERADE, NULL, NULL);
	assert_null(networks_finish(&networks));
	assert_int_equal(networks.ranges4.count, 3);
	assert_int_equal(egress_of(&networks, "10.8.0.1"), RULES_EGRESS_CLOSED);
	assert_int_equal(egress_of(&networks, "10.8.0.2"), RULES_EGRESS_ADDRESS);
	assert_int_equal(egress_of(&networks, "10.8.0.3"), RULES_EGRESS_CLOSED);
	assert_int_equal(egress_of(&networks, "10.9.0.2"), RULES_EGRESS_MASQUERADE);
	networks_free(&networks);
}

static void test_ways_are_shared(void **state)
{
	struct networks networks = { 0 };
	char address[32];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(address, sizeof(address), "10.8.%d.%d", i / 250, i % 250);
		add(&networks, address, RULES_EGRESS_ADDRESS,
		    i % 2 ? "203.0.113.9" : "203.0.113.10", NULL);
	}
	assert_null(networks_finish(&networks));
	assert_int_equal(networks.ways.count, 2);
	assert_int_equal(networks.ranges4.count, 0);
	networks_free(&networks);
}

/* Does what comes from `from` leave as `as` by a way? */
static bool gives(uint8_t egress, const char *first, const char *last, const char *from,
		  const char *as)
{
	struct rules_prefix source = prefix(from);
	struct rules_prefix seen = prefix(as);
	struct networks networks = { 0 };
	bool given;

	add(&networks, source.family == AF_INET ? "10.0.0.0/8" : "fd42::/48", egress, first, last);
	given = way_gives(&networks.ways.items[0], (const uint8_t *)&source.v6,
			  (const uint8_t *)&seen.v6);
	networks_free(&networks);
	return given;
}

static void test_what_a_way_gives(void **state)
{
	(void)state;
	assert_true(gives(RULES_EGRESS_ADDRESS, "11.0.4.9", NULL, "10.8.0.2", "11.0.4.9"));
	assert_false(gives(RULES_EGRESS_ADDRESS, "11.0.4.9", NULL, "10.8.0.2", "11.0.4.8"));
	assert_true(gives(RULES_EGRESS_POOL, "11.0.4.9", "11.0.4.11", "10.8.0.2", "11.0.4.9"));
	assert_true(gives(RULES_EGRESS_POOL, "11.0.4.9", "11.0.4.11", "10.8.0.2", "11.0.4.11"));
	assert_false(gives(RULES_EGRESS_POOL, "11.0.4.9", "11.0.4.11", "10.8.0.2", "11.0.4.12"));
	assert_false(gives(RULES_EGRESS_POOL, "11.0.4.9", "11.0.4.11", "10.8.0.2", "11.0.4.8"));
	assert_true(gives(RULES_EGRESS_PREFIX, "2001:db8::/56", NULL, "fd42:0:0:73::5",
			  "2001:db8:0:73::5"));
	assert_true(gives(RULES_EGRESS_PREFIX, "2001:db8::/56", NULL, "fd42:0:0:4473::5",
			  "2001:db8:0:73::5"));
	assert_false(gives(RULES_EGRESS_PREFIX, "2001:db8::/56", NULL, "fd42:0:0:73::5",
			   "2001:db8:0:73::6"));
	assert_false(gives(RULES_EGRESS_MASQUERADE, NULL, NULL, "10.8.0.2", "11.0.4.9"));
}

static void test_a_clash_is_found(void **state)
{
	struct networks networks = { 0 };
	const struct network_behind *clash;

	(void)state;
	add(&networks, "10.9.0.0/24", RULES_EGRESS_NONE, NULL, NULL);
	add(&networks, "10.8.0.0/24", RULES_EGRESS_POOL, "11.0.4.8", "11.0.4.9");
	add(&networks, "10.8.0.0/24", RULES_EGRESS_POOL, "11.0.4.8", "11.0.4.10");
	clash = networks_finish(&networks);
	assert_non_null(clash);
	assert_int_equal(clash - networks.items, 0);
	networks_free(&networks);
}

/* An address that becomes a range because its network is closed goes on counting, and back. */
static void test_counts_are_carried(void **state)
{
	struct networks before = { 0 };
	struct networks after = { 0 };

	(void)state;
	add(&before, "10.8.0.2", RULES_EGRESS_ADDRESS, "203.0.113.9", NULL);
	add(&before, "fd42::2", RULES_EGRESS_MASQUERADE, NULL, NULL);
	assert_null(networks_finish(&before));
	before.items[0].count.packets = 7;
	before.items[1].count.packets = 8;
	add(&after, "10.8.0.2", RULES_EGRESS_ADDRESS, "203.0.113.9", NULL);
	add(&after, "10.8.0.0/24", RULES_EGRESS_CLOSED, NULL, NULL);
	add(&after, "fd42::2", RULES_EGRESS_MASQUERADE, NULL, NULL);
	assert_null(networks_finish(&after));
	networks_carry(&after, &before);
	networks_sum(&after);
	assert_int_equal(after.items[0].count.packets, 0);
	assert_int_equal(after.items[1].count.packets, 7);
	assert_int_equal(after.items[2].count.packets, 8);
	networks_free(&before);
	before = (struct networks){ 0 };
	add(&before, "10.8.0.2", RULES_EGRESS_ADDRESS, "203.0.113.9", NULL);
	assert_null(networks_finish(&before));
	networks_carry(&before, &after);
	assert_int_equal(before.items[0].count.packets, 7);
	networks_free(&before);
	networks_free(&after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_longest_decides),
		cmocka_unit_test(test_an_address_in_a_closed_network_is_a_range),
		cmocka_unit_test(test_ways_are_shared),
		cmocka_unit_test(test_what_a_way_gives),
		cmocka_unit_test(test_a_clash_is_found),
		cmocka_unit_test(test_counts_are_carried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
