/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be known of a tunnel without a packet: where the kernel would lead one, and whether it fits. */
#include <string.h>
#include <unistd.h>

#include "natd/facts.h"

/* https://www.wireguard.com/protocol/: 16 bytes before and 16 after the packet, in UDP (8) and in IPv4
 * (20) or IPv6 (40). */
#define WIREGUARD_AROUND4 (16 + 16 + 8 + 20)

#define USERSPACE_SOCKETS "/run/wireguard/"

bool facts_route(const struct natd *natd, const struct tunnel *tunnel, struct route_answer *answer)
{
	const struct network_link *link = network_link_by_name(&natd->network, tunnel->interface);
	const struct address internet = route_internet(AF_INET);

	for (size_t i = 0; link && link->up && i < tunnel->network_count; i++) {
		struct address client;

		if (tunnel->networks[i].address.family != AF_INET)
			continue;
		client = route_client_of(&natd->network, &tunnel->networks[i]);
		if (!client.family)
			continue;
		*answer = route_through(&internet, &client, link->index);
		return true;
	}
	return false;
}

/* The address of that interface whose network `client` is in, too. */
static bool is_in_network_of(const struct network *network, unsigned int interface,
			     const struct address *client)
{
	for (size_t i = 0; i < network->address_count; i++)
		if (network->addresses[i].index == interface &&
		    prefix_contains(&network->addresses[i].prefix, client))
			return true;
	return false;
}

bool facts_overlap(const struct natd *natd, const struct tunnel *tunnel, char other[IF_NAMESIZE])
{
	const struct network *network = &natd->network;
	const struct network_link *link = network_link_by_name(network, tunnel->interface);

	for (size_t i = 0; link && link->up && i < tunnel->network_count; i++) {
		struct address client = route_client_of(network, &tunnel->networks[i]);
		struct route_answer answer;
		const struct network_link *out;

		if (client.family != AF_INET)
			continue;
		answer = route_to(&client);
		out = network_link_by_index(network, answer.interface);
		if (answer.error || !out || out == link || network_is_tunnel(out) ||
		    !is_in_network_of(network, out->index, &client))
			continue;
		memcpy(other, out->name, IF_NAMESIZE);
		return true;
	}
	return false;
}

/* wireguard-go and boringtun are tun interfaces with a socket of that name; it is not opened. */
bool facts_is_wireguard(const struct tunnel *tunnel)
{
	char path[sizeof(USERSPACE_SOCKETS) + IF_NAMESIZE + sizeof(".sock")] = USERSPACE_SOCKETS;

	if (tunnel->kind != LINK_TUN)
		return tunnel->kind == LINK_WIREGUARD;
	strcat(path, tunnel->interface);
	strcat(path, ".sock");
	return access(path, F_OK) == 0;
}

/* Of the interface, or what the route or a router on the way says, where that is less. */
static uint32_t line_mtu(const struct natd *natd)
{
	const struct network_link *link =
		natd->uplink.known ? network_link_by_index(&natd->network, natd->uplink.index)
				   : NULL;
	const struct address internet = route_internet(AF_INET);
	struct route_answer answer = route_to(&internet);
	uint32_t mtu = link ? link->mtu : 0;

	/* With a VPN of its own the host's packets may leave by another interface. */
	if (link && !answer.error && answer.interface == link->index && answer.mtu &&
	    answer.mtu < mtu)
		mtu = answer.mtu;
	if (link && natd->upstream.hops.mtu && natd->upstream.hops.mtu < mtu)
		mtu = natd->upstream.hops.mtu;
	return mtu;
}

bool facts_packet_size(const struct natd *natd, const struct tunnel *tunnel,
		       struct facts_size *size)
{
	const struct network_link *link = network_link_by_name(&natd->network, tunnel->interface);
	uint32_t line = line_mtu(natd);

	if (!link || !facts_is_wireguard(tunnel) || line <= WIREGUARD_AROUND4 || !link->mtu)
		return false;
	size->inner = link->mtu;
	size->around = WIREGUARD_AROUND4;
	size->line = line;
	size->fits = link->mtu + WIREGUARD_AROUND4 <= line;
	return true;
}
