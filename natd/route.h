/* SPDX-License-Identifier: GPL-2.0-or-later */
/* route: the kernel's own answer to where a packet would go (RTM_GETROUTE, no privilege needed).
 *
 * It is what forwarding, routes and reverse path filters come to together, which no single switch
 * tells (field/failures.md 0). */
#ifndef NATD_ROUTE_H
#define NATD_ROUTE_H

#include "natd/network.h"

struct route_answer {
	/* 0: it would leave. EHOSTUNREACH: forwarding is off; ENETUNREACH: no route; EINVAL, EXDEV:
	 * its source is refused; ENODEV: the interface is not up; another errno: the kernel does not
	 * answer. */
	int error;
	unsigned int interface; /* index: it would leave by this one */
	uint32_t mtu;           /* of the route; 0: that of the interface */
};

/* A packet of this host itself. */
struct route_answer route_to(const struct address *to);

/* A packet that comes from `from` in by the interface of index `in`. Both of one family. */
struct route_answer route_through(const struct address *to, const struct address *from,
				  unsigned int in);

/* An address on the internet of `family`, to ask for; nothing is sent to it. */
struct address route_internet(int family);

/* The first address of `network` that is not this host's own and not the network's; family 0: there
 * is none. */
struct address route_client_of(const struct network *network, const struct prefix *clients);

#endif
