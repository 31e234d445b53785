/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netlink: one question to the kernel whose answer is a list. No privilege needed. */
#ifndef NATD_NETLINK_H
#define NATD_NETLINK_H

#include <libmnl/libmnl.h>
#include <stddef.h>
#include <stdint.h>

/* A socket of `bus` (NETLINK_ROUTE, ...), to be closed with mnl_socket_close(); NULL with errno set. */
struct mnl_socket *netlink_open(int bus);

/* Asks for a dump of `type` with `body` (the family's header, `size` bytes) and calls `on_message` for
 * each answer. 0 or an errno; EINTR: the list changed meanwhile (NLM_F_DUMP_INTR), ask again. */
int netlink_dump(struct mnl_socket *socket, uint16_t type, const void *body, size_t size,
		 mnl_cb_t on_message, void *data);

#endif
