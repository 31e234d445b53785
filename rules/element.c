/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/element.h"

#include <string.h>

#include "rules/seen.h"

typedef bool next_element(struct element_walk *walk, struct element *element);

static bool take_tunnel(const struct set_tunnel *tunnel, uint32_t index, const struct count *count,
			struct element *element)
{
	element->item = (struct item){ ITEM_TUNNEL, index };
	element->key_size = IF_NAMESIZE;
	memcpy(element->key, tunnel->is.interface, strnlen(tunnel->is.interface, IF_NAMESIZE - 1));
	element->count = count;
	return true;
}

static bool next_tunnel(struct element_walk *walk, struct element *element)
{
	const struct set_tunnel *tunnel;
	const struct count *count;

	if (walk->item >= walk->set->tunnel_count)
		return false;
	tunnel = &walk->set->tunnels[walk->item];
	count = walk->in == SET_FROM_TUNNELS ? &tunnel->in
		: walk->in == SET_TO_TUNNELS ? &tunnel->out
		: walk->in == SET_SPOOFED    ? &tunnel->spoofed
		: walk->in == SET_ALLOWED    ? &tunnel->allowed
		: walk->in == SET_PASSED     ? &tunnel->passed
					     : NULL;
	return take_tunnel(tunnel, walk->item++, count, element);
}

static bool next_without_reach(struct element_walk *walk, struct element *element)
{
	unsigned int reach = walk->in == SET_NO_CLIENTS ? RULES_REACH_CLIENTS
			     : walk->in == SET_NO_LAN   ? RULES_REACH_LAN
							: RULES_REACH_INTERNET;

	while (walk->item < walk->set->tunnel_count) {
		uint32_t index = walk->item++;

		if (!(walk->set->tunnels[index].is.reach & reach))
			return take_tunnel(&walk->set->tunnels[index], index, NULL, element);
	}
	return false;
}

static size_t put_port(uint8_t *key, uint8_t protocol, uint32_t port)
{
	key[0] = protocol;
	key[4] = (uint8_t)(port >> 8);
	key[5] = (uint8_t)port;
	return PORT_KEY_SIZE;
}

static bool next_router_port(struct element_walk *walk, struct element *element)
{
	/* RFC 6886 3 and RFC 6887 19: the gateway's port; UPnP Device Architecture 2.0 1.3: SSDP */
	static const uint16_t ports[] = { 5351, 1900 };

	if (walk->item >= sizeof(ports) / sizeof(*ports))
		return false;
	element->item = (struct item){ ITEM_SET, SET_ROUTER_PORTS };
	element->key_size = put_port(element->key, IPPROTO_UDP, ports[walk->item++]);
	return true;
}

static bool next_port(struct element_walk *walk, struct element *element)
{
	const struct set_port *port;

	if (walk->item >= walk->set->port_count)
		return false;
	port = &walk->set->ports[walk->item];
	element->item = (struct item){ ITEM_PORT, walk->item++ };
	element->key_size = put_port(element->key, port->is.protocol, port->is.port);
	element->count = walk->in == SET_ARRIVED       ? &port->outside
			 : walk->in == SET_ARRIVED_LAN ? &port->lan
						       : &port->delivered;
	return true;
}

/* What was seen before the table was written anew stays seen. */
static bool next_seen(struct element_walk *walk, struct element *element)
{
	for (; walk->item < walk->set->port_count; walk->item++) {
		const struct set_port *port = &walk->set->ports[walk->item];
		int64_t seen = walk->in == SET_SEEN ? port->seen_ms : port->seen_lan_ms;
		int64_t left = RULES_SEEN_MS - (seen_now() - seen);

		if (!seen || left <= 0)
			continue;
		element->item = (struct item){ ITEM_PORT, walk->item++ };
		element->key_size = put_port(element->key, port->is.protocol, port->is.port);
		element->left_ms = (uint64_t)left;
		return true;
	}
	return false;
}

/* ---- networks ---- */

static void take_range(const struct ranges *ranges, const struct range *range,
		       struct element *element)
{
	element->key_size = ranges->bytes;
	memcpy(element->key, range->first, ranges->bytes);
	memcpy(element->after, range->last, ranges->bytes);
	element->interval = true;
	element->to_the_end = !range_next(element->after, ranges->bytes);
}

static bool next_lan(struct element_walk *walk, struct element *element)
{
	const struct ranges *ranges = walk->in == SET_LAN4 ? &walk->set->lans4 : &walk->set->lans6;

	if (walk->item >= ranges->count)
		return false;
	element->item = (struct item){ ITEM_LAN, ranges->items[walk->item].item };
	take_range(ranges, &ranges->items[walk->item++], element);
	return true;
}

static void take_way(const struct way *way, size_t bytes, struct element *element)
{
	if (!way_is_fixed(way))
		return;
	memcpy(element->data, way->first, bytes);
	element->data_size = bytes;
	if (way->egress == RULES_EGRESS_ADDRESS)
		return;
	memcpy(element->data + bytes, way->last, bytes);
	element->data_size = 2 * bytes;
}

static const struct {
	uint8_t family;
	uint8_t egress;
} ways_in[TABLE_SETS] = {
	[SET_EGRESS4] = { AF_INET, RULES_EGRESS_ADDRESS },
	[SET_EGRESS6] = { AF_INET6, RULES_EGRESS_ADDRESS },
	[SET_EGRESS_HOSTS4] = { AF_INET, RULES_EGRESS_ADDRESS },
	[SET_EGRESS_HOSTS6] = { AF_INET6, RULES_EGRESS_ADDRESS },
	[SET_POOL4] = { AF_INET, RULES_EGRESS_POOL },
	[SET_POOL6] = { AF_INET6, RULES_EGRESS_POOL },
	[SET_PREFIX6] = { AF_INET6, RULES_EGRESS_PREFIX },
	[SET_MASQUERADE4] = { AF_INET, RULES_EGRESS_MASQUERADE },
	[SET_MASQUERADE6] = { AF_INET6, RULES_EGRESS_MASQUERADE },
	[SET_MASQUERADE_HOSTS4] = { AF_INET, RULES_EGRESS_MASQUERADE },
	[SET_MASQUERADE_HOSTS6] = { AF_INET6, RULES_EGRESS_MASQUERADE },
	[SET_CLOSED4] = { AF_INET, RULES_EGRESS_CLOSED },
	[SET_CLOSED6] = { AF_INET6, RULES_EGRESS_CLOSED },
	[SET_CLOSED_HOSTS4] = { AF_INET, RULES_EGRESS_CLOSED },
	[SET_CLOSED_HOSTS6] = { AF_INET6, RULES_EGRESS_CLOSED },
};

static bool next_network(struct element_walk *walk, struct element *element)
{
	const struct networks *networks = &walk->set->networks;
	const struct ranges *ranges =
		ways_in[walk->in].family == AF_INET ? &networks->ranges4 : &networks->ranges6;

	while (walk->item < ranges->count) {
		const struct range *range = &ranges->items[walk->item++];
		const struct way *way = networks_way(networks, &networks->items[range->item]);

		if (way->egress != ways_in[walk->in].egress)
			continue;
		element->item = (struct item){ ITEM_NETWORK, range->item };
		take_range(ranges, range, element);
		take_way(way, ranges->bytes, element);
		element->count = way->egress == RULES_EGRESS_CLOSED ? NULL : &range->count;
		return true;
	}
	return false;
}

static bool next_host(struct element_walk *walk, struct element *element)
{
	const struct networks *networks = &walk->set->networks;

	for (; walk->item < networks->count; walk->item++) {
		const struct network_behind *host = &networks->items[walk->item];
		const struct way *way = networks_way(networks, host);

		if (!host->hashed || way->family != ways_in[walk->in].family ||
		    way->egress != ways_in[walk->in].egress ||
		    networks_repeats(networks, walk->item))
			continue;
		element->item = (struct item){ ITEM_NETWORK, walk->item++ };
		element->key_size = range_bytes(way->family);
		memcpy(element->key, &host->prefix.v6, element->key_size);
		take_way(way, element->key_size, element);
		element->count = way->egress == RULES_EGRESS_CLOSED ? NULL : &host->count;
		return true;
	}
	return false;
}

/* ---- publishes ---- */

/* address . port: parts of four bytes or a multiple. */
static size_t put_target(uint8_t *at, const struct rules_publish *publish, uint32_t port)
{
	size_t size = range_bytes(publish->to.family);

	memcpy(at, &publish->to.v6, size);
	at[size] = (uint8_t)(port >> 8);
	at[size + 1] = (uint8_t)port;
	return size + 4;
}

/* The next port of a publish that a set is about; NULL: no more. */
static const struct publish *next_published(struct element_walk *walk, uint8_t family, bool hidden,
					    uint32_t *port)
{
	const struct publishes *published = &walk->set->published;

	for (; walk->item < published->count; walk->item++, walk->port = 0) {
		const struct publish *publish = &published->items[walk->item];

		if (publish->is.to.family != family || (hidden && publish->is.keep_source) ||
		    walk->port == publish_ports(&publish->is))
			continue;
		*port = walk->port++;
		return publish;
	}
	return NULL;
}

static bool next_publish(struct element_walk *walk, struct element *element)
{
	uint32_t port;
	const struct publish *publish =
		next_published(walk, walk->in == SET_PUBLISH4 ? AF_INET : AF_INET6, false, &port);

	if (!publish)
		return false;
	element->item = (struct item){ ITEM_PUBLISH, walk->item };
	element->key_size = put_port(element->key, publish->is.protocol, publish->is.port + port);
	element->data_size = put_target(element->data, &publish->is, publish->is.to_port + port);
	return true;
}

/* What was called so far. */
static bool next_handed_on(struct element_walk *walk, struct element *element)
{
	uint8_t family = walk->in == SET_HANDED_ON4 ? AF_INET : AF_INET6;
	const struct publish *publish;
	uint32_t port;

	while ((publish = next_published(walk, family, false, &port))) {
		const struct count *count = &walk->set->published.counts[publish->first + port];

		if (!count->packets)
			continue;
		element->item = (struct item){ ITEM_PUBLISH, walk->item };
		element->key_size =
			put_port(element->key, publish->is.protocol, publish->is.port + port);
		element->count = count;
		return true;
	}
	return false;
}

static bool next_hidden(struct element_walk *walk, struct element *element)
{
	uint32_t port;
	const struct publish *publish = next_published(
		walk, walk->in == SET_HIDE_SOURCE4 ? AF_INET : AF_INET6, true, &port);

	if (!publish)
		return false;
	element->item = (struct item){ ITEM_PUBLISH, walk->item };
	element->key_size = put_port(element->key, publish->is.protocol, publish->is.port + port);
	return true;
}

static const struct {
	next_element *next;
	bool ascends;
} walks[TABLE_SETS] = {
	[SET_TUNNELS] = { next_tunnel, false },
	[SET_FROM_TUNNELS] = { next_tunnel, false },
	[SET_TO_TUNNELS] = { next_tunnel, false },
	[SET_SPOOFED] = { next_tunnel, false },
	[SET_ALLOWED] = { next_tunnel, false },
	[SET_PASSED] = { next_tunnel, false },
	[SET_NO_CLIENTS] = { next_without_reach, false },
	[SET_NO_LAN] = { next_without_reach, false },
	[SET_NO_INTERNET] = { next_without_reach, false },
	[SET_LAN4] = { next_lan, true },
	[SET_LAN6] = { next_lan, true },
	[SET_ROUTER_PORTS] = { next_router_port, false },
	[SET_ARRIVED] = { next_port, false },
	[SET_ARRIVED_LAN] = { next_port, false },
	[SET_SEEN] = { next_seen, false },
	[SET_SEEN_LAN] = { next_seen, false },
	[SET_DELIVERED] = { next_port, false },
	[SET_EGRESS4] = { next_network, true },
	[SET_EGRESS6] = { next_network, true },
	[SET_EGRESS_HOSTS4] = { next_host, true },
	[SET_EGRESS_HOSTS6] = { next_host, true },
	[SET_POOL4] = { next_network, true },
	[SET_POOL6] = { next_network, true },
	[SET_PREFIX6] = { next_network, true },
	[SET_MASQUERADE4] = { next_network, true },
	[SET_MASQUERADE6] = { next_network, true },
	[SET_MASQUERADE_HOSTS4] = { next_host, true },
	[SET_MASQUERADE_HOSTS6] = { next_host, true },
	[SET_CLOSED4] = { next_network, true },
	[SET_CLOSED6] = { next_network, true },
	[SET_CLOSED_HOSTS4] = { next_host, true },
	[SET_CLOSED_HOSTS6] = { next_host, true },
	[SET_PUBLISH4] = { next_publish, true },
	[SET_PUBLISH6] = { next_publish, true },
	[SET_HANDED_ON4] = { next_handed_on, true },
	[SET_HANDED_ON6] = { next_handed_on, true },
	[SET_HIDE_SOURCE4] = { next_hidden, true },
	[SET_HIDE_SOURCE6] = { next_hidden, true },
};

bool element_next(struct element_walk *walk, struct element *element)
{
	memset(element, 0, sizeof(*element));
	return walks[walk->in].next(walk, element);
}

bool elements_ascend(enum table_set in)
{
	return walks[in].ascends;
}
