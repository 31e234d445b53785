/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MAP-E: the address and the ports of a line, by worked examples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <string.h>

#include "natd/map_e.h"
#include "natd/shared_line.h"

static struct address address(const char *text)
{
	struct address parsed;

	assert_true(address_parse(&parsed, text));
	return parsed;
}

static void assert_address(const struct map_e_line *line, const char *text)
{
	char found[INET_ADDRSTRLEN];

	assert_string_equal(inet_ntop(AF_INET, &line->address, found, sizeof(found)), text);
}

static void assert_range(const struct map_e_line *line, size_t index, uint16_t first, uint16_t last)
{
	assert_int_equal(map_e_range(line, index).first, first);
	assert_int_equal(map_e_range(line, index).last, last);
}

/* RFC 7597 appendix A, example 1. */
static void test_rfc_7597_example_1(void **state)
{
	static const struct map_e_rule rule = { "example", "2001:db8::/40", "192.0.2.0/24", 16, 6 };
	struct address ours = address("2001:db8:12:3400::1");
	struct map_e_line line;
	size_t owned = 0;

	(void)state;
	assert_true(map_e_apply(&line, &rule, &ours));
	assert_address(&line, "192.0.2.18");
	assert_int_equal(line.psid, 0x34);
	assert_int_equal(line.psid_bits, 8);
	assert_int_equal(map_e_range_count(&line), 63);
	assert_int_equal(map_e_port_count(&line), 252);
	assert_range(&line, 0, 1232, 1235);
	assert_range(&line, 1, 2256, 2259);
	assert_range(&line, 61, 63696, 63699);
	assert_range(&line, 62, 64720, 64723);
	for (unsigned int port = 0; port <= UINT16_MAX; port++)
		owned += map_e_owns(&line, (uint16_t)port);
	assert_int_equal(owned, 252);
	assert_true(map_e_owns(&line, 1232));
	assert_false(map_e_owns(&line, 1231));
	assert_true(map_e_owns(&line, 64723));
	assert_false(map_e_owns(&line, 64724));
}

/* Example 4: the whole address is this home's. */
static void test_rfc_7597_example_4(void **state)
{
	static const struct map_e_rule rule = { "example", "2001:db8:12:3400::/56", "192.0.2.18/32",
						0, 0 };
	struct address ours = address("2001:db8:12:3400::1");
	struct map_e_line line;

	(void)state;
	assert_true(map_e_apply(&line, &rule, &ours));
	assert_address(&line, "192.0.2.18");
	assert_int_equal(map_e_port_count(&line), 65536);
	assert_true(map_e_owns(&line, 51820));
}

/* field/failures.md 8: IPv4 low 16 bits = 3rd hextet, PSID = high byte of the 4th, 240 ports. */
static void test_v6_plus(void **state)
{
	static const struct {
		const char *ours;
		const char *address;
		uint16_t psid;
	} homes[] = {
		{ "240b:10:304:5600::10", "106.72.3.4", 0x56 },
		{ "240b:11:304:5601::10", "106.73.3.4", 0x56 },
		{ "240b:12:ffff:a600::10", "14.8.255.255", 0xa6 },
		{ "240b:250:1:ff00::10", "14.10.0.1", 0xff },
		{ "240b:253:1:0:a:b:c:d", "14.13.0.1", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(homes) / sizeof(homes[0]); i++) {
		struct address ours = address(homes[i].ours);
		struct map_e_line line;

		assert_true(map_e_find(&line, &ours));
		assert_string_equal(line.service, "v6 Plus");
		assert_address(&line, homes[i].address);
		assert_int_equal(line.psid, homes[i].psid);
		assert_int_equal(map_e_port_count(&line), 240);
		assert_range(&line, 0, (uint16_t)(0x1000 | homes[i].psid << 4),
			     (uint16_t)(0x100f | homes[i].psid << 4));
		/* 0xCA6C: one home in 256 owns WireGuard's port. */
		assert_int_equal(map_e_owns(&line, 51820), homes[i].psid == 0xa6);
	}
}

static void test_ocn_virtual_connect(void **state)
{
	static const struct {
		const char *ours;
		const char *address;
		uint16_t psid;
	} homes[] = {
		/* 0000 0010 0000 0011 of the address after bit 34, then 100110: PSID 38 */
		{ "2400:4050:80:e600::10", "153.240.2.3", 38 },
		{ "2400:4050:0:100::10", "153.240.0.0", 1 },
		{ "2400:4050:4000:4000::10", "153.241.0.1", 0 },
		{ "2400:4050:8000:8000::10", "153.242.0.2", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(homes) / sizeof(homes[0]); i++) {
		struct address ours = address(homes[i].ours);
		struct map_e_line line;

		assert_true(map_e_find(&line, &ours));
		assert_string_equal(line.service, "OCN Virtual Connect");
		assert_address(&line, homes[i].address);
		assert_int_equal(line.psid, homes[i].psid);
		assert_int_equal(map_e_port_count(&line), 1008);
		/* One home in 64, PSID 38, owns WireGuard's port. */
		assert_int_equal(map_e_owns(&line, 51820), homes[i].psid == 38);
	}
}

static void test_other_lines(void **state)
{
	static const char *const others[] = { "2001:db8::1",        "240b:14::1",   "240b:254::1",
					      "2400:4051::1",       "2409:10:1::1", "192.0.2.1",
					      "fd00:240b:10:304::1" };

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct address ours = address(others[i]);
		struct map_e_line line;

		assert_false(map_e_find(&line, &ours));
		assert_null(line.service);
	}
}

/* The port that takes the place of another: deterministic, owned, and near. */
static void test_pick(void **state)
{
	struct address ours = address("240b:10:304:5600::10");
	struct map_e_line line;

	(void)state;
	assert_true(map_e_find(&line, &ours));
	assert_int_equal(map_e_pick(&line, 51820, 0), 50528); /* as field/failures.md has it */
	assert_int_equal(map_e_pick(&line, 51820, 1), 50529);
	assert_int_equal(map_e_pick(&line, 51820, 16), 50528);
	assert_int_equal(map_e_pick(&line, 443, 0), 5472);
	assert_int_equal(map_e_pick(&line, 65535, 0), 62816);
}

static void test_print(void **state)
{
	struct address ours = address("240b:10:304:5600::10");
	struct map_e_line line;
	char text[256];

	(void)state;
	assert_true(map_e_find(&line, &ours));
	map_e_print(&line, text, sizeof(text));
	assert_int_equal(strncmp(text, "5472-5487, 9568-9583, ", 22), 0);
	assert_non_null(strstr(text, "62816-62831"));
	assert_null(strstr(text, "..."));
	map_e_print(&line, text, 30);
	assert_string_equal(text, "5472-5487, 9568-9583, ...");
}

static struct shared_line judge(const char *ours, const char *told)
{
	struct address host = address(ours);
	struct in_addr wans[2] = { 0 };

	assert_int_equal(inet_pton(AF_INET, told, &wans[1]), 1);
	return shared_line_judge(&host, wans, 2);
}

/* Many homes of these providers have an IPv4 address of their own beside it, by PPPoE: no false alarm. */
static void test_the_wan_address_decides(void **state)
{
	static const char home[] = "240b:10:304:5600::10";

	(void)state;
	assert_true(judge(home, "106.72.3.4").certain);
	assert_true(judge(home, "0.0.0.0").fits);
	assert_false(judge(home, "0.0.0.0").certain);
	assert_false(judge(home, "106.72.3.5").fits);
	assert_false(judge(home, "11.0.0.2").fits);
	assert_false(judge("2001:db8::1", "106.72.3.4").fits);
}

static void test_ports_move_only_where_they_must(void **state)
{
	struct config_forward forwards[] = {
		{ .name = "a", .protocol = IPPROTO_UDP, .port = 51820, .external = 51820 },
		{ .name = "b", .protocol = IPPROTO_UDP, .port = 1194, .external = 50528 },
		{ .name = "c", .protocol = IPPROTO_TCP, .port = 51820, .external = 51820 },
	};
	struct shared_line unsure = judge("240b:10:304:5600::10", "0.0.0.0");
	struct shared_line sure = judge("240b:10:304:5600::10", "106.72.3.4");

	(void)state;
	shared_line_move(&unsure, forwards, 3);
	assert_int_equal(forwards[0].external, 51820);
	shared_line_move(&sure, forwards, 3);
	assert_int_equal(forwards[0].external, 50529); /* the first one of the range is taken */
	assert_int_equal(forwards[1].external, 50528); /* it is this home's already */
	assert_int_equal(forwards[2].external, 50528);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc_7597_example_1),
		cmocka_unit_test(test_rfc_7597_example_4),
		cmocka_unit_test(test_v6_plus),
		cmocka_unit_test(test_ocn_virtual_connect),
		cmocka_unit_test(test_other_lines),
		cmocka_unit_test(test_pick),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_the_wan_address_decides),
		cmocka_unit_test(test_ports_move_only_where_they_must),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
