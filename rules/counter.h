/* SPDX-License-Identifier: GPL-2.0-or-later */
/* counter: what the elements of the table have counted. */
#ifndef RULES_COUNTER_H
#define RULES_COUNTER_H

#include "rules/nftables.h"
#include "rules/set.h"

/* Reads every counter into the items of `set`, which is what the kernel holds. An item that is not
 * found there (somebody has flushed the table) keeps the value it had. 0 or an errno. */
int counters_read(struct nftables *nftables, struct set *set);

#endif
