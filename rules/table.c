/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/table.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

#include "rules/element.h"
#include "rules/guard.h"
#include "rules/object.h"
#include "rules/ruleset.h"

#define TABLE_COMMENT "written whole by natd; changes by others are undone"

static const struct object_set sets[TABLE_SETS] = {
	[SET_TUNNELS] = { "tunnels", KEY_INTERFACE, IF_NAMESIZE, 0, false, NULL, 0, 0 },
	[SET_FROM_TUNNELS] = { "from-tunnels", KEY_INTERFACE, IF_NAMESIZE, 0, true,
			       "packets from clients", 0, 0 },
	[SET_TO_TUNNELS] = { "to-tunnels", KEY_INTERFACE, IF_NAMESIZE, 0, true,
			     "packets to clients", 0, 0 },
	[SET_SPOOFED] = { "spoofed", KEY_INTERFACE, IF_NAMESIZE, 0, true,
			  "packets with a source that is not behind their tunnel", 0, 0 },
	[SET_ALLOWED] = { "allowed", KEY_INTERFACE, IF_NAMESIZE, 0, true,
			  "packets of new connections from clients that natd lets through", 0, 0 },
	[SET_PASSED] = { "passed", KEY_INTERFACE, IF_NAMESIZE, 0, true,
			 "those of them that no other firewall dropped", 0, 0 },
	[SET_NO_CLIENTS] = { "no-clients", KEY_INTERFACE, IF_NAMESIZE, 0, false,
			     "these do not reach other clients", 0, 0 },
	[SET_NO_LAN] = { "no-lan", KEY_INTERFACE, IF_NAMESIZE, 0, false,
			 "these do not reach the home network", 0, 0 },
	[SET_NO_INTERNET] = { "no-internet", KEY_INTERFACE, IF_NAMESIZE, 0, false,
			      "these do not reach the internet", 0, 0 },
	[SET_LAN4] = { "lan4", KEY_IPV4, 4, NFT_SET_INTERVAL, false, "the home network", 0, 0 },
	[SET_LAN6] = { "lan6", KEY_IPV6, 16, NFT_SET_INTERVAL, false, "the home network", 0, 0 },
	[SET_ROUTER_PORTS] = { "router-ports", KEY_PROTOCOL_PORT, 8, 0, false,
			       "PCP, NAT-PMP and UPnP: clients do not open ports at home", 0, 0 },
	[SET_ARRIVED] = { "arrived", KEY_PROTOCOL_PORT, 8, 0, true,
			  "packets that came to this host from outside", 0, 0 },
	[SET_ARRIVED_LAN] = { "arrived-lan", KEY_PROTOCOL_PORT, 8, 0, true,
			      "packets that came from the home network", 0, 0 },
	[SET_SEEN] = { "seen", KEY_PROTOCOL_PORT, 8, NFT_SET_EVAL | NFT_SET_TIMEOUT, false,
		       "when the last packet came from outside", 0, 0 },
	[SET_SEEN_LAN] = { "seen-lan", KEY_PROTOCOL_PORT, 8, NFT_SET_EVAL | NFT_SET_TIMEOUT, false,
			   "when the last packet came from the home network", 0, 0 },
	[SET_DELIVERED] = { "delivered", KEY_PROTOCOL_PORT, 8, 0, true,
			    "packets that no firewall of this host dropped", 0, 0 },
	[SET_EGRESS_HOSTS4] = { "egress-hosts4", KEY_IPV4, 4, NFT_SET_MAP, true,
				"connections that left with a fixed address", KEY_IPV4, 4 },
	[SET_EGRESS_HOSTS6] = { "egress-hosts6", KEY_IPV6, 16, NFT_SET_MAP, true,
				"connections that left with a fixed address", KEY_IPV6, 16 },
	[SET_EGRESS4] = { "egress4", KEY_IPV4, 4, NFT_SET_INTERVAL | NFT_SET_MAP, true,
			  "connections that left with a fixed address", KEY_IPV4, 4 },
	[SET_EGRESS6] = { "egress6", KEY_IPV6, 16, NFT_SET_INTERVAL | NFT_SET_MAP, true,
			  "connections that left with a fixed address", KEY_IPV6, 16 },
	[SET_POOL4] = { "pool4", KEY_IPV4, 4, NFT_SET_INTERVAL | NFT_SET_MAP, true,
			"connections that left with one of several addresses", KEY_IPV4, 8 },
	[SET_POOL6] = { "pool6", KEY_IPV6, 16, NFT_SET_INTERVAL | NFT_SET_MAP, true,
			"connections that left with one of several addresses", KEY_IPV6, 32 },
	[SET_PREFIX6] = { "prefix6", KEY_IPV6, 16, NFT_SET_INTERVAL | NFT_SET_MAP, true,
			  "connections that left with another prefix", KEY_IPV6, 32 },
	[SET_MASQUERADE_HOSTS4] = { "masquerade-hosts4", KEY_IPV4, 4, 0, true,
				    "connections that left with this host's address", 0, 0 },
	[SET_MASQUERADE_HOSTS6] = { "masquerade-hosts6", KEY_IPV6, 16, 0, true,
				    "connections that left with this host's address", 0, 0 },
	[SET_MASQUERADE4] = { "masquerade4", KEY_IPV4, 4, NFT_SET_INTERVAL, true,
			      "connections that left with this host's address", 0, 0 },
	[SET_MASQUERADE6] = { "masquerade6", KEY_IPV6, 16, NFT_SET_INTERVAL, true,
			      "connections that left with this host's address", 0, 0 },
	[SET_CLOSED_HOSTS4] = { "closed-hosts4", KEY_IPV4, 4, 0, false,
				"these wait for their address", 0, 0 },
	[SET_CLOSED_HOSTS6] = { "closed-hosts6", KEY_IPV6, 16, 0, false,
				"these wait for their address", 0, 0 },
	[SET_CLOSED4] = { "closed4", KEY_IPV4, 4, NFT_SET_INTERVAL, false,
			  "these wait for their address", 0, 0 },
	[SET_CLOSED6] = { "closed6", KEY_IPV6, 16, NFT_SET_INTERVAL, false,
			  "these wait for their address", 0, 0 },
	[SET_PUBLISH4] = { "publish4", KEY_PROTOCOL_PORT, 8, NFT_SET_MAP, false,
			   "ports that are handed on to clients", KEY_IPV4_PORT, 8 },
	[SET_PUBLISH6] = { "publish6", KEY_PROTOCOL_PORT, 8, NFT_SET_MAP, false,
			   "ports that are handed on to clients", KEY_IPV6_PORT, 20 },
	[SET_HANDED_ON4] = { "handed-on4", KEY_PROTOCOL_PORT, 8, NFT_SET_EVAL, true,
			     "connections that were handed on to clients", 0, 0 },
	[SET_HANDED_ON6] = { "handed-on6", KEY_PROTOCOL_PORT, 8, NFT_SET_EVAL, true,
			     "connections that were handed on to clients", 0, 0 },
	[SET_HIDE_SOURCE4] = { "hide-source4", KEY_PROTOCOL_PORT, 8, 0, false,
			       "published without their callers' addresses", 0, 0 },
	[SET_HIDE_SOURCE6] = { "hide-source6", KEY_PROTOCOL_PORT, 8, 0, false,
			       "published without their callers' addresses", 0, 0 },
};

const char *table_set_name(enum table_set set)
{
	return sets[set].name;
}

bool table_is_ours(const char *name)
{
	return strcmp(name, TABLE_NAME) == 0 || strcmp(name, GUARD_NAME) == 0 ||
	       strcmp(name, TABLE_NEXT_NAME) == 0;
}

void table_remove(struct batch *batch)
{
	object_table_remove(batch, (struct item){ ITEM_TABLE, 0 }, TABLE_NAME);
}

bool table_set_is_dynamic(enum table_set set)
{
	return sets[set].flags & NFT_SET_EVAL;
}

static uint64_t published_protocols(const struct publishes *published)
{
	uint64_t protocols = 0;

	for (uint32_t i = 0; i < published->count; i++) {
		const struct rules_publish *is = &published->items[i].is;
		bool v4 = is->to.family == AF_INET;

		protocols |= is->protocol == IPPROTO_UDP ? TABLE_BIT(v4 ? SET_UDP4 : SET_UDP6)
							 : TABLE_BIT(v4 ? SET_TCP4 : SET_TCP6);
	}
	return protocols;
}

uint64_t table_holds(const struct set *set)
{
	uint64_t holds = published_protocols(&set->published);

	for (enum table_set in = 0; in < TABLE_SETS; in++) {
		struct element_walk walk = { .set = set, .in = in };
		struct element element;

		if (!table_set_is_dynamic(in) && element_next(&walk, &element))
			holds |= TABLE_BIT(in);
	}
	return holds;
}

/* What the kernel fills is there with the rules that make it do so. */
static bool has_dynamic(uint64_t holds, enum table_set set)
{
	switch (set) {
	case SET_SEEN: return holds & TABLE_BIT(SET_ARRIVED);
	case SET_SEEN_LAN:
		return holds & TABLE_BIT(SET_ARRIVED) &&
		       holds & (TABLE_BIT(SET_LAN4) | TABLE_BIT(SET_LAN6));
	case SET_HANDED_ON4: return holds & TABLE_BIT(SET_PUBLISH4);
	case SET_HANDED_ON6: return holds & TABLE_BIT(SET_PUBLISH6);
	default: return false;
	}
}

bool table_has(uint64_t holds, enum table_set set)
{
	/* Rules ask these also for what they do not hold. */
	const uint64_t always = TABLE_BIT(SET_TUNNELS) | TABLE_BIT(SET_LAN4) | TABLE_BIT(SET_LAN6);

	return (holds | always) & TABLE_BIT(set) || has_dynamic(holds, set);
}

/* How many elements a large set may have: a hash whose size the kernel knows need not grow while it is
 * filled, which takes a third of the time. There is room for as many more. 0: it grows. */
static uint32_t room_of(const struct set *set, enum table_set in)
{
	uint32_t room = 256;
	uint32_t elements;

	if (sets[in].flags & (NFT_SET_INTERVAL | NFT_SET_EVAL))
		return 0;
	if (in >= SET_PUBLISH4)
		elements = set->published.ports;
	else if (in >= SET_EGRESS_HOSTS4)
		elements = set->networks.count;
	else
		return 0;
	while (room / 2 < elements)
		room *= 2;
	return room;
}

static void add_set(struct batch *batch, const char *table, const struct set *set,
		    enum table_set in)
{
	object_set(batch, (struct item){ ITEM_SET, in }, table, in + 1, &sets[in],
		   room_of(set, in));
}

static void add_rule(struct batch *batch, const char *table, uint32_t index)
{
	const struct ruleset_rule *is = &ruleset_rules[index];
	struct nftnl_rule *rule = object_rule_new(table, ruleset_chains[is->chain].name);

	is->build(rule, is->family);
	object_rule(batch, (struct item){ ITEM_RULE, index }, rule, is->comment);
}

static void add_rules(struct batch *batch, const char *table, uint64_t holds)
{
	for (uint32_t index = 0; index < ruleset_rule_count; index++)
		if (!(ruleset_rules[index].asks & ~holds))
			add_rule(batch, table, index);
}

void table_frame(struct batch *batch, const char *table, const struct set *set, uint32_t flags)
{
	uint64_t holds = table_holds(set);

	object_table(batch, (struct item){ ITEM_TABLE, 0 }, table, flags, TABLE_COMMENT);
	for (enum table_set in = 0; in < TABLE_SETS; in++)
		if (table_has(holds, in))
			add_set(batch, table, set, in);
	for (enum ruleset_chain index = 0; index < RULESET_CHAINS; index++)
		object_chain(batch, (struct item){ ITEM_CHAIN, index }, table,
			     &ruleset_chains[index]);
	add_rules(batch, table, holds);
}

void table_open_frame(struct batch *batch, const char *table, const struct set *set, uint64_t held)
{
	uint64_t holds = table_holds(set);

	if (held == holds)
		return;
	object_rules_remove(batch, (struct item){ ITEM_TABLE, 0 }, table);
	for (enum table_set in = 0; in < TABLE_SETS; in++)
		if (table_has(holds, in) && !table_has(held, in))
			add_set(batch, table, set, in);
}

void table_close_frame(struct batch *batch, const char *table, uint64_t held, uint64_t holds)
{
	if (held == holds)
		return;
	for (enum table_set in = 0; in < TABLE_SETS; in++)
		if (table_has(held, in) && !table_has(holds, in))
			object_set_remove(batch, (struct item){ ITEM_SET, in }, table,
					  table_set_name(in));
	add_rules(batch, table, holds);
}

void table_describe(const struct set *set, struct item item, char text[RULES_TEXT_MAX])
{
	if (item.kind == ITEM_TABLE)
		snprintf(text, RULES_TEXT_MAX, "the table inet %s", TABLE_NAME);
	else if (item.kind == ITEM_GUARD)
		snprintf(text, RULES_TEXT_MAX, "the table inet %s", GUARD_NAME);
	else if (item.kind == ITEM_SET && item.index < TABLE_SETS)
		snprintf(text, RULES_TEXT_MAX, "the set %s", sets[item.index].name);
	else if (item.kind == ITEM_CHAIN && item.index < RULESET_CHAINS)
		snprintf(text, RULES_TEXT_MAX, "the chain %s", ruleset_chains[item.index].name);
	else if (item.kind == ITEM_RULE && item.index < ruleset_rule_count)
		snprintf(text, RULES_TEXT_MAX, "a rule of the chain %s",
			 ruleset_chains[ruleset_rules[item.index].chain].name);
	else
		set_describe(set, item, text);
}
