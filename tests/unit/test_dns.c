/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DNS codec against messages put together by hand from RFC 1035. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <string.h>

#include "upnp/dns.h"

static const struct dns_question question = { .name = "Home.example.net",
					      .type = DNS_A,
					      .id = 0x1234 };

/* The question for home.example.net, A, id 0x1234, recursion desired. */
#define HEAD(flags, answers) "\x12\x34" flags "\0\1\0" answers "\0\0\0\0"
#define ASKED                "\4home\7example\3net\0\0\1\0\1"
/* Owner at offset 12, class IN. */
#define RECORD(owner, type, ttl, size) owner "\0" type "\0\1\0\0\0" ttl "\0" size
#define SELF                           "\xc0\x0c"

static bool decode(struct dns_answer *answer, const char *bytes, size_t size)
{
	return dns_decode(answer, (const uint8_t *)bytes, size, &question);
}

/* The size of the literal without its own NUL. */
#define DECODE(answer, literal) decode(answer, literal, sizeof(literal) - 1)

static const char *text_of(const struct in6_addr *address)
{
	static char text[INET6_ADDRSTRLEN];

	return inet_ntop(AF_INET6, address, text, sizeof(text));
}

static void question_has_the_bytes_of_the_rfc(void **state)
{
	static const char expected[] = HEAD("\1\0", "\0") ASKED;
	uint8_t message[DNS_MESSAGE_MAX];

	(void)state;
	assert_int_equal(dns_encode(message, &question), sizeof(expected) - 1);
	assert_memory_equal(message, expected, sizeof(expected) - 1);
}

static void names_that_are_none_are_not_asked(void **state)
{
	static const char *const names[] = {
		"",   ".",  "a..b",
		".a", "a.", "1234567890123456789012345678901234567890123456789012345678901234.net"
	};
	uint8_t message[DNS_MESSAGE_MAX];
	struct dns_question bad = question;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		strcpy(bad.name, names[i]);
		assert_int_equal(dns_encode(message, &bad), 0);
	}
	/* The longest text that fits has 253 letters: as many labels of one as there can be. */
	memset(bad.name, 'a', 253);
	for (size_t i = 1; i < 253; i += 2)
		bad.name[i] = '.';
	bad.name[253] = '\0';
	assert_int_equal(dns_encode(message, &bad), 12 + 255 + 4);
}

static void addresses_are_read(void **state)
{
	struct dns_answer answer;

	(void)state;
	assert_true(DECODE(&answer,
			   HEAD("\x81\x80", "\2")
				   ASKED RECORD(SELF, "\1", "\x3c", "\4") "\x0b\0\1\2" RECORD(
					   SELF, "\1", "\x1e", "\4") "\x0b\0\1\3"));
	assert_int_equal(answer.code, DNS_NO_ERROR);
	assert_int_equal(answer.count, 2);
	assert_int_equal(answer.ttl, 30);
	assert_string_equal(text_of(&answer.addresses[0]), "::ffff:11.0.1.2");
	assert_string_equal(text_of(&answer.addresses[1]), "::ffff:11.0.1.3");
}

/* In whatever order the records come; of others' names nothing is taken. */
static void aliases_are_followed(void **state)
{
	struct dns_answer answer;

	(void)state;
	assert_true(DECODE(
		&answer,
		HEAD("\x81\x80", "\3")
			ASKED RECORD("\1b\3net\0", "\1", "\x3c", "\4") "\x0b\0\1\2" RECORD(
				"\1c\3net\0", "\1", "\x3c",
				"\4") "\x0b\0\1\3" RECORD(SELF, "\5", "\5", "\7") "\1b\3net\0"));
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.ttl, 5);
	assert_string_equal(text_of(&answer.addresses[0]), "::ffff:11.0.1.2");
}

static void aliases_in_a_circle_end(void **state)
{
	struct dns_answer answer;

	(void)state;
	assert_true(DECODE(&answer,
			   HEAD("\x81\x80", "\2")
				   ASKED RECORD(SELF, "\5", "\5", "\7") "\1b\3net\0" RECORD(
					   "\1b\3net\0", "\5", "\5", "\2") SELF));
	assert_int_equal(answer.count, 0);
	assert_int_equal(answer.ttl, 0);
}

static void no_such_name_is_an_answer(void **state)
{
	struct dns_answer answer;

	(void)state;
	assert_true(DECODE(&answer, HEAD("\x81\x83", "\0") ASKED));
	assert_int_equal(answer.code, DNS_NO_SUCH_NAME);
	assert_int_equal(answer.count, 0);
}

/* What came before the cut is true, and that there was a cut is told. */
static void a_truncated_answer_is_half_an_answer(void **state)
{
	struct dns_answer answer;

	(void)state;
	assert_true(DECODE(&answer,
			   HEAD("\x83\x80", "\2")
				   ASKED RECORD(SELF, "\1", "\x3c", "\4") "\x0b\0\1\2" RECORD(
					   SELF, "\1", "\x3c", "\4") "\x0b"));
	assert_true(answer.truncated);
	assert_int_equal(answer.count, 1);
	assert_true(DECODE(&answer, HEAD("\x83\x80", "\1") ASKED RECORD(SELF, "\1", "\x3c", "\4")));
	assert_true(answer.truncated);
	assert_int_equal(answer.count, 0);
	assert_int_equal(answer.ttl, 0);
}

static void what_answers_nothing_is_refused(void **state)
{
	struct dns_answer answer;

	(void)state;
	/* not a response; another opcode; another id; another question; none; nothing */
	assert_false(DECODE(&answer, HEAD("\1\0", "\0") ASKED));
	assert_false(DECODE(&answer, HEAD("\xa1\x80", "\0") ASKED));
	assert_false(DECODE(&answer, "\x12\x35\x81\x80\0\1\0\0\0\0\0\0" ASKED));
	assert_false(DECODE(&answer, HEAD("\x81\x80", "\0") "\4work\7example\3net\0\0\1\0\1"));
	assert_false(DECODE(&answer, HEAD("\x81\x80", "\0") "\4home\7example\3net\0\0\x1c\0\1"));
	assert_false(DECODE(&answer, "\x12\x34\x81\x80\0\0\0\0\0\0\0\0"));
	assert_false(DECODE(&answer, ""));
	/* a name that points to itself, and one that points forward */
	assert_false(DECODE(&answer, HEAD("\x81\x80", "\0") "\xc0\x0c\0\1\0\1"));
	assert_false(DECODE(&answer, HEAD("\x81\x80", "\0") "\xc0\x10\0\1\0\1"));
	/* an address of three bytes; data beyond the end */
	assert_false(DECODE(&answer, HEAD("\x81\x80", "\1")
					     ASKED RECORD(SELF, "\1", "\x3c", "\3") "\x0b\0\1"));
	assert_false(DECODE(&answer, HEAD("\x81\x80", "\1")
					     ASKED RECORD(SELF, "\1", "\x3c", "\4") "\x0b\0\1"));
}

/* Every prefix of a good answer is refused, and read within its own bytes (sanitizer, valgrind). */
static void short_messages_are_refused(void **state)
{
	static const char whole[] =
		HEAD("\x81\x80", "\1") ASKED RECORD(SELF, "\1", "\x3c", "\4") "\x0b\0\1\2";
	struct dns_answer answer;

	(void)state;
	for (size_t size = 0; size < sizeof(whole) - 1; size++) {
		uint8_t *copy = test_malloc(size + 1);

		memcpy(copy, whole, size);
		assert_false(dns_decode(&answer, copy, size, &question));
		test_free(copy);
	}
	assert_true(DECODE(&answer, whole));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(question_has_the_bytes_of_the_rfc),
		cmocka_unit_test(names_that_are_none_are_not_asked),
		cmocka_unit_test(addresses_are_read),
		cmocka_unit_test(aliases_are_followed),
		cmocka_unit_test(aliases_in_a_circle_end),
		cmocka_unit_test(no_such_name_is_an_answer),
		cmocka_unit_test(a_truncated_answer_is_half_an_answer),
		cmocka_unit_test(what_answers_nothing_is_refused),
		cmocka_unit_test(short_messages_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
