/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stun: as which address the internet sees this home: one question to the server that natd.conf names,
 * and to no other (RFC 8489, Binding). */
#ifndef UPNP_STUN_H
#define UPNP_STUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "upnp/upnp.h"

#define STUN_REQUEST_SIZE 20
#define STUN_ID_SIZE      12
#define STUN_MESSAGE_MAX  548 /* RFC 8489 6.1: what fits through any IPv4 path */

struct stun {
	int socket; /* -1: nothing is asked */
	uint8_t id[STUN_ID_SIZE];
	unsigned int tries;
	int64_t next_us; /* when to send again or to give up; INT64_MAX: nothing is under way */
};

/* Nothing under way, nothing open. */
void stun_init(struct stun *stun);
void stun_close(struct stun *stun);

/* Asks `server`, in place of a question that is under way. */
void stun_start(struct stun *stun, const struct upnp_network *network,
		const struct upnp_server *server);

/* Reads what came and sends what is due. True: it is over; `mapped` is 0.0.0.0 without an answer. */
bool stun_step(struct stun *stun, int64_t now_us, struct in_addr *mapped);

/* A Binding request. */
void stun_encode(uint8_t bytes[STUN_REQUEST_SIZE], const uint8_t id[STUN_ID_SIZE]);

/* The address in a success response to the request with that id. False: it is no such response, or it
 * names no IPv4 address. */
bool stun_decode(struct in_addr *mapped, const uint8_t *bytes, size_t size,
		 const uint8_t id[STUN_ID_SIZE]);

#endif
