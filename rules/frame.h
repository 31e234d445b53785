/* SPDX-License-Identifier: GPL-2.0-or-later */
/* frame: the transaction that writes both tables anew, kept as bytes as far as it goes: sets, chains
 * and rules, and in a small set the elements too.
 *
 * A repair has no time to make it. Who flushes the ruleset ends right after, and the kernel that closes
 * his socket lets nobody else change nftables until it has freed what he removed, some 10 ms
 * (nf_tables_api.c nft_rcv_nl_event()). A repair that stands in the queue before takes 1 ms. */
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
	struct batch ready; /* frame and elements; of size 0: there is none */
};

/* Makes the frame for a set, where it is not there already. Flags are NFT_TABLE_F_*. */
void frame_make(struct frame *frame, const struct set *set, uint32_t main_flags,
		uint32_t guard_flags);

/* Makes the elements ready as well, for the set that the frame is for, where they are not many. They
 * bear the counts of now. */
void frame_get_ready(struct frame *frame, const struct set *set);
void frame_forget_ready(struct frame *frame);

/* A transaction that removes the tables and makes them for `set`, which the frame is for: both, or only
 * the main one. Takes what is ready, which has to be for that set. */
void frame_begin(struct frame *frame, struct batch *batch, const struct set *set, bool with_guard);

#endif
