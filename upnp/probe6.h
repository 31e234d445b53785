/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe6: what the router can do for IPv6, changing nothing: does it speak PCP over IPv6, and does its
 * firewall let itself be opened (UPnP's WANIPv6FirewallControl)? */
#ifndef UPNP_PROBE6_H
#define UPNP_PROBE6_H

#include <stdbool.h>
#include <stdint.h>

#include "upnp/tries.h"
#include "upnp/upnp.h"

struct client;

struct probe6 {
	bool active;
	int socket; /* PCP; -1: not open */
	struct tries tries;
	int64_t began_us;
	struct upnp_pinhole at; /* address, gateway, ifindex */
	struct upnp_probed6 found;
};

void probe6_init(struct probe6 *probe);

/* Starts anew. UPNP_PROBED6 follows. */
void probe6_start(struct client *client, const struct upnp_pinhole *at);

/* Reads what came, sends what is due; when that will be next. */
void probe6_run(struct client *client, int64_t now_us);
int64_t probe6_deadline(const struct probe6 *probe);

/* Asks UPnP, which blocks for a moment, once it is known where. True: it was asked. */
bool probe6_step(struct client *client);

#endif
