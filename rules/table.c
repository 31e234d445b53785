/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/table.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

#include "rules/fill.h"
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
	[SET_PUBLISH4] = { "publish4", KEY_PROTOCOL_PORT, 8, NFT_SET_MAP, true,
			   "connections that were handed on to clients", KEY_IPV4_PORT, 8 },
	[SET_PUBLISH6] = { "publish6", KEY_PROTOCOL_PORT, 8, NFT_SET_MAP, true,
			   "connections that were handed on to clients", KEY_IPV6_PORT, 20 },
	[SET_HIDE_SOURCE4] = { "hide-source4", KEY_IPV4_PROTOCOL_PORT, 12, 0, false,
			       "published without their callers' addresses", 0, 0 },
	[SET_HIDE_SOURCE6] = { "hide-source6", KEY_IPV6_PROTOCOL_PORT, 24, 0, false,
			       "published without their callers' addresses", 0, 0 },
};

const char *table_set_name(enum table_set set)
{
	return sets[set].name;
}

void table_remove(struct batch *batch)
{
	object_table_remove(batch, (struct item){ ITEM_TABLE, 0 }, TABLE_NAME);
}

static void add_rule(struct batch *batch, const char *table, uint32_t index)
{
	const struct ruleset_rule *is = &ruleset_rules[index];
	struct nftnl_rule *rule = object_rule_new(table, ruleset_chains[is->chain].name);

	is->build(rule, is->family);
	object_rule(batch, (struct item){ ITEM_RULE, index }, rule, is->comment);
}

void table_write(struct batch *batch, const char *table, const struct set *set, uint32_t flags)
{
	object_table(batch, (struct item){ ITEM_TABLE, 0 }, table, flags, TABLE_COMMENT);
	for (enum table_set index = 0; index < TABLE_SETS; index++)
		object_set(batch, (struct item){ ITEM_SET, index }, table, index + 1, &sets[index]);
	for (enum ruleset_chain index = 0; index < RULESET_CHAINS; index++)
		object_chain(batch, (struct item){ ITEM_CHAIN, index }, table,
			     &ruleset_chains[index]);
	for (uint32_t index = 0; index < ruleset_rule_count; index++)
		add_rule(batch, table, index);
	fill_table(batch, table, set);
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
