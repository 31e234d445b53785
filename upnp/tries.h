/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tries: a question that is repeated until it is answered or has had its tries.
 *
 * Tries at 0, 250, 750 and 1750 ms, given up at 3750: RFC 6886 3.1 (250 ms, doubling), ended early
 * because a router on the same link has answered by then or will not. */
#ifndef UPNP_TRIES_H
#define UPNP_TRIES_H

#include <stdbool.h>
#include <stdint.h>

#define TRIES        4
#define TRY_FIRST_US 250000

struct tries {
	bool active;
	unsigned int count; /* sent so far */
	int64_t next_us;    /* when to send again or to give up */
};

void tries_start(struct tries *tries); /* due at once */
void tries_step(struct tries *tries, int64_t now);

#endif
