/* SPDX-License-Identifier: GPL-2.0-or-later */
/* elsewhere: mappings on routers that this host is not behind now: a laptop's at home while it is in a
 * cafe. Many routers are 192.168.1.1; their MAC addresses tell them apart. */
#ifndef NATD_ELSEWHERE_H
#define NATD_ELSEWHERE_H

#include <stddef.h>

#include "natd/forwards.h"

struct elsewhere {
	struct forward list[UPNP_MAPPINGS_MAX]; /* the oldest first; each names its router */
	size_t count;
};

/* Keeps a copy. Where there is no room, one goes that ends by itself. */
void elsewhere_keep(struct elsewhere *elsewhere, const struct forward *forward);

/* The host is behind the router with this MAC address now: what `forwards` holds of another one goes
 * into `elsewhere` and is to be asked for with a fresh nonce; what was kept of this one comes back, and
 * what is not wanted any more comes back to be removed. True: something of that happened. */
bool elsewhere_swap(struct elsewhere *elsewhere, struct forwards *forwards,
		    const uint8_t router[MAC_SIZE]);

#endif
