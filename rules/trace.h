/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trace: follows a few packets through every table of this host, other programs' tables too.
 *
 * A table of our own marks them (meta nftrace) before anybody else sees them, and sees them again when
 * they leave or are delivered; the kernel tells each rule and policy in between. The table belongs to the
 * socket that made it (NFT_TABLE_F_OWNER): however rules ends, nothing is left. */
#ifndef RULES_TRACE_H
#define RULES_TRACE_H

#include <libmnl/libmnl.h>

#include "rules/fate.h"
#include "rules/nftables.h"
#include "rules/set.h"

struct trace {
	bool runs;
	struct nftables nftables;  /* owns the table */
	struct mnl_socket *events; /* of the kernel */
	struct fates fates;
};

/* Starts to follow, instead of what was followed before; `set` names our ports. 0 or an errno. */
int trace_begin(struct trace *trace, const struct rules_trace *wanted, const struct set *set);

/* Follows nothing any more, and leaves nothing. */
void trace_end(struct trace *trace);

/* To poll; -1 where nothing is followed. */
int trace_descriptor(const struct trace *trace);

/* The next packet whose fate is known. False: none, for now. */
bool trace_read(struct trace *trace, struct rules_traced *traced);

/* Milliseconds until trace_read() gives up a packet that nothing is heard of; -1: there is none. */
int trace_wait(const struct trace *trace);

#endif
