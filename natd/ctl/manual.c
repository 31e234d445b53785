/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/manual.h"

#include <string.h>

#include "natd/address.h"
#include "natd/ctl/client.h"
#include "natd/ctl/identify.h"
#include "natd/ctl/manual_facts.h"
#include "natd/ctl/members.h"
#include "natd/neighbour.h"
#include "natd/ctl/print.h"
#include "natd/ctl/recognise.h"
#include "natd/ctl/routers.h"
#include "natd/ctl/survey.h"
#include "natd/ctl/text.h"

static json_t *rule_json(const json_t *facts, const json_t *forward)
{
	return json_pack("{s:s, s:s, s:I, s:s, s:I}", "name", text_of(forward, "name"), "protocol",
			 text_of(forward, "protocol"), "external_port", manual_home_port(forward),
			 "address", text_of(json_object_get(facts, "host"), "address"), "port",
			 manual_port(forward, "port"));
}

/* {"page", "rules"} of a second router; null where there is none. */
static json_t *outer_json(const json_t *facts)
{
	const json_t *outer = manual_outer(facts);
	json_t *rules = json_array();
	const json_t *forward;
	size_t i;

	json_array_foreach(json_object_get(facts, "forwards"), i, forward)
		json_array_append_new(rules,
				      json_pack("{s:s, s:s, s:I, s:o, s:I, s:b}", "name",
						text_of(forward, "name"), "protocol",
						text_of(forward, "protocol"), "external_port",
						manual_port(forward, "external_port"), "address",
						copy_of(outer, "client"), "port",
						manual_home_port(forward), "open",
						manual_outer_is_open(forward)));
	if (outer)
		return json_pack("{s:s+, s:o}", "page", "http://", text_of(outer, "address"),
				 "rules", rules);
	json_decref(rules);
	return json_null();
}

json_t *manual_json(const json_t *facts)
{
	const json_t *router = json_object_get(facts, "router");
	json_t *warnings = json_array();
	json_t *rules = json_array();
	const json_t *forward;
	char page[MANUAL_PAGE_MAX];
	size_t i;

	if (manual_has_router(facts))
		json_array_foreach(json_object_get(facts, "forwards"), i, forward)
			json_array_append_new(rules, rule_json(facts, forward));
	else
		json_array_append_new(warnings, json_string("there is no router"));
	if (manual_obstacle(facts))
		json_array_append_new(warnings, json_string(manual_obstacle(facts)));
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "page",
		manual_has_router(facts) ? json_string(manual_page(facts, page)) : json_null(),
		"model", copy_of(router, "model"), "recognised", copy_of(facts, "recognised"),
		"menu", copy_of(json_object_get(facts, "recognised"), "menu"), "menu_checked",
		manual_menu_is_checked(facts), "wan_address", copy_of(router, "wan_address"),
		"wan_kind", copy_of(router, "wan_kind"), "host", copy_of(facts, "host"), "rules",
		rules, "outer", outer_json(facts), "shared", copy_of(router, "shared"), "warnings",
		warnings);
}

int manual_exit(const json_t *facts)
{
	if (!manual_has_router(facts))
		return NATCTL_BROKEN;
	return manual_obstacle(facts) ? NATCTL_WARNING : NATCTL_WELL;
}

/* --lang. JSON is English whatever it says. */
static bool use_language(const struct invocation *typed, int *status)
{
	const char *language = typed->language;
	bool known = language && (strcmp(language, "en") == 0 || strcmp(language, "ja") == 0);

	if (language && !known) {
		*status = say_error(typed->json, NATCTL_USAGE,
				    _("'%.80s' is not allowed; allowed: %s"), language, "en, ja");
		return false;
	}
	if (!known || typed->json || text_use(language))
		return true;
	*status = say_error(typed->json, NATCTL_BROKEN,
			    _("the catalogue for '%s' is not installed"), language);
	return false;
}

/* The maker of the router's network card is in its MAC address, which the kernel knows. */
static void add_router_mac(json_t *facts)
{
	json_t *router = json_object_get(facts, "router");
	char text[MAC_TEXT_MAX];
	uint8_t mac[MAC_SIZE];
	struct address address;

	if (address_parse(&address, text_of(router, "address")) && address.family == AF_INET &&
	    neighbour_find(address.v4, 0, mac))
		json_object_set_new(router, "mac", json_string(mac_print(mac, text)));
}

/* Its own words count most; where they do not say enough, what else it was asked counts. */
static void recognise(json_t *facts, const json_t *routers, struct identify *identify)
{
	json_t *router = json_object_get(facts, "router");
	struct address address;
	const char *by;

	recognise_router(facts, routers);
	by = text_of(json_object_get(facts, "recognised"), "by");
	if (strcmp(by, "model") != 0 && strcmp(by, "server") != 0) {
		if (!identify->runs && address_parse(&address, text_of(router, "address")) &&
		    address.family == AF_INET)
			identify_start(identify, address.v4, routers);
		identify_wait(identify);
	}
	identify_end(identify, router);
	recognise_router(facts, routers);
}

/* From natd, or where it does not run from this host and its router; to be released. */
static json_t *take_facts(const struct invocation *typed)
{
	const struct control_request request = { .command = CONTROL_STATUS };
	json_t *facts = ask_natd(typed->socket, request).json;
	json_t *routers = routers_installed();
	struct identify identify = { .runs = false };

	if (!typed->json)
		print_progress(_("asking the router ..."));
	if (!facts)
		facts = survey_take(routers, &identify);
	add_router_mac(facts);
	recognise(facts, routers, &identify);
	print_progress("");
	json_decref(routers);
	return facts;
}

int command_manual(const struct invocation *typed)
{
	json_t *shown;
	json_t *facts;
	int status;

	if (!use_language(typed, &status))
		return status;
	facts = take_facts(typed);
	if (typed->json) {
		shown = manual_json(facts);
		say_json(shown);
		json_decref(shown);
	} else {
		manual_show(stdout, facts);
	}
	status = manual_exit(facts);
	json_decref(facts);
	return status;
}
