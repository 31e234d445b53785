/* SPDX-License-Identifier: GPL-2.0-or-later */
/* requests: what natd asks, checked and begun. */
#ifndef UPNP_REQUESTS_H
#define UPNP_REQUESTS_H

#include "upnp/client.h"

/* Takes every request that waits; false: there was none. Ends the process where natd has gone. */
bool requests_receive(struct client clients[UPNP_ROUTERS]);

/* Does `order` name `count` protocols? A check of what natd sends. */
bool requests_order_is_valid(const uint8_t order[UPNP_PROTOCOLS], uint8_t count);

/* Sends the questions that change nothing and are due. */
void probes_run(struct client *client, int64_t now);

#endif
