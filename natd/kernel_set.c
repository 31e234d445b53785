/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/kernel_set.h"

#include <stdlib.h>
#include <string.h>

#include "natd/log.h"

struct set {
	struct rules_request *items;
	size_t count;
	const struct network *network;
};

static struct rules_request *append(struct set *set, enum rules_request_what what)
{
	struct rules_request *request = &set->items[set->count++];

	request->what = what;
	return request;
}

static struct rules_prefix to_rules(const struct prefix *prefix)
{
	struct rules_prefix out;

	memset(&out, 0, sizeof(out)); /* sets are compared byte by byte */
	out.family = prefix->address.family;
	out.length = prefix->length;
	if (out.family == AF_INET)
		out.v4 = prefix->address.v4;
	else
		out.v6 = prefix->address.v6;
	return out;
}

/* With an address that is gone packets would leave and no answer come back. */
static uint8_t egress_kind(const struct set *set, const struct egress *egress)
{
	if (!egress_is_gone(egress, set->network))
		return egress->kind;
	return egress->masquerade_gone ? RULES_EGRESS_MASQUERADE : RULES_EGRESS_CLOSED;
}

static void append_network(struct set *set, const char interface[IF_NAMESIZE],
			   const struct prefix *network, const struct egress *egress)
{
	uint8_t bits = egress->kind == RULES_EGRESS_PREFIX ? egress->length
							   : address_bits(&egress->address);
	struct rules_request *request = append(set, RULES_NETWORK);

	memcpy(request->network.interface, interface, IF_NAMESIZE);
	request->network.network = to_rules(network);
	request->network.egress = egress_kind(set, egress);
	if (request->network.egress != egress->kind || !egress_is_fixed(egress))
		return;
	request->network.address = to_rules(&(struct prefix){ egress->address, bits });
	if (egress->kind == RULES_EGRESS_POOL)
		request->network.last = to_rules(&(struct prefix){ egress->last, bits });
}

/* A client begins with its configuration, by which it is found. */
struct kernel_client *kernel_client_of(struct kernel *kernel, const struct rules_prefix *network)
{
	const struct config_client wanted = {
		.network = { kernel_address(network), network->length },
	};

	if (!kernel->client_count)
		return NULL;
	return bsearch(&wanted, kernel->clients, kernel->client_count, sizeof(*kernel->clients),
		       config_compare_clients);
}

/* A `client` that is the whole network of a tunnel stands for it. */
static void append_tunnel(struct set *set, struct kernel *kernel, const struct tunnel *tunnel)
{
	struct rules_request *request = append(set, RULES_TUNNEL);

	memcpy(request->tunnel.interface, tunnel->interface, sizeof(tunnel->interface));
	request->tunnel.reach = tunnel->reach;
	for (size_t i = 0; i < tunnel->network_count; i++) {
		struct egress egress = tunnel_egress(tunnel, &tunnel->networks[i]);
		struct rules_prefix network = to_rules(&tunnel->networks[i]);

		if (!kernel_client_of(kernel, &network))
			append_network(set, tunnel->interface, &tunnel->networks[i], &egress);
	}
}

static void append_clients(struct set *set, const struct kernel *kernel)
{
	for (size_t i = 0; i < kernel->client_count; i++) {
		const struct kernel_client *client = &kernel->clients[i];

		if (client->interface[0])
			append_network(set, client->interface, &client->is.network,
				       &client->is.egress);
	}
}

static void append_published(struct set *set, const struct kernel *kernel)
{
	for (size_t i = 0; i < kernel->publish_count; i++) {
		const struct config_publish *publish = &kernel->publishes[i].is;
		struct prefix to = { publish->to, address_bits(&publish->to) };
		struct rules_request *request;

		if (!kernel->publishes[i].interface[0])
			continue;
		request = append(set, RULES_PUBLISH);
		request->publish.protocol = publish->protocol;
		request->publish.keep_source = publish->keep_source;
		request->publish.port = publish->port;
		request->publish.last = publish->last;
		request->publish.to_port = publish->to_port;
		request->publish.to = to_rules(&to);
	}
}

static bool has_lan(const struct set *set, size_t from, const struct rules_prefix *wanted)
{
	for (size_t i = from; i < set->count; i++)
		if (memcmp(&set->items[i].prefix, wanted, sizeof(*wanted)) == 0)
			return true;
	return false;
}

/* A network of the home, unless it is behind a tunnel, of this host alone, the internet itself, or in
 * the set already, from `from` on. */
static void append_lan_network(struct set *set, size_t from, unsigned int index,
			       const struct prefix *prefix)
{
	const struct network_link *link = network_link_by_index(set->network, index);
	struct prefix whole = prefix_network(prefix);
	struct rules_prefix wanted = to_rules(&whole);

	if (!link || link->loopback || network_is_tunnel(link) || !prefix->length)
		return;
	if (!has_lan(set, from, &wanted))
		append(set, RULES_LAN)->prefix = wanted;
}

/* Without a router in between, who has an address near ours is the provider's next customer. An IPv6 home
 * has public addresses as well. */
static bool is_the_line(const struct uplink *uplink, const struct network_address *address)
{
	return uplink->known && address->index == uplink->index &&
	       address->prefix.address.family == AF_INET &&
	       address_kind(&address->prefix.address) != ADDRESS_PRIVATE;
}

/* The networks of every interface, and private ones behind another router of the home. */
static void append_lan(struct set *set)
{
	const struct network *network = set->network;
	struct uplink uplink = network_uplink(network, AF_INET);
	size_t from = set->count;

	for (size_t i = 0; i < network->address_count; i++) {
		const struct network_address *address = &network->addresses[i];

		if (address_kind(&address->prefix.address) != ADDRESS_SPECIAL &&
		    !is_the_line(&uplink, address))
			append_lan_network(set, from, address->index, &address->prefix);
	}
	for (size_t i = 0; i < network->route_count; i++) {
		const struct network_route *route = &network->routes[i];
		struct prefix whole = prefix_network(&route->destination);

		if (address_kind(&whole.address) == ADDRESS_PRIVATE)
			append_lan_network(set, from, route->index, &route->destination);
	}
}

/* Tunnels, their networks, clients, publishes, the LAN's networks, ports, and the two that frame them. */
static size_t most_items(const struct kernel *kernel)
{
	return 2 + kernel->tunnel_count * (1 + CONFIG_NETWORKS_MAX) + kernel->client_count +
	       kernel->publish_count + NETWORK_ADDRESSES_MAX + NETWORK_ROUTES_MAX +
	       CONFIG_FORWARDS_MAX;
}

struct rules_request *kernel_set(struct kernel *kernel, const struct network *network, bool owned,
				 const struct kernel_port *ports, size_t port_count, size_t *count)
{
	size_t most = most_items(kernel);
	struct set whole = { calloc(most, sizeof(*whole.items)), 0, network };
	struct set *set = &whole;

	if (!set->items)
		fatal("no memory for %zu rules", most);
	append(set, RULES_BEGIN)->begin.owned = owned ? RULES_OWNED_ALL : RULES_OWNED_NONE;
	for (size_t i = 0; i < kernel->tunnel_count; i++)
		append_tunnel(set, kernel, &kernel->tunnels[i]);
	append_clients(set, kernel);
	append_published(set, kernel);
	append_lan(set);
	for (size_t i = 0; i < port_count && i < CONFIG_FORWARDS_MAX; i++) {
		struct rules_request *request = append(set, RULES_PORT);

		request->port.protocol = ports[i].protocol;
		request->port.port = ports[i].port;
	}
	append(set, RULES_COMMIT);
	*count = set->count;
	return set->items;
}
