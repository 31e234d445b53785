/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/guard.h"

#include <arpa/inet.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>

#include "rules/match.h"
#include "rules/statement.h"
#include "rules/object.h"
#include "rules/table.h"

#define GUARD_COMMENT "keeps clients' packets in that are not translated; of natd"

/* Set numbers are one's own within a transaction: those of the main table are below. */
#define GUARD_SET_ID 1000

#define ELEMENTS_BYTES_MAX (48 * 1024) /* of one message: attributes count theirs in 16 bits */

static const struct item guard_item = { ITEM_GUARD, 0 };

enum guard_set { GUARD_TUNNELS, GUARD_CLIENTS4, GUARD_CLIENTS6, GUARD_SETS };

static const struct object_set sets[GUARD_SETS] = {
	[GUARD_TUNNELS] = { "tunnels", KEY_INTERFACE, IF_NAMESIZE, 0, false, NULL, 0, 0 },
	[GUARD_CLIENTS4] = { "clients4", KEY_IPV4, 4, NFT_SET_INTERVAL, false,
			     "these leave translated or not at all", 0, 0 },
	[GUARD_CLIENTS6] = { "clients6", KEY_IPV6, 16, NFT_SET_INTERVAL, false,
			     "these leave translated or not at all", 0, 0 },
};

static const struct object_chain keep_translating = { "keep-translating", "nat",
						      NF_INET_POST_ROUTING,
						      NF_IP_PRI_NAT_SRC + 50 };
static const struct object_chain keep_in = { "keep-in", "filter", NF_INET_POST_ROUTING,
					     NF_IP_PRI_NAT_SRC + 100 };

/* ---- elements ---- */

struct filling {
	struct batch *batch;
	enum guard_set set;
	struct nlmsghdr *message; /* NULL: none started */
	struct nlattr *list;
};

static void fill_start(struct filling *filling)
{
	filling->message = batch_new(filling->batch, guard_item, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
	mnl_attr_put_strz(filling->message, NFTA_SET_ELEM_LIST_TABLE, GUARD_NAME);
	mnl_attr_put_strz(filling->message, NFTA_SET_ELEM_LIST_SET, sets[filling->set].name);
	filling->list = mnl_attr_nest_start(filling->message, NFTA_SET_ELEM_LIST_ELEMENTS);
}

static void fill_end(struct filling *filling)
{
	if (!filling->message)
		return;
	mnl_attr_nest_end(filling->message, filling->list);
	batch_add(filling->batch, filling->message);
	filling->message = NULL;
}

static void fill(struct filling *filling, const void *key, uint32_t flags)
{
	struct nlattr *element;
	struct nlattr *value;

	if (filling->message && filling->message->nlmsg_len > ELEMENTS_BYTES_MAX)
		fill_end(filling);
	if (!filling->message)
		fill_start(filling);
	element = mnl_attr_nest_start(filling->message, NFTA_LIST_ELEM);
	value = mnl_attr_nest_start(filling->message, NFTA_SET_ELEM_KEY);
	mnl_attr_put(filling->message, NFTA_DATA_VALUE, sets[filling->set].key_size, key);
	mnl_attr_nest_end(filling->message, value);
	if (flags)
		mnl_attr_put_u32(filling->message, NFTA_SET_ELEM_FLAGS, htonl(flags));
	mnl_attr_nest_end(filling->message, element);
}

static void fill_tunnels(struct batch *batch, const struct set *set)
{
	struct filling filling = { .batch = batch, .set = GUARD_TUNNELS };

	for (uint32_t i = 0; i < set->tunnel_count; i++) {
		char name[IF_NAMESIZE] = "";

		memcpy(name, set->tunnels[i].is.interface,
		       strnlen(set->tunnels[i].is.interface, sizeof(name) - 1));
		fill(&filling, name, 0);
	}
	fill_end(&filling);
}

/* Clients who leave translated or not at all, by address: ranges, and the hosts that are none. */
struct clients {
	const struct networks *networks;
	const struct ranges *ranges;
	size_t range;
	uint32_t host;
};

static void pass_over_routed(struct clients *clients)
{
	const struct networks *networks = clients->networks;
	const struct ranges *ranges = clients->ranges;

	while (clients->range < ranges->count &&
	       networks_way(networks, &networks->items[ranges->items[clients->range].item])
			       ->egress == RULES_EGRESS_NONE)
		clients->range++;
	while (clients->host < networks->count &&
	       (!networks->items[clients->host].hashed ||
		networks->items[clients->host].prefix.family != ranges->family))
		clients->host++;
}

/* False at the end. They ascend by their first addresses and may overlap. */
static bool next_clients(struct clients *clients, const uint8_t **first, const uint8_t **last)
{
	const struct ranges *ranges = clients->ranges;
	const struct network_behind *host;

	pass_over_routed(clients);
	host = clients->host < clients->networks->count ? &clients->networks->items[clients->host]
							: NULL;
	if (clients->range < ranges->count &&
	    (!host ||
	     memcmp(ranges->items[clients->range].first, &host->prefix.v6, ranges->bytes) <= 0)) {
		*first = ranges->items[clients->range].first;
		*last = ranges->items[clients->range++].last;
		return true;
	}
	if (!host)
		return false;
	*first = *last = (const uint8_t *)&host->prefix.v6;
	clients->host++;
	return true;
}

/* Neighbours are one interval: a hundred thousand clients of one network are as few as it. */
static void fill_clients(struct batch *batch, const struct set *set, const struct ranges *ranges,
			 enum guard_set which)
{
	struct filling filling = { .batch = batch, .set = which };
	struct clients clients = { .networks = &set->networks, .ranges = ranges };
	uint8_t end[RANGE_BYTES_MAX] = { 0 }; /* the address after the interval that is open */
	uint8_t after[RANGE_BYTES_MAX];
	const uint8_t *first;
	const uint8_t *last;
	bool open = false;
	bool ends = true;

	while (ends && next_clients(&clients, &first, &last)) {
		memcpy(after, last, ranges->bytes);
		ends = range_next(after, ranges->bytes);
		if (open && memcmp(end, first, ranges->bytes) < 0) {
			fill(&filling, end, NFT_SET_ELEM_INTERVAL_END);
			open = false;
		}
		if (!open)
			fill(&filling, first, 0);
		if (!open || memcmp(end, after, ranges->bytes) < 0)
			memcpy(end, after, ranges->bytes);
		open = true;
	}
	if (open && ends)
		fill(&filling, end, NFT_SET_ELEM_INTERVAL_END);
	fill_end(&filling);
}

void guard_fill(struct batch *batch, const struct set *set)
{
	fill_tunnels(batch, set);
	fill_clients(batch, set, &set->networks.ranges4, GUARD_CLIENTS4);
	fill_clients(batch, set, &set->networks.ranges6, GUARD_CLIENTS6);
}

/* A deletion that names no element deletes all. */
static void flush(struct batch *batch, enum guard_set which)
{
	struct nlmsghdr *message = batch_new(batch, guard_item, NFT_MSG_DELSETELEM, 0);

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, GUARD_NAME);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, sets[which].name);
	batch_add(batch, message);
}

/* ---- rules ---- */

static struct nftnl_rule *rule_for(uint8_t family)
{
	struct nftnl_rule *rule = object_rule_new(GUARD_NAME, keep_in.name);

	match_interface(rule, NFT_META_IIFNAME, sets[GUARD_TUNNELS].name);
	match_other_interface(rule, NFT_META_OIFNAME, sets[GUARD_TUNNELS].name);
	match_address(rule, family, SOURCE,
		      sets[family == NFPROTO_IPV4 ? GUARD_CLIENTS4 : GUARD_CLIENTS6].name);
	return rule;
}

/* Answers to one whom the home's router led straight to a client bear its address rightly. */
static void add_rules(struct batch *batch, uint8_t family)
{
	struct nftnl_rule *began_here = rule_for(family);
	struct nftnl_rule *no_connection = rule_for(family);

	match_original_direction(began_here);
	count_packets(began_here);
	decide(began_here, NF_DROP);
	object_rule(batch, guard_item, began_here, "not translated");
	match_no_connection(no_connection);
	count_packets(no_connection);
	decide(no_connection, NF_DROP);
	object_rule(batch, guard_item, no_connection, "cannot be translated");
}

/* Only about families in which there are clients who do not leave as they are. */
static void add_rules_for(struct batch *batch, uint64_t holds)
{
	const uint64_t v4 = TABLE_BIT(SET_EGRESS_HOSTS4) | TABLE_BIT(SET_EGRESS4) |
			    TABLE_BIT(SET_POOL4) | TABLE_BIT(SET_MASQUERADE_HOSTS4) |
			    TABLE_BIT(SET_MASQUERADE4) | TABLE_BIT(SET_CLOSED_HOSTS4) |
			    TABLE_BIT(SET_CLOSED4);
	const uint64_t v6 = TABLE_BIT(SET_EGRESS_HOSTS6) | TABLE_BIT(SET_EGRESS6) |
			    TABLE_BIT(SET_POOL6) | TABLE_BIT(SET_PREFIX6) |
			    TABLE_BIT(SET_MASQUERADE_HOSTS6) | TABLE_BIT(SET_MASQUERADE6) |
			    TABLE_BIT(SET_CLOSED_HOSTS6) | TABLE_BIT(SET_CLOSED6);

	if (holds & v4)
		add_rules(batch, NFPROTO_IPV4);
	if (holds & v6)
		add_rules(batch, NFPROTO_IPV6);
}

/* ---- the table ---- */

void guard_remove(struct batch *batch)
{
	object_table_remove(batch, guard_item, GUARD_NAME);
}

void guard_frame(struct batch *batch, uint64_t holds, uint32_t flags)
{
	object_table(batch, guard_item, GUARD_NAME, flags, GUARD_COMMENT);
	for (enum guard_set which = 0; which < GUARD_SETS; which++)
		object_set(batch, guard_item, GUARD_NAME, GUARD_SET_ID + which, &sets[which], 0);
	object_chain(batch, guard_item, GUARD_NAME, &keep_translating);
	object_chain(batch, guard_item, GUARD_NAME, &keep_in);
	add_rules_for(batch, holds);
}

void guard_change(struct batch *batch, const struct set *set, uint64_t held, uint64_t holds)
{
	if (held != holds) {
		object_rules_remove(batch, guard_item, GUARD_NAME);
		add_rules_for(batch, holds);
	}
	for (enum guard_set which = 0; which < GUARD_SETS; which++)
		flush(batch, which);
	guard_fill(batch, set);
}
