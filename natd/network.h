/* SPDX-License-Identifier: GPL-2.0-or-later */
/* network: what rtnetlink says about this host, read whole each time.
 *
 * An event only means "read again": the state is never patched from events, so a lost one (ENOBUFS)
 * cannot leave a wrong picture. Works without privileges; natctl uses it as well. */
#ifndef NATD_NETWORK_H
#define NATD_NETWORK_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "natd/address.h"

/* A host with many containers has several of each per container. */
#define NETWORK_LINKS_MAX     256
#define NETWORK_ADDRESSES_MAX 512
#define NETWORK_ROUTES_MAX    512

enum link_kind {
	LINK_OTHER,
	LINK_WIREGUARD, /* IFLA_INFO_KIND "wireguard" */
	LINK_TUN,       /* "tun" with IFLA_TUN_TYPE IFF_TUN: OpenVPN tun, wireguard-go */
	LINK_TAP,       /* "tun" with IFLA_TUN_TYPE IFF_TAP */
};

struct network_link {
	unsigned int index;
	char name[IF_NAMESIZE];
	enum link_kind kind;
	bool up;
	bool running; /* has a carrier: the cable is in, the Wi-Fi is connected */
	bool loopback;
	bool bridged; /* member of a bridge: not a routed tunnel */
	uint8_t mac[6];
	bool has_mac;
	uint32_t mtu;
};

struct network_address {
	unsigned int index;   /* of its link */
	struct prefix prefix; /* the address itself and the length of its network */
	bool dynamic;         /* given by DHCP or router advertisement: it has a lifetime */
	bool temporary;       /* RFC 8981 */
	bool usable;          /* not tentative, deprecated or failed */
};

/* A route of the main table. */
struct network_route {
	struct prefix destination; /* length 0: default */
	unsigned int index;        /* output link */
	struct address gateway;    /* family 0: on-link */
	uint32_t metric;
};

struct network {
	struct network_link links[NETWORK_LINKS_MAX];
	struct network_address addresses[NETWORK_ADDRESSES_MAX];
	struct network_route routes[NETWORK_ROUTES_MAX];
	size_t link_count;
	size_t address_count;
	size_t route_count;
	bool full; /* the host has more than fits; what is left out is unknown */
};

/* The way to the home router: the main table's default route with the lowest metric that leaves by
 * an interface that is not a tunnel (the VPN's own policy tables and routes hide it from a route
 * query, field/routers.md 67). */
struct uplink {
	bool known;
	unsigned int index;
	char interface[IF_NAMESIZE]; /* not known, and yet named: it would lead there, were it connected */
	struct address
		gateway; /* family 0: on-link default route (PPP): there is no router to ask */
	struct prefix address; /* ours on that link, in the gateway's network where there is one */
	bool dynamic;
	uint8_t mac[6]; /* ours */
	bool has_mac;
};

/* Reads links, addresses and the main table's routes. False with errno set where the kernel does not
 * answer; `network` is then unchanged. */
bool network_read(struct network *network);

/* Opens the event socket (links, addresses, routes; see neighbour_watch.h), non-blocking. -1 with errno set. */
int network_watch(void);

/* Empties the event socket: true if anything happened since the last call. */
bool network_changed(int watch);

const struct network_link *network_link_by_index(const struct network *network, unsigned int index);
const struct network_link *network_link_by_name(const struct network *network, const char *name);
bool network_is_tunnel(const struct network_link *link);

/* Finds the uplink of `family` (AF_INET or AF_INET6); .known is false where there is none. */
struct uplink network_uplink(const struct network *network, int family);

/* This host's stable public IPv6 address on the link `index`: never a temporary (RFC 8981), deprecated
 * or local one. Of several, `present` if it still is one of them, so that it does not change without
 * need (family 0: no preference). Family 0: there is none. */
struct address network_public_v6(const struct network *network, unsigned int index,
				 const struct address *present);

/* Is `address` one of this host's? */
bool network_is_local(const struct network *network, const struct address *address);

#endif
