/* SPDX-License-Identifier: GPL-2.0-or-later */
/* identify: asks a router that does not describe itself what else tells its maker: its own DNS, which may
 * have a name for it (an NTT gateway knows "ntt.setup"), and its web page. Both at once, each by a upnp
 * process of its own, so that other questions may go on meanwhile. */
#ifndef NATD_CTL_IDENTIFY_H
#define NATD_CTL_IDENTIFY_H

#include <jansson.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "natd/process.h"
#include "upnp/upnp.h"

#define IDENTIFY_SOCKETS 2

struct identify {
	bool runs;
	struct in_addr router;
	struct process dns;
	struct process page;
	json_t *names; /* that may be the router's, in the order in which they are asked for */
	size_t next;   /* the name asked for now */
	int64_t dns_deadline; /* natd_now(); 0: it is over */
	int64_t page_deadline;
	const json_t *name; /* of `names`: it is the router's; NULL: none is, so far */
	char title[UPNP_TEXT_MAX];
};

/* Begins to ask for the names in `routers` (routers.h) and for the page. */
void identify_start(struct identify *identify, struct in_addr router, const json_t *routers);

/* Fills in what to poll; then takes what has come. For one that does not run there is nothing. */
void identify_sockets(const struct identify *identify, struct pollfd sockets[IDENTIFY_SOCKETS]);
void identify_step(struct identify *identify);

/* Waits until everything has been answered, or has had its time. */
void identify_wait(struct identify *identify);

/* Ends it, and adds what it found to the facts of the router: "dns" and "title". */
void identify_end(struct identify *identify, json_t *router);

#endif
