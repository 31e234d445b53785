/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "natd/ctl/arguments.h"
#include "natd/ctl/print.h"

static void ports_with_protocol(void **state)
{
	static const struct {
		const char *text;
		uint16_t port;
		uint32_t protocol;
	} good[] = {
		{ "51820/udp", 51820, IPPROTO_UDP },
		{ "1/tcp", 1, IPPROTO_TCP },
		{ "65535/udp", 65535, IPPROTO_UDP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint16_t port = 0;
		uint32_t protocol = 0;

		assert_true(argument_port_protocol(good[i].text, &port, &protocol));
		assert_int_equal(port, good[i].port);
		assert_int_equal(protocol, good[i].protocol);
	}
}

static void hostile_ports_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"/",
		"/udp",
		"51820",
		"51820/",
		"0/udp",
		"65536/udp",
		"99999/udp",
		"-1/udp",
		"+1/udp",
		" 1/udp",
		"1 /udp",
		"1/ udp",
		"1/udp ",
		"1/udp/tcp",
		"1/sctp",
		"0x50/udp",
		"1e3/udp",
		"1//udp",
		"1/udpx",
		"udp/1",
		"1/\xff",
		"\xd9\xa1/udp",
		"4294967297/udp",
		"1\n/udp",
		"18446744073709551617/udp",
		"1/udp\n",
		"%s%n/udp",
		"1,2/udp",
		"1-2/udp",
	};
	char longest[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint16_t port = 7;
		uint32_t protocol = 8;

		if (argument_port_protocol(bad[i], &port, &protocol))
			fail_msg("'%s' was taken", bad[i]);
		assert_int_equal(port, 7);
		assert_int_equal(protocol, 8);
	}
	memset(longest, '1', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	memcpy(longest + sizeof(longest) - 5, "/udp", 4);
	assert_false(argument_port_protocol(longest, &(uint16_t){ 0 }, &(uint32_t){ 0 }));
}

static void times(void **state)
{
	static const struct {
		const char *text;
		uint32_t seconds;
	} good[] = {
		{ "1s", 1 },     { "90s", 90 },        { "30m", 1800 },          { "2h", 7200 },
		{ "1d", 86400 }, { "365d", 31536000 }, { "31536000s", 31536000 }
	};
	static const char *const bad[] = {
		"",     "s",    "0s",   "90",    "-1s", "1 s",         "1S",
		"1w",   "366d", "1.5h", "1h30m", "+1h", "1000000000s", "99999999999999999999d",
		"1s\n", " 1s"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint32_t seconds = 0;

		assert_true(argument_time(good[i].text, &seconds));
		assert_int_equal(seconds, good[i].seconds);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t seconds = 7;

		if (argument_time(bad[i], &seconds))
			fail_msg("'%s' was taken", bad[i]);
		assert_int_equal(seconds, 7);
	}
}

/* natctl test and why wait for ten minutes at most. */
static void times_to_wait(void **state)
{
	static const char *const bad[] = { "0s", "601s", "11m", "1h", "365d", "soon", "" };
	uint32_t seconds = 0;

	(void)state;
	assert_true(argument_wait("10m", &seconds));
	assert_int_equal(seconds, 600);
	assert_true(argument_wait("1s", &seconds));
	assert_int_equal(seconds, 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (argument_wait(bad[i], &seconds))
			fail_msg("'%s' was taken", bad[i]);
		assert_int_equal(seconds, 1);
	}
}

static void durations_as_people_say_them(void **state)
{
	static const struct {
		json_int_t seconds;
		const char *text;
	} expected[] = {
		{ -5, "0 s" },
		{ 0, "0 s" },
		{ 99, "99 s" },
		{ 100, "2 min" },
		{ 1740, "29 min" },
		{ 5340, "89 min" },
		{ 5999, "100 min" },
		{ 6000, "2 h" },
		{ 64800, "18 h" },
		{ 172799, "48 h" },
		{ 172800, "2 d" },
		{ 1036800, "12 d" },
		{ INT64_MAX, "106751991167301 d" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		char text[DURATION_TEXT_MAX];

		assert_string_equal(print_duration(expected[i].seconds, text), expected[i].text);
	}
}

static void cleaned(const char *dirty, const char *clean)
{
	char text[64];
	json_t *json;

	snprintf(text, sizeof(text), "%s", dirty);
	print_clean(text);
	assert_string_equal(text, clean);
	json = json_string(text);
	assert_non_null(json);
	json_decref(json);
}

static void text_is_safe_to_print(void **state)
{
	(void)state;
	cleaned("FRITZ!Box 7530", "FRITZ!Box 7530");
	cleaned("\033[2Jx\r\n\t\x7f", "?[2Jx????");
	cleaned("無線", "無線");
	cleaned("\xff\xfe", "??");
	/* An overlong form and a surrogate are not UTF-8 (RFC 3629, 3): JSON would refuse them. */
	cleaned("a\xe0\x80\x80", "a???");
	cleaned("a\xed\xa0\x80", "a???");
}

static void every_string_of_an_answer_is_clean(void **state)
{
	json_t *json = json_pack("{s:[{s:s}], s:s, s:{s:s}, s:n, s:i}", "mappings", "description",
				 "a\nb\033", "error", "x\ny", "verdict", "advice", "one\r\ntwo",
				 "n", "i", 3);
	json_t *expected =
		json_pack("{s:[{s:s}], s:s, s:{s:s}, s:n, s:i}", "mappings", "description", "a?b?",
			  "error", "x?y", "verdict", "advice", "one?\ntwo", "n", "i", 3);

	(void)state;
	print_clean_json(json);
	assert_true(json_equal(json, expected));
	print_clean_json(NULL);
	json_decref(json);
	json_decref(expected);
}

static void width_is_in_columns(void **state)
{
	(void)state;
	assert_int_equal(print_width(""), 0);
	assert_int_equal(print_width("abc"), 3);
	assert_int_equal(print_width("é"), 1);
	assert_int_equal(print_width("無線"), 4);
}

static void rows_break_between_words(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct row row = row_start(out, " Label", 10);

	(void)state;
	row_add(&row, "%s", "first");
	row_add(&row, "%s", "a part that does not fit behind the first one but fits a line alone");
	row_break(&row);
	row_break(&row);
	row_add(&row, "%s",
		"words that go on and on, longer than any line of eighty columns is, are "
		"broken at spaces");
	row_end(&row);
	row_end(&row);
	row = row_start(out, " Empty", 10);
	row_end(&row);
	fclose(out);
	assert_string_equal(
		text, " Label    first\n"
		      "          a part that does not fit behind the first one but fits a line "
		      "alone\n"
		      "          words that go on and on, longer than any line of eighty columns "
		      "is,\n"
		      "          are broken at spaces\n");
	free(text);
}

static void a_file_has_no_colour(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	print_coloured(out, PRINT_RED, "NO");
	fclose(out);
	assert_string_equal(text, "NO");
	free(text);
}

/* The C library knows how wide a character is only in a locale that has it. */
static int use_utf8(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_with_protocol),
		cmocka_unit_test(hostile_ports_are_refused),
		cmocka_unit_test(times),
		cmocka_unit_test(times_to_wait),
		cmocka_unit_test(durations_as_people_say_them),
		cmocka_unit_test(text_is_safe_to_print),
		cmocka_unit_test(every_string_of_an_answer_is_clean),
		cmocka_unit_test(width_is_in_columns),
		cmocka_unit_test(rows_break_between_words),
		cmocka_unit_test(a_file_has_no_colour),
	};

	return cmocka_run_group_tests(tests, use_utf8, NULL);
}
