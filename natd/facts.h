/* SPDX-License-Identifier: GPL-2.0-or-later */
/* facts: what natd knows, gathered for the verdict. */
#ifndef NATD_FACTS_H
#define NATD_FACTS_H

#include "natd/listen.h"
#include "natd/natd.h"
#include "natd/route.h"
#include "natd/verdict.h"

struct facts facts_gather(const struct natd *natd);

/* rules' counters for one of our ports; NULL where it has not told. */
const struct rules_port_count *facts_port_count(const struct natd *natd, uint8_t protocol,
						uint16_t port);

/* Has somebody opened it by hand? The router opens nothing when asked, and a packet from outside has come
 * since it last said so; not by what natd had opened there before. */
bool facts_by_hand(const struct natd *natd, const struct forward *forward);

/* What the kernel would do with a packet of a client of `tunnel` to the internet, by IPv4. False where
 * there is nothing to ask: no such client, or the tunnel is not up. */
bool facts_route(const struct natd *natd, const struct tunnel *tunnel, struct route_answer *answer);

/* Of the kernel, or in user space. */
bool facts_is_wireguard(const struct tunnel *tunnel);

/* Where another interface has the network of `tunnel` as well, and the kernel sends there what is for its
 * clients: the name of that interface. IPv4 only. */
bool facts_overlap(const struct natd *natd, const struct tunnel *tunnel, char other[IF_NAMESIZE]);

/* Do packets of a WireGuard tunnel fit the line that carries them? Bytes. */
struct facts_size {
	bool fits;
	uint32_t inner;  /* the tunnel's MTU */
	uint32_t around; /* what WireGuard puts around each */
	uint32_t line;   /* MTU of the way to the internet */
};

/* False where `tunnel` is no WireGuard that is there, or nothing is known of the line. */
bool facts_packet_size(const struct natd *natd, const struct tunnel *tunnel,
		       struct facts_size *size);

/* This host's stable public IPv6 address, never a temporary one; family 0 if it has none. */
struct address facts_public_v6(const struct natd *natd);

/* This home's public IPv4 address as it is known now: the router's, or this host's own; 0.0.0.0 where
 * there is none or nobody tells. */
struct in_addr facts_public_wan(const struct natd *natd);

#endif
