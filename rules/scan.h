/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scan: the firewalls of other programs, as the kernel holds them.
 *
 * Read are the tables of ip, ip6 and inet but our own: every chain, the rules of those tables that
 * filter, and those of the others that stand where sources are translated. */
#ifndef RULES_SCAN_H
#define RULES_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/masquerade.h"
#include "rules/meaning.h"
#include "rules/nftables.h"
#include "rules/rules.h"

/* Objects with longer names are passed over: no firewall that people run has any. */
#define SCAN_NAME_MAX RULES_NAME_MAX

struct scan_table {
	uint8_t family; /* NFPROTO_IPV4, NFPROTO_IPV6 or NFPROTO_INET */
	bool owned;     /* by another program: only that one may change it */
	bool filters;   /* has a base chain of type filter */
	char name[SCAN_NAME_MAX];
};

struct scan_chain {
	uint32_t table; /* index */
	char name[SCAN_NAME_MAX];
	bool base;
	bool filter;     /* of type filter */
	bool translates; /* sources: of type nat, in postrouting */
	uint8_t hook;
	bool policy_drop;
	bool closes;    /* what no rule of it decides is dropped: by policy, by a last rule, or by a
			     chain to which that leads all */
	uint32_t rules; /* of other programs, in this chain */
	uint64_t dropped; /* packets; of a base chain: by every chain that it leads to as well */
	bool counts;      /* something that drops counts */
};

struct scan_jump {
	uint32_t from; /* indices of chains */
	uint32_t to;
	bool all; /* packets that come so far, not only some */
};

/* A rule that natd put into the chain of another, now or in an earlier life. */
struct scan_mark {
	uint32_t chain; /* index */
	uint64_t handle;
	bool first; /* no rule of another program stands before it */
	char comment[MEANING_MARK_MAX];
};

/* A rule that masquerades. */
struct scan_way {
	uint32_t chain; /* index */
	struct masquerade is;
};

struct scan {
	struct scan_table *tables;
	struct scan_chain *chains;
	struct scan_jump *jumps;
	struct scan_mark *marks;
	struct scan_way *ways;
	size_t table_count;
	size_t chain_count;
	size_t jump_count;
	size_t mark_count;
	size_t way_count;
	uint32_t generation; /* of the ruleset that was read: the handles are of that one */
	uint32_t last;       /* the chain of the last rule: rules come chain by chain */
};

/* Reads everything anew. 0 or an errno, `scan` is empty then; ERESTART: it changed each time that it was
 * read. */
int scan_read(struct scan *scan, struct nftables *nftables);
void scan_free(struct scan *scan);

/* The chain of that name in the same table; NULL: there is none. */
const struct scan_chain *scan_find(const struct scan *scan, uint32_t table, const char *name);

bool scan_jumps(const struct scan *scan, const struct scan_chain *from,
		const struct scan_chain *to);

#endif
