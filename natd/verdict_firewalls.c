/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/verdict_firewalls.h"

#include <stdio.h>

#include "natd/firewalls.h"
#include "natd/remedy.h"
#include "natd/verdict_say.h"

bool verdict_is_dropped(const struct facts *facts)
{
	return facts->dropped;
}

/* "ip filter" and its like. */
static const char *table_of(const struct rules_firewall *firewall,
			    char text[RULES_NAME_MAX + sizeof("inet ")])
{
	snprintf(text, RULES_NAME_MAX + sizeof("inet "), "%s %s",
		 firewalls_family(firewall->family), firewall->table);
	return text;
}

static void say_dropped_by(const struct facts *facts, struct verdict *verdict)
{
	const struct rules_firewall *firewall = facts->port_dropper;
	char table[RULES_NAME_MAX + sizeof("inet ")];
	char remedy[REMEDY_MAX];

	say(verdict,
	    "a firewall on this host, %s, drops what arrives: %llu packets came, none was "
	    "delivered (table %s, chain %s)",
	    firewalls_owner_name(firewall), (unsigned long long)facts->arrived,
	    table_of(firewall, table), firewall->chain);
	remedy_port(firewall, facts->silent_protocol, facts->silent_number, remedy);
	if (!remedy[0])
		advise(verdict, "Only that program may change its table: allow %s in it.",
		       facts->silent_port);
	else if (firewall->owner == RULES_OWNER_NFTABLES)
		advise(verdict,
		       "Allow the port there, and write it into /etc/nftables.conf as well:\n%s",
		       remedy);
	else
		advise(verdict, "Allow the port there:\n%s", remedy);
}

void verdict_say_dropped(const struct facts *facts, struct verdict *verdict)
{
	if (facts->port_dropper) {
		say_dropped_by(facts, verdict);
		return;
	}
	say(verdict,
	    "a firewall on this host drops what arrives: %llu packets came, none was delivered",
	    (unsigned long long)facts->arrived);
	advise(verdict,
	       "Allow %s in it: `ufw allow PORT/udp`, or\n"
	       "`firewall-cmd --permanent --add-port=PORT/udp && firewall-cmd --reload`.",
	       facts->silent_port[0] ? facts->silent_port : "the port");
}

bool verdict_is_stopped(const struct facts *facts)
{
	return facts->stopped > 0;
}

/* Nothing of nftables is left to suspect. */
static void say_stopped_unseen(const struct facts *facts, struct verdict *verdict)
{
	char remedy[REMEDY_MAX];

	say(verdict,
	    "something drops what the VPN's clients send, and nftables does not show it: %llu "
	    "packets came, none went on",
	    (unsigned long long)facts->stopped);
	advise(verdict,
	       "Perhaps iptables-legacy: look at `sudo iptables-legacy -S FORWARD`.\n"
	       "Let the VPN pass there:\n%s",
	       remedy_tunnel(NULL, facts->stopped_tunnel, remedy));
}

void verdict_say_stopped(const struct facts *facts, struct verdict *verdict)
{
	const struct rules_firewall *firewall = facts->tunnel_dropper;
	char table[RULES_NAME_MAX + sizeof("inet ")];
	char remedy[REMEDY_MAX];

	if (!firewall) {
		say_stopped_unseen(facts, verdict);
		return;
	}
	say(verdict,
	    "another firewall, %s, drops what the VPN's clients send: %llu packets came, none "
	    "went on (table %s, chain %s)",
	    firewalls_owner_name(firewall), (unsigned long long)facts->stopped,
	    table_of(firewall, table), firewall->chain);
	remedy_tunnel(firewall, facts->stopped_tunnel, remedy);
	if (!remedy[0])
		advise(verdict, "Only that program may change its table: allow %s in it.",
		       facts->stopped_tunnel);
	else if (!facts->coexist)
		advise(verdict,
		       "Set `coexist = true` in /etc/natd/natd.conf, then `sudo natctl reload`.\n"
		       "Or let the VPN pass there by hand:\n%s",
		       remedy);
	else
		advise(verdict, "Let the VPN pass there:\n%s", remedy);
}
