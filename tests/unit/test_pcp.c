/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PCP codec against bytes written by hand from RFC 6887. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <string.h>

#include "upnp/pcp.h"

static const struct pcp_map map = {
	.nonce = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 },
	.protocol = IPPROTO_UDP,
	.internal_port = 51820,
	.external_port = 51821,
};

/* Written by hand from RFC 6887 7.1 and 11.1: udp 51820, external 51821, 7200 s, 192.168.77.2. */
static const uint8_t request[60] = {
	2,    1,    0,    0,    0, 0, 0x1c, 0x20, 0, 0, 0, 0, 0, 0,  0,    0,    0,  0, 0xff, 0xff,
	192,  168,  77,   2,    1, 2, 3,    4,    5, 6, 7, 8, 9, 10, 11,   12,   17, 0, 0,    0,
	0xca, 0x6c, 0xca, 0x6d, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0,  0xff, 0xff, 0,  0, 0,    0,
};

/* Its answer: 3600 s, epoch 4711, port 40000 at 11.0.0.2. */
static const uint8_t response[60] = {
	2,    0x81, 0,    0,    0, 0, 0x0e, 0x10, 0, 0, 0x12, 0x67, 0, 0,  0,    0,    0,  0, 0, 0,
	0,    0,    0,    0,    1, 2, 3,    4,    5, 6, 7,    8,    9, 10, 11,   12,   17, 0, 0, 0,
	0xca, 0x6c, 0x9c, 0x40, 0, 0, 0,    0,    0, 0, 0,    0,    0, 0,  0xff, 0xff, 11, 0, 0, 2,
};

static struct in_addr ip(const char *text)
{
	struct in_addr address;

	assert_int_equal(inet_pton(AF_INET, text, &address), 1);
	return address;
}

static void map_request_has_the_bytes_of_the_rfc(void **state)
{
	uint8_t bytes[PCP_REQUEST_SIZE];

	(void)state;
	assert_int_equal(pcp_encode_map(bytes, ip("192.168.77.2"), 7200, &map), 60);
	assert_memory_equal(bytes, request, 60);
}

static void removal_suggests_nothing(void **state)
{
	uint8_t bytes[PCP_REQUEST_SIZE];
	uint8_t expected[60];
	struct pcp_map granted = map;

	(void)state;
	granted.external_address = ip("11.0.0.2");
	memcpy(expected, request, sizeof(expected));
	memset(expected + 4, 0, 4);
	memset(expected + 42, 0, 2);
	assert_int_equal(pcp_encode_map(bytes, ip("192.168.77.2"), 0, &granted), 60);
	assert_memory_equal(bytes, expected, 60);
}

static void announce_is_a_header(void **state)
{
	uint8_t bytes[PCP_REQUEST_SIZE];
	uint8_t expected[24];

	(void)state;
	memcpy(expected, request, sizeof(expected));
	expected[1] = 0;
	memset(expected + 4, 0, 4);
	assert_int_equal(pcp_encode_announce(bytes, ip("192.168.77.2")), 24);
	assert_memory_equal(bytes, expected, 24);
}

static void response_is_read(void **state)
{
	struct pcp_response read;

	(void)state;
	assert_true(pcp_decode(&read, response, sizeof(response)));
	assert_int_equal(read.opcode, PCP_MAP);
	assert_int_equal(read.result, PCP_SUCCESS);
	assert_int_equal(read.lifetime, 3600);
	assert_int_equal(read.epoch, 4711);
	assert_int_equal(read.map.external_port, 40000);
	assert_int_equal(read.map.external_address.s_addr, ip("11.0.0.2").s_addr);
	assert_true(pcp_answers(&read, &map));
}

static void ipv6_external_address_reads_as_none(void **state)
{
	uint8_t bytes[60];
	struct pcp_response read;

	(void)state;
	memcpy(bytes, response, sizeof(bytes));
	bytes[44] = 0x20;
	assert_true(pcp_decode(&read, bytes, sizeof(bytes)));
	assert_int_equal(read.map.external_address.s_addr, INADDR_ANY);
}

/* One octet changed, and it is the answer to something else. */
static void answers_of_others_are_told_apart(void **state)
{
	static const size_t octets[] = { 24 /* nonce */, 35 /* nonce */, 36 /* protocol */,
					 40 /* internal port */, 41 };
	struct pcp_response read;

	(void)state;
	for (size_t i = 0; i < sizeof(octets) / sizeof(octets[0]); i++) {
		uint8_t bytes[60];

		memcpy(bytes, response, sizeof(bytes));
		bytes[octets[i]] ^= 0x40;
		assert_true(pcp_decode(&read, bytes, sizeof(bytes)));
		assert_false(pcp_answers(&read, &map));
	}
}

static void what_breaks_the_rfc_is_ignored(void **state)
{
	uint8_t bytes[PCP_MESSAGE_MAX + 4] = { 0 };
	struct pcp_response read;

	(void)state;
	memcpy(bytes, response, sizeof(response));
	for (size_t size = 0; size < sizeof(response); size++)
		assert_false(pcp_decode(&read, bytes, size)); /* cut anywhere */
	assert_false(pcp_decode(&read, bytes, 61));           /* no multiple of 4 */
	assert_true(pcp_decode(&read, bytes, PCP_MESSAGE_MAX));
	assert_false(pcp_decode(&read, bytes, PCP_MESSAGE_MAX + 4));
	bytes[1] = 0x01; /* a request */
	assert_false(pcp_decode(&read, bytes, 60));
	bytes[1] = 0x81;
	bytes[0] = 3; /* another version that says success */
	assert_false(pcp_decode(&read, bytes, 60));
}

static void error_may_come_without_its_question(void **state)
{
	uint8_t bytes[24];
	struct pcp_response read;

	(void)state;
	memcpy(bytes, response, sizeof(bytes));
	bytes[3] = PCP_MALFORMED_REQUEST;
	assert_true(pcp_decode(&read, bytes, sizeof(bytes)));
	assert_int_equal(read.result, PCP_MALFORMED_REQUEST);
	assert_false(read.has_map);
	assert_false(pcp_answers(&read, &map));
}

static void other_versions_are_unsupported_in_either_format(void **state)
{
	static const uint8_t natpmp[] = { 0, 0x81, 0, 1, 0, 0, 0, 9 };
	static const uint8_t natpmp_refused[] = { 0, 0x81, 0, 2, 0, 0, 0, 9 };
	static const uint8_t pcp_1[24] = { 1, 0x81, 0, 1 };
	struct pcp_response read;

	(void)state;
	assert_true(pcp_decode(&read, natpmp, sizeof(natpmp)));
	assert_int_equal(read.result, PCP_UNSUPP_VERSION);
	assert_true(pcp_decode(&read, pcp_1, sizeof(pcp_1)));
	assert_int_equal(read.result, PCP_UNSUPP_VERSION);
	assert_false(pcp_decode(&read, natpmp, 3));
	assert_false(pcp_decode(&read, natpmp_refused, sizeof(natpmp_refused)));
	assert_false(pcp_decode(&read, pcp_1, 20));
}

static void results_have_causes_and_names(void **state)
{
	(void)state;
	assert_int_equal(pcp_failure(PCP_NOT_AUTHORIZED), UPNP_HOST_REFUSED);
	assert_int_equal(pcp_failure(PCP_CANNOT_PROVIDE_EXTERNAL), UPNP_PORT_TAKEN);
	assert_int_equal(pcp_failure(PCP_USER_EX_QUOTA), UPNP_NO_RESOURCES);
	assert_int_equal(pcp_failure(PCP_NETWORK_FAILURE), UPNP_NETWORK_FAILURE);
	assert_int_equal(pcp_failure(200), UPNP_OTHER_FAILURE);
	assert_string_equal(pcp_result_name(PCP_EXCESSIVE_REMOTE_PEERS), "EXCESSIVE_REMOTE_PEERS");
	assert_string_equal(pcp_result_name(14), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_request_has_the_bytes_of_the_rfc),
		cmocka_unit_test(removal_suggests_nothing),
		cmocka_unit_test(announce_is_a_header),
		cmocka_unit_test(response_is_read),
		cmocka_unit_test(ipv6_external_address_reads_as_none),
		cmocka_unit_test(answers_of_others_are_told_apart),
		cmocka_unit_test(what_breaks_the_rfc_is_ignored),
		cmocka_unit_test(error_may_come_without_its_question),
		cmocka_unit_test(other_versions_are_unsupported_in_either_format),
		cmocka_unit_test(results_have_causes_and_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
