/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/probe.h"

#include <string.h>

#include "natd/ctl/ctl.h"
#include "natd/ctl/members.h"
#include "natd/ctl/print.h"
#include "natd/ctl/sentences.h"
#include "natd/ctl/survey.h"
#include "natd/ctl/words.h"
#include "natd/ctl/text.h"

static void add_took(struct row *row, const json_t *answer)
{
	double took = json_number_value(json_object_get(answer, "took"));

	if (took >= 1)
		row_add(row, _("after %.1f s"), took);
	else if (took > 0)
		row_add(row, _("after %.1f ms"), took * 1000);
}

static void show_answer(FILE *out, const json_t *answer)
{
	const char *state = text_of(answer, "state");
	bool came = strcmp(state, "silent") != 0 && strcmp(state, "refused") != 0;
	struct row row = row_start(out, "", PRINT_INDENT);
	char label[PRINT_INDENT + 1];
	char translated[SENTENCE_MAX];

	snprintf(label, sizeof(label), " %s", word_protocol(text_of(answer, "protocol")));
	row.label = label;
	row_add(&row, "%s", word_state(state));
	add_took(&row, answer);
	if (came && *text_of(answer, "said")) /* else the state has said it */
		row_add(&row, "%s", sentence(text_of(answer, "said"), translated));
	row_end(&row);
}

static void show_line(FILE *out, const char *label, const char *value, const char *more)
{
	struct row row = row_start(out, label, PRINT_INDENT);

	if (*value)
		row_add(&row, "%s", value);
	if (*more)
		row_add(&row, "%s", more);
	row_end(&row);
}

/* How many ports it has open, for whomever. */
static void show_table(FILE *out, const json_t *table)
{
	struct row row = row_start(out, _(" Its table"), PRINT_INDENT);
	long long entries = 0;
	json_int_t told;

	if (number_of(table, "entries", &told))
		entries = told;
	if (json_is_true(json_object_get(table, "complete")))
		row_add(&row,
			ngettext("%lld port is open", "%lld ports are open",
				 (unsigned long)entries),
			entries);
	else
		row_add(&row,
			ngettext("%lld port is open, or more: it could not be read to its end",
				 "%lld ports are open, or more: it could not be read to its end",
				 (unsigned long)entries),
			entries);
	add_took(&row, table);
	row_end(&row);
}

/* What the control of the IPv6 firewall says of it. */
static const char *firewall_word(const json_t *ipv6)
{
	if (!json_is_boolean(json_object_get(ipv6, "firewall")))
		return "";
	if (json_is_false(json_object_get(ipv6, "firewall")))
		return _("off: everything is let in");
	if (json_is_true(json_object_get(ipv6, "pinholes")))
		return _("on, and this host may open it");
	return _("on, and this host may not open it");
}

static void show_ipv6(FILE *out, const json_t *ipv6)
{
	const json_t *answer;
	size_t i;

	show_line(out, "IPv6", text_of(ipv6, "address"), "");
	json_array_foreach(json_object_get(ipv6, "answers"), i, answer)
		show_answer(out, answer);
	show_line(out, _(" Firewall"), firewall_word(ipv6), "");
}

void probe_show(FILE *out, const json_t *facts)
{
	const json_t *router = json_object_get(facts, "router");
	const json_t *host = json_object_get(facts, "host");
	char translated[SENTENCE_MAX];
	const json_t *answer;
	size_t i;

	if (*text_of(facts, "reason")) {
		show_line(out, _("No router:"), sentence(text_of(facts, "reason"), translated), "");
		return;
	}
	show_line(out, _("Router"), text_of(router, "address"), text_of(router, "model"));
	show_line(out, _(" its page"), text_of(router, "url"), "");
	json_array_foreach(json_object_get(facts, "answers"), i, answer)
		show_answer(out, answer);
	if (json_is_object(json_object_get(facts, "table")))
		show_table(out, json_object_get(facts, "table"));
	show_line(out, _(" WAN address"), text_of(router, "wan_address"),
		  word_wan_kind(text_of(router, "wan_kind")));
	show_line(out, _(" Outer router"), text_of(json_object_get(router, "upstream"), "address"),
		  "");
	if (json_is_object(json_object_get(facts, "ipv6")))
		show_ipv6(out, json_object_get(facts, "ipv6"));
	show_line(out, _("This host"), text_of(host, "address"), text_of(host, "interface"));
}

int probe_exit(const json_t *facts)
{
	const json_t *router = json_object_get(facts, "router");
	const json_t *answer;
	size_t i;

	json_array_foreach(json_object_get(facts, "answers"), i, answer)
		if (strcmp(text_of(answer, "state"), "ok") == 0)
			return strcmp(text_of(router, "wan_kind"), "public") == 0 ? NATCTL_WELL
										  : NATCTL_WARNING;
	return NATCTL_BROKEN;
}

int command_probe(const struct invocation *typed)
{
	struct identify nobody = { .runs = false };
	json_t *facts;
	int status;

	if (!typed->json)
		print_progress(_("asking the router ..."));
	facts = survey_take(NULL, &nobody);
	print_progress("");
	status = probe_exit(facts);
	if (typed->json)
		say_json(facts);
	else
		probe_show(stdout, facts);
	json_decref(facts);
	return status;
}
