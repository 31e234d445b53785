/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/manual.h"

#include <stdbool.h>
#include <string.h>

#include "natd/ctl/client.h"
#include "natd/ctl/members.h"
#include "natd/ctl/print.h"
#include "natd/ctl/survey.h"
#include "natd/ctl/words.h"

#define STEP_INDENT  4
#define VALUE_INDENT 23

#define PAGE_MAX 192

/* What keeps a port that is opened by hand from being reached, by the kind of the WAN address. */
static const struct obstacle {
	const char *wan_kind;
	const char *text;
} obstacles[] = {
	{ "cgnat", "your provider shares this address among many customers (carrier-grade NAT): no "
		   "setting in this router can open a port. Ask the provider for a public IPv4 "
		   "address." },
	{ "private",
	  "this is the address of a second router in front of this one. The outer router "
	  "needs the same rule, towards this address; or switch this router to "
	  "access-point mode." },
	{ "none", "this line has no IPv4 address of its own (DS-Lite): nothing can come in over "
		  "IPv4, whatever this router is told. Ask the provider for a public IPv4 "
		  "address." },
};

static const char *obstacle(const json_t *facts)
{
	const char *kind = text_of(json_object_get(facts, "router"), "wan_kind");

	for (size_t i = 0; i < sizeof(obstacles) / sizeof(obstacles[0]); i++)
		if (strcmp(kind, obstacles[i].wan_kind) == 0)
			return obstacles[i].text;
	return NULL;
}

/* The router's own page for people, or else where such a page usually is. */
static const char *router_page(const json_t *facts, char page[PAGE_MAX])
{
	const json_t *router = json_object_get(facts, "router");
	const char *url = text_of(router, "url");

	/* A router may name anything; a browser is told to go to web pages only. */
	if (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0)
		snprintf(page, PAGE_MAX, "%s", url);
	else
		snprintf(page, PAGE_MAX, "http://%s/", text_of(router, "address"));
	return page;
}

static bool has_router(const json_t *facts)
{
	return *text_of(json_object_get(facts, "router"), "address") &&
	       *text_of(json_object_get(facts, "host"), "address");
}

static json_int_t port_of(const json_t *forward, const char *member)
{
	json_int_t port = 0;

	if (!number_of(forward, member, &port))
		number_of(forward, "port", &port);
	return port;
}

static void paragraph(FILE *out, const char *label, size_t indent, const char *text)
{
	struct row row = row_start(out, label, indent);

	row_add(&row, "%s", text);
	row_end(&row);
}

static void value(FILE *out, const char *label, const char *text)
{
	char indented[VALUE_INDENT + 1];

	snprintf(indented, sizeof(indented), "      %s", label);
	paragraph(out, indented, VALUE_INDENT, text);
}

static void show_router(FILE *out, const json_t *facts)
{
	const json_t *router = json_object_get(facts, "router");
	char page[PAGE_MAX];

	paragraph(out, "1", STEP_INDENT,
		  "Open the router's page in a browser. The password is often on a label on the "
		  "router.");
	value(out, "Page", router_page(facts, page));
	if (*text_of(router, "model")) {
		char model[256];

		snprintf(model, sizeof(model), "%s, as it names itself over UPnP",
			 text_of(router, "model"));
		value(out, "Router", model);
	} else {
		value(out, "Router", "model not known: it does not tell");
	}
	if (*text_of(router, "wan_address"))
		value(out, "Internet address", text_of(router, "wan_address"));
}

static void show_reservation(FILE *out, const json_t *facts)
{
	const json_t *host = json_object_get(facts, "host");
	const json_t *dynamic = json_object_get(host, "dynamic");
	const char *text = "Keep this host's address the same. Whether it can change is not known; "
			   "a reservation in the router is always right:";

	if (json_is_true(dynamic))
		text = "Keep this host's address the same: the router gives it by DHCP and may "
		       "change it, and the rule would then point at nothing. Look for \"address "
		       "reservation\", \"static lease\" or \"always give this device the same "
		       "address\" in the router's DHCP or home network pages:";
	else if (json_is_false(dynamic))
		text = "This host's address is fixed on the host itself. See that the router does "
		       "not give it to another device: it must be outside the router's DHCP range, "
		       "or reserved there:";
	fputc('\n', out);
	paragraph(out, "2", STEP_INDENT, text);
	value(out, "MAC address",
	      *text_of(host, "mac") ? text_of(host, "mac") : "none on this interface");
	value(out, "IP address", text_of(host, "address"));
	if (*text_of(host, "interface"))
		value(out, "Interface", text_of(host, "interface"));
}

static void show_rule(FILE *out, const json_t *facts, const json_t *forward)
{
	const char *transport = word_transport(text_of(forward, "protocol"));
	const char *other = strcmp(transport, "UDP") == 0 ? "TCP" : "UDP";
	const char *name = text_of(forward, "name");
	char text[80];

	fputc('\n', out);
	value(out, "Name, comment", *name ? name : "vpn");
	snprintf(text, sizeof(text), "%s (only: not %s, not both)", transport, other);
	value(out, "Protocol", text);
	snprintf(text, sizeof(text), "%lld", (long long)port_of(forward, "external_port"));
	value(out, "External port", text);
	value(out, "To address", text_of(json_object_get(facts, "host"), "address"));
	snprintf(text, sizeof(text), "%lld", (long long)port_of(forward, "port"));
	value(out, "Internal port", text);
	value(out, "Remote host", "leave empty (any, 0.0.0.0)");
	value(out, "WAN, connection", "the one in use");
}

static void show_rules(FILE *out, const json_t *facts)
{
	const json_t *forwards = json_object_get(facts, "forwards");
	const json_t *forward;
	size_t i;

	fputc('\n', out);
	paragraph(out, "3", STEP_INDENT,
		  "Add the rule. The page is called \"port forwarding\", and by some makers "
		  "\"virtual server\", \"port mapping\", \"NAT\", \"port sharing\" or \"static IP "
		  "masquerade\":");
	json_array_foreach(forwards, i, forward)
		show_rule(out, facts, forward);
	if (json_array_size(forwards) == 0)
		paragraph(out, "   ", STEP_INDENT,
			  "natd.conf names no port to open: there is nothing to add.");
	fputc('\n', out);
	paragraph(out, "", STEP_INDENT, "Save or apply it, and see that the rule is enabled.");
}

static void show_check(FILE *out)
{
	fputc('\n', out);
	paragraph(out, "4", STEP_INDENT,
		  "Test it from outside: at home many routers do not let you reach your own "
		  "internet address. Switch Wi-Fi off on a phone, so that it uses mobile data, and "
		  "switch its VPN on. Then natctl status shows that a packet came.");
	paragraph(
		out, "5", STEP_INDENT,
		"When you no longer need the VPN, or this host goes away: delete the rule and the "
		"reservation again.");
}

static void show_warnings(FILE *out)
{
	fputs("\nDo not\n", out);
	paragraph(out, "  -", STEP_INDENT,
		  "use \"DMZ\" or \"exposed host\": it opens every port of this host.");
	paragraph(out, "  -", STEP_INDENT,
		  "open other ports, such as 22 or 80: through the VPN you reach them anyway.");
	fputc('\n', out);
	paragraph(out, "", 0,
		  "A firmware update or a reset of the router may erase the rule. What port "
		  "forwarding is and what can be in the way: man 7 natd-portforward");
}

static bool opened_by_itself(const json_t *facts)
{
	const json_t *forwards = json_object_get(facts, "forwards");
	const json_t *forward;
	size_t i;

	json_array_foreach(forwards, i, forward)
		if (strcmp(text_of(forward, "state"), "open") != 0 ||
		    strcmp(text_of(forward, "via"), "manual") == 0)
			return false;
	return json_array_size(forwards) > 0;
}

static void show_introduction(FILE *out, const json_t *facts)
{
	paragraph(out, "", 0, "How to open the VPN's port in this router by hand");
	if (opened_by_itself(facts))
		paragraph(out, "", 0,
			  "natd keeps the port open by itself at this time: nothing of this is "
			  "needed, unless the router's UPnP is to be switched off.");
	if (obstacle(facts)) {
		struct row row = row_start(out, "First:", 7);

		fputc('\n', out);
		row_add(&row, "the router's internet address%s%s: %s",
			*text_of(json_object_get(facts, "router"), "wan_address") ? " is " : "",
			text_of(json_object_get(facts, "router"), "wan_address"), obstacle(facts));
		row_end(&row);
	}
	fputc('\n', out);
}

void manual_show(FILE *out, const json_t *facts)
{
	const char *reason = text_of(facts, "reason");

	if (!has_router(facts)) {
		fprintf(out, "There is no router to open a port in%s%s.\n", *reason ? ": " : "",
			reason);
		return;
	}
	show_introduction(out, facts);
	show_router(out, facts);
	show_reservation(out, facts);
	show_rules(out, facts);
	show_check(out);
	show_warnings(out);
}

static json_t *rule_json(const json_t *facts, const json_t *forward)
{
	return json_pack("{s:s, s:s, s:I, s:s, s:I}", "name", text_of(forward, "name"), "protocol",
			 text_of(forward, "protocol"), "external_port",
			 port_of(forward, "external_port"), "address",
			 text_of(json_object_get(facts, "host"), "address"), "port",
			 port_of(forward, "port"));
}

/* A member of `facts`, or null, as a value that json_pack's "o" takes over. */
static json_t *copy_of(const json_t *object, const char *member)
{
	json_t *copy = json_deep_copy(json_object_get(object, member));

	return copy ? copy : json_null();
}

json_t *manual_json(const json_t *facts)
{
	const json_t *router = json_object_get(facts, "router");
	json_t *warnings = json_array();
	json_t *rules = json_array();
	const json_t *forward;
	char page[PAGE_MAX];
	size_t i;

	if (has_router(facts))
		json_array_foreach(json_object_get(facts, "forwards"), i, forward)
			json_array_append_new(rules, rule_json(facts, forward));
	else
		json_array_append_new(warnings, json_string("there is no router"));
	if (obstacle(facts))
		json_array_append_new(warnings, json_string(obstacle(facts)));
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "page",
			 has_router(facts) ? json_string(router_page(facts, page)) : json_null(),
			 "model", copy_of(router, "model"), "wan_address",
			 copy_of(router, "wan_address"), "wan_kind", copy_of(router, "wan_kind"),
			 "host", copy_of(facts, "host"), "rules", rules, "warnings", warnings);
}

int manual_exit(const json_t *facts)
{
	if (!has_router(facts))
		return NATCTL_BROKEN;
	return obstacle(facts) ? NATCTL_WARNING : NATCTL_WELL;
}

int command_manual(const struct invocation *typed)
{
	const struct control_request request = { .command = CONTROL_STATUS };
	json_t *shown;
	json_t *facts;
	int status;

	if (typed->language && strcmp(typed->language, "en") != 0)
		return say_error(typed->json, NATCTL_USAGE, "'%.80s' is not allowed; allowed: en",
				 typed->language);
	facts = ask_natd(typed->socket, request).json;
	if (!facts)
		facts = survey_take();
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
