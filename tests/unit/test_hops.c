/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the answers to the hop probe mean, and IP options from anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <string.h>

#include "upnp/hops.h"

#define OWN    0xc0a84d0a /* 192.168.77.10 */
#define HOME   0xc0a84d01 /* 192.168.77.1 */
#define INNER  0xc0a80002 /* 192.168.0.2 */
#define OUTER  0xc0a80001 /* 192.168.0.1 */
#define PUBLIC 0x0b000102 /* 11.0.1.2 */
#define LINE   0x0b000101 /* 11.0.1.1 */

static struct in_addr v4(uint32_t address)
{
	return (struct in_addr){ htonl(address) };
}

static void answer(struct hops *hops, unsigned int probe, uint32_t from, uint32_t first,
		   uint32_t second)
{
	hops->answered[probe] = true;
	hops->from[probe] = v4(from);
	if (first) {
		hops->records[probe][0] = v4(OWN);
		hops->records[probe][1] = v4(first);
		hops->records[probe][2] = v4(second);
	}
}

static struct hops three_hops(void)
{
	struct hops hops;

	hops_init(&hops);
	hops.own = v4(OWN);
	answer(&hops, 0, HOME, 0, 0);
	answer(&hops, 1, OUTER, 0, 0);
	answer(&hops, 2, LINE, 0, 0);
	return hops;
}

static void two_routers_that_record(void **state)
{
	struct hops hops = three_hops();
	struct upnp_hops found;

	(void)state;
	answer(&hops, 3, OUTER, INNER, OUTER);
	answer(&hops, 4, LINE, INNER, PUBLIC);
	found = hops_found(&hops);
	assert_int_equal(ntohl(found.router[0].s_addr), HOME);
	assert_int_equal(ntohl(found.router[1].s_addr), OUTER);
	assert_int_equal(ntohl(found.router[2].s_addr), LINE);
	assert_int_equal(ntohl(found.wan[0].s_addr), INNER);
	assert_int_equal(ntohl(found.wan[1].s_addr), PUBLIC);
}

/* The first place is then the second router's own address, which is nobody's WAN address. */
static void home_router_that_does_not_record(void **state)
{
	struct hops hops = three_hops();
	struct upnp_hops found;

	(void)state;
	answer(&hops, 3, OUTER, OUTER, 0);
	answer(&hops, 4, LINE, PUBLIC, LINE);
	found = hops_found(&hops);
	assert_int_equal(found.wan[0].s_addr, 0);
	assert_int_equal(found.wan[1].s_addr, 0);
}

static void records_of_another_host(void **state)
{
	struct hops hops = three_hops();

	(void)state;
	answer(&hops, 3, OUTER, INNER, OUTER);
	hops.records[3][0] = v4(PUBLIC);
	assert_int_equal(hops_found(&hops).wan[0].s_addr, 0);
}

static void nobody_answers(void **state)
{
	struct hops hops;
	struct upnp_hops found;

	(void)state;
	hops_init(&hops);
	hops.own = v4(OWN);
	found = hops_found(&hops);
	for (size_t i = 0; i < UPNP_HOPS; i++)
		assert_int_equal(found.router[i].s_addr, 0);
	assert_int_equal(found.wan[0].s_addr, 0);
}

/* A router without a way on answers for every packet that it should hand on. */
static void home_router_without_a_way_on(void **state)
{
	struct hops hops;
	struct upnp_hops found;

	(void)state;
	hops_init(&hops);
	for (unsigned int i = 0; i < 3; i++)
		answer(&hops, i, HOME, 0, 0);
	found = hops_found(&hops);
	assert_int_equal(ntohl(found.router[0].s_addr), HOME);
	assert_int_equal(found.router[1].s_addr, 0);
	assert_int_equal(found.router[2].s_addr, 0);
}

static void reads_record_route(void **state)
{
	/* Two no-operations, another option, then two addresses of three. */
	static const uint8_t options[] = { 1,  1,  0x94, 4,   0, 0, 7, 15, 12, 192, 168,
					   77, 10, 192,  168, 0, 2, 0, 0,  0,  0,   0 };
	struct in_addr records[HOPS_RECORDS] = { 0 };

	(void)state;
	assert_int_equal(hops_record(options, sizeof(options), records), 2);
	assert_int_equal(ntohl(records[0].s_addr), OWN);
	assert_int_equal(ntohl(records[1].s_addr), INNER);
	assert_int_equal(records[2].s_addr, 0);
}

/* Cut short, a pointer past the end, lengths of nothing: no byte outside is read, nothing is believed. */
static void refuses_broken_options(void **state)
{
	static const struct {
		uint8_t bytes[8];
		size_t size;
	} broken[] = {
		{ { 7, 7, 12, 1, 2, 3, 4 }, 7 },  /* pointer beyond the option */
		{ { 7, 19, 8, 1, 2, 3, 4 }, 7 },  /* longer than what came */
		{ { 7, 7, 3, 1, 2, 3, 4 }, 7 },   /* pointer into the header */
		{ { 7, 1, 4, 0 }, 4 },            /* a length without itself */
		{ { 7 }, 1 },                     /* no length */
		{ { 0, 7, 7, 8, 1, 2, 3, 4 }, 8 } /* after the end of the list */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct in_addr records[HOPS_RECORDS] = { 0 };

		assert_int_equal(hops_record(broken[i].bytes, broken[i].size, records), 0);
		assert_int_equal(records[0].s_addr, 0);
	}
}

static void a_narrow_line(void **state)
{
	struct hops hops = three_hops();

	(void)state;
	assert_int_equal(hops_found(&hops).mtu, 0);
	hops.mtu = 1454;
	assert_int_equal(hops_found(&hops).mtu, 1454);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_routers_that_record),
		cmocka_unit_test(home_router_that_does_not_record),
		cmocka_unit_test(records_of_another_host),
		cmocka_unit_test(nobody_answers),
		cmocka_unit_test(home_router_without_a_way_on),
		cmocka_unit_test(reads_record_route),
		cmocka_unit_test(refuses_broken_options),
		cmocka_unit_test(a_narrow_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
