/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/status_router.h"

#include <string.h>

#include "natd/ctl/members.h"
#include "natd/ctl/sentences.h"
#include "natd/ctl/text.h"
#include "natd/ctl/words.h"

bool status_external_port(const json_t *forward, json_int_t *port)
{
	return number_of(forward, "external_port", port) || number_of(forward, "port", port);
}

void status_times(struct row *row, const json_t *opened)
{
	char time[DURATION_TEXT_MAX];
	json_int_t seconds;

	if (number_of(opened, "renew_in", &seconds))
		row_add(row, _("renewed in %s"), print_duration(seconds, time));
	if (number_of(opened, "expires_in", &seconds) && seconds > 0)
		row_add(row, _("lasts %s"), print_duration(seconds, time));
	if (number_of(opened, "closes_in", &seconds))
		row_add(row, _("closed in %s"), print_duration(seconds, time));
}

/* "UDP 51820 opened by PCP, renewed in 29 min" */
static void add_mapping(struct row *row, const json_t *forward)
{
	const char *state = text_of(forward, "state");
	const char *transport = word_transport(text_of(forward, "protocol"));
	const char *via = text_of(forward, "via");
	char translated[SENTENCE_MAX];
	const char *reason = sentence(text_of(forward, "reason"), translated);
	json_int_t external;

	/* Behind a second router, what this one opened is what that one hands on to. */
	if (!number_of(json_object_get(forward, "upstream"), "port", &external) &&
	    !status_external_port(forward, &external))
		return;
	row_break(row);
	if (strcmp(state, "open") == 0) {
		if (*via)
			row_add(row, _("%s %lld opened by %s"), transport, (long long)external,
				word_protocol(via));
		else
			row_add(row, _("%s %lld opened"), transport, (long long)external);
		status_times(row, forward);
	} else if (strcmp(state, "opening") == 0) {
		row_add(row, _("%s %lld: asking the router to open it"), transport,
			(long long)external);
	} else if (strcmp(state, "failed") == 0) {
		row_add(row, _("%s %lld not opened%s%s"), transport, (long long)external,
			*reason ? ": " : "", reason);
	} else if (strcmp(state, "off") == 0) {
		row_add(row, _("%s %lld: the router is not asked%s%s"), transport,
			(long long)external, *reason ? ": " : "", reason);
	}
}

/* What the router speaks; where it speaks nothing, what came of each question. */
static void add_protocols(struct row *row, const json_t *router)
{
	const json_t *protocols = json_object_get(router, "protocols");
	bool any = false;

	for (size_t i = 0; i < WORDS_PROTOCOLS; i++) {
		if (strcmp(text_of(protocols, words_protocols[i]), "ok") != 0)
			continue;
		row_add(row, "%s", word_protocol(words_protocols[i]));
		any = true;
	}
	for (size_t i = 0; i < WORDS_PROTOCOLS && !any; i++) {
		const char *state = text_of(protocols, words_protocols[i]);

		if (*state)
			row_add(row, "%s: %s", word_protocol(words_protocols[i]),
				word_state(state));
	}
}

bool status_wan_is_past(const json_t *status)
{
	return !*text_of(json_object_get(status, "router"), "address") &&
	       !*text_of(json_object_get(status, "host"), "address");
}

static void show_router(FILE *out, const json_t *status)
{
	const json_t *router = json_object_get(status, "router");
	const char *address = text_of(router, "address");
	const char *model = text_of(router, "model");
	struct row row = row_start(out, _(" Router"), PRINT_INDENT);
	const json_t *forward;
	size_t i;

	row_add(&row, "%s", *address ? address : _("none found"));
	if (*address && *model)
		row_add(&row, "\"%s\"", model);
	if (*address)
		add_protocols(&row, router);
	json_array_foreach(json_object_get(status, "forwards"), i, forward)
		add_mapping(&row, forward);
	row_end(&row);
}

/* The second router, where there is one, and its part in each forward. */
static void show_outer(FILE *out, const json_t *status)
{
	const json_t *outer = json_object_get(json_object_get(status, "router"), "upstream");
	struct row row = row_start(out, _(" Outer router"), PRINT_INDENT);
	const json_t *forward;
	size_t i;

	if (!*text_of(outer, "address"))
		return;
	row_add(&row, "%s", text_of(outer, "address"));
	if (*text_of(outer, "model"))
		row_add(&row, "\"%s\"", text_of(outer, "model"));
	add_protocols(&row, outer);
	json_array_foreach(json_object_get(status, "forwards"), i, forward) {
		const json_t *part = json_object_get(forward, "upstream");

		if (!json_is_object(part))
			continue;
		add_mapping(&row, part);
		if (*text_of(part, "client"))
			row_add(&row, "-> %s", text_of(part, "client"));
	}
	row_end(&row);
}

void status_show_routers(FILE *out, const json_t *status)
{
	show_outer(out, status);
	show_router(out, status);
}
