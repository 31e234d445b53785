/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers to a search: which are read, which are followed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <string.h>

#include "upnp/ssdp.h"

#define ANSWER "HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\n"

static struct upnp_network network;
static struct in_addr gateway, neighbour, elsewhere;

static int set_up(void **state)
{
	(void)state;
	inet_pton(AF_INET, "192.168.77.1", &gateway);
	inet_pton(AF_INET, "192.168.77.9", &neighbour);
	inet_pton(AF_INET, "192.168.78.1", &elsewhere);
	network.gateway = gateway;
	network.prefix = 24;
	return 0;
}

static bool parse(struct ssdp_answer *answer, const char *text)
{
	return ssdp_parse(answer, text, strlen(text));
}

static void answer_of_a_router_is_read(void **state)
{
	struct ssdp_answer answer;

	(void)state;
	assert_true(parse(&answer, "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\n"
				   "ST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
				   "SERVER: Debian/12 UPnP/1.1 MiniUPnPd/2.3.1\r\n"
				   "LOCATION: http://192.168.77.1:5000/rootDesc.xml\r\n\r\n"));
	assert_string_equal(answer.location, "http://192.168.77.1:5000/rootDesc.xml");
	assert_string_equal(answer.server, "Debian/12 UPnP/1.1 MiniUPnPd/2.3.1");
	assert_string_equal(answer.target, "urn:schemas-upnp-org:device:InternetGatewayDevice:1");
}

static void headers_come_in_any_case_and_spacing(void **state)
{
	struct ssdp_answer answer;

	(void)state;
	assert_true(parse(&answer, "http/1.0 200\nLocation:http://192.168.77.1/x  \t\r\n"
				   "sErVeR: \t box\r\n"));
	assert_string_equal(answer.location, "http://192.168.77.1/x");
	assert_string_equal(answer.server, "box");
}

static void last_line_needs_no_end(void **state)
{
	struct ssdp_answer answer;

	(void)state;
	assert_true(parse(&answer, "HTTP/1.1 200 OK\r\nLOCATION: http://192.168.77.1/"));
	assert_string_equal(answer.location, "http://192.168.77.1/");
}

static void what_is_no_answer_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"HTTP/1.1 200 OK",
		"HTTP/1.1 404 Not Found\r\nLOCATION: http://192.168.77.1/\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n",
		"NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\n\r\n",
		"NOTIFY",
		"M-SEARCH * HTTP/1.1\r\nLOCATION: http://192.168.77.1/\r\n\r\n",
		ANSWER "\r\n",
		ANSWER "LOCATION:\r\n\r\n",
		ANSWER "X-LOCATION: http://192.168.77.1/\r\n\r\n",
		ANSWER "LOCATIONS: http://192.168.77.1/\r\n\r\n",
	};
	struct ssdp_answer answer;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(parse(&answer, texts[i]));
}

static void location_that_does_not_fit_is_no_location(void **state)
{
	char text[1000] = ANSWER "LOCATION: http://192.168.77.1/";
	struct ssdp_answer answer;

	(void)state;
	memset(text + strlen(text), 'a', sizeof(text) - strlen(text) - 1);
	assert_false(ssdp_parse(&answer, text, sizeof(text)));
}

static void nul_in_a_location_does_not_cut_it(void **state)
{
	static const char text[] = ANSWER "LOCATION: http://192.168.77.1/\0evil\r\n";
	struct ssdp_answer answer;

	(void)state;
	assert_false(ssdp_parse(&answer, text, sizeof(text) - 1));
}

static void long_server_is_cut_and_cleaned(void **state)
{
	char text[1000] = ANSWER "LOCATION: http://192.168.77.1/\r\nSERVER: \x1b[31m";
	struct ssdp_answer answer;

	(void)state;
	memset(text + strlen(text), 'a', sizeof(text) - strlen(text) - 1);
	assert_true(ssdp_parse(&answer, text, sizeof(text)));
	assert_int_equal(strlen(answer.server), UPNP_TEXT_MAX - 1);
	assert_memory_equal(answer.server, "?[31maaa", 8);
}

static bool accepts(const char *location, const char *expected)
{
	struct ssdp_answer answer = { 0 };
	struct url url;
	char text[URL_TEXT_MAX];

	strcpy(answer.location, location);
	if (!ssdp_accept(&url, &answer, &network))
		return false;
	assert_string_equal(url_print(&url, text), expected);
	return true;
}

static void only_the_gateway_is_followed(void **state)
{
	static const char own[] = "http://192.168.77.1:5000/d.xml";

	(void)state;
	assert_true(accepts(own, own));
	/* one of a pair of routers, or a neighbour that lies: asked is the gateway either way */
	assert_true(accepts("http://192.168.77.9:5000/d.xml", own));
	assert_false(accepts("http://192.168.78.1:5000/d.xml", ""));
	assert_false(accepts("http://127.0.0.1:5000/d.xml", ""));
	assert_false(accepts("http://router.lan:5000/d.xml", ""));
	assert_false(accepts("https://192.168.77.1/d.xml", ""));
	/* asked over IPv4, some name their IPv6 address (tests/QUIRKS 7) */
	assert_true(accepts("http://[fe80::1%25eth0]:5000/d.xml", own));
	assert_true(accepts("http://[2001:db8::1]/d.xml", "http://192.168.77.1/d.xml"));
	assert_false(accepts("http://[fe80::1]x/d.xml", ""));
	assert_false(accepts("http://[fe80::1]:/d.xml", ""));
	assert_false(accepts("http://[fe80::1/d.xml", ""));
	assert_false(accepts("http://[192.168.77.1]/d.xml", ""));
	assert_false(accepts("http://[]/d.xml", ""));
}

#define NOTIFY(kind) "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNTS: ssdp:" kind "\r\n"
#define UUID         "uuid:1bc32b33-440c-4c13-8e46-fca588330229"

static void notify_says_who_comes_and_who_goes(void **state)
{
	struct ssdp_answer notice;

	(void)state;
	assert_true(
		parse(&notice,
		      NOTIFY("alive") "LOCATION: http://192.168.77.1/d.xml\r\n"
				      "NT: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n"
				      "USN: " UUID "::urn:schemas-upnp-org:device:x:1\r\n"
				      "BOOTID.UPNP.ORG: 4711\r\n"));
	assert_int_equal(notice.kind, SSDP_ALIVE);
	assert_int_equal(notice.boot_id, 4711);
	assert_string_equal(notice.uuid, UUID);
	assert_true(ssdp_is_router(&notice));
	/* who goes has no place any more */
	assert_true(parse(&notice, NOTIFY("byebye") "NT: upnp:rootdevice\r\nUSN: " UUID "\r\n"));
	assert_int_equal(notice.kind, SSDP_GOODBYE);
	assert_string_equal(notice.uuid, UUID);
	assert_int_equal(notice.boot_id, 0);
	assert_false(ssdp_is_router(&notice));
	assert_false(parse(&notice, NOTIFY("alive") "NT: upnp:rootdevice\r\n"));
	/* an answer to a search stays one */
	assert_true(
		parse(&notice, ANSWER "LOCATION: http://192.168.77.1/\r\nNTS: ssdp:byebye\r\n"));
	assert_int_equal(notice.kind, SSDP_ANSWER);
}

static void what_does_not_fit_a_notice_is_left_out(void **state)
{
	char text[600] = NOTIFY("byebye") "BOOTID.UPNP.ORG: 99999999999999999999\r\nUSN: uuid:";
	struct ssdp_answer notice;

	(void)state;
	memset(text + strlen(text), 'a', sizeof(text) - strlen(text) - 1);
	assert_true(parse(&notice, text));
	assert_string_equal(notice.uuid, "");
	assert_int_equal(notice.boot_id, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_of_a_router_is_read),
		cmocka_unit_test(headers_come_in_any_case_and_spacing),
		cmocka_unit_test(last_line_needs_no_end),
		cmocka_unit_test(what_is_no_answer_is_refused),
		cmocka_unit_test(location_that_does_not_fit_is_no_location),
		cmocka_unit_test(nul_in_a_location_does_not_cut_it),
		cmocka_unit_test(long_server_is_cut_and_cleaned),
		cmocka_unit_test(only_the_gateway_is_followed),
		cmocka_unit_test(notify_says_who_comes_and_who_goes),
		cmocka_unit_test(what_does_not_fit_a_notice_is_left_out),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
