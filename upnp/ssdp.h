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
#define SSDP_UUID_MAX     64

struct ssdp_answer {
	enum ssdp_kind {
		SSDP_ANSWER,  /* to a search */
		SSDP_ALIVE,   /* NOTIFY: it is there */
		SSDP_GOODBYE, /* NOTIFY: it goes */
	} kind;
	char location[URL_TEXT_MAX]; /* of the description */
	char server[UPNP_TEXT_MAX];  /* "" where it is not said; cleaned */
	char target[96];             /* ST or NT */
	char uuid[SSDP_UUID_MAX];    /* of USN: "uuid:..." without the type; "": not said */
	uint32_t boot_id; /* grows with each start of the device, UDA 1.1, 1.2.2; 0: not said */
};

/* A socket for searches on the link of `network`, bound to this host's address there. Not connected:
 * routers answer from other ports and other addresses. -1 with errno set. */
int ssdp_open(const struct upnp_network *network);

/* Sends the searches of one try (0 to SSDP_TRIES - 1), to the gateway and to everybody; each try asks
 * for other device and service types. A router behind the home router hears only what is sent to it. */
void ssdp_search(int socket, const struct upnp_network *network, unsigned int try);

/* Reads the answer to a search, or a NOTIFY. False: it is neither, or has no LOCATION that fits (a
 * goodbye needs none). */
bool ssdp_parse(struct ssdp_answer *answer, const char *bytes, size_t size);

/* Is it about a device or service that opens ports? */
bool ssdp_is_router(const struct ssdp_answer *answer);

/* The description of the gateway that an answer leads to: what names another host of the link is asked
 * at the gateway, which may be a pair that answers with its own addresses (field/routers.md 5), and so is
 * an address of IPv6. False: it leads elsewhere. */
bool ssdp_accept(struct url *description, const struct ssdp_answer *answer,
		 const struct upnp_network *network);

#endif
