/* SPDX-License-Identifier: GPL-2.0-or-later */
/* purge_filter: which connections can a change have made wrong, in the kernel's own terms?
 *
 * Mostly one client or one published port changes among a hundred thousand connections; only those of
 * that client or port have to be told, and are then looked at one by one. */
#ifndef RULES_PURGE_FILTER_H
#define RULES_PURGE_FILTER_H

#include "rules/conntrack.h"
#include "rules/set.h"

/* They began under any of the `count` sets from `before` on. `families` as set_differences() tells them,
 * not 0. */
struct conntrack_filter purge_filter(const struct set *before, size_t count, const struct set *now,
				     unsigned int families);

/* What began while there were no rules is translated by none, or by those of another program: which only
 * matters to who has an address of his own, and to who is published. */
struct conntrack_filter purge_filter_gap(const struct set *now, unsigned int families);

#endif
