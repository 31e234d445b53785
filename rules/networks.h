/* SPDX-License-Identifier: GPL-2.0-or-later */
/* networks: what is behind the tunnels, and how each leaves. The longest prefix around an address
 * decides.
 *
 * There may be a hundred thousand clients. A single address goes into a hash of the kernel, which
 * costs a third of what an interval costs; the rules ask the hash first. What is larger, and the few
 * addresses that a hash cannot serve, become ranges that do not overlap. */
#ifndef RULES_NETWORKS_H
#define RULES_NETWORKS_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/range.h"
#include "rules/rules.h"
#include "rules/way.h"

#define NETWORKS_MAX 131072

struct network_behind {
	struct rules_prefix prefix;
	uint32_t tunnel : 8; /* the caller's index */
	uint32_t hashed : 1; /* a single address that is no range */
	uint32_t way : 23;   /* of networks->ways */
	struct count count;  /* hashed: of the element; otherwise only packets: networks_sum() */
};

struct networks {
	struct network_behind *items; /* after networks_finish(): by family, address and length */
	uint32_t count;
	struct ways ways;
	struct ranges ranges4; /* their items name a network and count what was translated for it */
	struct ranges ranges6;
};

/* False where NETWORKS_MAX are there. */
bool networks_add(struct networks *networks, const struct rules_network *network, uint8_t tunnel);

/* Sorts, and makes the ranges. NULL, or one of two networks that are the same and leave in different
 * ways; the other is the one after it. */
const struct network_behind *networks_finish(struct networks *networks);
void networks_free(struct networks *networks);

const struct way *networks_way(const struct networks *networks,
			       const struct network_behind *network);
struct ranges *networks_ranges(struct networks *networks, uint8_t family);

/* The hashed network that is this address, or NULL. */
struct network_behind *networks_host(const struct networks *networks, uint8_t family,
				     const uint8_t *address);

/* How packets from `address` leave; NULL where it is behind no tunnel. */
const struct way *networks_way_from(const struct networks *networks, uint8_t family,
				    const uint8_t *address);

/* Is it the same network as the one before it, behind another tunnel? Then only the first counts. */
bool networks_repeats(const struct networks *networks, uint32_t index);

/* Do both hold the same networks of one family, and does each leave in the same way? */
bool networks_same(const struct networks *a, const struct networks *b, uint8_t family);

/* The only network in which they differ, or whose way out differs; NULL: there is none, or more. */
const struct rules_prefix *networks_difference(const struct networks *a, const struct networks *b);

/* Gives every network the counters that `from` has for it. */
void networks_carry(struct networks *networks, struct networks *from);

/* Sums the packets of every network over its ranges. */
void networks_sum(struct networks *networks);

#endif
