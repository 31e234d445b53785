/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/vpn_notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "natd/firewalls.h"

struct notes {
	char (*list)[VPN_NOTE_MAX];
	size_t count;
};

__attribute__((format(printf, 2, 3))) static void note(struct notes *notes, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(notes->list[notes->count++], VPN_NOTE_MAX, format, arguments);
	va_end(arguments);
}

/* Whom do PiVPN's clients call? */
static void note_host(const struct vpn *vpn, const struct vpn_truth *truth, struct notes *notes)
{
	struct address wan = address_v4(truth->wan);
	struct address host;
	char text[ADDRESS_TEXT_MAX];

	if (!vpn->host[0])
		return;
	if (!address_parse(&host, vpn->host)) {
		if (truth->name[0] && strcasecmp(truth->name, vpn->host) != 0)
			note(notes, "PiVPN's clients call %s, but natd.conf checks the name %s",
			     vpn->host, truth->name);
	} else if (address_kind(&host) != ADDRESS_PUBLIC) {
		note(notes,
		     "PiVPN's clients call %s, which nobody reaches from outside: change Endpoint "
		     "in their settings, and pivpnHOST for new ones",
		     vpn->host);
	} else if (truth->wan.s_addr && host.family == AF_INET && !address_equal(&host, &wan)) {
		note(notes, "PiVPN's clients call %s, but this home is %s now", vpn->host,
		     address_print(&wan, text));
	}
}

static void note_port(const struct vpn *vpn, const struct vpn_truth *truth, struct notes *notes)
{
	if (vpn->port && truth->external && vpn->port != truth->external)
		note(notes, "PiVPN's clients call port %u, but the router passes on port %u",
		     vpn->port, truth->external);
}

/* In a file, where it is to be mended; else in the kernel. */
static void note_way_out(const struct vpn *vpn, const struct vpn_truth *truth, struct notes *notes)
{
	const struct rules_way_out *frozen = truth->frozen;

	if (vpn->way_out[0] && truth->interface[0] && !way_out_is(vpn->way_out, truth->interface))
		note(notes,
		     "a rule in %s lets clients out by %s, but this host goes out by %s now; "
		     "natd's "
		     "own rule does",
		     vpn->way_out_file, vpn->way_out, truth->interface);
	else if (frozen)
		note(notes,
		     "a rule of table %s %s, chain %s lets clients out by %s, but this host goes "
		     "out by %s now; natd's own rule does",
		     firewalls_family(frozen->family), frozen->table, frozen->chain,
		     frozen->interface, truth->interface);
}

/* Only where it matters: natd had to guess. */
static void note_unreadable(const struct vpn *vpn, const struct vpn_truth *truth,
			    struct notes *notes)
{
	if (vpn->unreadable[0] && !vpn->found && !truth->configured)
		note(notes,
		     "natd may not read %s and takes WireGuard's usual port: name another in "
		     "natd.conf, or start natd again if that is new",
		     vpn->unreadable);
}

/* A typing error, mostly: the VPN is reached, and its clients get nowhere. */
static void note_unnamed(const struct vpn_truth *truth, struct notes *notes)
{
	if (truth->absent && truth->unnamed)
		note(notes,
		     "natd.conf names the tunnel %s, which does not exist, and not %s, which does: "
		     "natd lets nobody out from there",
		     truth->absent, truth->unnamed);
}

size_t vpn_notes(const struct vpn *vpn, const struct vpn_truth *truth,
		 char notes[VPN_NOTES_MAX][VPN_NOTE_MAX])
{
	struct notes all = { notes, 0 };

	note_host(vpn, truth, &all);
	note_port(vpn, truth, &all);
	note_way_out(vpn, truth, &all);
	note_unreadable(vpn, truth, &all);
	note_unnamed(truth, &all);
	return all.count;
}
