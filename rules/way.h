/* SPDX-License-Identifier: GPL-2.0-or-later */
/* way: how packets leave a tunnel. Many clients share few ways. */
#ifndef RULES_WAY_H
#define RULES_WAY_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/range.h"
#include "rules/rules.h"

/* Addresses in network byte order; the first 4 or all 16 bytes count. */
struct way {
	uint8_t family;
	uint8_t egress;                 /* enum rules_egress */
	uint8_t first[RANGE_BYTES_MAX]; /* the address, or the first of the pool or the prefix */
	uint8_t last[RANGE_BYTES_MAX];
};

/* Ways in the order in which they came. A way that came lately is not kept again. */
struct ways {
	struct way *items;
	uint32_t count;
};

/* The index of a network's way; the network has been checked. */
uint32_t ways_add(struct ways *ways, const struct rules_network *network);
void ways_free(struct ways *ways);

bool way_same(const struct way *a, const struct way *b);

/* Does the way itself name the address with which packets leave? */
bool way_is_fixed(const struct way *way);

/* Could a packet from `from` leave as `as`? False where the way does not name the address. */
bool way_gives(const struct way *way, const uint8_t *from, const uint8_t *as);

#endif
