/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status: how it stands, as the JSON that design.md promises. Every function returns a new reference;
 * NULL only without memory. */
#ifndef NATD_STATUS_H
#define NATD_STATUS_H

#include <jansson.h>

#include "natd/natd.h"

/* The object of `natctl -j status`. */
json_t *status_json(const struct natd *natd);

/* Its "verdict". */
json_t *status_verdict(const struct natd *natd);

/* One element of "forwards". */
json_t *status_forward(const struct natd *natd, const struct forward *forward);

/* "router", with "upstream": a second router before it. */
json_t *status_router(const struct natd *natd);

/* Parts of a forward: where the internet reaches it, what the second router does for it, and when its
 * lease ends (CLOCK_BOOTTIME milliseconds; 0: never, or there is none). */
json_t *status_external_address(const struct natd *natd, const struct forward *forward);
json_t *status_outer_forward(const struct natd *natd, const struct forward *forward);
int64_t status_expires_at(const struct forward *forward);
/* Its member "ipv6" (status_ipv6.c). */
json_t *status_pinhole(const struct natd *natd, const struct forward *forward);

/* One element of `natctl -j list`. */
json_t *status_entry(const struct natd *natd, const struct upnp_entry *entry);

/* Adds what the router holds for us by PCP or NAT-PMP and does not show by UPnP. */
void status_add_own_entries(const struct natd *natd, json_t *list);

/* {"address": "203.0.113.5"}: the last verified public address, null if none was ever known. */
json_t *status_wan_ip(const struct natd *natd, int family);

#endif
