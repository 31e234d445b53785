/* SPDX-License-Identifier: GPL-2.0-or-later */
/* recognise: whose router this is, and by what that is known. */
#ifndef NATD_CTL_RECOGNISE_H
#define NATD_CTL_RECOGNISE_H

#include <jansson.h>

/* Looks for the router of `facts` (natd's status or survey_take()) among `routers` (routers.h): by its
 * own description, its SSDP server line, the maker of its network card ("router"."mac"), its address,
 * in that order. Sets "recognised" of `facts` to a copy of the entry with "by" added: "model",
 * "server", "mac" or "address"; null where there is none. */
void recognise_router(json_t *facts, const json_t *routers);

#endif
