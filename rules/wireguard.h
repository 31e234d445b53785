/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wireguard: which UDP port the kernel's WireGuard listens on; generic netlink, linux/wireguard.h. */
#ifndef RULES_WIREGUARD_H
#define RULES_WIREGUARD_H

#include <libmnl/libmnl.h>
#include <stdint.h>

/* Host byte order; 0 where there is no such device, or no WireGuard in this kernel. */
uint16_t wireguard_port(const char *interface);

/* Read one message: the id of a generic netlink family, the listening port. 0 if it is not there. */
uint16_t wireguard_read_family(const struct nlmsghdr *message);
uint16_t wireguard_read_port(const struct nlmsghdr *message);

#endif
