/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wireguard: where the kernel's WireGuard listens, and with whom it has shaken hands; generic netlink,
 * linux/wireguard.h. */
#ifndef RULES_WIREGUARD_H
#define RULES_WIREGUARD_H

#include <libmnl/libmnl.h>
#include <stdint.h>

#include "rules/rules.h"

/* Host byte order; 0 where there is no such device, or no WireGuard in this kernel, or where it is a
 * client: everything goes to a peer that is called. Its port is nobody's to open. */
uint16_t wireguard_port(const char *interface);

/* How long ago its peers have shaken hands: the kernel's, or one in user space (rules/uapi.h). */
struct rules_peers wireguard_peers(const char *interface);

/* Adds the peers of one message; `now` is CLOCK_REALTIME, seconds. */
void wireguard_read_peers(const struct nlmsghdr *message, int64_t now, struct rules_peers *peers);

/* Is it a client, by the peers in this message? */
bool wireguard_read_client(const struct nlmsghdr *message);

/* Read one message: the id of a generic netlink family, the listening port. 0 if it is not there. */
uint16_t wireguard_read_family(const struct nlmsghdr *message);
uint16_t wireguard_read_port(const struct nlmsghdr *message);

#endif
