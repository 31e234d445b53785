/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/manual_facts.h"

#include <stdio.h>
#include <string.h>

#include "natd/ctl/members.h"
#include "natd/ctl/text.h"

/* What keeps a port that is opened by hand from being reached, by the kind of the WAN address. */
static const struct obstacle {
	const char *wan_kind;
	const char *text;
} obstacles[] = {
	{ "cgnat",
	  N_("your provider shares this address among many customers (carrier-grade NAT): no "
	     "setting in this router can open a port. Ask the provider for a public IPv4 "
	     "address.") },
	{ "private",
	  N_("this is the address of a second router in front of this one. The outer router "
	     "needs the same rule, towards this address; or switch this router to "
	     "access-point mode.") },
	{ "none", N_("this line has no IPv4 address of its own (DS-Lite): nothing can come in over "
		     "IPv4, whatever this router is told. Ask the provider for a public IPv4 "
		     "address.") },
};

const char *manual_obstacle(const json_t *facts)
{
	const char *kind = text_of(json_object_get(facts, "router"), "wan_kind");

	for (size_t i = 0; i < sizeof(obstacles) / sizeof(obstacles[0]); i++)
		if (strcmp(kind, obstacles[i].wan_kind) == 0)
			return obstacles[i].text;
	return NULL;
}

const char *manual_page(const json_t *facts, char page[MANUAL_PAGE_MAX])
{
	const json_t *router = json_object_get(facts, "router");
	const char *url = text_of(router, "url");

	/* A router may name anything; a browser is told to go to web pages only. */
	if (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0)
		snprintf(page, MANUAL_PAGE_MAX, "%s", url);
	else
		snprintf(page, MANUAL_PAGE_MAX, "http://%s/", text_of(router, "address"));
	return page;
}

bool manual_has_router(const json_t *facts)
{
	return *text_of(json_object_get(facts, "router"), "address") &&
	       *text_of(json_object_get(facts, "host"), "address");
}

json_int_t manual_port(const json_t *forward, const char *member)
{
	json_int_t port = 0;

	if (!number_of(forward, member, &port))
		number_of(forward, "port", &port);
	return port;
}

const json_t *manual_outer(const json_t *facts)
{
	const json_t *outer = json_object_get(json_object_get(facts, "router"), "upstream");

	return *text_of(outer, "address") ? outer : NULL;
}

bool manual_outer_is_open(const json_t *forward)
{
	return strcmp(text_of(json_object_get(forward, "upstream"), "state"), "open") == 0;
}

json_int_t manual_home_port(const json_t *forward)
{
	json_int_t port = 0;

	if (!number_of(json_object_get(forward, "upstream"), "port", &port))
		port = manual_port(forward, "external_port");
	return port;
}

const char *manual_recognised(const json_t *facts, const char *member)
{
	const json_t *recognised = json_object_get(facts, "recognised");
	char own[32];

	snprintf(own, sizeof(own), "%s-ja", member);
	if (text_is_japanese() && *text_of(recognised, own))
		return text_of(recognised, own);
	return text_of(recognised, member);
}

bool manual_menu_is_checked(const json_t *facts)
{
	const json_t *recognised = json_object_get(facts, "recognised");

	return strcmp(text_of(recognised, "checked"), "yes") == 0 &&
	       strcmp(text_of(recognised, "by"), "address") != 0;
}
