/* SPDX-License-Identifier: GPL-2.0-or-later */
/* neighbour_watch: hears that another box answers as the router, or the router at last. */
#ifndef NATD_NEIGHBOUR_WATCH_H
#define NATD_NEIGHBOUR_WATCH_H

#include <netinet/in.h>

#include "natd/neighbour.h"

/* The socket of rtnetlink's events, network_watch(), hears of one neighbour as well: of `gateway` on the
 * link `ifindex`, when it gets another MAC address than `mac` (zeros: any). Whatever else neighbours do,
 * which is much, does not wake natd. Whoever it heard of before is heard of no more. */
void neighbour_watch(int watch, struct in_addr gateway, unsigned int ifindex,
		     const uint8_t mac[MAC_SIZE]);

#endif
