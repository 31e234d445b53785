/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coexist: gets the tunnels' packets past the firewalls of other programs, and nothing else.
 *
 * An accept in a table of ours does not help: each base chain of a hook decides for itself. So natd
 * puts accepts (rules/accept.h) at the head of a forward chain that drops what it does not know:
 * into Docker's DOCKER-USER where that is asked, else into the chain itself. Tables that only their
 * program may change, and firewalld's, which has an interface for that, stay as they are. What such
 * a firewall sweeps away when it reloads is put back, ever more slowly if that does not end. */
#ifndef RULES_COEXIST_H
#define RULES_COEXIST_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/contest.h"
#include "rules/nftables.h"
#include "rules/scan.h"
#include "rules/set.h"

struct coexist {
	bool wanted; /* otherwise natd only looks */
	struct scan scan;
	int64_t looked_ms; /* monotonic; when `scan` was read. 0: never */
	int64_t due_ms;    /* when to look next; 0: when something happens */
	struct contest contest;
};

/* Something has changed: looks soon. `now_ms` is monotonic. */
void coexist_touched(struct coexist *coexist, int64_t now_ms);

/* Milliseconds until the next look; -1: none is due. */
int coexist_until(const struct coexist *coexist, int64_t now_ms);

/* Looks, and puts in order what it finds for the tunnels of `set`. */
void coexist_look(struct coexist *coexist, struct nftables *nftables, const struct set *set,
		  int64_t now_ms);

/* Takes every rule of natd out of the chains of others. */
void coexist_leave(struct coexist *coexist, struct nftables *nftables);

/* Tells natd what the last look saw. */
void coexist_tell(const struct coexist *coexist, int natd, uint32_t generation);

#endif
