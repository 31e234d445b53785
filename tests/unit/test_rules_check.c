/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rules believes of natd, and what it takes for another's request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "rules/check.h"

static char why[CHECK_TEXT_MAX];

static struct rules_prefix prefix(const char *address, uint8_t length)
{
	struct rules_prefix made = { .length = length };

	made.family = strchr(address, ':') ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(made.family, address, &made.v6), 1);
	return made;
}

static struct rules_request tunnel(const char *name, uint8_t reach)
{
	struct rules_request request = { .what = RULES_TUNNEL };

	memcpy(request.tunnel.interface, name, strnlen(name, IF_NAMESIZE));
	request.tunnel.reach = reach;
	return request;
}

static struct rules_request network(const char *address, uint8_t length, uint8_t egress)
{
	struct rules_request request = { .what = RULES_NETWORK };

	strcpy(request.network.interface, "wg0");
	request.network.network = prefix(address, length);
	request.network.egress = egress;
	return request;
}

static void refused(struct rules_request request, const char *reason)
{
	why[0] = '\0';
	assert_false(check_request(&request, why));
	assert_string_equal(why, reason);
}

static void accepted(struct rules_request request)
{
	assert_true(check_request(&request, why));
}

static void test_tunnels(void **state)
{
	(void)state;
	accepted(tunnel("wg0", 0));
	accepted(tunnel("eth0.100", 7));
	accepted(tunnel("fifteen-letters", 7));
	refused(tunnel("", 7), "an interface cannot be called \"\"");
	refused(tunnel("a/b", 7), "an interface cannot be called \"a/b\"");
	refused(tunnel("a b", 7), "an interface cannot be called \"a b\"");
	refused(tunnel("a:1", 7), "an interface cannot be called \"a:1\"");
	refused(tunnel("..", 7), "an interface cannot be called \"..\"");
	/* No NUL within its 16 bytes. */
	refused(tunnel("sixteen-letters.", 7),
		"an interface cannot be called \"sixteen-letters.\"");
	refused(tunnel("wg0", 8), "a tunnel that reaches 0x8");
}

static void test_prefixes(void **state)
{
	struct rules_request bad = network("10.8.0.0", 24, RULES_EGRESS_NONE);

	(void)state;
	accepted(network("10.8.0.0", 24, RULES_EGRESS_NONE));
	accepted(network("0.0.0.0", 0, RULES_EGRESS_NONE));
	accepted(network("10.8.0.255", 32, RULES_EGRESS_NONE));
	accepted(network("10.8.0.254", 31, RULES_EGRESS_NONE));
	accepted(network("fd42::", 64, RULES_EGRESS_NONE));
	accepted(network("fd42::1", 128, RULES_EGRESS_NONE));
	refused(network("10.8.0.1", 24, RULES_EGRESS_NONE),
		"a prefix of 24 bits with host bits set");
	refused(network("10.8.0.1", 31, RULES_EGRESS_NONE),
		"a prefix of 31 bits with host bits set");
	refused(network("0.0.0.1", 0, RULES_EGRESS_NONE), "a prefix of 0 bits with host bits set");
	refused(network("fd42:0:0:1::", 63, RULES_EGRESS_NONE),
		"a prefix of 63 bits with host bits set");
	refused(network("fd42::", 129, RULES_EGRESS_NONE),
		"a prefix of 129 bits in a family of 128");
	refused(network("10.8.0.0", 33, RULES_EGRESS_NONE),
		"a prefix of 33 bits in a family of 32");
	bad.network.network.family = AF_UNIX;
	refused(bad, "a prefix of family 1");
}

static void test_egress(void **state)
{
	struct rules_request request = network("10.8.0.0", 24, RULES_EGRESS_ADDRESS);

	(void)state;
	request.network.address = prefix("203.0.113.9", 32);
	accepted(request);
	request.network.address = prefix("203.0.113.8", 29);
	refused(request, "an egress address of 29 bits");
	request.network.address = prefix("0.0.0.0", 32);
	refused(request, "an egress address that is zero");
	request.network.address = prefix("fd42::1", 128);
	refused(request, "an egress address of family 10 for a network of family 2");
	refused(network("10.8.0.0", 24, RULES_EGRESSES), "an egress of kind 6");
}

static void test_pools(void **state)
{
	struct rules_request request = network("10.8.0.0", 24, RULES_EGRESS_POOL);

	(void)state;
	request.network.address = prefix("203.0.113.8", 32);
	refused(request, "a pool from family 2 to family 0");
	request.network.last = prefix("203.0.113.11", 32);
	accepted(request);
	request.network.last = prefix("203.0.113.8", 32);
	refused(request, "a pool that ends before it has begun");
	request.network.last = prefix("203.0.113.0", 24);
	refused(request, "an egress address of 24 bits");
	request.network.last = prefix("2001:db8::1", 128);
	refused(request, "a pool from family 2 to family 10");
	request = network("fd42::", 64, RULES_EGRESS_POOL);
	request.network.address = prefix("2001:db8::8", 128);
	request.network.last = prefix("2001:db8::b", 128);
	accepted(request);
}

static void test_egress_prefixes(void **state)
{
	struct rules_request request = network("fd42::", 64, RULES_EGRESS_PREFIX);

	(void)state;
	request.network.address = prefix("2001:db8:1::", 64);
	accepted(request);
	request.network.address = prefix("2001:db8::", 48);
	accepted(request);
	request.network.address = prefix("2001:db8:1::", 65);
	accepted(request); /* then two clients may share an address, and ports tell them apart */
	request.network.address = prefix("2001:db8:1::1", 64);
	refused(request, "a prefix of 64 bits with host bits set");
	request.network.address = prefix("::", 0);
	refused(request, "an egress prefix of 0 bits");
	request = network("10.8.0.0", 24, RULES_EGRESS_PREFIX);
	request.network.address = prefix("203.0.113.0", 24);
	refused(request, "an egress prefix of family 2");
}

static struct rules_request publish(uint16_t port, uint16_t last, uint16_t to_port)
{
	struct rules_request request = { .what = RULES_PUBLISH };

	request.publish = (struct rules_publish){ .protocol = IPPROTO_TCP,
						  .keep_source = 1,
						  .port = port,
						  .last = last,
						  .to_port = to_port,
						  .to = prefix("10.8.0.2", 32) };
	return request;
}

static void test_publish(void **state)
{
	struct rules_request request = publish(443, 443, 8443);

	(void)state;
	accepted(request);
	accepted(publish(1, 65535, 1));
	accepted(publish(1, 10, 65526));
	refused(publish(1, 10, 65527), "a publish of ports 1 to 10 as 65527");
	refused(publish(0, 10, 1), "a publish of ports 0 to 10 as 1");
	refused(publish(10, 9, 1), "a publish of ports 10 to 9 as 1");
	refused(publish(10, 10, 0), "a publish of ports 10 to 10 as 0");
	request.publish.keep_source = 7;
	refused(request, "a publish that keeps its source 7 times");
	request = publish(443, 443, 443);
	request.publish.protocol = IPPROTO_ICMP;
	refused(request, "a publish of protocol 1");
	request = publish(443, 443, 443);
	request.publish.to = prefix("0.0.0.0", 32);
	refused(request, "a client's address that is zero");
	request.publish.to = prefix("10.8.0.0", 24);
	refused(request, "a client's address of 24 bits");
	request.publish.to.family = AF_UNIX;
	refused(request, "a prefix of family 1");
}

static void test_ports(void **state)
{
	struct rules_request request = { .what = RULES_PORT };

	(void)state;
	request.port.protocol = IPPROTO_TCP;
	request.port.port = 65535;
	accepted(request);
	request.port.port = 0;
	refused(request, "port 0");
	request.port.protocol = IPPROTO_SCTP;
	refused(request, "a port of protocol 132");
}

static bool sysctl(const char *name, int32_t value)
{
	struct rules_request request = { .what = RULES_SYSCTL };

	memcpy(request.sysctl.name, name, strnlen(name, RULES_SYSCTL_MAX));
	request.sysctl.value = value;
	return check_request(&request, why);
}

static void test_sysctls(void **state)
{
	static const char *const good[] = {
		"ipv4/ip_forward",
		"ipv4/conf/all/forwarding",
		"ipv4/conf/wg0/accept_redirects",
		"ipv6/conf/all/forwarding",
		"ipv6/conf/eth0.100/accept_ra",
		"ipv6/conf/default/force_forwarding",
	};
	static const char *const bad[] = {
		"",
		"ipv4",
		"ipv4/",
		"ipv4/conf",
		"ipv4/conf/",
		"ipv4/conf/forwarding",
		"ipv4/conf//forwarding",
		"ipv4/conf/./forwarding",
		"ipv4/conf/../forwarding",
		"ipv4/conf/a/b/forwarding",
		"ipv4/conf/../../../kernel/forwarding",
		"ipv4/conf/sixteen-letters./forwarding",
		"ipv4/conf/wg0/forwarding/",
		"ipv4/conf/wg0/rp_filter",
		"ipv4/conf/wg0/accept_ra",
		"ipv5/conf/wg0/forwarding",
		"ipv4/ip_forward ",
		"/ipv4/ip_forward",
		"../kernel/core_pattern",
		"ipv4/tcp_congestion_control",
	};
	char unended[RULES_SYSCTL_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_true(sysctl(good[i], 1));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (sysctl(bad[i], 1))
			fail_msg("\"%s\" was accepted", bad[i]);
	memset(unended, 'a', sizeof(unended));
	assert_false(sysctl(unended, 1));
	assert_true(sysctl("ipv4/ip_forward", 0));
	assert_false(sysctl("ipv4/ip_forward", -1));
	assert_false(sysctl("ipv6/conf/all/accept_ra", 3));
	assert_string_equal(why, "ipv6/conf/all/accept_ra = 3");
}

static void test_addresses_that_are_gone(void **state)
{
	struct rules_request request = { .what = RULES_GONE };

	(void)state;
	request.prefix.family = AF_INET;
	request.prefix.length = 32;
	refused(request, "an address that is gone that is zero");
	request.prefix.v4.s_addr = htonl(0x0b000501);
	accepted(request);
	request.prefix.v4.s_addr = htonl(0x0b000500);
	request.prefix.length = 24;
	refused(request, "an address that is gone of 24 bits");
	request.prefix.family = AF_UNIX;
	refused(request, "a prefix of family 1");
}

static void test_requests(void **state)
{
	struct rules_request request = { .what = RULES_REQUESTS };
	char reason[CHECK_TEXT_MAX];

	(void)state;
	snprintf(reason, sizeof(reason), "a request of kind %d", RULES_REQUESTS);
	refused(request, reason);
	request.what = (enum rules_request_what) - 1;
	refused(request, "a request of kind 4294967295");
}

static void test_printable_names(void **state)
{
	(void)state;
	assert_true(check_printable("wg0"));
	assert_true(check_printable("tun-home_1.5@x"));
	assert_false(check_printable("wg*"));
	assert_false(check_printable("w\"g"));
	assert_false(check_printable("w\\g"));
	assert_false(check_printable("w\x01g"));
	assert_false(check_printable("w\xc3\xbcg"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tunnels),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_egress),
		cmocka_unit_test(test_pools),
		cmocka_unit_test(test_egress_prefixes),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_sysctls),
		cmocka_unit_test(test_addresses_that_are_gone),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_printable_names),
		cmocka_unit_test(test_publish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
