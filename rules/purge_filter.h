/* SPDX-License-Identifier: GPL-2.0-or-later */
/* purge_filter: which connections can a change have made wrong, in the kernel's own terms?
 *
 * Mostly one client or one published port changes among a hundred thousand connections; only those of
 * that client or port have to be told, and are then looked at one by one. */
#ifndef RULES_PURGE_FILTER_H
#define RULES_PURGE_FILTER_H

#include "rules/conntrack.h"
#include "rules/set.h"

/* `families` as set_differences() tells them, not 0. `again`: there may be connections that began under
 * a set between the two. */
struct conntrack_filter purge_filter(const struct set *before, const struct set *now,
				     unsigned int families, bool again);

/* What began while there were no rules is translated by none, or by those of another program: which only
 * matters to who has an address of his own. */
struct conntrack_filter purge_filter_gap(const struct set *now, unsigned int families);

#endif
