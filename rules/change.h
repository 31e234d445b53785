/* SPDX-License-Identifier: GPL-2.0-or-later */
/* change: what of the table's elements one set has and another has not.
 *
 * A table of ten thousand elements is not written anew because of one; and an element that stays goes
 * on counting in the kernel. */
#ifndef RULES_CHANGE_H
#define RULES_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/batch.h"
#include "rules/set.h"

struct change {
	uint32_t elements; /* that come, go, or get other data */
	uint64_t sets;     /* the sets in which they do, TABLE_BITs */
	uint64_t held;     /* table_holds() of the one set, */
	uint64_t holds;    /* and of the other */
	bool clients;      /* some of them say who is behind the tunnels: the guard has to know */
	bool recount; /* some of them have counted, and may go on, in another set too: their counters
			 have to be read first */
};

/* Both sets are finished. */
struct change change_between(const struct set *before, const struct set *now);

/* Appends to a batch: what makes `table`, which holds `before`, hold `now`. `change` is between them. */
void change_write(struct batch *batch, const char *table, const struct set *before,
		  const struct set *now, const struct change *change);

#endif
