/* SPDX-License-Identifier: GPL-2.0-or-later */
/* STUN's bytes: RFC 5769's own sample of a response, and what a stranger may send instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <string.h>

#include "upnp/stun.h"

/* RFC 5769 2.2: "192.0.2.1" port 32853, after a SOFTWARE attribute of 11 octets. */
static const uint8_t sample[] = {
	0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
	0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74,
	0x20, 0x76, 0x65, 0x63, 0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01,
	0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43, 0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99,
	0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9, 0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b,
	0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96,
};
static const uint8_t *const id = sample + 8;

static bool decodes(const uint8_t *bytes, size_t size, struct in_addr *mapped)
{
	return stun_decode(mapped, bytes, size, id);
}

static void writes_a_request(void **state)
{
	static const uint8_t own_id[STUN_ID_SIZE] = "abcdefghijkl";
	uint8_t bytes[STUN_REQUEST_SIZE];

	(void)state;
	stun_encode(bytes, own_id);
	assert_memory_equal(bytes,
			    "\x00\x01\x00\x00\x21\x12\xa4\x42"
			    "abcdefghijkl",
			    sizeof(bytes));
}

static void reads_the_sample_of_the_rfc(void **state)
{
	struct in_addr mapped;

	(void)state;
	assert_true(decodes(sample, sizeof(sample), &mapped));
	assert_string_equal(inet_ntoa(mapped), "192.0.2.1");
}

/* Before RFC 5389 the address was not hidden. Where both are there, the hidden one counts. */
static void reads_the_plain_address(void **state)
{
	uint8_t bytes[44] = { 0x01, 0x01, 0x00, 24 };
	static const uint8_t plain[] = {
		0x00, 0x01, 0x00, 0x08, 0x00, 0x01, 0x12, 0x34, 10, 1, 2, 3
	};
	struct in_addr mapped;

	(void)state;
	memcpy(bytes + 4, sample + 4, 16);
	memcpy(bytes + 20, plain, sizeof(plain));
	bytes[32] = 0x7f; /* an attribute that nobody knows */
	bytes[35] = 8;
	assert_true(decodes(bytes, sizeof(bytes), &mapped));
	assert_string_equal(inet_ntoa(mapped), "10.1.2.3");
	memcpy(bytes + 32, sample + 36, 12);
	assert_true(decodes(bytes, sizeof(bytes), &mapped));
	assert_string_equal(inet_ntoa(mapped), "192.0.2.1");
}

static void refuses_what_is_no_answer(void **state)
{
	static const size_t places[] = { 0, 1, 4, 7, 8, 19 }; /* type, cookie, id */
	uint8_t bytes[sizeof(sample)];
	struct in_addr mapped;

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		memcpy(bytes, sample, sizeof(bytes));
		bytes[places[i]] ^= 0x10;
		assert_false(decodes(bytes, sizeof(bytes), &mapped));
	}
	/* Cut anywhere, its length says more than there is. */
	for (size_t size = 0; size < sizeof(sample); size++)
		assert_false(decodes(sample, size, &mapped));
	/* An attribute longer than the message; an address of IPv6; no address at all. */
	memcpy(bytes, sample, sizeof(bytes));
	bytes[22] = 0xff;
	assert_false(decodes(bytes, sizeof(bytes), &mapped));
	memcpy(bytes, sample, sizeof(bytes));
	bytes[41] = 2;
	assert_false(decodes(bytes, sizeof(bytes), &mapped));
	memcpy(bytes, sample, sizeof(bytes));
	bytes[39] = 4;
	assert_false(decodes(bytes, sizeof(bytes), &mapped));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_a_request),
		cmocka_unit_test(reads_the_sample_of_the_rfc),
		cmocka_unit_test(reads_the_plain_address),
		cmocka_unit_test(refuses_what_is_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
