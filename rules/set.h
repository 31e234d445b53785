/* SPDX-License-Identifier: GPL-2.0-or-later */
/* set: everything that one table shall hold, as natd asked for it.
 *
 * Items are gathered between RULES_BEGIN and RULES_COMMIT. What does not fit together (a user's
 * configuration can say it) is remembered and answers the commit. Counters are kept with the items,
 * so that they outlive the table that counted. */
#ifndef RULES_SET_H
#define RULES_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/networks.h"
#include "rules/publish.h"
#include "rules/range.h"
#include "rules/rules.h"

#define SET_TUNNELS_MAX 256
#define SET_LANS_MAX    1024
#define SET_PORTS_MAX   1024
#define SET_PUBLISH_MAX PUBLISHED_PORTS_MAX

struct set_tunnel {
	struct rules_tunnel is;
	struct count in;
	struct count out;
	struct count spoofed;
	struct count allowed;
	struct count passed;
};

struct set_port {
	struct rules_port is;
	struct count outside; /* packets that came from outside */
	struct count lan;     /* from the home's own networks, a test at home among them */
	struct count delivered;
	int64_t seen_ms; /* CLOCK_MONOTONIC of the last one from outside; 0: none is known */
	int64_t seen_lan_ms;
};

struct set {
	uint32_t generation;
	bool exists;   /* between RULES_BEGIN and RULES_REMOVE */
	uint8_t owned; /* enum rules_owned: the most that is wanted */

	struct set_tunnel *tunnels;
	struct rules_prefix *lans;
	struct set_port *ports;
	uint32_t tunnel_count;
	uint32_t lan_count;
	uint32_t port_count;
	struct networks networks;
	struct publishes published;

	/* Made of the above by set_finish(). */
	struct ranges lans4;
	struct ranges lans6;

	int error;                 /* errno of the first item that does not fit; 0: none */
	char what[RULES_TEXT_MAX]; /* which, and why */
};

/* What of a set the kernel may refuse. */
enum item_kind {
	ITEM_TABLE,
	ITEM_GUARD, /* the guard table or something in it */
	ITEM_SET,   /* a set or map of the table; index: enum table_set */
	ITEM_CHAIN, /* enum ruleset_chain */
	ITEM_RULE,  /* of the table's fixed rules */
	ITEM_TUNNEL,
	ITEM_NETWORK,
	ITEM_LAN,
	ITEM_PORT,
	ITEM_PUBLISH,
};

struct item {
	enum item_kind kind;
	uint32_t index;
};

void set_begin(struct set *set, uint32_t generation);
void set_clear(struct set *set);

void set_add_tunnel(struct set *set, const struct rules_tunnel *tunnel);

/* Its tunnel has to be there. */
void set_add_network(struct set *set, const struct rules_network *network);

void set_add_lan(struct set *set, const struct rules_prefix *lan);
void set_add_port(struct set *set, const struct rules_port *port);

void set_add_publish(struct set *set, const struct rules_publish *publish);

/* Looks at the items together and makes the ranges. False with set->error and set->what where they
 * do not fit together. */
bool set_finish(struct set *set);

/* In which families networks or publishes differ: bit 0: IPv4, bit 1: IPv6. */
unsigned int set_differences(const struct set *a, const struct set *b);

struct set_tunnel *set_find_tunnel(const struct set *set, const char *interface);
struct set_port *set_find_port(const struct set *set, uint8_t protocol, uint16_t port);

/* Gives the items of `set` the counters that `from` has for the same ones. */
void set_carry_counts(struct set *set, struct set *from);

/* "the network 10.8.0.0/24 of wg0"; the items of `set`, not of the table. */
void set_describe(const struct set *set, struct item item, char text[RULES_TEXT_MAX]);

#endif
