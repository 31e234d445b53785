/* SPDX-License-Identifier: GPL-2.0-or-later */
/* resolvers: whom this host asks for names, resolv.conf(5). */
#ifndef NATD_RESOLVERS_H
#define NATD_RESOLVERS_H

#include <stddef.h>

#include "natd/network.h"
#include "upnp/upnp.h"

#define RESOLVERS_PATH "/etc/resolv.conf"

/* Reads the "nameserver" lines of `path`, as many as the C library takes; without any it is this host
 * itself. `network` knows the interfaces of link-local addresses. Returns how many; 0 with errno set
 * where it cannot be read. */
size_t resolvers_read(const char *path, const struct network *network,
		      struct upnp_resolver resolvers[UPNP_RESOLVERS_MAX]);

#endif
