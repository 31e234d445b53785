/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fullest of many lines is found with few counters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "rules/crowd.h"

static struct flow flow_to(uint8_t family, uint8_t as, uint8_t server, uint16_t port)
{
	return (struct flow){ .family = family,
			      .protocol = IPPROTO_UDP,
			      .as = { 11, 0, 3, as },
			      .server = { 11, 0, 9, server },
			      .server_port = port };
}

static void count_times(struct crowd *crowd, struct flow flow, uint32_t times)
{
	while (times--)
		crowd_count(crowd, &flow);
}

static void test_nothing(void **state)
{
	static struct crowd crowd;

	(void)state;
	assert_int_equal(crowd_fullest(&crowd).connections, 0);
}

static void test_what_differs_is_another_line(void **state)
{
	static struct crowd crowd;
	struct flow tcp = flow_to(AF_INET, 1, 1, 53);
	struct rules_crowd fullest;

	(void)state;
	tcp.protocol = IPPROTO_TCP;
	count_times(&crowd, flow_to(AF_INET, 1, 1, 53), 5);
	count_times(&crowd, tcp, 4);
	count_times(&crowd, flow_to(AF_INET, 1, 1, 54), 4);
	count_times(&crowd, flow_to(AF_INET, 1, 2, 53), 4);
	count_times(&crowd, flow_to(AF_INET, 2, 1, 53), 4);
	count_times(&crowd, flow_to(AF_INET6, 1, 1, 53), 4);
	fullest = crowd_fullest(&crowd);
	assert_int_equal(fullest.connections, 5);
	assert_int_equal(fullest.protocol, IPPROTO_UDP);
	assert_int_equal(fullest.port, 53);
	assert_int_equal(ntohl(fullest.address.v4.s_addr), 0x0b000301);
	assert_int_equal(ntohl(fullest.server.v4.s_addr), 0x0b000901);
	assert_int_equal(fullest.address.length, 32);
}

/* A crowd comes after, and between, connections to everywhere else. */
static void test_a_crowd_among_others(void **state)
{
	static struct crowd crowd;
	const uint32_t others = 10000;
	const uint32_t many = 51610;

	(void)state;
	for (uint32_t i = 0; i < others; i++)
		count_times(&crowd, flow_to(AF_INET, 1, (uint8_t)(i >> 8), (uint16_t)(i + 1)), 1);
	count_times(&crowd, flow_to(AF_INET, 1, 200, 443), many / 2);
	for (uint32_t i = 0; i < others; i++)
		count_times(&crowd, flow_to(AF_INET, 3, (uint8_t)(i >> 8), (uint16_t)(i + 1)), 1);
	count_times(&crowd, flow_to(AF_INET, 1, 200, 443), many / 2);
	assert_int_equal(crowd_fullest(&crowd).port, 443);
	assert_in_range(crowd_fullest(&crowd).connections, many - (2 * others + many) / CROWD_LINES,
			many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_what_differs_is_another_line),
		cmocka_unit_test(test_a_crowd_among_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
