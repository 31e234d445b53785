/* SPDX-License-Identifier: GPL-2.0-or-later */
/* name: the DNS name by which clients find this home, and whether it leads here.
 *
 * Pure, as the engine: time comes in as CLOCK_BOOTTIME milliseconds, the answers of the DNS as checked
 * reports of upnp. name_watch.h asks. */
#ifndef NATD_NAME_H
#define NATD_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "natd/address.h"
#include "natd/network.h"
#include "upnp/upnp.h"

/* An updater that looks every five minutes is not late before that (ddclient's and inadyn's usual). */
#define NAME_GRACE_SECONDS 300

/* A resolver may keep the old address as long as it was told to; longer nobody waits. */
#define NAME_TTL_MAX 3600

struct name {
	char name[UPNP_HOST_MAX]; /* empty: natd.conf names none */
	bool answered;
	uint8_t result; /* enum upnp_name_result */
	struct address addresses[UPNP_ADDRESSES_MAX];
	size_t count;
	uint32_t ttl;        /* seconds */
	int64_t answered_at; /* the last sound answer */
	char said[UPNP_TEXT_MAX];

	struct in_addr wan;     /* this home's public address, as known last; 0.0.0.0: never */
	bool wan_known;         /* it is so now */
	int64_t wan_changed_at; /* 0: not while natd watched */
	int64_t wrong_since;    /* 0: the last answer was right, or cannot be judged */

	uint32_t id;         /* of the question under way */
	int64_t asked_at;    /* 0: none is under way */
	int64_t check_at;    /* when to ask next; 0: never */
	unsigned int checks; /* in a row that were not right */
};

enum name_match {
	NAME_UNKNOWN, /* no answer, or nothing to compare it with */
	NAME_RIGHT,
	NAME_MISSING,    /* there is no such name */
	NAME_ELSEWHERE,  /* an IPv4 address of it is not this home's */
	NAME_ELSEWHERE6, /* only an IPv6 address of it is not this host's */
};

/* `name` is to be checked from now on; the same name again asks afresh. Empty: none. */
void name_want(struct name *name, const char *wanted, int64_t now);

/* This home's public IPv4 address. 0.0.0.0: not known at the moment. */
void name_wan_is(struct name *name, struct in_addr wan, int64_t now);

/* Is a question due? Fills it in, but for the resolvers. */
bool name_ask(struct name *name, struct upnp_lookup *lookup, int64_t now);

/* The answer, checked. One to another question is passed over. */
void name_answer(struct name *name, const struct upnp_resolved *resolved, int64_t now);
bool name_answer_is_sound(const struct upnp_resolved *resolved);

/* When name_ask() may have a question; 0: never. */
int64_t name_deadline(const struct name *name);

/* Does the last answer lead here? */
enum name_match name_matches(const struct name *name, const struct network *network);

/* It is wrong, and that is not just because the address changed a moment ago. */
bool name_is_stale(const struct name *name);

#endif
