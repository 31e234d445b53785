/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/packet.h"

#include <string.h>

#include "natd/ctl/arguments.h"
#include "natd/ctl/follow.h"
#include "natd/ctl/headline.h"
#include "natd/ctl/legacy.h"
#include "natd/ctl/members.h"
#include "natd/ctl/print.h"
#include "natd/ctl/text.h"
#include "natd/ctl/words.h"

/* natd says each second how long is left. */
#define SILENCE_SECONDS 10

#define INDENT 1

static bool fate_is(const json_t *packet, const char *fate)
{
	return strcmp(text_of(packet, "fate"), fate) == 0;
}

/* "UDP 198.51.100.7 -> 192.168.1.31 port 51820, in by eth0" */
static void show_what(FILE *out, const json_t *packet)
{
	struct row row = row_start(out, "", INDENT);
	json_int_t port;

	row_add(&row, "%s", word_transport(text_of(packet, "protocol")));
	row_add(&row, "%s -> %s", text_of(packet, "from"), text_of(packet, "to"));
	if (number_of(packet, "port", &port))
		row_add(&row, _("port %lld"), (long long)port);
	if (*text_of(packet, "in"))
		row_add(&row, _("came by %s"), text_of(packet, "in"));
	row_end(&row);
}

/* natd's own rules that drop, by their comments (rules/ruleset.c): what the user wants to know of them. */
static const struct own_rule {
	const char *comment;
	const char *why;
	const char *advice;
} own_rules[] = {
	{ "their address is gone", N_("the egress address of this client is not on this host"),
	  N_("natctl status says which, and what to do (E43)") },
	{ "reach without clients", N_("the tunnel's reach does not name \"clients\""),
	  N_("if it should: reach in /etc/natd/natd.conf, then sudo natctl reload") },
	{ "reach without lan", N_("the tunnel's reach does not name \"lan\""),
	  N_("if it should: reach in /etc/natd/natd.conf, then sudo natctl reload") },
	{ "reach without internet", N_("the tunnel's reach does not name \"internet\""),
	  N_("if it should: reach in /etc/natd/natd.conf, then sudo natctl reload") },
	{ "clients open no ports at home", N_("clients may not ask the home's router for ports"),
	  N_("what is to be open at home: publish in /etc/natd/natd.conf") },
	{ "from outside only what is published",
	  N_("clients are reached from outside only by what is published"),
	  N_("if it should pass: publish in /etc/natd/natd.conf") },
};

/* NULL: the packet was dropped by another program's rule, or by one that says no more than it shows. */
static const struct own_rule *find_own_rule(const json_t *packet)
{
	if (strcmp(text_of(packet, "table"), "natd") != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(own_rules) / sizeof(own_rules[0]); i++)
		if (strcmp(own_rules[i].comment, text_of(packet, "comment")) == 0)
			return &own_rules[i];
	return NULL;
}

static void show_dropped(FILE *out, const json_t *packet)
{
	struct row row = row_start(out, "", INDENT);
	const char *family = text_of(packet, "family");
	const char *table = text_of(packet, "table");
	const char *chain = text_of(packet, "chain");
	const char *comment = text_of(packet, "comment");
	const struct own_rule *own = find_own_rule(packet);
	json_int_t handle;

	if (number_of(packet, "handle", &handle))
		row_add(&row, _("dropped by rule %lld of table %s %s, chain %s"), (long long)handle,
			family, table, chain);
	else
		row_add(&row, _("dropped by the policy of table %s %s, chain %s"), family, table,
			chain);
	if (own) {
		row_break(&row);
		row_add(&row, _("natd itself keeps it back: %s"), _(own->why));
	} else if (*comment) {
		row_add(&row, "\"%s\"", comment);
	}
	row_end(&row);
	row = headline_start_advice(out);
	if (own)
		row_add(&row, "%s", _(own->advice));
	else
		row_add(&row, _("look at it: sudo nft -a list chain %s %s %s"), family, table,
			chain);
	row_end(&row);
}

static bool is_ipv6(const json_t *packet)
{
	return strchr(text_of(packet, "from"), ':') != NULL;
}

/* Between two chains of nftables the kernel itself decides, and iptables-legacy. */
static void add_suspects(struct row *row, const json_t *legacy)
{
	if (!json_is_array(legacy))
		row_add(row, "%s",
			_("no rule of nftables did it: a route, rp_filter, or iptables-legacy"));
	else if (json_array_size(legacy) == 0)
		row_add(row, "%s", _("no rule of nftables did it: a route, or rp_filter"));
	else
		row_add(row, "%s",
			_("no rule of nftables did it; iptables-legacy has tables here, and no "
			  "packet can be followed through those"));
}

static void show_vanished(FILE *out, const json_t *packet)
{
	const json_t *legacy = json_object_get(packet, "legacy");
	struct row row = row_start(out, "", INDENT);

	if (*text_of(packet, "table"))
		row_add(&row, _("it vanished after table %s %s, chain %s"),
			text_of(packet, "family"), text_of(packet, "table"),
			text_of(packet, "chain"));
	else
		row_add(&row, "%s", _("it vanished on this host"));
	row_break(&row);
	add_suspects(&row, legacy);
	row_end(&row);
	if (json_array_size(legacy) == 0)
		return;
	row = headline_start_advice(out);
	row_add(&row, _("look at them: sudo %s-legacy-save -c"),
		is_ipv6(packet) ? "ip6tables" : "iptables");
	row_end(&row);
}

static void show_passed(FILE *out, const json_t *packet)
{
	struct row row = row_start(out, "", INDENT);

	if (fate_is(packet, "left"))
		row_add(&row, _("it left by %s with the source %s"), text_of(packet, "out"),
			text_of(packet, "source"));
	else
		row_add(&row, "%s", _("it was delivered to this host"));
	row_end(&row);
}

void packet_show(FILE *out, const json_t *packet)
{
	show_what(out, packet);
	if (fate_is(packet, "dropped"))
		show_dropped(out, packet);
	else if (fate_is(packet, "vanished"))
		show_vanished(out, packet);
	else
		show_passed(out, packet);
}

int packet_exit(const json_t *packet)
{
	return fate_is(packet, "left") || fate_is(packet, "delivered") ? NATCTL_WELL
								       : NATCTL_BROKEN;
}

/* ---- waiting ---- */

struct wait {
	const char *text;
	bool silent;   /* -j */
	bool terminal; /* counts down in place */
	bool said;
};

static void clear_count(const struct wait *wait)
{
	if (wait->terminal && wait->said)
		fputs("\r\033[K", stdout);
}

static void say_left(struct wait *wait, json_int_t left)
{
	char time[DURATION_TEXT_MAX];

	if (wait->said && !wait->terminal)
		return;
	clear_count(wait);
	printf("%s (%s)", wait->text, print_duration(left, time));
	if (!wait->terminal)
		putchar('\n');
	wait->said = true;
}

static void say_other(const struct wait *wait, const json_t *packet)
{
	clear_count(wait);
	if (strcmp(text_of(packet, "side"), "home") == 0)
		printf(_("%s is in the home network: that does not count\n"),
		       text_of(packet, "from"));
	else
		printf(_("%s came through the VPN: that does not count\n"),
		       text_of(packet, "from"));
}

static void on_line(const json_t *line, void *data)
{
	const json_t *packet = json_object_get(line, "packet");
	struct wait *wait = data;
	json_int_t left;

	if (wait->silent)
		return;
	if (number_of(line, "left", &left))
		say_left(wait, left);
	else if (json_object_get(line, "result") || json_object_get(line, "error"))
		clear_count(wait);
	else if (json_is_object(packet))
		say_other(wait, packet);
	fflush(stdout);
}

/* natd may not read whether there is iptables-legacy; who may follow packets mostly may. */
static json_t *add_legacy(json_t *result)
{
	json_t *packet = json_object_get(result, "packet");

	if (fate_is(packet, "vanished"))
		json_object_set_new(packet, "legacy", legacy_tables(is_ipv6(packet)));
	return result;
}

json_t *packet_wait(const struct invocation *typed, struct control_request request,
		    const char *waiting, int *status)
{
	struct wait wait = {
		.text = waiting,
		.silent = typed->json,
		.terminal = print_takes_escapes(stdout),
	};

	if (typed->time && !argument_wait(typed->time, &request.seconds)) {
		*status = say_error(typed->json, NATCTL_USAGE,
				    _("'%.80s' is not allowed; allowed: %s"), typed->time,
				    _(ARGUMENT_WAIT));
		return NULL;
	}
	return add_legacy(follow_natd(typed, request, SILENCE_SECONDS, on_line, &wait, status));
}
