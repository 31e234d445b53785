/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/tunnels.h"

#include <string.h>

static void add_network(struct tunnel *tunnel, const struct prefix *prefix)
{
	struct prefix network = prefix_network(prefix);
	enum address_kind kind = address_kind(&network.address);

	if (kind == ADDRESS_SPECIAL || kind == ADDRESS_NONE || !network.length)
		return; /* link-local, default */
	for (size_t i = 0; i < tunnel->network_count; i++)
		if (prefix_contains(&tunnel->networks[i], &network.address) &&
		    tunnel->networks[i].length <= network.length)
			return; /* inside one that we have */
	if (tunnel->network_count < CONFIG_NETWORKS_MAX)
		tunnel->networks[tunnel->network_count++] = network;
}

static bool is_host_prefix(const struct prefix *prefix)
{
	return prefix->length == address_bits(&prefix->address);
}

/* A /32 says nothing about the clients: their networks are the routes through the interface. */
static void add_routes(struct tunnel *tunnel, const struct network *network, unsigned int index,
		       int family)
{
	for (size_t i = 0; i < network->route_count; i++) {
		const struct network_route *route = &network->routes[i];

		if (route->index == index && route->destination.address.family == family)
			add_network(tunnel, &route->destination);
	}
}

static void find_networks(struct tunnel *tunnel, const struct network *network)
{
	const struct network_link *link = network_link_by_name(network, tunnel->interface);

	if (!link)
		return;
	for (size_t i = 0; i < network->address_count; i++) {
		const struct network_address *address = &network->addresses[i];

		if (address->index == link->index && !is_host_prefix(&address->prefix))
			add_network(tunnel, &address->prefix);
	}
	for (size_t i = 0; i < network->address_count; i++) {
		const struct network_address *address = &network->addresses[i];

		if (address->index == link->index && is_host_prefix(&address->prefix))
			add_routes(tunnel, network, link->index, address->prefix.address.family);
	}
}

static void set_up(struct tunnel *tunnel, const struct config_tunnel *settings,
		   const struct network *network)
{
	const struct network_link *link = network_link_by_name(network, settings->interface);

	*tunnel = (struct tunnel){
		.present = link != NULL,
		.kind = link ? link->kind : LINK_OTHER,
		.reach = settings->reach,
		.egress = settings->egress,
		.network_count = settings->network_count,
	};
	memcpy(tunnel->interface, settings->interface, sizeof(tunnel->interface));
	memcpy(tunnel->networks, settings->networks, sizeof(tunnel->networks));
	if (!tunnel->network_count)
		find_networks(tunnel, network);
}

size_t tunnels_find(struct tunnel *tunnels, const struct config *config,
		    const struct network *network)
{
	struct config_tunnel settings;
	size_t count = 0;

	for (; count < config->tunnel_count; count++)
		set_up(&tunnels[count], &config->tunnels[count], network);
	if (count)
		return count;
	for (size_t i = 0; i < network->link_count && count < CONFIG_TUNNELS_MAX; i++) {
		if (!network_is_tunnel(&network->links[i]))
			continue;
		config_tunnel_defaults(&settings, network->links[i].name);
		set_up(&tunnels[count++], &settings, network);
	}
	return count;
}

const struct tunnel *tunnels_around(const struct tunnel *tunnels, size_t count,
				    const struct prefix *client)
{
	const struct tunnel *around = NULL;
	uint8_t longest = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t n = 0; n < tunnels[i].network_count; n++) {
			const struct prefix *network = &tunnels[i].networks[n];

			if (network->length > client->length || network->length <= longest ||
			    !prefix_contains(network, &client->address))
				continue;
			around = &tunnels[i];
			longest = network->length;
		}
	return around;
}

struct egress tunnel_egress(const struct tunnel *tunnel, const struct prefix *network)
{
	if (egress_is_fixed(&tunnel->egress) &&
	    tunnel->egress.address.family != network->address.family)
		return (struct egress){ .kind = RULES_EGRESS_MASQUERADE };
	return tunnel->egress;
}
