/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tunnels: the VPN interfaces of this host, their client networks and how these leave. */
#ifndef NATD_TUNNELS_H
#define NATD_TUNNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "natd/config.h"
#include "natd/network.h"

struct tunnel {
	char interface[IF_NAMESIZE];
	bool present; /* the interface exists */
	enum link_kind kind;
	uint8_t reach;
	struct egress egress;
	struct prefix networks[CONFIG_NETWORKS_MAX];
	size_t network_count;
};

/* Fills `tunnels` (room for CONFIG_TUNNELS_MAX) from the configuration, or from every tunnel interface
 * where it names none. A tunnel whose networks nobody names has those of its interface: its addresses'
 * networks and, behind a point-to-point address (OpenVPN net30), the routes through it.
 * Returns how many. */
size_t tunnels_find(struct tunnel *tunnels, const struct config *config,
		    const struct network *network);

/* Which of the tunnels a client is behind: the one with the longest network around it. NULL: none. */
const struct tunnel *tunnels_around(const struct tunnel *tunnels, size_t count,
				    const struct prefix *client);

/* How a network of the tunnel leaves: fixed addresses serve their own family only, the other one is
 * masqueraded. */
struct egress tunnel_egress(const struct tunnel *tunnel, const struct prefix *network);

#endif
