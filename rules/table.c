/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/table.h"

#include <arpa/inet.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

#include "natd/log.h"
#include "rules/element.h"
#include "rules/ruleset.h"

#define TABLE_COMMENT "written whole by natd; changes by others are undone"

/* nft's numbers of the types that it prints keys as; include/datatype.h of nftables. They are part
 * of its format: listings of every version rely on them. */
enum key_type {
	KEY_IPV4 = 7,
	KEY_IPV6 = 8,
	KEY_PROTOCOL_PORT = 12 << 6 | 13,   /* inet_proto . inet_service */
	KEY_IPV4_PORT = KEY_IPV4 << 6 | 13, /* ipv4_addr . inet_service */
	KEY_IPV6_PORT = KEY_IPV6 << 6 | 13,
	KEY_IPV4_PROTOCOL_PORT = (KEY_IPV4 << 6 | 12) << 6 | 13,
	KEY_IPV6_PROTOCOL_PORT = (KEY_IPV6 << 6 | 12) << 6 | 13,
	KEY_INTERFACE = 41,
};

#define HOST_ORDER 1 /* BYTEORDER_HOST_ENDIAN of the same header */

static const struct {
	const char *name;
	enum key_type type;
	uint32_t key_size;
	uint32_t flags;
	bool counts; /* every element has a counter */
	const char *comment;
	enum key_type data_type; /* of a map */
	uint32_t data_size;
} sets[TABLE_SETS] = {
	[SET_TUNNELS] = { "tunnels", KEY_INTERFACE, IF_NAMESIZE, 0, false, NULL, 0, 0 },
	[SET_FROM_TUNNELS] = { "from-tunnels", KEY_INTERFACE, IF_NAMESIZE, 0, true,
			       "packets from clients", 0, 0 },
	[SET_TO_TUNNELS] = { "to-tunnels", KEY_INTERFACE, IF_NAMESIZE, 0, true,
			     "packets to clients", 0, 0 },
	[SET_SPOOFED] = { "spoofed", KEY_INTERFACE, IF_NAMESIZE, 0, true,
			  "packets with a source that is not behind their tunnel", 0, 0 },
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
	[SET_EGRESS4] = { "egress4", KEY_IPV4, 4, NFT_SET_INTERVAL | NFT_SET_MAP, true,
			  "connections that left with a fixed address", KEY_IPV4, 4 },
	[SET_EGRESS6] = { "egress6", KEY_IPV6, 16, NFT_SET_INTERVAL | NFT_SET_MAP, true,
			  "connections that left with a fixed address", KEY_IPV6, 16 },
	[SET_MASQUERADE4] = { "masquerade4", KEY_IPV4, 4, NFT_SET_INTERVAL, true,
			      "connections that left with this host's address", 0, 0 },
	[SET_MASQUERADE6] = { "masquerade6", KEY_IPV6, 16, NFT_SET_INTERVAL, true,
			      "connections that left with this host's address", 0, 0 },
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

static void *needed(void *object)
{
	if (!object)
		fatal("no memory for an nftables object");
	return object;
}

static struct nftnl_udata_buf *userdata_new(void)
{
	return needed(nftnl_udata_buf_alloc(NFTNL_UDATA_COMMENT_MAXLEN));
}

/* Comments as nft writes and prints them: a type, a length and text with its NUL. */
static struct nftnl_udata_buf *comment_of(uint8_t type, const char *comment)
{
	struct nftnl_udata_buf *userdata = userdata_new();

	nftnl_udata_put_strz(userdata, type, comment);
	return userdata;
}

static void table_message(struct batch *batch, uint16_t type, uint16_t flags, const char *comment)
{
	struct nftnl_table *table = needed(nftnl_table_alloc());
	struct nlmsghdr *message = batch_new(batch, (struct item){ ITEM_TABLE, 0 }, type, flags);

	nftnl_table_set_str(table, NFTNL_TABLE_NAME, TABLE_NAME);
	if (comment) {
		struct nftnl_udata_buf *text = comment_of(NFTNL_UDATA_TABLE_COMMENT, comment);

		nftnl_table_set_data(table, NFTNL_TABLE_USERDATA, nftnl_udata_buf_data(text),
				     nftnl_udata_buf_len(text));
		nftnl_udata_buf_free(text);
	}
	nftnl_table_nlmsg_build_payload(message, table);
	nftnl_table_free(table);
	batch_add(batch, message);
}

void table_remove(struct batch *batch)
{
	/* Deleting what is not there would be an error; there is no DESTROY before Linux 6.3. */
	table_message(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE, NULL);
	table_message(batch, NFT_MSG_DELTABLE, 0, NULL);
}

/* The comment, and for nft the byte order of names, without which it prints them as "". */
static void describe_set(struct nftnl_set *set, enum table_set index)
{
	struct nftnl_udata_buf *text = userdata_new();

	if (sets[index].type == KEY_INTERFACE)
		nftnl_udata_put_u32(text, NFTNL_UDATA_SET_KEYBYTEORDER, HOST_ORDER);
	if (sets[index].comment)
		nftnl_udata_put_strz(text, NFTNL_UDATA_SET_COMMENT, sets[index].comment);
	if (nftnl_udata_buf_len(text) > 0)
		nftnl_set_set_data(set, NFTNL_SET_USERDATA, nftnl_udata_buf_data(text),
				   nftnl_udata_buf_len(text));
	nftnl_udata_buf_free(text);
}

static void set_attributes(struct nftnl_set *set, enum table_set index)
{
	nftnl_set_set_str(set, NFTNL_SET_TABLE, TABLE_NAME);
	nftnl_set_set_str(set, NFTNL_SET_NAME, sets[index].name);
	nftnl_set_set_u32(set, NFTNL_SET_FAMILY, NFPROTO_INET);
	nftnl_set_set_u32(set, NFTNL_SET_ID, index + 1);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, sets[index].type);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, sets[index].key_size);
	nftnl_set_set_u32(set, NFTNL_SET_FLAGS, sets[index].flags);
	if (sets[index].flags & NFT_SET_MAP) {
		nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, sets[index].data_type);
		nftnl_set_set_u32(set, NFTNL_SET_DATA_LEN, sets[index].data_size);
	}
	if (sets[index].flags & NFT_SET_EVAL)
		nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, SET_PORTS_MAX);
	if (sets[index].counts)
		nftnl_set_add_expr(set, needed(nftnl_expr_alloc("counter")));
	describe_set(set, index);
}

static void add_set(struct batch *batch, enum table_set index)
{
	struct nftnl_set *set = needed(nftnl_set_alloc());
	struct nlmsghdr *message = batch_new(batch, (struct item){ ITEM_SET, index },
					     NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL);

	set_attributes(set, index);
	nftnl_set_nlmsg_build_payload(message, set);
	nftnl_set_free(set);
	batch_add(batch, message);
}

static void add_chain(struct batch *batch, enum ruleset_chain index)
{
	struct nftnl_chain *chain = needed(nftnl_chain_alloc());
	struct nlmsghdr *message = batch_new(batch, (struct item){ ITEM_CHAIN, index },
					     NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL);

	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, TABLE_NAME);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, ruleset_chains[index].name);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, ruleset_chains[index].type);
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, ruleset_chains[index].hook);
	nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, ruleset_chains[index].priority);
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	nftnl_chain_nlmsg_build_payload(message, chain);
	nftnl_chain_free(chain);
	batch_add(batch, message);
}

static void add_rule(struct batch *batch, uint32_t index)
{
	struct nftnl_rule *rule = needed(nftnl_rule_alloc());
	struct nlmsghdr *message = batch_new(batch, (struct item){ ITEM_RULE, index },
					     NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);

	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, TABLE_NAME);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, ruleset_chains[ruleset_rules[index].chain].name);
	ruleset_rules[index].build(rule, ruleset_rules[index].family);
	if (ruleset_rules[index].comment) {
		struct nftnl_udata_buf *text =
			comment_of(NFTNL_UDATA_RULE_COMMENT, ruleset_rules[index].comment);

		nftnl_rule_set_data(rule, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(text),
				    nftnl_udata_buf_len(text));
		nftnl_udata_buf_free(text);
	}
	nftnl_rule_nlmsg_build_payload(message, rule);
	nftnl_rule_free(rule);
	batch_add(batch, message);
}

void table_write(struct batch *batch, const struct set *set)
{
	table_remove(batch);
	table_message(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE, TABLE_COMMENT);
	for (enum table_set index = 0; index < TABLE_SETS; index++)
		add_set(batch, index);
	for (enum ruleset_chain index = 0; index < RULESET_CHAINS; index++)
		add_chain(batch, index);
	for (uint32_t index = 0; index < ruleset_rule_count; index++)
		add_rule(batch, index);
	elements_write(batch, set);
}

void table_describe(const struct set *set, struct item item, char text[RULES_TEXT_MAX])
{
	if (item.kind == ITEM_TABLE)
		snprintf(text, RULES_TEXT_MAX, "the table inet %s", TABLE_NAME);
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
