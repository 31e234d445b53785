/* SPDX-License-Identifier: GPL-2.0-or-later */
/* owner: both tables in one transaction, so that no other program can change them where the kernel
 * lets us say so.
 *
 * A table with an owner is left out by `nft flush ruleset`, and who names it is told EPERM. Who owns
 * is the netlink socket that made it; when that is closed, the table goes with it, or, if it is
 * persistent, stays without an owner until the next natd replaces it. So the main table is owned only
 * where it persists too: without natd, rules shall stay in force. The guard may go with its owner. */
#ifndef RULES_OWNER_H
#define RULES_OWNER_H

#include "rules/change.h"
#include "rules/frame.h"
#include "rules/nftables.h"
#include "rules/set.h"
#include "rules/watch.h"

struct owner {
	struct nftables *nftables;
	struct watch *watch; /* does not listen to our own large transactions */
	uint8_t able;        /* enum rules_owned: what the kernel has not refused so far */
	struct frame frame;  /* as the tables were written last */
	bool next_stays;     /* what stood in could not be removed: the next write does it */
};

void owner_open(struct owner *owner, struct nftables *nftables, struct watch *watch);

/* Makes the kernel hold exactly `set`, in both tables, as far owned as set->owned asks and the kernel
 * can: `owned` says how far. 0, or an errno with `what` was refused. */
int owner_write(struct owner *owner, const struct set *set, char what[RULES_TEXT_MAX],
		uint8_t *owned);

/* Changes only what differs. The tables have to be known to hold `before`. False where nothing was
 * changed and they have to be written whole: another program did something that is not told yet, too
 * much differs, or the kernel refuses. */
bool owner_change(struct owner *owner, const struct set *before, const struct set *now,
		  const struct change *change);

/* To be told what the tables hold now, and with which counts, wherever that changes: a repair is made
 * ready of it. */
void owner_get_ready(struct owner *owner, const struct set *set);

/* As owner_write() at once, where the tables are known to be gone or changed by another; the guard too, unless it
 * is untouched and so keeps in what would leave meanwhile. */
int owner_repair(struct owner *owner, const struct set *set, bool guard_too,
		 char what[RULES_TEXT_MAX]);

/* Removes both. 0, or an errno with `what` was refused. */
int owner_remove(struct owner *owner, char what[RULES_TEXT_MAX]);

#endif
