/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lookup: the addresses of a name, asked of the resolvers of this host, one after the other. Never
 * blocks: it is told what time it is and when its socket may have something. */
#ifndef UPNP_LOOKUP_H
#define UPNP_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "upnp/dns.h"
#include "upnp/upnp.h"

/* A and AAAA are asked for at once. */
#define LOOKUP_QUESTIONS 2

struct lookup {
	int socket; /* connected to the resolver that is asked; -1: none is */
	struct upnp_lookup wanted;
	unsigned int tries; /* resolvers that had their time; each has several */
	int64_t next_us;    /* when the one that is asked has had its time */
	struct dns_question questions[LOOKUP_QUESTIONS];
	struct dns_answer answers[LOOKUP_QUESTIONS];
	bool answered[LOOKUP_QUESTIONS];
	bool done; /* `resolved` is to be taken */
	struct upnp_resolved resolved;
};

/* Can it be asked at all? */
bool lookup_is_valid(const struct upnp_lookup *wanted);

/* Forgets what was asked before and asks this. */
void lookup_start(struct lookup *lookup, const struct upnp_lookup *wanted, int64_t now_us);

/* Reads what has come. */
void lookup_receive(struct lookup *lookup, int64_t now_us);

/* Does what is due; when that will be next, INT64_MAX for never. */
void lookup_run(struct lookup *lookup, int64_t now_us);
int64_t lookup_deadline(const struct lookup *lookup);

/* True once for each lookup, when it is over. */
bool lookup_take(struct lookup *lookup, struct upnp_resolved *resolved);

#endif
