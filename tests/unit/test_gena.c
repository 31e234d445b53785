/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said about events: each message whole, cut off anywhere, and as broken routers say it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "upnp/gena_message.h"

#define GRANTED                                                                                    \
	"HTTP/1.1 200 OK\r\nSERVER: x\r\nSID: uuid:4a2b\r\nTIMEOUT: Second-1800\r\n"               \
	"CONTENT-LENGTH: 0\r\n\r\n"

/* As miniupnpd 2.3.1 sends it. */
#define BODY                                                                                       \
	"<e:propertyset xmlns:e=\"urn:schemas-upnp-org:event-1-0\"><e:property>"                   \
	"<ConnectionStatus>Connected</ConnectionStatus></e:property><e:property>"                  \
	"<ExternalIPAddress>11.0.0.2</ExternalIPAddress></e:property></e:propertyset>"
#define HEAD  "NOTIFY / HTTP/1.1\r\nHost: 192.168.77.2:1\r\nSID: uuid:4a2b\r\nSEQ: 7\r\n"
#define EVENT HEAD "Content-Length: 215\r\n\r\n" BODY

static enum gena_reading answer_of(struct gena_answer *answer, const char *text)
{
	return gena_read_answer(answer, text, strlen(text));
}

static enum gena_reading notice_of(struct gena_notice *notice, const char *text)
{
	return gena_read_notice(notice, text, strlen(text));
}

static void requests_are_written(void **state)
{
	static const char *const wanted[] = {
		"SUBSCRIBE /evt HTTP/1.1\r\nHOST: 192.168.77.1:5000\r\n"
		"CALLBACK: <http://192.168.77.2:4711/>\r\nNT: upnp:event\r\n"
		"TIMEOUT: Second-86400\r\nConnection: close\r\n\r\n",
		"SUBSCRIBE /evt HTTP/1.1\r\nHOST: 192.168.77.1:5000\r\nSID: uuid:4a2b\r\n"
		"TIMEOUT: Second-86400\r\nConnection: close\r\n\r\n",
		"UNSUBSCRIBE /evt HTTP/1.1\r\nHOST: 192.168.77.1:5000\r\nSID: uuid:4a2b\r\n"
		"Connection: close\r\n\r\n",
	};
	char text[GENA_REQUEST_MAX];
	struct url place;
	struct url callback;

	(void)state;
	url_parse(&place, "http://192.168.77.1:5000/evt");
	url_parse(&callback, "http://192.168.77.2:4711/");
	for (int what = GENA_SUBSCRIBE; what <= GENA_UNSUBSCRIBE; what++) {
		size_t size =
			gena_write(text, (enum gena_request)what, &place, &callback, "uuid:4a2b");

		assert_string_equal(text, wanted[what]);
		assert_int_equal(size, strlen(text));
	}
}

static void longest_request_fits(void **state)
{
	char text[GENA_REQUEST_MAX];
	char sid[GENA_SID_MAX] = "";
	struct url place = { .host = { INADDR_BROADCAST }, .port = 65535 };

	(void)state;
	memset(place.path, 'x', sizeof(place.path) - 1);
	memset(sid, 'x', sizeof(sid) - 1);
	assert_in_range(gena_write(text, GENA_SUBSCRIBE, &place, &place, sid), 1, sizeof(text) - 1);
	assert_in_range(gena_write(text, GENA_RENEW, &place, &place, sid), 1, sizeof(text) - 1);
}

static void grant_is_read(void **state)
{
	struct gena_answer answer;

	(void)state;
	assert_int_equal(answer_of(&answer, GRANTED), GENA_WHOLE);
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.sid, "uuid:4a2b");
	assert_int_equal(answer.timeout, 1800);
	for (size_t size = 0; size < strlen(GRANTED); size++)
		assert_int_equal(gena_read_answer(&answer, GRANTED, size), GENA_MORE);
}

static void time_of_a_grant_is_read(void **state)
{
	static const struct {
		const char *said;
		uint32_t seconds;
	} cases[] = {
		{ "Second-300", 300 },
		{ "second-86400", 86400 },
		{ "Second-infinite", GENA_FOR_EVER },
		{ "infinite", GENA_FOR_EVER },
		{ "", 1800 },
		{ "Second-", 1800 },
		{ "Second--5", 1800 },
		{ "Second-99999999999", 1800 },
		{ "300", 1800 },
	};
	struct gena_answer answer;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nTIMEOUT: %s\r\n\r\n",
			 cases[i].said);
		assert_int_equal(answer_of(&answer, text), GENA_WHOLE);
		assert_int_equal(answer.timeout, cases[i].seconds);
	}
}

static void answers_of_others_are_nonsense(void **state)
{
	struct gena_answer answer;

	(void)state;
	assert_int_equal(answer_of(&answer, "SSH-2.0-OpenSSH\r\n\r\n"), GENA_NONSENSE);
	assert_int_equal(answer_of(&answer, "HTTP/1.1\r\n\r\n"), GENA_WHOLE);
	assert_int_equal(answer.status, 0);
	assert_int_equal(answer_of(&answer, "HTTP/1.0 412 Precondition Failed\n\n"), GENA_WHOLE);
	assert_int_equal(answer.status, 412);
}

static void event_is_read(void **state)
{
	struct gena_notice notice;

	(void)state;
	assert_int_equal(strlen(BODY), 215);
	assert_int_equal(notice_of(&notice, EVENT), GENA_WHOLE);
	assert_string_equal(notice.sid, "uuid:4a2b");
	assert_int_equal(notice.seq, 7);
	assert_true(notice.has_wan);
	assert_int_equal(notice.wan.s_addr, inet_addr("11.0.0.2"));
	for (size_t size = 0; size < strlen(EVENT); size++)
		assert_int_equal(gena_read_notice(&notice, EVENT, size), GENA_MORE);
}

static void event_in_chunks_ends_with_its_body(void **state)
{
	static const char event[] =
		HEAD "Transfer-Encoding: chunked\r\n\r\nd7\r\n" BODY "\r\n0\r\n\r\n";
	size_t least = (size_t)(strstr(event, "</e:propertyset>") + 16 - event);
	struct gena_notice notice;

	(void)state;
	assert_int_equal(gena_read_notice(&notice, event, least - 1), GENA_MORE);
	assert_int_equal(gena_read_notice(&notice, event, least), GENA_WHOLE);
	assert_true(notice.has_wan);
	assert_int_equal(notice_of(&notice, HEAD "\r\n<propertyset><property>"), GENA_MORE);
	assert_int_equal(notice_of(&notice, HEAD "\r\n<propertyset></propertyset>"), GENA_WHOLE);
}

static void address_is_read_where_there_is_one(void **state)
{
	static const struct {
		const char *body;
		const char *wan; /* NULL: none is said */
	} cases[] = {
		{ "<ExternalIPAddress>\r\n 11.0.0.9\r\n </ExternalIPAddress>", "11.0.0.9" },
		{ "<ExternalIPAddress></ExternalIPAddress>", "0.0.0.0" },
		{ "<ExternalIPAddress>router</ExternalIPAddress>", NULL },
		{ "<ExternalIPAddress>11.0.0.9", NULL },
		{ "<ExternalIPAddress>", NULL },
		{ "<ExternalIPAddress>1234567890123456</ExternalIPAddress>", NULL },
		{ "<PortMappingNumberOfEntries>3</PortMappingNumberOfEntries>", NULL },
	};
	struct gena_notice notice;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text), "%sContent-Length: %zu\r\n\r\n%s", HEAD,
			 strlen(cases[i].body), cases[i].body);
		assert_int_equal(notice_of(&notice, text), GENA_WHOLE);
		assert_int_equal(notice.has_wan, cases[i].wan != NULL);
		if (cases[i].wan)
			assert_int_equal(notice.wan.s_addr, inet_addr(cases[i].wan));
	}
}

static void events_that_name_nothing_are_nonsense(void **state)
{
	struct gena_notice notice;

	(void)state;
	assert_int_equal(notice_of(&notice, "POST / HTTP/1.1\r\n\r\n"), GENA_NONSENSE);
	assert_int_equal(notice_of(&notice, "NOTIFY / HTTP/1.1\r\nSEQ: 1\r\n\r\n"), GENA_NONSENSE);
	assert_int_equal(notice_of(&notice, "NOTIFY / HTTP/1.1\r\nSID: uuid:1\r\n\r\n"),
			 GENA_NONSENSE);
	assert_int_equal(notice_of(&notice, "NOTIFY / HTTP/1.1\r\nSID: uuid:1\r\nSEQ: -1\r\n\r\n"),
			 GENA_NONSENSE);
}

static void status_is_not_read_beyond_the_head(void **state)
{
	static const char *const heads[] = { "HTTP/1.1 \r\n\r\n", "HTTP/1.1\r\nSID: \n\n",
					     "HTTP/1.1   \n\n", "HTTP/1.1 +\n\n" };
	struct gena_answer answer;
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		snprintf(text, sizeof(text), "%s200 OK", heads[i]);
		assert_int_equal(gena_read_answer(&answer, text, strlen(heads[i])), GENA_WHOLE);
		assert_int_equal(answer.status, 0);
	}
	assert_int_equal(answer_of(&answer, "HTTP/1.1  200\n\n"), GENA_WHOLE);
	assert_int_equal(answer.status, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_written),
		cmocka_unit_test(longest_request_fits),
		cmocka_unit_test(grant_is_read),
		cmocka_unit_test(time_of_a_grant_is_read),
		cmocka_unit_test(answers_of_others_are_nonsense),
		cmocka_unit_test(event_is_read),
		cmocka_unit_test(event_in_chunks_ends_with_its_body),
		cmocka_unit_test(address_is_read_where_there_is_one),
		cmocka_unit_test(events_that_name_nothing_are_nonsense),
		cmocka_unit_test(status_is_not_read_beyond_the_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
