/* SPDX-License-Identifier: GPL-2.0-or-later */
/* routers.conf, and whose router is recognised by what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "natd/ctl/members.h"
#include "natd/ctl/recognise.h"
#include "natd/ctl/routers.h"

#define SHIPPED "natd/service/routers.conf"

/* Reads `text` as a file; what is wrong with it comes in `error`. */
static json_t *read_text(const char *text, char error[ROUTERS_ERROR_MAX])
{
	char path[] = "/tmp/natd-routers-XXXXXX";
	int file = mkstemp(path);
	json_t *routers;

	assert_true(file >= 0);
	assert_int_equal(write(file, text, strlen(text)), (ssize_t)strlen(text));
	close(file);
	routers = routers_read(path, false, error);
	unlink(path);
	return routers;
}

static json_t *shipped(void)
{
	char error[ROUTERS_ERROR_MAX];
	json_t *routers = routers_read(SHIPPED, false, error);

	if (!routers)
		fail_msg("%s", error);
	return routers;
}

static void the_shipped_file_is_sound(void **state)
{
	json_t *routers = shipped();
	const json_t *router;
	size_t i;

	(void)state;
	assert_true(json_array_size(routers) >= 30);
	json_array_foreach(routers, i, router)
		assert_true(*text_of(router, "name") && *text_of(router, "menu"));
	json_decref(routers);
}

#define GOOD "name = \"x\"\nmenu = \"y\"\nmodel = { \"abc\" }\n"

static void a_users_router(void **state)
{
	char error[ROUTERS_ERROR_MAX];
	json_t *routers =
		read_text("router \"mine\" {\n  name = \"Mine\"\n  model = { \"Box 3\" }\n"
			  "  menu = \"A > B\"\n}\n",
			  error);
	const json_t *mine = json_array_get(routers, 0);

	(void)state;
	assert_int_equal(json_array_size(routers), 1);
	assert_string_equal(text_of(mine, "id"), "mine");
	assert_string_equal(text_of(mine, "menu"), "A > B");
	assert_null(json_object_get(mine, "page"));
	json_decref(routers);
	routers = read_text("router \"mine\" {\n" GOOD "mac = { \"00:a0:de\", # the first\n"
			    "  \"ac:44:f2\" }\n}\n",
			    error);
	mine = json_array_get(routers, 0);
	assert_int_equal(json_array_size(json_object_get(mine, "mac")), 2);
	json_decref(routers);
}

static void what_is_wrong_is_said_with_its_line(void **state)
{
	static const struct {
		const char *text;
		const char *complaint;
	} bad[] = {
		{ "router \"a\" {\n" GOOD "mac = { \"00:A0:DE\" }\n}\n", ":5: mac = \"00:A0:DE\"" },
		{ "router \"a\" {\n" GOOD "mac = { \"00a0de\" }\n}\n", ":5: mac = \"00a0de\"" },
		{ "router \"a\" {\n" GOOD "address = { \"1.2.3\" }\n}\n", "allowed: an IPv4" },
		{ "router \"a\" {\n" GOOD "page = \"javascript:x\"\n}\n", ":5: page" },
		{ "router \"a\" {\n" GOOD "page = \"http://a b/\"\n}\n", ":5: page" },
		{ "router \"a\" {\n" GOOD "model = { \"ab\" }\n}\n", ":5: model" },
		{ "router \"a\" {\n" GOOD "checked = maybe\n}\n", "yes or no" },
		{ "router \"a\" {\n" GOOD "note = \"\\x1b[31m\"\n}\n", ":5: note" },
		{ "router \"a\" {\n" GOOD "colour = \"red\"\n}\n", "colour" },
		{ "router \"a\" {\nname = \"x\"\nmodel = { \"abc\" }\n}\n", "\"a\" has no menu" },
		{ "router \"a\" {\nname = \"x\"\nmenu = \"y\"\n}\n", "nothing to recognise it by" },
		{ "router \"a\" {\n" GOOD "}\nrouter \"a\" {\n" GOOD "}\n", "a" },
		{ "router \"a\" {\n" GOOD, "_end" },
		{ "router \"a\" {\n" GOOD "note = \"open\n}\n", ":5: a string is not closed" },
		{ "# mine\n/* and\n yours */\nrouter \"a\" {\n" GOOD "colour = \"red\"\n}\n",
		  ":8: no" },
		{ "router \"a\" { /* mine\n" GOOD "}\n", ":1: a comment is not closed" },
		{ "wouter \"a\" { }\n", ":1:" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char error[ROUTERS_ERROR_MAX];
		json_t *routers = read_text(bad[i].text, error);

		if (routers)
			fail_msg("taken: %s", bad[i].text);
		if (!strstr(error, bad[i].complaint) || !strstr(error, "/tmp/natd-routers-"))
			fail_msg("\"%s\" for\n%s", error, bad[i].text);
	}
}

static void files_that_cannot_be_read(void **state)
{
	char error[ROUTERS_ERROR_MAX];
	json_t *none = routers_read("/nonexistent/routers.conf", true, error);

	(void)state;
	assert_int_equal(json_array_size(none), 0);
	json_decref(none);
	assert_null(routers_read("/nonexistent/routers.conf", false, error));
	assert_non_null(strstr(error, "cannot be read"));
	assert_null(routers_read("/tmp", true, error));
	assert_non_null(strstr(error, "/tmp"));
}

/* "id by" of who is recognised by the members of "router" given. */
static const char *recognised(const char *model, const char *server, const char *mac,
			      const char *address)
{
	static char text[64];
	json_t *routers = shipped();
	json_t *facts = json_pack("{s:{s:s?, s:s?, s:s?, s:s?}}", "router", "model", model,
				  "server", server, "mac", mac, "address", address);
	const json_t *found;

	recognise_router(facts, routers);
	found = json_object_get(facts, "recognised");
	snprintf(text, sizeof(text), "%s %s", text_of(found, "id"), text_of(found, "by"));
	json_decref(facts);
	json_decref(routers);
	return text;
}

/* What these routers say of themselves is from field/router-menus.md 3.3. */
static void known_routers(void **state)
{
	(void)state;
	assert_string_equal(recognised("FRITZ!Box 7530 (AVM Berlin)", NULL, NULL, NULL),
			    "fritzbox model");
	assert_string_equal(recognised("RT-AX3000 (ASUSTeK)", NULL, NULL, "192.168.1.1"),
			    "asus model");
	assert_string_equal(recognised("WNR2000v5 (NETGEAR, Inc.)", NULL, NULL, NULL),
			    "netgear model");
	assert_string_equal(recognised("OnHub (Google)", NULL, NULL, NULL), "google model");
	assert_string_equal(recognised("SR102 (Sky Hub)", NULL, NULL, NULL), "sky model");
	assert_string_equal(recognised(NULL, "ipos/7.0 UPnP/1.0 Archer C7/2.0", NULL, NULL),
			    "tplink server");
	assert_string_equal(recognised(NULL, "RouterOS/7.16UPnP/1.0 MikroTik UPnP/1.0", NULL, NULL),
			    "mikrotik server");
	assert_string_equal(recognised(NULL, "AsusWRT/386.1 UPnP/1.1 MiniUPnPd/2.2.0", NULL, NULL),
			    "asus server");
	assert_string_equal(recognised(NULL, NULL, "00:a0:de:01:02:03", "192.168.0.1"),
			    "yamaha mac");
	assert_string_equal(recognised(NULL, NULL, NULL, "192.168.11.1"), "buffalo address");
}

static void the_surer_sign_wins(void **state)
{
	(void)state;
	assert_string_equal(recognised("Archer AX50 (TP-Link)", "AsusWRT/386.1",
				       "00:a0:de:01:02:03", "192.168.11.1"),
			    "tplink model");
	assert_string_equal(
		recognised("Box (Nobody)", "AsusWRT/386.1", "00:a0:de:01:02:03", "192.168.11.1"),
		"asus server");
	assert_string_equal(recognised("Box (Nobody)", "", "00:a0:de:01:02:03", "192.168.11.1"),
			    "yamaha mac");
}

/* NEC builds NTT's and au's gateways as well as its own: the address tells which it is. */
static void one_maker_builds_for_others(void **state)
{
	(void)state;
	assert_string_equal(recognised(NULL, NULL, "00:0d:02:01:02:03", "192.168.10.1"),
			    "aterm mac");
	assert_string_equal(recognised(NULL, NULL, "00:0d:02:01:02:03", "192.168.1.1"), "ntt mac");
	assert_string_equal(recognised(NULL, NULL, "00:0d:02:01:02:03", "192.168.0.1"), "au mac");
	assert_string_equal(recognised(NULL, NULL, "00:0d:02:01:02:03", "10.9.8.7"), "ntt mac");
}

static void no_guess_where_many_fit(void **state)
{
	(void)state;
	assert_string_equal(recognised(NULL, NULL, NULL, "192.168.1.1"), " ");
	assert_string_equal(recognised(NULL, NULL, "02:00:00:00:00:01", "11.12.13.14"), " ");
	assert_string_equal(recognised("", "", "", ""), " ");
}

static void the_users_own_goes_first(void **state)
{
	char error[ROUTERS_ERROR_MAX];
	json_t *routers = read_text("router \"mine\" {\n name = \"Mine\"\n menu = \"A > B\"\n"
				    " model = { \"fritz!box 7530\" }\n}\n",
				    error);
	json_t *rest = shipped();
	json_t *facts = json_pack("{s:{s:s}}", "router", "model", "FRITZ!Box 7530 (AVM Berlin)");

	(void)state;
	json_array_extend(routers, rest);
	recognise_router(facts, routers);
	assert_string_equal(text_of(json_object_get(facts, "recognised"), "id"), "mine");
	json_decref(facts);
	json_decref(rest);
	json_decref(routers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shipped_file_is_sound),
		cmocka_unit_test(a_users_router),
		cmocka_unit_test(what_is_wrong_is_said_with_its_line),
		cmocka_unit_test(files_that_cannot_be_read),
		cmocka_unit_test(known_routers),
		cmocka_unit_test(the_surer_sign_wins),
		cmocka_unit_test(one_maker_builds_for_others),
		cmocka_unit_test(no_guess_where_many_fit),
		cmocka_unit_test(the_users_own_goes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
