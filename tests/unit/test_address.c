/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses and prefixes: parsed, printed, compared, classified. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "natd/address.h"
#include "natd/log.h"

static void test_prefixes_are_parsed_whole(void **state)
{
	static const char *const good[] = { "10.8.0.0/24", "0.0.0.0/0", "1.2.3.4/32", "fd42::/64",
					    "::/0" };
	static const char *const bad[] = {
		"",
		"10.8.0.0/33",
		"10.8.0.0/",
		"10.8.0.0/ 8",
		"10.8.0.0/8x",
		"10.8.0/8",
		"fd42::/129",
		"10.8.0.0/-1",
		"wg0",
		"1.2.3.4/0x8",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc/64"
	};
	struct prefix prefix = { .length = 77 };
	char text[PREFIX_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(prefix_parse(&prefix, bad[i]));
	assert_int_equal(prefix.length, 77);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(prefix_parse(&prefix, good[i]));
		assert_string_equal(prefix_print(&prefix, text), good[i]);
	}
	assert_true(prefix_parse(&prefix, "10.8.0.1"));
	assert_string_equal(prefix_print(&prefix, text), "10.8.0.1/32");
}

static void test_networks(void **state)
{
	struct prefix prefix, network;
	struct address address;
	char text[PREFIX_TEXT_MAX];

	(void)state;
	assert_true(prefix_parse(&prefix, "10.8.3.77/20"));
	network = prefix_network(&prefix);
	assert_string_equal(prefix_print(&network, text), "10.8.0.0/20");
	assert_true(address_parse(&address, "10.8.15.255"));
	assert_true(prefix_contains(&prefix, &address));
	assert_true(address_parse(&address, "10.8.16.0"));
	assert_false(prefix_contains(&prefix, &address));
	assert_true(prefix_parse(&prefix, "fd42:1:2:3::1/63"));
	network = prefix_network(&prefix);
	assert_string_equal(prefix_print(&network, text), "fd42:1:2:2::/63");
	assert_false(prefix_contains(&prefix, &address));
}

static void test_kinds(void **state)
{
	static const struct {
		const char *address;
		enum address_kind kind;
	} kinds[] = {
		{ "203.0.113.5", ADDRESS_PUBLIC },
		{ "11.0.0.2", ADDRESS_PUBLIC },
		{ "10.0.0.1", ADDRESS_PRIVATE },
		{ "172.15.255.255", ADDRESS_PUBLIC },
		{ "172.16.0.1", ADDRESS_PRIVATE },
		{ "172.31.255.255", ADDRESS_PRIVATE },
		{ "172.32.0.1", ADDRESS_PUBLIC },
		{ "192.168.1.1", ADDRESS_PRIVATE },
		{ "100.63.255.255", ADDRESS_PUBLIC },
		{ "100.64.0.1", ADDRESS_CGNAT },
		{ "100.127.255.255", ADDRESS_CGNAT },
		{ "100.128.0.0", ADDRESS_PUBLIC },
		{ "192.0.0.2", ADDRESS_DSLITE },
		{ "192.0.0.8", ADDRESS_PUBLIC },
		{ "0.0.0.0", ADDRESS_NONE },
		{ "0.1.2.3", ADDRESS_SPECIAL },
		{ "127.0.0.1", ADDRESS_SPECIAL },
		{ "169.254.3.4", ADDRESS_SPECIAL },
		{ "224.0.0.1", ADDRESS_SPECIAL },
		{ "255.255.255.255", ADDRESS_SPECIAL },
		{ "2001:db8::1", ADDRESS_PUBLIC },
		{ "fd42::1", ADDRESS_PRIVATE },
		{ "fe80::1", ADDRESS_SPECIAL },
		{ "::1", ADDRESS_SPECIAL },
		{ "::", ADDRESS_NONE },
		{ "ff02::1", ADDRESS_SPECIAL },
	};
	struct address none = { 0 };
	struct address address;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		assert_true(address_parse(&address, kinds[i].address));
		if (address_kind(&address) != kinds[i].kind)
			fail_msg("%s is of kind %d", kinds[i].address, address_kind(&address));
	}
	assert_int_equal(address_kind(&none), ADDRESS_NONE);
}

/* Text from a router reaches a terminal: nothing in it may move the cursor or end the line. */
static void test_foreign_text_is_cleaned(void **state)
{
	static const struct {
		const char *foreign;
		const char *clean;
	} texts[] = {
		{ "FRITZ!Box 7530", "FRITZ!Box 7530" },
		{ "ポート開放", "ポート開放" },
		{ "a\033[2Jb\r\nc", "a?[2Jb??c" },
		{ "\xff\xfe\xc3", "???" },
		{ "\xc0\x80", "??" }, /* an overlong NUL */
		{ "\xc2\x9b"
		  "31m",
		  "??31m" },                    /* CSI as one character */
		{ "\xe3\x83", "??" },           /* cut off */
		{ "\xed\xa0\x80", "???" },      /* a surrogate */
		{ "\xe0\x80\xaf", "???" },      /* an overlong slash */
		{ "\xf4\x90\x80\x80", "????" }, /* past the last character */
		{ "", "" },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		strcpy(text, texts[i].foreign);
		log_clean(text);
		assert_string_equal(text, texts[i].clean);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefixes_are_parsed_whole),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_foreign_text_is_cleaned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
