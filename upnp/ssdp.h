/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ssdp: finds where the router describes itself (UPnP Device Architecture 1.1, section 1.3). */
#ifndef UPNP_SSDP_H
#define UPNP_SSDP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "upnp/upnp.h"
#include "upnp/url.h"

#define SSDP_DATAGRAM_MAX 2048
#define SSDP_TRIES        4

struct ssdp_answer {
	char location[URL_TEXT_MAX]; /* of the description */
	char server[UPNP_TEXT_MAX];  /* "" where it is not said; cleaned */
	char target[96];             /* ST */
};

/* A socket for searches on the link of `network`, bound to this host's address there. Not connected:
 * routers answer from other ports and other addresses. -1 with errno set. */
int ssdp_open(const struct upnp_network *network);

/* Sends the searches of one try (0 to SSDP_TRIES - 1), to the gateway and to everybody; each try asks
 * for other device and service types. */
void ssdp_search(int socket, const struct upnp_network *network, unsigned int try);

/* Reads the answer to a search. False: it is no such answer, or has no LOCATION that fits. */
bool ssdp_parse(struct ssdp_answer *answer, const char *bytes, size_t size);

/* The description of the gateway that an answer from `source` leads to. False: it leads elsewhere, or
 * came from somebody else; never follow it. */
bool ssdp_accept(struct url *description, const struct ssdp_answer *answer, struct in_addr source,
		 const struct upnp_network *network);

#endif
