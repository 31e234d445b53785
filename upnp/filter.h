/* SPDX-License-Identifier: GPL-2.0-or-later */
/* filter: what of the announcements wakes this process. In some networks every television speaks to
 * 239.255.255.250, and some routers say the same dozen sentences every half a minute. */
#ifndef UPNP_FILTER_H
#define UPNP_FILTER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REFRAIN_SIZE_MAX 512

/* What the router's notices that say nothing new have in common: how they begin and how they end. In
 * between stands which of its services it is. */
struct refrain {
	uint8_t notice[REFRAIN_SIZE_MAX]; /* the first of them */
	uint16_t size;                    /* 0: none was heard */
	uint16_t beginning;               /* octets */
	uint16_t end;
};

/* Takes one more into account. True: `refrain` has changed. */
bool refrain_learn(struct refrain *refrain, const uint8_t *bytes, size_t size);

/* Does all that counts, NTS, LOCATION and BOOTID, stand in what they have in common? */
bool refrain_is_enough(const struct refrain *refrain);

/* Lets in what comes from `router` or `also` (0.0.0.0: nobody), but not the refrain, where that is
 * enough. A kernel that refuses (Linux 6.18 does for TCP, without capabilities) lets all in. */
void filter_attach(int fd, struct in_addr router, struct in_addr also,
		   const struct refrain *refrain);

#endif
