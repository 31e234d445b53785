/* SPDX-License-Identifier: GPL-2.0-or-later */
/* firewalls: the other firewalls of this host, as rules sees them, and whether one of them drops what
 * shall pass.
 *
 * That a chain drops what it does not know says little: it may know our packets. What counts is that
 * packets come and none gets through. */
#ifndef NATD_FIREWALLS_H
#define NATD_FIREWALLS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "natd/config.h"
#include "rules/rules.h"

#define FIREWALLS_MAX 64

/* Packets that come somewhere, and those of them that go on. */
struct passage {
	uint64_t came;
	uint64_t went_on;
	uint64_t stopped_from; /* `came` when the last one went on */
};

struct firewalls {
	struct rules_firewall list[FIREWALLS_MAX];
	size_t count;
	struct rules_firewall fresh[FIREWALLS_MAX]; /* while rules tells them */
	size_t fresh_count;
	const bool *firewalld_passes; /* firewalld lets the tunnels' packets through; may be NULL */
	struct {
		char interface[IF_NAMESIZE];
		struct passage passage;
	} tunnels[CONFIG_TUNNELS_MAX];
	struct {
		uint8_t protocol; /* 0: none */
		uint16_t port;
		struct passage passage;
	} ports[CONFIG_FORWARDS_MAX];
};

bool firewalls_is_sound(const struct rules_firewall *firewall);

/* RULES_FIREWALL; RULES_SCANNED, which says in the log what is new. */
void firewalls_add(struct firewalls *firewalls, const struct rules_firewall *firewall);
void firewalls_scanned(struct firewalls *firewalls, bool coexist);

/* Does a chain of this owner drop what is forwarded and not known to it? */
bool firewalls_has(const struct firewalls *firewalls, enum rules_owner owner);

/* RULES_TUNNEL_COUNT. */
void firewalls_counted(struct firewalls *firewalls, const struct rules_tunnel_count *count);

/* These are all that were counted: another tunnel is not there any more, and stops nothing. */
void firewalls_keep_tunnels(struct firewalls *firewalls, const struct rules_tunnel_count *counts,
			    size_t count);

/* RULES_PORT_COUNT. */
void firewalls_counted_port(struct firewalls *firewalls, const struct rules_port_count *count);

/* How many packets came since one went on; 0 where that may be chance. */
uint64_t firewalls_stopped(const struct firewalls *firewalls, char interface[IF_NAMESIZE]);

/* The same for what came for a port and was not delivered. */
uint64_t firewalls_stopped_port(const struct firewalls *firewalls, uint8_t protocol, uint16_t port);

/* Which chain of `hook` drops them, as far as can be told; NULL: none that nftables shows. */
const struct rules_firewall *firewalls_culprit(const struct firewalls *firewalls,
					       enum rules_hook hook);

/* "docker", as in JSON; "Docker", as people call it. */
const char *firewalls_owner(const struct rules_firewall *firewall);
const char *firewalls_owner_name(const struct rules_firewall *firewall);

/* "ip", "ip6" or "inet", for AF_INET, AF_INET6 and everything else. */
const char *firewalls_family(uint8_t family);

/* The array of `natctl -j status`; a new reference. */
json_t *firewalls_json(const struct firewalls *firewalls);

#endif
