/* SPDX-License-Identifier: GPL-2.0-or-later */
/* former: PCP and NAT-PMP let only the address that made a mapping remove it. While this host still has
 * its former address, on whatever interface, that is done: beside the tasks, which ask for the new one
 * from the address of now. */
#ifndef UPNP_FORMER_H
#define UPNP_FORMER_H

#include <netinet/in.h>
#include <stdint.h>

#include "upnp/tries.h"
#include "upnp/upnp.h"

#define FORMER_MAX 16 /* at a time; what is more ends with its lease */

struct client;

struct former {
	int socket; /* connected, from `address`; -1: not open */
	struct in_addr address;
	struct former_task {
		struct upnp_mapping mapping;
		struct tries tries;
	} tasks[FORMER_MAX];
};

void former_init(struct former *former);
void former_close(struct former *former);

/* Removes what was granted to the former address of the mapping, where there is one and it still is
 * this host's. The first datagram leaves at once, before the question for the new mapping. */
void former_leave(struct client *client, const struct upnp_mapping *mapping);

/* Sends again what was not answered (RFC 6887 8.1.1, RFC 6886 3.1); when that will be next. */
void former_run(struct former *former, int64_t now);
int64_t former_deadline(const struct former *former);

/* Reads what has come. Where the router took a removal only after the first try, it may have granted
 * another port meanwhile, and natd is told that the wanted one is free. */
void former_receive(struct client *client);

#endif
