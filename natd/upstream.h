/* SPDX-License-Identifier: GPL-2.0-or-later */
/* upstream: what is before the home router. Where that is a second router of this home, natd asks it as
 * well: external port there -> the home router's WAN address -> this host.
 *
 * Pure, as the engine: time comes in, questions go out through hooks. The second router is kept by an
 * engine of its own, to which the home router is the host. */
#ifndef NATD_UPSTREAM_H
#define NATD_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "natd/config.h"
#include "natd/engine.h"
#include "natd/line.h"

struct upstream {
	struct engine engine;    /* has_router: a second router is asked */
	struct config config;    /* for the engine: its part of natd.conf */
	struct in_addr stranger; /* was asked as a second router, and is none; 0.0.0.0: nobody */
	uint32_t home_round;     /* engine.generation of the home router, as the engine knows it */

	/* What was looked for, and what was found. */
	struct {
		struct in_addr gateway;
		uint8_t mac[MAC_SIZE]; /* the gateway's; zeros: not known */
		struct in_addr address;
		bool told;
		struct in_addr wan;
		struct upnp_server stun;
	} looked_for;
	bool looked;
	bool waits;                /* nothing is looked for before the home router has answered */
	int64_t look_until;        /* a look is under way, for so long at most; 0: none is */
	int64_t look_at;           /* when to look again; 0: when something changes */
	unsigned int looked_tries; /* engine.tries, as the last look knew it */
	struct upnp_hops hops;
	struct in_addr mapped_as; /* by the STUN server's word; 0.0.0.0: not known */
	int64_t mapped_at;        /* when it said so, or was given up; 0: never */
	struct line line;
};

void upstream_init(struct upstream *upstream, const struct engine_hooks *hooks, void *context);

/* Looks at how it stands with the home router, and asks what follows from it. */
void upstream_follow(struct upstream *upstream, const struct engine *home,
		     const struct config *config, int64_t now);

/* Looks at the way out again, and asks the second router whether what it said is still so. */
void upstream_check(struct upstream *upstream, const struct engine *home,
		    const struct config *config, int64_t now);

/* Is a look under way, or has the STUN server not answered since `since`? */
bool upstream_is_looking(const struct upstream *upstream, const struct config *config,
			 int64_t since);

/* Takes what was found beside the home router. True if it was that. */
bool upstream_report(struct upstream *upstream, const struct upnp_report *report, int64_t now);

void upstream_gather(struct upstream *upstream, int64_t now); /* see engine_gather() */
void upstream_tick(struct upstream *upstream, int64_t now);
int64_t upstream_deadline(const struct upstream *upstream); /* 0: never */

/* Is there a second router of this home, for all that is known? */
bool upstream_is_there(const struct upstream *upstream);

/* Is it still to be found out how it stands with the second router? */
bool upstream_is_asking(const struct upstream *upstream);

/* The second router's part in a forward of the home router's; NULL: it has none. */
const struct forward *upstream_forward(const struct upstream *upstream,
				       const struct forward *forward);

/* The one of the two that faces the internet: the second router's, where that is open. */
const struct forward *upstream_outermost(const struct upstream *upstream,
					 const struct forward *forward);

#endif
