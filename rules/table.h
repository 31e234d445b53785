/* SPDX-License-Identifier: GPL-2.0-or-later */
/* table: inet natd, as it is written into the kernel.
 *
 *   count-arrival   prerouting raw            counts what arrives for our ports
 *   stop-spoofed    prerouting mangle         drops sources that are not behind their tunnel
 *   hand-on         prerouting dstnat - 5     published ports become a client's
 *   hand-on-own     output     dstnat - 5     the same for this host itself
 *   clamp-mss       forward    mangle         TCP fits the tunnel, both directions
 *   forwarding      forward    filter - 5     what clients may reach
 *   count-out       forward    filter + 300   counts what every firewall let through to clients
 *   translate       postrouting srcnat - 5    clients leave with their egress address
 *   count-delivery  input      filter + 300   counts what every firewall let through to us
 *
 * What is configured is in sets and maps: the number of rules that a packet meets does not depend on
 * how much it is. A set that would be empty is left out, and the rules with it that then match
 * nothing: the kernel takes its time for every expression, and after a flush there is none to lose.
 * Interfaces go by name: they come and go. */
#ifndef RULES_TABLE_H
#define RULES_TABLE_H

#include "rules/batch.h"
#include "rules/set.h"

#define TABLE_NAME      "natd"
#define TABLE_NEXT_NAME "natd-next" /* stands in while the other is replaced */

enum table_set {
	SET_TUNNELS,      /* every tunnel */
	SET_FROM_TUNNELS, /* the same, counting */
	SET_TO_TUNNELS,
	SET_SPOOFED,
	SET_ALLOWED,    /* new connections: what natd lets through, */
	SET_PASSED,     /* and what every other firewall does as well */
	SET_NO_CLIENTS, /* tunnels whose clients may not reach that */
	SET_NO_LAN,
	SET_NO_INTERNET,
	SET_LAN4,
	SET_LAN6,
	SET_ROUTER_PORTS,
	SET_ARRIVED,
	SET_ARRIVED_LAN,
	SET_DELIVERED,
	SET_SEEN, /* dynamic: what is left of an element's time tells when the last packet came */
	SET_SEEN_LAN,
	SET_EGRESS_HOSTS4, /* maps: single address -> address */
	SET_EGRESS_HOSTS6,
	SET_EGRESS4, /* maps: network -> address */
	SET_EGRESS6,
	SET_POOL4, /* maps: network -> first and last address */
	SET_POOL6,
	SET_PREFIX6, /* map: network -> first and last address of a prefix */
	SET_MASQUERADE_HOSTS4,
	SET_MASQUERADE_HOSTS6,
	SET_MASQUERADE4,
	SET_MASQUERADE6,
	SET_CLOSED_HOSTS4, /* whose address is gone */
	SET_CLOSED_HOSTS6,
	SET_CLOSED4,
	SET_CLOSED6,
	SET_PUBLISH4, /* maps: protocol . port -> address . port */
	SET_PUBLISH6,
	SET_HANDED_ON4, /* dynamic: protocol . port, counting: of the published ports those that were
			   called. A counter in each element of the maps would double what the
			   kernel needs to write them. */
	SET_HANDED_ON6,
	SET_HIDE_SOURCE4, /* protocol . port, as the maps: two may lead to one port of a client */
	SET_HIDE_SOURCE6,
	TABLE_SETS,

	/* No sets, but what the maps of published ports hold. */
	SET_UDP4 = TABLE_SETS,
	SET_UDP6,
	SET_TCP4,
	SET_TCP6,
};

#define TABLE_BIT(set) (UINT64_C(1) << (set)) /* one of enum table_set */

const char *table_set_name(enum table_set set);

/* Does the kernel itself put elements into it? */
bool table_set_is_dynamic(enum table_set set);

/* Which sets hold something, TABLE_BITs: they decide which sets and rules the table has. */
uint64_t table_holds(const struct set *set);

/* Is a set in a table that holds that? */
bool table_has(uint64_t holds, enum table_set set);

/* Does a table of family inet with this name hold rules of natd? The guard does as well. */
bool table_is_ours(const char *name);

/* Appends to a batch: what removes the table, whether it is there or not. */
void table_remove(struct batch *batch);

/* Appends to a batch: what makes a new table of any name for `set`, without its elements; `flags` are
 * NFT_TABLE_F_*. fill_table() goes on. */
void table_frame(struct batch *batch, const char *table, const struct set *set, uint32_t flags);

/* Appends to a batch: what makes a table that held `held` one for `set`, in two parts: elements come
 * and go after the first, and before the second. */
void table_open_frame(struct batch *batch, const char *table, const struct set *set, uint64_t held);
void table_close_frame(struct batch *batch, const char *table, uint64_t held, uint64_t holds);

/* What the kernel refused, for a person: "the network 10.8.0.0/24 of wg0", "the chain translate". */
void table_describe(const struct set *set, struct item item, char text[RULES_TEXT_MAX]);

#endif
