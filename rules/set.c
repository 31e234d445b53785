/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/set.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "natd/log.h"
#include "rules/check.h"

#define PREFIX_TEXT (INET6_ADDRSTRLEN + 4)

static void set_refuse(struct set *set, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The first reason is the one that is told. */
static void set_refuse(struct set *set, int error, const char *format, ...)
{
	va_list arguments;

	if (set->error)
		return;
	set->error = error;
	va_start(arguments, format);
	vsnprintf(set->what, sizeof(set->what), format, arguments);
	va_end(arguments);
}

void set_clear(struct set *set)
{
	free(set->tunnels);
	free(set->networks);
	free(set->lans);
	free(set->ports);
	publishes_free(&set->published);
	ranges_free(&set->networks4);
	ranges_free(&set->networks6);
	ranges_free(&set->lans4);
	ranges_free(&set->lans6);
	*set = (struct set){ 0 };
}

void set_begin(struct set *set, uint32_t generation)
{
	set_clear(set);
	set->exists = true;
	set->generation = generation;
}

/* Room for one more item of `size` bytes after the first `count`; NULL where `max` are there. An
 * array doubles whenever its count has reached a power of two. */
static void *room(struct set *set, void *items, uint32_t count, uint32_t max, size_t size)
{
	if (count >= max) {
		set_refuse(set, ENOSPC, "more than %u items of one kind", max);
		return NULL;
	}
	if (count & (count - 1))
		return items;
	items = realloc(items, (count ? (size_t)count * 2 : 1) * size);
	if (!items)
		fatal("no memory for a set of %u items", count);
	return items;
}

struct set_tunnel *set_find_tunnel(const struct set *set, const char *interface)
{
	for (uint32_t i = 0; i < set->tunnel_count; i++)
		if (strncmp(set->tunnels[i].is.interface, interface, IF_NAMESIZE) == 0)
			return &set->tunnels[i];
	return NULL;
}

struct set_port *set_find_port(const struct set *set, uint8_t protocol, uint16_t port)
{
	for (uint32_t i = 0; i < set->port_count; i++)
		if (set->ports[i].is.protocol == protocol && set->ports[i].is.port == port)
			return &set->ports[i];
	return NULL;
}

struct ranges *set_networks(struct set *set, uint8_t family)
{
	return family == AF_INET ? &set->networks4 : &set->networks6;
}

void set_add_tunnel(struct set *set, const struct rules_tunnel *tunnel)
{
	const struct set_tunnel *known = set_find_tunnel(set, tunnel->interface);
	struct set_tunnel *tunnels;

	if (!check_printable(tunnel->interface)) {
		set_refuse(set, EINVAL,
			   "the tunnel \"%s\": a name with this character cannot be used",
			   tunnel->interface);
		return;
	}
	if (known && known->is.reach != tunnel->reach)
		set_refuse(set, EEXIST, "the tunnel %s is there twice, with different reach",
			   tunnel->interface);
	if (known)
		return;
	tunnels = room(set, set->tunnels, set->tunnel_count, SET_TUNNELS_MAX, sizeof(*tunnels));
	if (!tunnels)
		return;
	set->tunnels = tunnels;
	tunnels[set->tunnel_count++] = (struct set_tunnel){ .is = *tunnel };
}

void set_add_network(struct set *set, const struct rules_network *network)
{
	struct set_network *networks =
		room(set, set->networks, set->network_count, SET_NETWORKS_MAX, sizeof(*networks));

	if (!networks)
		return;
	set->networks = networks;
	networks[set->network_count] =
		(struct set_network){ .is = *network, .same = set->network_count };
	set->network_count++;
}

void set_add_lan(struct set *set, const struct rules_prefix *lan)
{
	struct rules_prefix *lans =
		room(set, set->lans, set->lan_count, SET_LANS_MAX, sizeof(*lans));

	if (!lans)
		return;
	set->lans = lans;
	lans[set->lan_count++] = *lan;
}

void set_add_port(struct set *set, const struct rules_port *port)
{
	struct set_port *ports;

	if (set_find_port(set, port->protocol, port->port))
		return;
	ports = room(set, set->ports, set->port_count, SET_PORTS_MAX, sizeof(*ports));
	if (!ports)
		return;
	set->ports = ports;
	ports[set->port_count++] = (struct set_port){ .is = *port };
}

void set_add_publish(struct set *set, const struct rules_publish *publish)
{
	struct publishes *published = &set->published;
	struct publish *items =
		room(set, published->items, published->count, SET_PUBLISH_MAX, sizeof(*items));

	if (!items)
		return;
	published->items = items;
	items[published->count++] = (struct publish){ .is = *publish };
	published->ports += publish_ports(publish);
	if (published->ports > PUBLISHED_PORTS_MAX)
		set_refuse(set, ENOSPC, "more than %d published ports", PUBLISHED_PORTS_MAX);
}

static const char *prefix_text(const struct rules_prefix *prefix, char text[PREFIX_TEXT])
{
	char address[INET6_ADDRSTRLEN] = "";

	inet_ntop(prefix->family, &prefix->v6, address, sizeof(address));
	snprintf(text, PREFIX_TEXT, "%s/%u", address, prefix->length);
	return text;
}

bool set_same_egress(const struct rules_network *a, const struct rules_network *b)
{
	size_t bytes = a->network.family == AF_INET ? sizeof(a->address.v4) : sizeof(a->address.v6);

	return a->egress == b->egress && (a->egress != RULES_EGRESS_ADDRESS ||
					  memcmp(&a->address.v6, &b->address.v6, bytes) == 0);
}

static bool same_networks(const struct set *a, const struct set *b, uint8_t family)
{
	const struct ranges *left = family == AF_INET ? &a->networks4 : &a->networks6;
	const struct ranges *right = family == AF_INET ? &b->networks4 : &b->networks6;

	if (left->count != right->count)
		return false;
	for (size_t i = 0; i < left->count; i++)
		if (memcmp(left->items[i].first, right->items[i].first, left->bytes) != 0 ||
		    memcmp(left->items[i].last, right->items[i].last, left->bytes) != 0 ||
		    !set_same_egress(&a->networks[left->items[i].item].is,
				     &b->networks[right->items[i].item].is))
			return false;
	return true;
}

unsigned int set_differences(const struct set *a, const struct set *b)
{
	bool ports = publishes_same(&a->published, &b->published);

	return (same_networks(a, b, AF_INET) && ports ? 0 : 1) |
	       (same_networks(a, b, AF_INET6) && ports ? 0 : 2);
}

static void check_tunnels_known(struct set *set)
{
	char text[PREFIX_TEXT];

	for (uint32_t i = 0; i < set->network_count; i++)
		if (!set_find_tunnel(set, set->networks[i].is.interface))
			set_refuse(set, ENODEV, "the network %s: %s is no tunnel of this set",
				   prefix_text(&set->networks[i].is.network, text),
				   set->networks[i].is.interface);
}

/* Two tunnels may share a network only if it leaves in one way: packets are told apart by source. */
static void find_same(struct set *set, const struct range_prefix *sorted, size_t count)
{
	char text[PREFIX_TEXT];

	for (size_t i = 1; i < count; i++) {
		const struct set_network *a = &set->networks[sorted[i - 1].item];
		struct set_network *b = &set->networks[sorted[i].item];

		if (!range_same_prefix(&a->is.network, &b->is.network))
			continue;
		b->same = a->same;
		if (!set_same_egress(&a->is, &b->is))
			set_refuse(set, EEXIST,
				   "the network %s of %s is also behind %s, with another egress",
				   prefix_text(&b->is.network, text), b->is.interface,
				   a->is.interface);
	}
}

static struct range_prefix *prefixes_new(size_t count)
{
	struct range_prefix *prefixes = calloc(count ? count : 1, sizeof(*prefixes));

	if (!prefixes)
		fatal("no memory for %zu networks", count);
	return prefixes;
}

static void make_networks(struct set *set, uint8_t family)
{
	struct range_prefix *prefixes = prefixes_new(set->network_count);
	size_t count = 0;

	for (uint32_t i = 0; i < set->network_count; i++)
		if (set->networks[i].is.network.family == family)
			prefixes[count++] = (struct range_prefix){ set->networks[i].is.network, i };
	ranges_make(set_networks(set, family), family, prefixes, count);
	find_same(set, prefixes, count);
	free(prefixes);
}

static void make_lans(struct set *set, uint8_t family, struct ranges *ranges)
{
	struct range_prefix *prefixes = prefixes_new(set->lan_count);
	size_t count = 0;

	for (uint32_t i = 0; i < set->lan_count; i++)
		if (set->lans[i].family == family)
			prefixes[count++] = (struct range_prefix){ set->lans[i], i };
	ranges_make(ranges, family, prefixes, count);
	free(prefixes);
}

static const char *protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? "tcp" : "udp";
}

static void publish_text(const struct rules_publish *publish, char text[RULES_TEXT_MAX])
{
	char address[INET6_ADDRSTRLEN] = "";

	inet_ntop(publish->to.family, &publish->to.v6, address, sizeof(address));
	snprintf(text, RULES_TEXT_MAX, "the published %s port %u of %s",
		 protocol_name(publish->protocol), publish->port, address);
}

static void finish_published(struct set *set)
{
	const struct publish *clash = set->error ? NULL : publishes_finish(&set->published);
	char text[RULES_TEXT_MAX];

	if (!clash)
		return;
	publish_text(&clash->is, text);
	set_refuse(set, EEXIST, "%.80s is there twice, in part", text);
}

bool set_finish(struct set *set)
{
	check_tunnels_known(set);
	make_networks(set, AF_INET);
	make_networks(set, AF_INET6);
	make_lans(set, AF_INET, &set->lans4);
	make_lans(set, AF_INET6, &set->lans6);
	finish_published(set);
	return set->error == 0;
}

static void carry_networks(struct set *set, struct set *from, uint8_t family)
{
	struct ranges *ranges = set_networks(set, family);

	for (size_t i = 0; i < ranges->count; i++) {
		const struct range *known =
			ranges_find(set_networks(from, family), ranges->items[i].first);

		if (known)
			ranges->items[i].count = known->count;
	}
}

void set_carry_counts(struct set *set, struct set *from)
{
	for (uint32_t i = 0; i < set->tunnel_count; i++) {
		const struct set_tunnel *known =
			set_find_tunnel(from, set->tunnels[i].is.interface);

		if (known) {
			set->tunnels[i].in = known->in;
			set->tunnels[i].out = known->out;
			set->tunnels[i].spoofed = known->spoofed;
		}
	}
	for (uint32_t i = 0; i < set->port_count; i++) {
		const struct set_port *known =
			set_find_port(from, set->ports[i].is.protocol, set->ports[i].is.port);

		if (known) {
			struct rules_port is = set->ports[i].is;

			set->ports[i] = *known;
			set->ports[i].is = is;
		}
	}
	carry_networks(set, from, AF_INET);
	carry_networks(set, from, AF_INET6);
	publishes_carry(&set->published, &from->published);
}

void set_sum(struct set *set)
{
	const struct ranges *families[] = { &set->networks4, &set->networks6 };

	for (uint32_t i = 0; i < set->network_count; i++)
		set->networks[i].packets = 0;
	for (size_t f = 0; f < 2; f++)
		for (size_t i = 0; i < families[f]->count; i++)
			set->networks[families[f]->items[i].item].packets +=
				families[f]->items[i].count.packets;
	for (uint32_t i = 0; i < set->network_count; i++)
		set->networks[i].packets = set->networks[set->networks[i].same].packets;
	publishes_sum(&set->published);
}

void set_describe(const struct set *set, struct item item, char text[RULES_TEXT_MAX])
{
	char prefix[PREFIX_TEXT];

	text[0] = '\0';
	if (item.kind == ITEM_TUNNEL && item.index < set->tunnel_count)
		snprintf(text, RULES_TEXT_MAX, "the tunnel %s",
			 set->tunnels[item.index].is.interface);
	else if (item.kind == ITEM_NETWORK && item.index < set->network_count)
		snprintf(text, RULES_TEXT_MAX, "the network %s of %s",
			 prefix_text(&set->networks[item.index].is.network, prefix),
			 set->networks[item.index].is.interface);
	else if (item.kind == ITEM_LAN && item.index < set->lan_count)
		snprintf(text, RULES_TEXT_MAX, "the home network %s",
			 prefix_text(&set->lans[item.index], prefix));
	else if (item.kind == ITEM_PORT && item.index < set->port_count)
		snprintf(text, RULES_TEXT_MAX, "%s port %u",
			 protocol_name(set->ports[item.index].is.protocol),
			 set->ports[item.index].is.port);
	else if (item.kind == ITEM_PUBLISH && item.index < set->published.count)
		publish_text(&set->published.items[item.index].is, text);
}
