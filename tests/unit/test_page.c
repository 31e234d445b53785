/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a router's web page calls itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "upnp/page.h"

static const char *title_of(const char *bytes)
{
	static char title[UPNP_TEXT_MAX];

	page_title(title, bytes, strlen(bytes));
	return title;
}

#define HEAD "HTTP/1.0 200 OK\r\nServer: httpd/2.0\r\n\r\n"

static void titles_are_found(void **state)
{
	(void)state;
	assert_string_equal(title_of(HEAD "<html><TITLE>FRITZ!Box 7590</TITLE>"), "FRITZ!Box 7590");
	assert_string_equal(title_of(HEAD "<title lang=\"ja\">\n  PR-500KI \r\n </title>"),
			    "PR-500KI");
	assert_string_equal(title_of("HTTP/1.0 401 Unauthorized\r\nServer: httpd/2.0\r\n"
				     "WWW-Authenticate: Basic realm=\"Archer C7\"\r\n\r\n"),
			    "Archer C7");
	assert_string_equal(title_of(HEAD), "httpd/2.0");
	assert_string_equal(title_of(HEAD "<title></title>"), "httpd/2.0");
}

static void rubbish_has_no_title(void **state)
{
	(void)state;
	assert_string_equal(title_of(""), "");
	assert_string_equal(title_of("<title"), "");
	assert_string_equal(title_of("<title>"), "");
	assert_string_equal(title_of("realm=\""), "");
	assert_null(strchr(title_of("<title>\033[31mred\007</title>"), '\033'));
}

static void what_is_long_is_cut(void **state)
{
	char bytes[1000] = "<title>";
	char title[UPNP_TEXT_MAX];

	(void)state;
	memset(bytes + 7, 'x', sizeof(bytes) - 7);
	page_title(title, bytes, sizeof(bytes)); /* no NUL at the end */
	assert_int_equal(strlen(title), UPNP_TEXT_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(titles_are_found),
		cmocka_unit_test(rubbish_has_no_title),
		cmocka_unit_test(what_is_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
