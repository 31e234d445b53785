/* SPDX-License-Identifier: GPL-2.0-or-later */
/* identify: asks a router that does not describe itself what else tells its maker. */
#ifndef NATD_CTL_IDENTIFY_H
#define NATD_CTL_IDENTIFY_H

#include <jansson.h>

/* Adds to the "router" of `facts`: "dns", the name of one in `routers` that its own DNS has for itself
 * (an NTT gateway knows "ntt.setup"), and "title", how its web page calls itself. Takes a few
 * seconds where the router does not answer. */
void identify_router(json_t *facts, const json_t *routers);

#endif
