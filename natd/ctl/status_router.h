/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status_router: the part of the status screen about the home router and a second one before it. */
#ifndef NATD_CTL_STATUS_ROUTER_H
#define NATD_CTL_STATUS_ROUTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "natd/ctl/print.h"

void status_show_routers(FILE *out, const json_t *status);

/* The port of a forward as the internet sees it. False where the forward says no port at all. */
bool status_external_port(const json_t *forward, json_int_t *port);

/* "renewed in 29 min  lasts 2 h", of a mapping or a pinhole that is open. */
void status_times(struct row *row, const json_t *opened);

/* Is the WAN address only remembered? There is no network now, and so no router that could tell it. */
bool status_wan_is_past(const json_t *status);

#endif
