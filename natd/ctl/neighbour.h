/* SPDX-License-Identifier: GPL-2.0-or-later */
/* neighbour: the kernel's table of neighbours (ARP), which anybody may read. */
#ifndef NATD_CTL_NEIGHBOUR_H
#define NATD_CTL_NEIGHBOUR_H

#include <netinet/in.h>
#include <stdbool.h>

#define NEIGHBOUR_MAC_TEXT 18

/* The MAC address of the neighbour `address`, as "00:a0:de:01:02:03". False where the kernel has
 * none, for example because nothing was sent there for long. */
bool neighbour_mac(struct in_addr address, char text[NEIGHBOUR_MAC_TEXT]);

#endif
