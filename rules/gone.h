/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gone: an address of this host is gone, and with it what left with that address.
 *
 * The kernel ends masqueraded connections by itself when an interface goes down or loses its address,
 * but not where the address had a peer, as with PPP (nf_nat_masquerade.c, masq_inet_event(), looks
 * for the peer's): they would go on with an address to which no answer comes. */
#ifndef RULES_GONE_H
#define RULES_GONE_H

#include "rules/conntrack.h"
#include "rules/set.h"

/* More that go at once are left to the kernel's timeouts. */
#define GONE_MAX 64

struct gone {
	struct conntrack conntrack;
	bool runs;
	struct rules_prefix addresses[GONE_MAX]; /* the first is being looked for */
	uint32_t count;
	uint32_t deleted;
};

/* Begins to look for the connections of the address, a host prefix. */
void gone_add(struct gone *gone, const struct rules_prefix *address);

/* Meaningful while gone->runs. */
int gone_descriptor(const struct gone *gone);

/* One part of the work, when the descriptor can be read. True at the end; gone->deleted says how many
 * connections of clients in `set` it were. */
bool gone_step(struct gone *gone, const struct set *set);

#endif
