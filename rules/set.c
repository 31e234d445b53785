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
	free(set->lans);
	free(set->ports);
	networks_free(&set->networks);
	publishes_free(&set->published);
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

void set_add_network(struct set *set, const struct rules_network *network)
{
	const struct set_tunnel *tunnel = set_find_tunnel(set, network->interface);
	char text[PREFIX_TEXT];

	if (!tunnel)
		set_refuse(set, ENODEV, "the network %s: %s is no tunnel of this set",
			   prefix_text(&network->network, text), network->interface);
	else if (!networks_add(&set->networks, network, (uint8_t)(tunnel - set->tunnels)))
		set_refuse(set, ENOSPC, "more than %u networks", NETWORKS_MAX);
}

unsigned int set_differences(const struct set *a, const struct set *b)
{
	bool ports = publishes_same(&a->published, &b->published);

	return (networks_same(&a->networks, &b->networks, AF_INET) && ports ? 0 : 1) |
	       (networks_same(&a->networks, &b->networks, AF_INET6) && ports ? 0 : 2);
}

/* Two tunnels may share a network only if it leaves in one way: packets are told apart by source. */
static void finish_networks(struct set *set)
{
	const struct network_behind *clash = set->error ? NULL : networks_finish(&set->networks);
	char text[PREFIX_TEXT];

	if (clash)
		set_refuse(set, EEXIST,
			   "the network %s of %s is also behind %s, with another egress",
			   prefix_text(&clash->prefix, text),
			   set->tunnels[clash[1].tunnel].is.interface,
			   set->tunnels[clash->tunnel].is.interface);
}

static void make_lans(struct set *set, uint8_t family, struct ranges *ranges)
{
	struct range_prefix *prefixes =
		calloc(set->lan_count ? set->lan_count : 1, sizeof(*prefixes));
	size_t count = 0;

	if (!prefixes)
		fatal("no memory for %u home networks", set->lan_count);
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
	finish_networks(set);
	make_lans(set, AF_INET, &set->lans4);
	make_lans(set, AF_INET6, &set->lans6);
	finish_published(set);
	return set->error == 0;
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
			set->tunnels[i].allowed = known->allowed;
			set->tunnels[i].passed = known->passed;
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
	networks_carry(&set->networks, &from->networks);
	publishes_carry(&set->published, &from->published);
}

void set_describe(const struct set *set, struct item item, char text[RULES_TEXT_MAX])
{
	char prefix[PREFIX_TEXT];

	text[0] = '\0';
	if (item.kind == ITEM_TUNNEL && item.index < set->tunnel_count)
		snprintf(text, RULES_TEXT_MAX, "the tunnel %s",
			 set->tunnels[item.index].is.interface);
	else if (item.kind == ITEM_NETWORK && item.index < set->networks.count)
		snprintf(text, RULES_TEXT_MAX, "the network %s of %s",
			 prefix_text(&set->networks.items[item.index].prefix, prefix),
			 set->tunnels[set->networks.items[item.index].tunnel].is.interface);
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
