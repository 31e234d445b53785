/* SPDX-License-Identifier: GPL-2.0-or-later */
/* asking: which of the protocols may write. No socket and no clock in here: it is told what each
 * protocol turned out to be and what time it is.
 *
 * On real routers all three protocols share one table, so exactly one writes: the first that
 * answers, except that a preferred UPnP, slower by nature, is waited for. */
#ifndef UPNP_ASKING_H
#define UPNP_ASKING_H

#include <stdbool.h>
#include <stdint.h>

#include "upnp/upnp.h"

#define ASKING_NEVER INT64_MAX

struct asking {
	uint8_t order[UPNP_PROTOCOLS]; /* enum upnp_protocol, the preferred first */
	uint8_t count;
	uint8_t state[UPNP_PROTOCOLS]; /* enum upnp_state */
	uint8_t writer;                /* enum upnp_protocol; UPNP_ANY: none yet */
	bool began;
	int64_t began_us; /* monotonic */
};

/* Another router: nobody was asked yet. Protocols that are not in `order` are off. */
void asking_reset(struct asking *asking, const uint8_t *order, uint8_t count);

/* A round of questions starts: who has not answered well (or, with `all`, everybody) is asked. One that
 * is being asked already stays so. */
void asking_begin(struct asking *asking, bool all, int64_t now_us);

/* The protocol that gets its real request at once, as its own probe; UPNP_ANY: none does. UPnP has to
 * be found first. */
uint8_t asking_presumed(const struct asking *asking);

/* What a protocol turned out to be. A writer that fails is writer no more. True: that is news. */
bool asking_told(struct asking *asking, uint8_t protocol, uint8_t state);

/* Chooses the writer where that can be said by now, and returns it; UPNP_ANY: not yet. */
uint8_t asking_choose(struct asking *asking, int64_t now_us);

/* When asking_choose() may answer otherwise although nobody answered; ASKING_NEVER: it will not. */
int64_t asking_wakes_us(const struct asking *asking);

/* It is not asked again: its word is worth nothing here. */
void asking_drop(struct asking *asking, uint8_t protocol);

/* Has every protocol answered or had its time? */
bool asking_over(const struct asking *asking);

#endif
