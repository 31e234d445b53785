/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/manual.h"

#include <stdbool.h>
#include <string.h>

#include "natd/ctl/manual_facts.h"
#include "natd/ctl/members.h"
#include "natd/ctl/print.h"
#include "natd/ctl/sentences.h"
#include "natd/ctl/shared.h"
#include "natd/ctl/text.h"
#include "natd/ctl/words.h"

#define STEP_INDENT  4
#define VALUE_INDENT 23

static void paragraph(FILE *out, const char *label, size_t indent, const char *text)
{
	struct row row = row_start(out, label, indent);

	row_add(&row, "%s", text);
	row_end(&row);
}

static void value(FILE *out, const char *label, const char *text)
{
	char indented[96];

	snprintf(indented, sizeof(indented), "      %s", label);
	paragraph(out, indented, VALUE_INDENT, text);
}

static void show_model(FILE *out, const json_t *facts)
{
	static const struct {
		const char *by;
		const char *text;
	} signs[] = {
		{ "model", N_("recognised by its own description") },
		{ "server", N_("recognised by its SSDP server line") },
		{ "dns", N_("recognised by the name that its own DNS has for it") },
		{ "title", N_("recognised by its web page's title") },
		{ "mac", N_("recognised by its MAC address, which names the maker only") },
		{ "address", N_("a guess: it has the address that this maker uses") },
	};
	const char *model = text_of(json_object_get(facts, "router"), "model");
	const char *by = text_of(json_object_get(facts, "recognised"), "by");
	char text[512];

	snprintf(text, sizeof(text), _("%s, as it names itself over UPnP"), model);
	value(out, _("Router"), *model ? text : _("model not known: it does not tell"));
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		if (strcmp(by, signs[i].by) != 0)
			continue;
		snprintf(text, sizeof(text), "%s (%s)", manual_recognised(facts, "name"),
			 _(signs[i].text));
		value(out, _("Maker"), text);
	}
}

static void show_page(FILE *out, const json_t *facts)
{
	const char *usual = manual_recognised(facts, "page");
	const char *app = manual_recognised(facts, "app");
	char page[MANUAL_PAGE_MAX];

	if (*app) {
		paragraph(
			out, "1", STEP_INDENT,
			_("Open the maker's app on a phone that is in this Wi-Fi: this router has "
			  "its settings there."));
		value(out, _("App"), app);
		return;
	}
	paragraph(out, "1", STEP_INDENT,
		  _("Open the router's page in a browser. The password is often on a label on the "
		    "router."));
	value(out, _("Page"), manual_page(facts, page));
	if (*usual && strcmp(usual, page) != 0)
		value(out, _("or also"), usual);
}

static void show_router(FILE *out, const json_t *facts)
{
	const json_t *router = json_object_get(facts, "router");

	show_page(out, facts);
	show_model(out, facts);
	if (*text_of(router, "wan_address"))
		value(out, _("Internet address"), text_of(router, "wan_address"));
}

/* A menu of the router, and whether it is sure. */
static void show_menu(FILE *out, const json_t *facts, const char *member)
{
	const char *menu = manual_recognised(facts, member);

	if (!*menu)
		return;
	value(out, _("Menu"), menu);
	/* What is checked is the menu for ports. */
	if (strcmp(member, "menu") != 0 || !manual_menu_is_checked(facts))
		value(out, "", _("(may differ: not checked on your model)"));
}

static void show_reservation(FILE *out, const json_t *facts)
{
	const json_t *host = json_object_get(facts, "host");
	const json_t *dynamic = json_object_get(host, "dynamic");
	const char *text =
		_("Keep this host's address the same. Whether it can change is not known; "
		  "a reservation in the router is always right:");

	if (json_is_true(dynamic))
		text = _("Keep this host's address the same: the router gives it by DHCP and may "
			 "change it, and the rule would then point at nothing. Look for \"address "
			 "reservation\", \"static lease\" or \"always give this device the same "
			 "address\" in the router's DHCP or home network pages:");
	else if (json_is_false(dynamic))
		text = _(
			"This host's address is fixed on the host itself. See that the router does "
			"not give it to another device: it must be outside the router's DHCP "
			"range, "
			"or reserved there:");
	fputc('\n', out);
	paragraph(out, "2", STEP_INDENT, text);
	show_menu(out, facts, "reservation");
	value(out, _("MAC address"),
	      *text_of(host, "mac") ? text_of(host, "mac") : _("none on this interface"));
	value(out, _("IP address"), text_of(host, "address"));
	if (*text_of(host, "interface"))
		value(out, _("Interface"), text_of(host, "interface"));
}

/* A rule that hands `external` on to `port` of `address`. */
static void show_rule(FILE *out, const json_t *forward, json_int_t external, const char *address,
		      json_int_t port)
{
	const char *transport = word_transport(text_of(forward, "protocol"));
	const char *other = strcmp(transport, "UDP") == 0 ? "TCP" : "UDP";
	const char *name = text_of(forward, "name");
	char text[80];

	fputc('\n', out);
	value(out, _("Name, comment"), *name ? name : "vpn");
	snprintf(text, sizeof(text), _("%s (only: not %s, not both)"), transport, other);
	value(out, _("Protocol"), text);
	snprintf(text, sizeof(text), "%lld", (long long)external);
	value(out, _("External port"), text);
	value(out, _("To address"), address);
	snprintf(text, sizeof(text), "%lld", (long long)port);
	value(out, _("Internal port"), text);
	value(out, _("Remote host"), _("leave empty (any, 0.0.0.0)"));
	value(out, _("WAN, connection"), _("the one in use"));
}

static void show_place(FILE *out, const json_t *facts)
{
	if (!*manual_recognised(facts, "menu")) {
		paragraph(out, "3", STEP_INDENT,
			  _("Add the rule. The page is called \"port forwarding\", and by some "
			    "makers "
			    "\"virtual server\", \"port mapping\", \"NAT\", \"port sharing\" or "
			    "\"static IP masquerade\":"));
		return;
	}
	paragraph(out, "3", STEP_INDENT, _("Add the rule:"));
	show_menu(out, facts, "menu");
	if (*manual_recognised(facts, "note"))
		value(out, _("Note"), manual_recognised(facts, "note"));
}

static void show_rules(FILE *out, const json_t *facts)
{
	const json_t *forwards = json_object_get(facts, "forwards");
	const json_t *forward;
	size_t i;

	fputc('\n', out);
	show_place(out, facts);
	shared_show(out, json_object_get(json_object_get(facts, "router"), "shared"), STEP_INDENT);
	json_array_foreach(forwards, i, forward)
		show_rule(out, forward, manual_home_port(forward),
			  text_of(json_object_get(facts, "host"), "address"),
			  manual_port(forward, "port"));
	if (json_array_size(forwards) == 0)
		paragraph(out, "   ", STEP_INDENT,
			  _("natd.conf names no port to open: there is nothing to add."));
	fputc('\n', out);
	paragraph(out, "", STEP_INDENT, _("Save or apply it, and see that the rule is enabled."));
}

/* The second router's rule leads to the first one, and that one's to this host. */
static void show_outer(FILE *out, const json_t *facts)
{
	const json_t *outer = manual_outer(facts);
	const char *client = text_of(outer, "client");
	char text[MANUAL_PAGE_MAX];
	const json_t *forward;
	size_t i;

	if (!outer)
		return;
	fputc('\n', out);
	paragraph(out, "  +", STEP_INDENT,
		  _("A second router is before this one and needs a rule as well, which leads to "
		    "this one. Set a fixed address for this router there, too:"));
	snprintf(text, sizeof(text), "http://%s/", text_of(outer, "address"));
	value(out, _("Page"), text);
	if (*text_of(outer, "model"))
		value(out, _("Router"), text_of(outer, "model"));
	json_array_foreach(json_object_get(facts, "forwards"), i, forward) {
		if (manual_outer_is_open(forward))
			paragraph(out, "", STEP_INDENT,
				  _("natd keeps this port open in the second router by itself:"));
		show_rule(out, forward, manual_port(forward, "external_port"),
			  *client ? client : _("this router's own, on its page: WAN address"),
			  manual_home_port(forward));
	}
}

static void show_check(FILE *out)
{
	fputc('\n', out);
	paragraph(
		out, "4", STEP_INDENT,
		_("Test it from outside: at home many routers do not let you reach your own "
		  "internet address. Switch Wi-Fi off on a phone, so that it uses mobile data, and "
		  "switch its VPN on. Then natctl status shows that a packet came."));
	paragraph(out, "5", STEP_INDENT,
		  _("When you no longer need the VPN, or this host goes away: delete the rule and "
		    "the "
		    "reservation again."));
}

static void show_warnings(FILE *out)
{
	fprintf(out, "\n%s\n", _("Do not"));
	paragraph(out, "  -", STEP_INDENT,
		  _("use \"DMZ\" or \"exposed host\": it opens every port of this host."));
	paragraph(out, "  -", STEP_INDENT,
		  _("open other ports, such as 22 or 80: through the VPN you reach them anyway."));
	fputc('\n', out);
	paragraph(out, "", 0,
		  _("A firmware update or a reset of the router may erase the rule. What port "
		    "forwarding is and what can be in the way: man 7 natd-portforward"));
}

static bool opened_by_itself(const json_t *facts)
{
	const json_t *forwards = json_object_get(facts, "forwards");
	const json_t *forward;
	size_t i;

	json_array_foreach(forwards, i, forward)
		if (strcmp(text_of(forward, "state"), "open") != 0 ||
		    strcmp(text_of(forward, "via"), "manual") == 0 ||
		    (manual_outer(facts) && !manual_outer_is_open(forward)))
			return false;
	return json_array_size(forwards) > 0;
}

static void show_introduction(FILE *out, const json_t *facts)
{
	paragraph(out, "", 0, _("How to open the VPN's port in this router by hand"));
	if (opened_by_itself(facts))
		paragraph(out, "", 0,
			  _("natd keeps the port open by itself at this time: nothing of this is "
			    "needed, unless the router's UPnP is to be switched off."));
	if (manual_obstacle(facts)) {
		const char *address = text_of(json_object_get(facts, "router"), "wan_address");
		struct row row = row_start(out, _("First:"), print_width(_("First:")) + 1);

		fputc('\n', out);
		if (*address)
			row_add(&row, _("the router's internet address is %s: %s"), address,
				_(manual_obstacle(facts)));
		else
			row_add(&row, _("the router's internet address: %s"),
				_(manual_obstacle(facts)));
		row_end(&row);
	}
	fputc('\n', out);
}

void manual_show(FILE *out, const json_t *facts)
{
	const char *reason = text_of(facts, "reason");
	char translated[SENTENCE_MAX];

	if (!manual_has_router(facts)) {
		if (*reason)
			fprintf(out, _("There is no router to open a port in: %s.\n"),
				sentence(reason, translated));
		else
			fputs(_("There is no router to open a port in.\n"), out);
		return;
	}
	show_introduction(out, facts);
	show_router(out, facts);
	show_reservation(out, facts);
	show_rules(out, facts);
	show_outer(out, facts);
	show_check(out);
	show_warnings(out);
}
