/* SPDX-License-Identifier: GPL-2.0-or-later */
/* purge: ends the connections that a change, or a time without rules, has left translated wrongly.
 *
 * The kernel translates the first packet and remembers. What began under another egress, under
 * another publish or while the table was away goes on that way until its entry is deleted. Entries
 * that are right stay. */
#ifndef RULES_PURGE_H
#define RULES_PURGE_H

#include "rules/conntrack.h"
#include "rules/set.h"

struct purge {
	struct conntrack conntrack;
	struct mnl_socket *routes; /* asked which addresses are this host's */
	struct set *before;        /* what held until now, and what did while this was read; of
				      a gap one that is empty */
	size_t before_count;
	bool gap;
	bool gap_waits;        /* a gap is to be looked at when this is through */
	unsigned int families; /* that are being read; bit 0: IPv4, bit 1: IPv6; 0: none */
	uint32_t deleted;
};

/* Fatal on error. */
void purge_open(struct purge *purge);

/* `now` replaces `before`, which purge takes over and frees. Begins where they translate in different
 * ways. */
void purge_change(struct purge *purge, struct set *before, const struct set *now);

/* The table was away and is back. */
void purge_gap(struct purge *purge, const struct set *now);

void purge_stop(struct purge *purge);

bool purge_runs(const struct purge *purge);

/* One part of the work, when the descriptor can be read. True at the end; purge->deleted says how many
 * connections it were. */
bool purge_step(struct purge *purge, struct set *now);

#endif
