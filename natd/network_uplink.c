/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which way leads to the router, and which address of ours goes with it. */
#include "natd/network.h"

#include <string.h>
#include <sys/socket.h>

/* A static route stays when the cable is pulled, so a link without carrier leads nowhere: another
 * default route does, or none. */
static const struct network_route *default_route(const struct network *network, int family,
						 bool running)
{
	const struct network_route *best = NULL;

	for (size_t i = 0; i < network->route_count; i++) {
		const struct network_route *route = &network->routes[i];
		const struct network_link *link = network_link_by_index(network, route->index);

		if (route->destination.length || route->destination.address.family != family)
			continue;
		if (!link || !link->up || link->loopback || network_is_tunnel(link) ||
		    link->running != running)
			continue;
		if (!best || route->metric < best->metric)
			best = route;
	}
	return best;
}

/* Ours on the uplink: one in the gateway's network rather than another; never a temporary one where
 * there is a stable one, and global rather than link-local. */
static int address_rank(const struct network_address *address, const struct uplink *uplink)
{
	bool near = uplink->gateway.family && prefix_contains(&address->prefix, &uplink->gateway);
	bool special = address_kind(&address->prefix.address) == ADDRESS_SPECIAL;

	return (special ? 0 : 8) + (near ? 4 : 0) + (address->usable ? 2 : 0) +
	       (address->temporary ? 0 : 1);
}

static const struct network_address *uplink_address(const struct network *network,
						    const struct uplink *uplink, int family)
{
	const struct network_address *best = NULL;

	for (size_t i = 0; i < network->address_count; i++) {
		const struct network_address *address = &network->addresses[i];

		if (address->index != uplink->index || address->prefix.address.family != family)
			continue;
		if (!best || address_rank(address, uplink) > address_rank(best, uplink))
			best = address;
	}
	return best;
}

struct uplink network_uplink(const struct network *network, int family)
{
	const struct network_route *route = default_route(network, family, true);
	struct uplink uplink = { 0 };
	const struct network_address *address;
	const struct network_link *link;

	if (!route) {
		route = default_route(network, family, false);
		link = route ? network_link_by_index(network, route->index) : NULL;
		if (link)
			memcpy(uplink.interface, link->name, sizeof(uplink.interface));
		return uplink;
	}
	uplink.index = route->index;
	uplink.gateway = route->gateway;
	address = uplink_address(network, &uplink, family);
	link = network_link_by_index(network, route->index);
	if (!address || !link)
		return (struct uplink){ 0 };
	uplink.known = true;
	uplink.address = address->prefix;
	uplink.dynamic = address->dynamic;
	memcpy(uplink.interface, link->name, sizeof(uplink.interface));
	memcpy(uplink.mac, link->mac, sizeof(uplink.mac));
	uplink.has_mac = link->has_mac;
	return uplink;
}

struct address network_public_v6(const struct network *network, unsigned int index,
				 const struct address *present)
{
	struct address found = { 0 };

	for (size_t i = network->address_count; i-- > 0;) {
		const struct network_address *address = &network->addresses[i];

		if (address->index != index || address->temporary || !address->usable ||
		    address->prefix.address.family != AF_INET6 ||
		    address_kind(&address->prefix.address) != ADDRESS_PUBLIC)
			continue;
		found = address->prefix.address;
		if (address_equal(&found, present))
			break;
	}
	return found;
}
