/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guard: inet natd-guard, a small second table that keeps clients' packets in which nobody translated.
 *
 *   keep-translating  postrouting srcnat + 50   empty; while it is there, NAT goes on for what it knows
 *   keep-in           postrouting srcnat + 100  drops what still bears a client's own address
 *
 * When somebody removes the main table, connections that were translated stay so, and what begins
 * meanwhile is dropped before conntrack has confirmed it: it works as soon as the table is back. */
#ifndef RULES_GUARD_H
#define RULES_GUARD_H

#include "rules/batch.h"
#include "rules/set.h"

#define GUARD_NAME "natd-guard"

/* Appends to a batch: what removes the guard, whether it is there or not. */
void guard_remove(struct batch *batch);

/* Appends to a batch: what makes a new guard, without its elements, and those for `set`. `holds` is
 * table_holds() of the set, `flags` are NFT_TABLE_F_*. */
void guard_frame(struct batch *batch, uint64_t holds, uint32_t flags);
void guard_fill(struct batch *batch, const struct set *set);

/* Appends to a batch: what makes the guard for a set that held `held` one for `set`, which holds
 * `holds`. */
void guard_change(struct batch *batch, const struct set *set, uint64_t held, uint64_t holds);

#endif
