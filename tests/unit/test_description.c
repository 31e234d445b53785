/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a description tells a human about the router. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "upnp/description.h"

static struct description description;
static struct upnp_router router;
static struct url location;

static int set_up(void **state)
{
	(void)state;
	return url_parse(&location, "http://192.168.77.1:5000/rootDesc.xml") ? 0 : -1;
}

static void read_text(const char *text)
{
	memset(&router, 0, sizeof(router));
	description_read(&description, text, strlen(text));
	description_router(&router, &description, &location);
}

static void router_is_put_into_words(void **state)
{
	(void)state;
	read_text("<?xml version=\"1.0\"?><root xmlns=\"urn:schemas-upnp-org:device-1-0\">"
		  "<specVersion><major>1</major></specVersion><device>\n"
		  "<deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:2</deviceType>\n"
		  "<friendlyName> FRITZ!Box 7530 </friendlyName>"
		  "<manufacturer>AVM Berlin</manufacturer><modelName>FRITZ!Box 7530</modelName>"
		  "<presentationURL>http://fritz.box</presentationURL>"
		  "<deviceList><device><friendlyName>WANDevice</friendlyName>"
		  "<deviceType>urn:schemas-upnp-org:device:WANDevice:2</deviceType></device>"
		  "</deviceList></device></root>");
	assert_string_equal(router.model, "FRITZ!Box 7530 (AVM Berlin)");
	assert_string_equal(router.url, "http://fritz.box");
	assert_int_equal(router.igd_version, 2);
}

static void model_that_the_name_does_not_tell_is_added(void **state)
{
	(void)state;
	read_text("<friendlyName>Wireless Router</friendlyName><modelName>TL-WR841N</modelName>"
		  "<modelNumber>v14.0</modelNumber><manufacturer>TP-Link</manufacturer>");
	assert_string_equal(router.model, "Wireless Router TL-WR841N v14.0 (TP-Link)");
	read_text("<modelName>only</modelName><modelNumber>1</modelNumber>");
	assert_string_equal(router.model, "only");
}

static void unknown_is_empty(void **state)
{
	(void)state;
	read_text("<root/>");
	assert_string_equal(router.model, "");
	assert_string_equal(router.url, "");
	assert_int_equal(router.igd_version, 0);
}

static void relative_page_is_the_router_s(void **state)
{
	(void)state;
	read_text("<presentationURL>/admin?a=1&amp;b=2</presentationURL>");
	assert_string_equal(router.url, "http://192.168.77.1:5000/admin?a=1&b=2");
	read_text("<presentationURL>index.html</presentationURL>");
	assert_string_equal(router.url, "http://192.168.77.1:5000/index.html");
}

static void page_that_is_no_page_is_left_out(void **state)
{
	(void)state;
	read_text("<presentationURL>javascript:alert(1)</presentationURL>");
	assert_string_equal(router.url, "");
	read_text("<presentationURL>file:///etc/passwd</presentationURL>");
	assert_string_equal(router.url, "");
	read_text("<presentationURL>http://x/ y</presentationURL>");
	assert_string_equal(router.url, "");
}

static void namespaces_attributes_and_comments_do_not_matter(void **state)
{
	(void)state;
	read_text("<!-- <friendlyName>old</friendlyName> --><d:friendlyName a='b'>new"
		  "</d:friendlyName><friendlyName>later</friendlyName>");
	assert_string_equal(description.friendly_name, "new");
	read_text("<friendlyName/><friendlyName></friendlyName><friendlyName>x</friendlyName>");
	assert_string_equal(description.friendly_name, "x");
	read_text("<friendlyNames>no</friendlyNames><myfriendlyName>no</myfriendlyName>");
	assert_string_equal(description.friendly_name, "");
}

static void words_are_decoded_cut_and_cleaned(void **state)
{
	char text[400] = "<friendlyName>";

	(void)state;
	read_text("<friendlyName>A&amp;B &lt;&#9;&unknown;\x1b[2J\xff</friendlyName>");
	assert_string_equal(description.friendly_name, "A&B <&#9;&unknown;?[2J?");
	memset(text + strlen(text), 'x', 300);
	strcat(text, "</friendlyName>");
	read_text(text);
	assert_int_equal(strlen(description.friendly_name), DESCRIPTION_WORD_MAX - 1);
	assert_true(strlen(router.model) < UPNP_TEXT_MAX);
}

/* Cut at every place: each prefix is read without a word that it does not hold in full. */
static void truncated_description_is_read_as_far_as_it_goes(void **state)
{
	static const char text[] = "<root><!-- c --><friendlyName>name</friendlyName></root>";

	(void)state;
	for (size_t size = 0; size <= strlen(text); size++) {
		description_read(&description, text, size);
		assert_string_equal(description.friendly_name,
				    size > strlen("<root><!-- c --><friendlyName>name") ? "name"
											: "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(router_is_put_into_words),
		cmocka_unit_test(model_that_the_name_does_not_tell_is_added),
		cmocka_unit_test(unknown_is_empty),
		cmocka_unit_test(relative_page_is_the_router_s),
		cmocka_unit_test(page_that_is_no_page_is_left_out),
		cmocka_unit_test(namespaces_attributes_and_comments_do_not_matter),
		cmocka_unit_test(words_are_decoded_cut_and_cleaned),
		cmocka_unit_test(truncated_description_is_read_as_far_as_it_goes),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
