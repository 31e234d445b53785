/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests of SOAP as they are written, and answers: whole, in chunks, cut off anywhere, and none at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "upnp/soap.h"

#define SERVICE "urn:schemas-upnp-org:service:WANIPv6FirewallControl:1"

static void request_is_written(void **state)
{
	static const struct soap_argument arguments[] = { { "UniqueID", "7" },
							  { "NewLeaseTime", "60" },
							  { NULL, NULL } };
	struct soap_request request = { "[fe80::1]:5000", "/ctl", SERVICE, "UpdatePinhole",
					arguments };
	char text[SOAP_REQUEST_MAX];
	size_t size = soap_write(text, &request);
	const char *body;

	(void)state;
	assert_int_equal(size, strlen(text));
	assert_ptr_equal(strstr(text, "POST /ctl HTTP/1.1\r\nHost: [fe80::1]:5000\r\n"), text);
	assert_non_null(strstr(text, "\r\nSOAPAction: \"" SERVICE "#UpdatePinhole\"\r\n"));
	body = strstr(text, "\r\n\r\n") + 4;
	assert_int_equal(strtoul(strstr(text, "Content-Length: ") + 16, NULL, 10), strlen(body));
	assert_non_null(strstr(body, "<s:Body><u:UpdatePinhole xmlns:u=\"" SERVICE "\">"
				     "<UniqueID>7</UniqueID><NewLeaseTime>60</NewLeaseTime>"
				     "</u:UpdatePinhole></s:Body></s:Envelope>"));
}

static void request_that_does_not_fit_is_none(void **state)
{
	char path[SOAP_REQUEST_MAX];
	char text[SOAP_REQUEST_MAX];
	struct soap_request request = { "h", path, SERVICE, "A", NULL };

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(soap_write(text, &request), 0);
	request.path = "/";
	request.action = path;
	assert_int_equal(soap_write(text, &request), 0);
}

#define LENGTH  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
#define CHUNKED "HTTP/1.1 500 No\r\nTRANSFER-ENCODING: Chunked\r\n\r\n"
#define OPEN    "HTTP/1.0 200 OK\n\n"

/* As it comes; what it says; how much of it has come when nothing more is waited for, 0: the end is. */
static const struct {
	const char *text;
	unsigned int status;
	const char *body;
	bool whole;
} answers[] = {
	{ LENGTH "hello", 200, "hello", true },
	{ LENGTH "hell", 200, "hell", false },
	{ LENGTH "hello!", 200, "hello!", true },
	{ OPEN "hello", 200, "hello", false },
	{ OPEN, 200, "", false },
	{ CHUNKED "5\r\nhello\r\n0\r\n\r\n", 500, "hello", true },
	{ CHUNKED "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n", 500, "hello", true },
	{ CHUNKED "2\nhe\n3\nllo\n0\n", 500, "hello", true },
	{ CHUNKED "a\r\nhello", 500, "hello", false },
	{ CHUNKED "5\r\nhello\r\n", 500, "hello", false },
	{ CHUNKED "ffffffffffffffff\r\nhello", 500, "hello", false },
	{ CHUNKED "5\r\nhello\r\n-1\r\nworld", 500, "hello", true },
	{ CHUNKED "hello", 500, "", false },
	{ "HTTP/1.1 100 Continue\r\n\r\n" LENGTH "hello", 200, "hello", true },
	{ "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nhello", 200, "hello", false },
};

static void answer_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		size_t size = strlen(answers[i].text);
		char *copy = malloc(size); /* exactly as long: valgrind sees what is read beyond */
		unsigned int status = 0;
		const char *body;

		assert_non_null(copy);
		memcpy(copy, answers[i].text, size);
		assert_int_equal(soap_is_whole(copy, size), answers[i].whole);
		body = soap_body(copy, &size, &status);
		assert_non_null(body);
		assert_int_equal(status, answers[i].status);
		assert_int_equal(size, strlen(answers[i].body));
		assert_memory_equal(body, answers[i].body, size);
		free(copy);
	}
}

static void what_is_no_answer_is_none(void **state)
{
	static const char *const texts[] = {
		"",
		"HTTP/1.1 200 OK\r\n",
		"hello\r\n\r\n",
		"HTTP/1.1 OK\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\n",
		"\n",
		"SSH-2.0-dropbear 1 2\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t size = strlen(texts[i]);
		char *copy = malloc(size + 1);
		unsigned int status = 0;

		assert_non_null(copy);
		memcpy(copy, texts[i], size);
		assert_null(soap_body(copy, &size, &status));
		free(copy);
	}
}

static void answer_is_not_whole_before_its_end(void **state)
{
	static const char text[] = CHUNKED "2\r\nhe\r\n3\r\nllo\r\n0\r\n";

	(void)state;
	for (size_t size = 0; size < sizeof(text) - 1; size++)
		assert_false(soap_is_whole(text, size));
	assert_true(soap_is_whole(text, sizeof(text) - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_is_written),
		cmocka_unit_test(request_that_does_not_fit_is_none),
		cmocka_unit_test(answer_is_read),
		cmocka_unit_test(what_is_no_answer_is_none),
		cmocka_unit_test(answer_is_not_whole_before_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
