/* SPDX-License-Identifier: GPL-2.0-or-later */
/* watch: what other programs do to our table.
 *
 * The kernel tells each change of a transaction and then, with the program's name, its end. */
#ifndef RULES_WATCH_H
#define RULES_WATCH_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

#include "rules/nftables.h"

struct culprit {
	uint32_t pid; /* 0: not known */
	char program[16];
};

struct watch {
	struct mnl_socket *socket;
	bool ours;  /* the transaction that is being told is about a table of ours */
	bool guard; /* the guard is changed, or may be, since the owner of this struct cleared it */
	bool missed;    /* something happened while nobody listened */
	uint32_t heard; /* the last generation that was told, */
	uint32_t whole; /* and that with which the tables were written whole */
	bool others; /* another program changed another table, or may have; who looks there sets it back */
};

/* Fatal where the kernel does not tell. */
void watch_open(struct watch *watch);
int watch_descriptor(const struct watch *watch);

/* While our own large transaction runs nobody has to listen: the kernel would make a message of each
 * element, which takes longer than the elements. watch_resume() finds out by the generation whether
 * another program came after it; then watch->missed is set, and watch_read() tells it. What came before
 * it is overwritten in our tables; in another table it may stand, and watch->others is set. */
void watch_pause(struct watch *watch);
void watch_resume(struct watch *watch, struct nftables *nftables);

/* Is there something to tell though no event waits? */
bool watch_has_news(const struct watch *watch);

/* Was every change up to `generation` told, or made by ourselves? */
bool watch_knows(const struct watch *watch, const struct nftables *nftables, uint32_t generation);

/* Reads every event that waits. True where another program has changed our tables since we wrote
 * them whole, or may have (events were lost): `culprit` is the last who did. */
bool watch_read(struct watch *watch, struct nftables *nftables, struct culprit *culprit);

/* One event: true at the end of a transaction of another program (not `portid`) that changed our
 * tables after `generation`. */
bool watch_event(struct watch *watch, const struct nlmsghdr *event, unsigned int portid,
		 uint32_t generation, struct culprit *culprit);

#endif
