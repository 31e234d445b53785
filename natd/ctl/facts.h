/* SPDX-License-Identifier: GPL-2.0-or-later */
/* facts: what natctl finds out by itself where natd does not run, in the form of the JSON of
 * `natctl -j status` (design, section 4), so that what prints need not know who found it out. */
#ifndef NATD_CTL_FACTS_H
#define NATD_CTL_FACTS_H

#include <jansson.h>
#include <stdbool.h>

/* Reads this host's network, asks its router (up to 15 s) and reads natd.conf for the forwards.
 * {"host", "router", "forwards", "answers"}: "answers" is an array with {"protocol", "state",
 * "said", "took"} for each protocol, "took" in seconds. Without a router, "router"."address" is
 * null and "reason" says why. Never NULL; the caller releases it. */
json_t *facts_gather(void);

/* Members of JSON that may be missing, null or of another type; `object` may be NULL.
 * text_of(): "" where it is no string. number_of(): false where it is no number. */
const char *text_of(const json_t *object, const char *member);
bool number_of(const json_t *object, const char *member, json_int_t *number);

#endif
