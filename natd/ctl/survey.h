/* SPDX-License-Identifier: GPL-2.0-or-later */
/* survey: what natctl finds out by itself where natd does not run, in the form of the JSON of
 * `natctl -j status` (design, section 4), so that what prints need not know who found it out. */
#ifndef NATD_CTL_SURVEY_H
#define NATD_CTL_SURVEY_H

#include <jansson.h>

#include "natd/ctl/identify.h"

/* Reads this host's network, asks its router (up to 15 s) and reads natd.conf for the forwards. With
 * `routers` (routers.h) it begins to identify the router as well; the caller ends that, it runs if there
 * is a router.
 * {"host", "router", "forwards", "answers"}: "answers" is an array with {"protocol", "state",
 * "said", "took"} for each protocol, "took" in seconds. Without a router, "router"."address" is
 * null and "reason" says why. Never NULL; the caller releases it. */
json_t *survey_take(const json_t *routers, struct identify *identify);

#endif
