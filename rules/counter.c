/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/counter.h"

#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "natd/log.h"
#include "rules/element.h"
#include "rules/seen.h"
#include "rules/table.h"

/* One dump: of which set of the table, and where its counters go. */
struct dump {
	enum table_set from;
	struct set *set;
};

static struct count *tunnel_count(const struct dump *dump, const uint8_t *key)
{
	char name[IF_NAMESIZE];
	struct set_tunnel *tunnel;

	memcpy(name, key, sizeof(name));
	tunnel = set_find_tunnel(dump->set, name);
	if (!tunnel)
		return NULL;
	switch (dump->from) {
	case SET_FROM_TUNNELS: return &tunnel->in;
	case SET_TO_TUNNELS: return &tunnel->out;
	case SET_ALLOWED: return &tunnel->allowed;
	case SET_PASSED: return &tunnel->passed;
	default: return &tunnel->spoofed;
	}
}

static struct count *port_count(const struct dump *dump, const uint8_t *key)
{
	struct set_port *port = set_find_port(dump->set, key[0], (uint16_t)(key[4] << 8 | key[5]));

	if (!port)
		return NULL;
	return dump->from == SET_ARRIVED       ? &port->outside
	       : dump->from == SET_ARRIVED_LAN ? &port->lan
					       : &port->delivered;
}

static struct count *publish_count(const struct dump *dump, const uint8_t *key)
{
	return publishes_count(&dump->set->published,
			       dump->from == SET_HANDED_ON4 ? AF_INET : AF_INET6, key[0],
			       (uint16_t)(key[4] << 8 | key[5]));
}

static struct count *range_count(struct ranges *ranges, const uint8_t *key)
{
	struct range *range = ranges_find(ranges, key);

	return range ? &range->count : NULL;
}

static struct count *network_count4(const struct dump *dump, const uint8_t *key)
{
	return range_count(&dump->set->networks.ranges4, key);
}

static struct count *network_count6(const struct dump *dump, const uint8_t *key)
{
	return range_count(&dump->set->networks.ranges6, key);
}

static struct count *host_count4(const struct dump *dump, const uint8_t *key)
{
	struct network_behind *host = networks_host(&dump->set->networks, AF_INET, key);

	return host ? &host->count : NULL;
}

static struct count *host_count6(const struct dump *dump, const uint8_t *key)
{
	struct network_behind *host = networks_host(&dump->set->networks, AF_INET6, key);

	return host ? &host->count : NULL;
}

static const struct {
	uint32_t key_size;
	struct count *(*find)(const struct dump *dump, const uint8_t *key);
} counting[TABLE_SETS] = {
	[SET_FROM_TUNNELS] = { IF_NAMESIZE, tunnel_count },
	[SET_TO_TUNNELS] = { IF_NAMESIZE, tunnel_count },
	[SET_SPOOFED] = { IF_NAMESIZE, tunnel_count },
	[SET_ALLOWED] = { IF_NAMESIZE, tunnel_count },
	[SET_PASSED] = { IF_NAMESIZE, tunnel_count },
	[SET_HANDED_ON4] = { PORT_KEY_SIZE, publish_count },
	[SET_HANDED_ON6] = { PORT_KEY_SIZE, publish_count },
	[SET_ARRIVED] = { PORT_KEY_SIZE, port_count },
	[SET_ARRIVED_LAN] = { PORT_KEY_SIZE, port_count },
	[SET_DELIVERED] = { PORT_KEY_SIZE, port_count },
	[SET_EGRESS_HOSTS4] = { 4, host_count4 },
	[SET_EGRESS_HOSTS6] = { 16, host_count6 },
	[SET_EGRESS4] = { 4, network_count4 },
	[SET_EGRESS6] = { 16, network_count6 },
	[SET_POOL4] = { 4, network_count4 },
	[SET_POOL6] = { 16, network_count6 },
	[SET_PREFIX6] = { 16, network_count6 },
	[SET_MASQUERADE_HOSTS4] = { 4, host_count4 },
	[SET_MASQUERADE_HOSTS6] = { 16, host_count6 },
	[SET_MASQUERADE4] = { 4, network_count4 },
	[SET_MASQUERADE6] = { 16, network_count6 },
};

static int take_counter(struct nftnl_expr *expression, void *data)
{
	struct count *count = data;

	if (strcmp(nftnl_expr_get_str(expression, NFTNL_EXPR_NAME), "counter") == 0) {
		count->packets = nftnl_expr_get_u64(expression, NFTNL_EXPR_CTR_PACKETS);
		count->bytes = nftnl_expr_get_u64(expression, NFTNL_EXPR_CTR_BYTES);
	}
	return 0;
}

/* The element's time began anew with the last packet. */
static void take_seen(struct nftnl_set_elem *element, const struct dump *dump, const uint8_t *key)
{
	struct set_port *port = set_find_port(dump->set, key[0], (uint16_t)(key[4] << 8 | key[5]));
	uint64_t left;
	int64_t seen;

	if (!port || !nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_EXPIRATION))
		return;
	left = nftnl_set_elem_get_u64(element, NFTNL_SET_ELEM_EXPIRATION);
	if (left > (uint64_t)RULES_SEEN_MS)
		return;
	seen = seen_now() - (RULES_SEEN_MS - (int64_t)left);
	*(dump->from == SET_SEEN ? &port->seen_ms : &port->seen_lan_ms) = seen > 1 ? seen : 1;
}

static int take_element(struct nftnl_set_elem *element, void *data)
{
	const struct dump *dump = data;
	uint32_t size = 0;
	const uint8_t *key = nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY, &size);
	struct count *count;

	if (!key)
		return 0;
	if (dump->from == SET_SEEN || dump->from == SET_SEEN_LAN) {
		if (size == PORT_KEY_SIZE)
			take_seen(element, dump, key);
		return 0;
	}
	if (size != counting[dump->from].key_size)
		return 0;
	if (nftnl_set_elem_is_set(element, NFTNL_SET_ELEM_FLAGS) &&
	    nftnl_set_elem_get_u32(element, NFTNL_SET_ELEM_FLAGS) & NFT_SET_ELEM_INTERVAL_END)
		return 0;
	count = counting[dump->from].find(dump, key);
	if (count)
		nftnl_set_elem_expr_foreach(element, take_counter, count);
	return 0;
}

static struct nftnl_set *set_new(enum table_set index)
{
	struct nftnl_set *set = nftnl_set_alloc();

	if (!set)
		fatal("no memory to read counters");
	nftnl_set_set_str(set, NFTNL_SET_TABLE, TABLE_NAME);
	nftnl_set_set_str(set, NFTNL_SET_NAME, table_set_name(index));
	return set;
}

/* One part of a dump at a time, so that memory does not grow with the set. */
static int take_part(const struct nlmsghdr *message, void *data)
{
	struct nftnl_set *part = nftnl_set_alloc();

	if (part && nftnl_set_elems_nlmsg_parse(message, part) == 0)
		nftnl_set_elem_foreach(part, take_element, data);
	if (part)
		nftnl_set_free(part);
	return MNL_CB_OK;
}

static int read_set(struct nftables *nftables, struct set *set, enum table_set index)
{
	char buffer[512] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *request =
		nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETSETELEM, NFPROTO_INET, NLM_F_DUMP, 0);
	struct nftnl_set *which = set_new(index);

	nftnl_set_elems_nlmsg_build_payload(request, which);
	nftnl_set_free(which);
	return nftables_dump(nftables, request, take_part,
			     &(struct dump){ .from = index, .set = set });
}

int counters_read(struct nftables *nftables, struct set *set)
{
	uint64_t holds = table_holds(set);
	int first = 0;

	for (enum table_set index = 0; index < TABLE_SETS; index++) {
		bool tells = counting[index].find || index == SET_SEEN || index == SET_SEEN_LAN;
		int error = tells && table_has(holds, index) ? read_set(nftables, set, index) : 0;

		if (!first)
			first = error;
	}
	networks_sum(&set->networks);
	return first;
}
