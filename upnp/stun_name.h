/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stun_name: a STUN server that natd.conf names is looked up each time that it is asked: such names have
 * many addresses, which change. */
#ifndef UPNP_STUN_NAME_H
#define UPNP_STUN_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "upnp/lookup.h"

struct client;

struct stun_name {
	struct lookup lookup;
	uint16_t port; /* of the server, host byte order */
};

void stun_name_init(struct stun_name *name);
void stun_name_close(struct stun_name *name);

/* Asks `server`, after its name was looked up if it has one. */
void stun_name_start(struct client *client, const struct upnp_server *server);

/* One step. True: the name has no IPv4 address, and that is the end. */
bool stun_name_run(struct client *client, int64_t now_us);

#endif
