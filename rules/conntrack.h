/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conntrack: the kernel's connections, read a part at a time so that nothing waits for many of them. */
#ifndef RULES_CONNTRACK_H
#define RULES_CONNTRACK_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

#include "rules/range.h"

/* One connection. Addresses in network byte order, the first 4 or all 16 bytes count; ports in host
 * byte order. */
struct flow {
	uint8_t family;
	uint8_t protocol;
	uint16_t port;                   /* destination of the first packet */
	uint8_t from[RANGE_BYTES_MAX];   /* source of the first packet as it came */
	uint8_t to[RANGE_BYTES_MAX];     /* destination as it came */
	uint8_t as[RANGE_BYTES_MAX];     /* source as it left */
	uint8_t server[RANGE_BYTES_MAX]; /* destination as it left */
	uint16_t server_port;
};

/* Which connections the kernel tells: those that have it all. What is 0 does not matter. Addresses are
 * of IPv4: of IPv6 the kernel tells the connections that have another one instead
 * (nf_conntrack_netlink.c, ctnetlink_filter_match_tuple(); seen on 6.18). */
struct conntrack_filter {
	uint8_t family;       /* AF_INET or AF_INET6; needed for what follows the status */
	uint32_t status;      /* IPS_*, */
	uint32_t status_mask; /* as far as these bits */
	struct in_addr from;  /* of struct flow: network byte order, */
	struct in_addr as;
	uint8_t protocol;
	uint16_t port; /* and host byte order; with a protocol only */
};

struct conntrack {
	struct mnl_socket *socket;
	uint32_t sequence; /* of the dump; others are answers to deletions */
	bool dumping;
	uint32_t told; /* connections of this dump so far */
};

/* Fatal on error: the process has no rights. */
void conntrack_open(struct conntrack *conntrack);
int conntrack_descriptor(const struct conntrack *conntrack);

void conntrack_close(struct conntrack *conntrack);

/* Starts a dump, of what `filter` says; the rest is left out in the kernel. */
void conntrack_dump(struct conntrack *conntrack, const struct conntrack_filter *filter);

/* Forgets a dump that has not ended. */
void conntrack_stop(struct conntrack *conntrack);

/* Reads what is waiting, once, and deletes each connection for which `wrong` says so. Returns how many
 * it deleted; conntrack->dumping is false when that was the end. */
uint32_t conntrack_read(struct conntrack *conntrack,
			bool (*wrong)(const struct flow *flow, void *context), void *context);

#endif
