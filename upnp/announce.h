/* SPDX-License-Identifier: GPL-2.0-or-later */
/* announce: what a router says to everybody on the link without being asked: PCP and NAT-PMP on
 * 224.0.0.1 port 5350, PCP on ff02::1 as well, UPnP's NOTIFY on 239.255.255.250 port 1900. Only the
 * gateway is believed.
 *
 * A port that another program keeps to itself, or a group that cannot be joined, is done without. */
#ifndef UPNP_ANNOUNCE_H
#define UPNP_ANNOUNCE_H

#include "upnp/client.h"

/* Listens for the protocols that natd wants asked, on the link of client->network, unless it does. */
void announce_open(struct client *client);
void announce_close(struct client *client);

/* By SSDP the router, who is the gateway or igd->found, said nothing new: that does not wake us again.
 * Something new, or is found at last: all is heard again. */
void announce_boring(struct client *client, const uint8_t *bytes, size_t size);
void announce_news(struct client *client);

void announce_receive(struct client *client);

#endif
