/* SPDX-License-Identifier: GPL-2.0-or-later */
/* range: overlapping prefixes made into ranges that do not overlap.
 *
 * An interval set of the kernel refuses overlaps, but homes have them: eth0 and wlan0 in one
 * network, one client with an egress of its own inside the tunnel's network. As with routes, the
 * longest prefix wins. */
#ifndef RULES_RANGE_H
#define RULES_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/rules.h"

#define RANGE_BYTES_MAX 16

struct count {
	uint64_t packets;
	uint64_t bytes;
};

struct range_prefix {
	struct rules_prefix prefix;
	uint32_t item; /* whose it is: the caller's index */
};

/* Addresses in network byte order; the first 4 or all 16 bytes count. */
struct range {
	uint8_t first[RANGE_BYTES_MAX];
	uint8_t last[RANGE_BYTES_MAX];
	uint32_t item;
	struct count count;
};

struct ranges {
	uint8_t family; /* AF_INET, AF_INET6 */
	size_t bytes;   /* of an address: 4 or 16 */
	struct range *items;
	size_t count;
};

/* Of an address of AF_INET or AF_INET6: 4 or 16. */
size_t range_bytes(uint8_t family);

/* The last address of a prefix; what is beyond its bytes stays. */
void range_last(uint8_t last[RANGE_BYTES_MAX], const struct rules_prefix *prefix);

/* Sorts `prefixes`, all of `family`, in place and makes ranges of them, ascending. Of equal prefixes
 * the lowest item wins. ranges_free() frees. */
void ranges_make(struct ranges *ranges, uint8_t family, struct range_prefix *prefixes,
		 size_t count);
void ranges_free(struct ranges *ranges);

/* Compares the address and the length of two prefixes of one family. */
bool range_same_prefix(const struct rules_prefix *a, const struct rules_prefix *b);

/* Is the host prefix `host` in `network`? */
bool range_prefix_holds(const struct rules_prefix *network, const struct rules_prefix *host);

/* The range that begins at `first`, or NULL. */
struct range *ranges_find(const struct ranges *ranges, const uint8_t *first);

/* The range that holds `address`, or NULL. */
struct range *ranges_around(const struct ranges *ranges, const uint8_t *address);

/* address + 1 in place. False where it was the last address of all. */
bool range_next(uint8_t *address, size_t bytes);

#endif
