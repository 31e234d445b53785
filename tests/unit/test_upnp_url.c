/* SPDX-License-Identifier: GPL-2.0-or-later */
/* URLs of a router: none leads anywhere else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "upnp/url.h"

static void assert_parses(const char *text, const char *printed)
{
	struct url url;
	char again[URL_TEXT_MAX];

	assert_true(url_parse(&url, text));
	assert_string_equal(url_print(&url, again), printed);
}

static void urls_of_routers_are_read(void **state)
{
	(void)state;
	assert_parses("http://192.168.1.1:5000/rootDesc.xml",
		      "http://192.168.1.1:5000/rootDesc.xml");
	assert_parses("HTTP://192.168.1.1:80", "http://192.168.1.1/");
	assert_parses("http://192.168.1.1?x=1", "http://192.168.1.1/?x=1");
	assert_parses("http://192.168.1.1/a#b", "http://192.168.1.1/a");
}

static void others_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"http://",
		"http:///x",
		"https://192.168.1.1/",
		"http://router/",
		"http://192.168.1/",
		"http://192.168.1.1.5/",
		"http://192.168.1.1:/",
		"http://192.168.1.1:0/",
		"http://192.168.1.1:65536/",
		"http://192.168.1.1:99999999999/",
		"http://192.168.1.1:8x/",
		"http://user@192.168.1.1/",
		"http://192.168.1.1/a b",
		"http://192.168.1.1/a\r\nHost: evil",
		"http://192.168.1.1/\xff",
	};
	struct url url;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(url_parse(&url, texts[i]));
}

static void path_must_fit(void **state)
{
	char text[URL_PATH_MAX + 32] = "http://192.168.1.1/";
	struct url url;

	(void)state;
	memset(text + strlen(text), 'a', URL_PATH_MAX - 2);
	assert_true(url_parse(&url, text));
	strcat(text, "a");
	assert_false(url_parse(&url, text));
}

static void assert_resolves(const char *reference, const char *expected)
{
	struct url base, url;
	char text[URL_TEXT_MAX];

	assert_true(url_parse(&base, "http://192.168.1.1:5000/dir/rootDesc.xml"));
	assert_true(url_resolve(&url, &base, reference));
	assert_string_equal(url_print(&url, text), expected);
}

static void every_url_of_a_description_leads_to_the_router(void **state)
{
	(void)state;
	assert_resolves("/ctl/IPConn", "http://192.168.1.1:5000/ctl/IPConn");
	assert_resolves("ctl/IPConn", "http://192.168.1.1:5000/ctl/IPConn");
	assert_resolves("?control=1", "http://192.168.1.1:5000/?control=1");
	assert_resolves("/UD/?9", "http://192.168.1.1:5000/UD/?9");
	assert_resolves("", "http://192.168.1.1:5000/");
	assert_resolves("/a?u=http://x/", "http://192.168.1.1:5000/a?u=http://x/");
	assert_resolves("http://192.168.1.1:49000/c", "http://192.168.1.1:49000/c");
	assert_resolves("http://router.lan:80/c", "http://192.168.1.1:5000/c");
	assert_resolves("http://10.0.0.1:80/c", "http://192.168.1.1:5000/c");
	assert_resolves("https://192.168.1.1:443/c", "http://192.168.1.1:5000/c");
	assert_resolves("http://127.0.0.1", "http://192.168.1.1:5000/");
}

static void reference_that_would_split_a_request_is_refused(void **state)
{
	struct url base, url;

	(void)state;
	assert_true(url_parse(&base, "http://192.168.1.1/"));
	assert_false(url_resolve(&url, &base, "/a HTTP/1.0\r\nX: y"));
	assert_false(url_resolve(&url, &base, "http://router/\ta"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_of_routers_are_read),
		cmocka_unit_test(others_are_refused),
		cmocka_unit_test(path_must_fit),
		cmocka_unit_test(every_url_of_a_description_leads_to_the_router),
		cmocka_unit_test(reference_that_would_split_a_request_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
