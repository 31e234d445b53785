/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/element.h"

#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "natd/log.h"
#include "rules/seen.h"
#include "rules/table.h"

/* Elements share a message until it is this long: the attribute that holds them counts its length
 * in 16 bits. */
#define ELEMENTS_BYTES_MAX (48 * 1024)

#define TARGET_KEY_MAX 24 /* an IPv6 address, a protocol, a port */

/* Elements on their way into one set. */
struct elements {
	struct batch *batch;
	enum table_set set;
	struct nlmsghdr *message; /* NULL: none started */
	struct nlattr *list;
};

struct element {
	const void *key;
	size_t key_size;
	const void *data; /* of a map; NULL: none */
	size_t data_size;
	const struct count *count; /* NULL: it does not count */
	uint64_t left_ms;          /* of RULES_SEEN_MS, in a set that forgets; 0: it has no time */
	bool interval_end;
};

static void elements_start(struct elements *elements)
{
	elements->message = batch_new(elements->batch, (struct item){ ITEM_SET, elements->set },
				      NFT_MSG_NEWSETELEM, NLM_F_CREATE);
	mnl_attr_put_strz(elements->message, NFTA_SET_ELEM_LIST_TABLE, TABLE_NAME);
	mnl_attr_put_strz(elements->message, NFTA_SET_ELEM_LIST_SET, table_set_name(elements->set));
	elements->list = mnl_attr_nest_start(elements->message, NFTA_SET_ELEM_LIST_ELEMENTS);
}

static void elements_end(struct elements *elements)
{
	if (!elements->message)
		return;
	mnl_attr_nest_end(elements->message, elements->list);
	batch_add(elements->batch, elements->message);
	elements->message = NULL;
}

static void add_counter(struct nftnl_set_elem *element, const struct count *count)
{
	struct nftnl_expr *counter = nftnl_expr_alloc("counter");

	if (!counter)
		fatal("no memory for a counter");
	nftnl_expr_set_u64(counter, NFTNL_EXPR_CTR_PACKETS, count->packets);
	nftnl_expr_set_u64(counter, NFTNL_EXPR_CTR_BYTES, count->bytes);
	nftnl_set_elem_add_expr(element, counter);
}

static struct nftnl_set_elem *element_new(const struct element *from)
{
	struct nftnl_set_elem *element = nftnl_set_elem_alloc();

	if (!element)
		fatal("no memory for an element");
	nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, from->key, (uint32_t)from->key_size);
	if (from->data)
		nftnl_set_elem_set(element, NFTNL_SET_ELEM_DATA, from->data,
				   (uint32_t)from->data_size);
	if (from->count)
		add_counter(element, from->count);
	if (from->left_ms) {
		nftnl_set_elem_set_u64(element, NFTNL_SET_ELEM_TIMEOUT, RULES_SEEN_MS);
		nftnl_set_elem_set_u64(element, NFTNL_SET_ELEM_EXPIRATION, from->left_ms);
	}
	if (from->interval_end)
		nftnl_set_elem_set_u32(element, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
	return element;
}

static void element_add(struct elements *elements, struct item item, const struct element *from)
{
	struct nftnl_set_elem *element;

	if (elements->message && elements->message->nlmsg_len > ELEMENTS_BYTES_MAX)
		elements_end(elements);
	if (!elements->message)
		elements_start(elements);
	element = element_new(from);
	batch_mark(elements->batch, mnl_nlmsg_get_payload_tail(elements->message), item);
	nftnl_set_elem_nlmsg_build(elements->message, element, NFTA_LIST_ELEM);
	nftnl_set_elem_free(element);
}

static void add_tunnel(struct elements *elements, const struct set *set, uint32_t index,
		       const struct count *count)
{
	char name[IF_NAMESIZE] = "";
	const char *interface = set->tunnels[index].is.interface;

	memcpy(name, interface, strnlen(interface, sizeof(name) - 1));
	element_add(elements, (struct item){ ITEM_TUNNEL, index },
		    &(struct element){ .key = name, .key_size = sizeof(name), .count = count });
}

static void fill_tunnels(struct elements *elements, const struct set *set)
{
	for (uint32_t i = 0; i < set->tunnel_count; i++) {
		const struct set_tunnel *tunnel = &set->tunnels[i];

		add_tunnel(elements, set, i,
			   elements->set == SET_FROM_TUNNELS ? &tunnel->in
			   : elements->set == SET_TO_TUNNELS ? &tunnel->out
			   : elements->set == SET_SPOOFED    ? &tunnel->spoofed
							     : NULL);
	}
}

static void fill_without_reach(struct elements *elements, const struct set *set)
{
	unsigned int reach = elements->set == SET_NO_CLIENTS ? RULES_REACH_CLIENTS
			     : elements->set == SET_NO_LAN   ? RULES_REACH_LAN
							     : RULES_REACH_INTERNET;

	for (uint32_t i = 0; i < set->tunnel_count; i++)
		if (!(set->tunnels[i].is.reach & reach))
			add_tunnel(elements, set, i, NULL);
}

void port_key(uint8_t key[PORT_KEY_SIZE], const struct rules_port *port)
{
	memset(key, 0, PORT_KEY_SIZE);
	key[0] = port->protocol;
	key[4] = (uint8_t)(port->port >> 8);
	key[5] = (uint8_t)port->port;
}

static void fill_router_ports(struct elements *elements, const struct set *set)
{
	/* RFC 6886 3 and RFC 6887 19: the gateway's port; UPnP Device Architecture 2.0 1.3: SSDP */
	static const struct rules_port ports[] = { { IPPROTO_UDP, 5351 }, { IPPROTO_UDP, 1900 } };
	uint8_t key[PORT_KEY_SIZE];

	(void)set;
	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
		port_key(key, &ports[i]);
		element_add(elements, (struct item){ ITEM_SET, SET_ROUTER_PORTS },
			    &(struct element){ .key = key, .key_size = sizeof(key) });
	}
}

static const struct count *port_count(const struct set_port *port, enum table_set set)
{
	return set == SET_ARRIVED       ? &port->outside
	       : set == SET_ARRIVED_LAN ? &port->lan
					: &port->delivered;
}

static void fill_ports(struct elements *elements, const struct set *set)
{
	for (uint32_t i = 0; i < set->port_count; i++) {
		const struct set_port *port = &set->ports[i];
		uint8_t key[PORT_KEY_SIZE];

		port_key(key, &port->is);
		element_add(elements, (struct item){ ITEM_PORT, i },
			    &(struct element){ .key = key,
					       .key_size = sizeof(key),
					       .count = port_count(port, elements->set) });
	}
}

/* What was seen before the table was written anew stays seen. */
static void fill_seen(struct elements *elements, const struct set *set)
{
	int64_t now = seen_now();

	for (uint32_t i = 0; i < set->port_count; i++) {
		const struct set_port *port = &set->ports[i];
		int64_t seen = elements->set == SET_SEEN ? port->seen_ms : port->seen_lan_ms;
		int64_t left = RULES_SEEN_MS - (now - seen);
		uint8_t key[PORT_KEY_SIZE];

		if (!seen || left <= 0)
			continue;
		port_key(key, &port->is);
		element_add(elements, (struct item){ ITEM_PORT, i },
			    &(struct element){ .key = key,
					       .key_size = sizeof(key),
					       .left_ms = (uint64_t)left });
	}
}

/* An interval is two elements: its first address and, marked as an end, the one after its last. The
 * last address of all has none after it. */
static void add_range(struct elements *elements, const struct ranges *ranges,
		      const struct range *range, struct item item, struct element *first)
{
	struct element end = { .key_size = ranges->bytes, .interval_end = true };
	uint8_t after[RANGE_BYTES_MAX];

	first->key = range->first;
	first->key_size = ranges->bytes;
	element_add(elements, item, first);
	memcpy(after, range->last, ranges->bytes);
	end.key = after;
	if (range_next(after, ranges->bytes))
		element_add(elements, item, &end);
}

static void fill_lan(struct elements *elements, const struct set *set)
{
	const struct ranges *ranges = elements->set == SET_LAN4 ? &set->lans4 : &set->lans6;

	for (size_t i = 0; i < ranges->count; i++)
		add_range(elements, ranges, &ranges->items[i],
			  (struct item){ ITEM_LAN, ranges->items[i].item }, &(struct element){ 0 });
}

static void fill_networks(struct elements *elements, const struct set *set,
			  const struct ranges *ranges, enum rules_egress egress)
{
	for (size_t i = 0; i < ranges->count; i++) {
		const struct range *range = &ranges->items[i];
		const struct rules_network *network = &set->networks[range->item].is;
		struct element first = { .count = egress == RULES_EGRESS_CLOSED ? NULL
										: &range->count };

		if (network->egress != egress)
			continue;
		if (egress == RULES_EGRESS_ADDRESS) {
			first.data = &network->address.v6;
			first.data_size = ranges->bytes;
		}
		add_range(elements, ranges, range, (struct item){ ITEM_NETWORK, range->item },
			  &first);
	}
}

static void fill_egress4(struct elements *elements, const struct set *set)
{
	fill_networks(elements, set, &set->networks4, RULES_EGRESS_ADDRESS);
}

static void fill_egress6(struct elements *elements, const struct set *set)
{
	fill_networks(elements, set, &set->networks6, RULES_EGRESS_ADDRESS);
}

static void fill_masquerade4(struct elements *elements, const struct set *set)
{
	fill_networks(elements, set, &set->networks4, RULES_EGRESS_MASQUERADE);
}

static void fill_masquerade6(struct elements *elements, const struct set *set)
{
	fill_networks(elements, set, &set->networks6, RULES_EGRESS_MASQUERADE);
}

static void fill_closed(struct elements *elements, const struct set *set)
{
	fill_networks(elements, set,
		      elements->set == SET_CLOSED4 ? &set->networks4 : &set->networks6,
		      RULES_EGRESS_CLOSED);
}

/* address . port, or address . protocol . port: parts of four bytes or a multiple. */
static size_t target_key(uint8_t *key, const struct rules_publish *publish, uint32_t port,
			 bool with_protocol)
{
	size_t size =
		publish->to.family == AF_INET ? sizeof(publish->to.v4) : sizeof(publish->to.v6);

	memset(key, 0, TARGET_KEY_MAX);
	memcpy(key, &publish->to.v6, size);
	if (with_protocol) {
		key[size] = publish->protocol;
		size += 4;
	}
	key[size] = (uint8_t)(port >> 8);
	key[size + 1] = (uint8_t)port;
	return size + 4;
}

static void add_published(struct elements *elements, const struct set *set, uint32_t index)
{
	const struct publish *publish = &set->published.items[index];

	for (uint32_t i = 0; i < publish_ports(&publish->is); i++) {
		uint8_t key[PORT_KEY_SIZE];
		uint8_t target[TARGET_KEY_MAX];
		struct rules_port port = { publish->is.protocol, (uint16_t)(publish->is.port + i) };

		port_key(key, &port);
		element_add(
			elements, (struct item){ ITEM_PUBLISH, index },
			&(struct element){ .key = key,
					   .key_size = sizeof(key),
					   .data = target,
					   .data_size = target_key(target, &publish->is,
								   publish->is.to_port + i, false),
					   .count = &set->published.counts[publish->first + i] });
	}
}

static void fill_publish(struct elements *elements, const struct set *set)
{
	uint8_t family = elements->set == SET_PUBLISH4 ? AF_INET : AF_INET6;

	for (uint32_t i = 0; i < set->published.count; i++)
		if (set->published.items[i].is.to.family == family)
			add_published(elements, set, i);
}

/* Two publishes may lead to one port of a client: elements that are there already are no error. */
static void add_hidden(struct elements *elements, const struct rules_publish *publish,
		       uint32_t index)
{
	uint8_t key[TARGET_KEY_MAX];

	for (uint32_t i = 0; i < publish_ports(publish); i++) {
		size_t size = target_key(key, publish, publish->to_port + i, true);

		element_add(elements, (struct item){ ITEM_PUBLISH, index },
			    &(struct element){ .key = key, .key_size = size });
	}
}

static void fill_hide_source(struct elements *elements, const struct set *set)
{
	uint8_t family = elements->set == SET_HIDE_SOURCE4 ? AF_INET : AF_INET6;

	for (uint32_t i = 0; i < set->published.count; i++) {
		const struct rules_publish *publish = &set->published.items[i].is;

		if (publish->to.family == family && !publish->keep_source)
			add_hidden(elements, publish, i);
	}
}

void elements_write(struct batch *batch, const struct set *set)
{
	static void (*const fill[TABLE_SETS])(struct elements *, const struct set *) = {
		[SET_TUNNELS] = fill_tunnels,
		[SET_FROM_TUNNELS] = fill_tunnels,
		[SET_TO_TUNNELS] = fill_tunnels,
		[SET_NO_CLIENTS] = fill_without_reach,
		[SET_NO_LAN] = fill_without_reach,
		[SET_NO_INTERNET] = fill_without_reach,
		[SET_LAN4] = fill_lan,
		[SET_LAN6] = fill_lan,
		[SET_ARRIVED] = fill_ports,
		[SET_ARRIVED_LAN] = fill_ports,
		[SET_SEEN] = fill_seen,
		[SET_SEEN_LAN] = fill_seen,
		[SET_DELIVERED] = fill_ports,
		[SET_EGRESS4] = fill_egress4,
		[SET_EGRESS6] = fill_egress6,
		[SET_MASQUERADE4] = fill_masquerade4,
		[SET_MASQUERADE6] = fill_masquerade6,
		[SET_CLOSED4] = fill_closed,
		[SET_CLOSED6] = fill_closed,
		[SET_SPOOFED] = fill_tunnels,
		[SET_ROUTER_PORTS] = fill_router_ports,
		[SET_PUBLISH4] = fill_publish,
		[SET_PUBLISH6] = fill_publish,
		[SET_HIDE_SOURCE4] = fill_hide_source,
		[SET_HIDE_SOURCE6] = fill_hide_source,
	};

	for (enum table_set index = 0; index < TABLE_SETS; index++) {
		struct elements elements = { .batch = batch, .set = index };

		fill[index](&elements, set);
		elements_end(&elements);
	}
}
