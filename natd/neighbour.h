/* SPDX-License-Identifier: GPL-2.0-or-later */
/* neighbour: the kernel's table of neighbours (ARP), which anybody may read. */
#ifndef NATD_NEIGHBOUR_H
#define NATD_NEIGHBOUR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define MAC_SIZE     6
#define MAC_TEXT_MAX 18 /* "00:a0:de:01:02:03" */

/* The MAC address of the neighbour `address` on the link `ifindex` (0: on any). False, with zeros, where
 * the kernel has none, for example because nothing was sent there for long. */
bool neighbour_find(struct in_addr address, unsigned int ifindex, uint8_t mac[MAC_SIZE]);

/* The same for an address of IPv6. */
bool neighbour_find6(const struct in6_addr *address, unsigned int ifindex, uint8_t mac[MAC_SIZE]);

const char *mac_print(const uint8_t mac[MAC_SIZE], char text[MAC_TEXT_MAX]);
bool mac_parse(uint8_t mac[MAC_SIZE], const char *text);

/* All zeros stands for one that is not known. */
bool mac_is_known(const uint8_t mac[MAC_SIZE]);

/* Both known, and not the same. */
bool mac_differs(const uint8_t a[MAC_SIZE], const uint8_t b[MAC_SIZE]);

#endif
