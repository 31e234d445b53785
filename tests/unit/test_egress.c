/* SPDX-License-Identifier: GPL-2.0-or-later */
/* natd.conf's `egress`: addresses, pools and prefixes, and whether this host has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "natd/egress.h"

static const struct {
	const char *text;
	int kind; /* -1: refused */
	const char *printed;
} cases[] = {
	{ "masquerade", RULES_EGRESS_MASQUERADE, "" },
	{ "none", RULES_EGRESS_NONE, "" },
	{ "203.0.113.9", RULES_EGRESS_ADDRESS, "203.0.113.9" },
	{ "2001:db8:0:0::9", RULES_EGRESS_ADDRESS, "2001:db8::9" },
	{ "203.0.113.8-203.0.113.11", RULES_EGRESS_POOL, "203.0.113.8-203.0.113.11" },
	{ "203.0.113.8-203.0.113.8", RULES_EGRESS_ADDRESS, "203.0.113.8" },
	{ "203.0.112.250-203.0.113.5", RULES_EGRESS_POOL, "203.0.112.250-203.0.113.5" },
	{ "203.0.113.0-203.0.113.255", RULES_EGRESS_POOL, "203.0.113.0-203.0.113.255" },
	{ "203.0.113.0-203.0.114.0", -1, NULL }, /* 257 */
	{ "203.0.113.9-203.0.113.8", -1, NULL },
	{ "2001:db8::8-2001:db8::b", RULES_EGRESS_POOL, "2001:db8::8-2001:db8::b" },
	{ "2001:db8::8-203.0.113.8", -1, NULL },
	{ "203.0.113.8-", -1, NULL },
	{ "-203.0.113.8", -1, NULL },
	{ "203.0.113.8-9", -1, NULL },
	{ "203.0.113.8-203.0.113.9-203.0.113.10", -1, NULL },
	{ "2001:db8:1::/64", RULES_EGRESS_PREFIX, "2001:db8:1::/64" },
	{ "2001:db8:1::/48", RULES_EGRESS_PREFIX, "2001:db8:1::/48" },
	{ "2001:db8:1::1/64", -1, NULL },
	{ "::/0", -1, NULL },
	{ "203.0.113.8/30", -1, NULL },
	{ "fe80::/64", -1, NULL },
	{ "127.0.0.1", -1, NULL },
	{ "0.0.0.0", -1, NULL },
	{ "255.255.255.254-0.0.0.1", -1, NULL },
	{ "", -1, NULL },
	{ "lan", -1, NULL },
};

static void test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct egress egress = { 0 };
		char text[EGRESS_TEXT_MAX];

		if (egress_parse(&egress, cases[i].text) != (cases[i].kind >= 0))
			fail_msg("\"%s\" is %s", cases[i].text,
				 cases[i].kind >= 0 ? "refused" : "taken");
		if (cases[i].kind < 0)
			continue;
		assert_int_equal(egress.kind, cases[i].kind);
		assert_string_equal(egress_print(&egress, text), cases[i].printed);
	}
}

/* Is it gone on a host with these addresses? */
static bool gone(const char *text, const char *const *addresses)
{
	static struct network network;
	struct egress egress = { 0 };

	network.address_count = 0;
	for (; *addresses; addresses++)
		assert_true(prefix_parse(&network.addresses[network.address_count++].prefix,
					 *addresses));
	assert_true(egress_parse(&egress, text));
	return egress_is_gone(&egress, &network);
}

#define GONE(text, ...) gone(text, (const char *const[]){ __VA_ARGS__, NULL })

static void test_gone(void **state)
{
	(void)state;
	assert_false(GONE("masquerade", "192.168.1.2/24"));
	assert_false(GONE("none", "192.168.1.2/24"));
	assert_false(GONE("203.0.113.9", "192.168.1.2/24", "203.0.113.9/32"));
	assert_true(GONE("203.0.113.9", "192.168.1.2/24", "203.0.113.8/24"));
	assert_false(GONE("203.0.113.9-203.0.113.11", "203.0.113.11/24", "203.0.113.9/32",
			  "203.0.113.10/32"));
	assert_true(GONE("203.0.113.9-203.0.113.11", "203.0.113.11/24", "203.0.113.9/32"));
	assert_true(GONE("203.0.113.9-203.0.113.11", "203.0.113.9/24", "203.0.113.10/32"));
	assert_false(GONE("2001:db8:1::/64", "2001:db8:1::5/64"));
	assert_true(GONE("2001:db8:1::/64", "2001:db8:2::5/64", "203.0.113.9/24"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
