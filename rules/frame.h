/* SPDX-License-Identifier: GPL-2.0-or-later */
/* frame: the beginning of the transaction that writes both tables anew: sets, chains and rules, no
 * elements.
 *
 * It is kept as bytes. Elements and their counters change, but the frame is the same most of the time,
 * and a repair shall not take the time to make it. */
#ifndef RULES_FRAME_H
#define RULES_FRAME_H

#include "rules/batch.h"
#include "rules/set.h"

struct frame {
	struct batch batch; /* not ended; of size 0: none was made yet */
	size_t main; /* so many of its messages are about the main table, the others about the guard */
	uint32_t main_flags;
	uint32_t guard_flags;
	uint64_t holds; /* what the set held that it was made for, */
	uint32_t ports; /* and how much of what there may be much of */
	uint32_t networks;
};

/* Makes the frame for a set, where it is not there already. Flags are NFT_TABLE_F_*. */
void frame_make(struct frame *frame, const struct set *set, uint32_t main_flags,
		uint32_t guard_flags);

/* A transaction that removes the tables and makes them for `set`, which the frame is for: both, or only
 * the main one. */
void frame_begin(const struct frame *frame, struct batch *batch, const struct set *set,
		 bool with_guard);

#endif
