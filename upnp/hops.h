/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hops: which routers are on the way out, and with which addresses they face the internet.
 *
 * Datagrams that die after one, two and three hops, on an ordinary UDP socket: Linux hands the ICMP
 * errors that come back to the socket that sent them (IP_RECVERR), so no raw socket and no capability
 * is needed. Two of them bear the IP option Record Route (RFC 791 3.1): a router writes into it the
 * address with which it forwards, which is how the home router's WAN address shows where the router
 * itself does not tell it. Many a router drops such a packet, so it is an extra only. One is as large as
 * Ethernet takes and must not be cut into pieces: a router before a narrower line (PPPoE, MAP-E) says how
 * narrow that is (RFC 1191 4). */
#ifndef UPNP_HOPS_H
#define UPNP_HOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "upnp/upnp.h"

#define HOPS_PROBES 6 /* datagrams of one try */
#define HOPS_RECORDS                                                                               \
	4 /* addresses that Record Route has room for: this host's and three routers' */

struct hops {
	int socket; /* -1: no probe is under way */
	struct in_addr own;
	uint32_t ifindex;
	unsigned int tries;
	int64_t next_us; /* when to send again or to end; INT64_MAX: nothing is under way */
	bool answered[HOPS_PROBES];
	struct in_addr from[HOPS_PROBES]; /* who answered */
	struct in_addr records[HOPS_PROBES][HOPS_RECORDS];
	uint16_t mtu; /* the smallest that a router has named; 0: none */
};

/* Nothing under way, nothing open. */
void hops_init(struct hops *hops);
void hops_close(struct hops *hops);

/* Starts a probe that leaves by the network's link, in place of one that is under way. */
void hops_start(struct hops *hops, const struct upnp_network *network);

/* Reads what came back and sends what is due. True: the probe is over, and `found` is what it found. */
bool hops_step(struct hops *hops, int64_t now_us, struct upnp_hops *found);

/* The addresses that IP options recorded, the first hop's first; returns how many. */
size_t hops_record(const uint8_t *options, size_t size, struct in_addr records[HOPS_RECORDS]);

/* What the answers mean: see struct upnp_hops. */
struct upnp_hops hops_found(const struct hops *hops);

#endif
