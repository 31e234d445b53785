/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nftables: the netlink socket to the kernel's nftables.
 *
 * Netlink answers within the system call that asks, so nothing here waits. */
#ifndef RULES_NFTABLES_H
#define RULES_NFTABLES_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

#include "rules/batch.h"

struct nftables {
	struct mnl_socket *socket;
	unsigned int portid; /* by which events of our own transactions are known */
	uint32_t generation; /* of the ruleset, as our last transaction left it */
	uint32_t sequence;   /* of what is asked outside of a batch */
	size_t send_buffer;  /* as large as a batch may be now */
};

/* Fatal where the kernel has no nfnetlink. */
void nftables_open(struct nftables *nftables);

void nftables_close(struct nftables *nftables);

/* Carries the batch out. True when the kernel has committed it; false with what it refused. */
bool nftables_commit(struct nftables *nftables, struct batch *batch, struct batch_error *error);

/* The same, once, and only upon the ruleset of `generation`: ERESTART where there is a newer one. */
bool nftables_commit_upon(struct nftables *nftables, struct batch *batch, uint32_t generation,
			  struct batch_error *error);

/* The generation of the ruleset now. 0 or an errno. */
int nftables_read_generation(struct nftables *nftables, uint32_t *generation);

/* Sends `request`, a dump, and hands each part of the answer to `callback`; starts over where the
 * ruleset changed meanwhile, so a callback may see a part again. 0 or an errno. */
int nftables_dump(struct nftables *nftables, struct nlmsghdr *request, mnl_cb_t callback,
		  void *data);

#endif
