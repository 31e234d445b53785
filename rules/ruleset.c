/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/ruleset.h"

#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>

#include "rules/match.h"
#include "rules/statement.h"
#include "rules/table.h"

/* Names that are no words of nft's language: it could not read its own listing again. */
const struct object_chain ruleset_chains[RULESET_CHAINS] = {
	[CHAIN_COUNT_ARRIVAL] = { "count-arrival", "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_RAW },
	[CHAIN_STOP_SPOOFED] = { "stop-spoofed", "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_MANGLE },
	/* Before the NAT of others: Docker publishes ports, too. */
	[CHAIN_HAND_ON] = { "hand-on", "nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST - 5 },
	[CHAIN_HAND_ON_OWN] = { "hand-on-own", "nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST - 5 },
	[CHAIN_CLAMP_MSS] = { "clamp-mss", "filter", NF_INET_FORWARD, NF_IP_PRI_MANGLE },
	[CHAIN_FORWARDING] = { "forwarding", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER - 5 },
	[CHAIN_COUNT_OUT] = { "count-out", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER + 300 },
	/* Before the NAT of others, who masquerade everything that leaves (Docker, firewalld). */
	[CHAIN_TRANSLATE] = { "translate", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC - 5 },
	[CHAIN_COUNT_DELIVERY] = { "count-delivery", "filter", NF_INET_LOCAL_IN,
				   NF_IP_PRI_FILTER + 300 },
};

static const char *by_family(uint8_t family, enum table_set set4, enum table_set set6)
{
	return table_set_name(family == NFPROTO_IPV4 ? set4 : set6);
}

static const char *lan(uint8_t family)
{
	return by_family(family, SET_LAN4, SET_LAN6);
}

static void match_leaving(struct nftnl_rule *rule)
{
	match_interface(rule, NFT_META_IIFNAME, table_set_name(SET_TUNNELS));
	match_other_interface(rule, NFT_META_OIFNAME, table_set_name(SET_TUNNELS));
}

static void pass_known(struct nftnl_rule *rule, uint8_t family)
{
	(void)family;
	match_interface(rule, NFT_META_IIFNAME, table_set_name(SET_TUNNELS));
	match_established(rule);
	decide(rule, NF_ACCEPT);
}

/* What no route leads back to by the same tunnel, this host's own addresses among it. */
static void stop_spoofed(struct nftnl_rule *rule, uint8_t family)
{
	(void)family;
	match_interface(rule, NFT_META_IIFNAME, table_set_name(SET_TUNNELS));
	match_no_way_back(rule);
	match_interface(rule, NFT_META_IIFNAME, table_set_name(SET_SPOOFED));
	decide(rule, NF_DROP);
}

static void hand_on(struct nftnl_rule *rule, uint8_t family)
{
	match_local_destination(rule);
	translate_destination(rule, family, by_family(family, SET_PUBLISH4, SET_PUBLISH6));
}

/* A client cannot answer to 127.0.0.1. */
static void hand_on_own(struct nftnl_rule *rule, uint8_t family)
{
	match_not_loopback_destination(rule, family);
	hand_on(rule, family);
}

/* Routers that lead a packet from home back home give it their own address, which is of the home as
 * well. It is through with this chain then. */
static void count_lan(struct nftnl_rule *rule, uint8_t family)
{
	match_not_loopback(rule);
	match_other_interface(rule, NFT_META_IIFNAME, table_set_name(SET_TUNNELS));
	match_address(rule, family, SOURCE, lan(family));
	match_local_destination(rule);
	match_port(rule, table_set_name(SET_ARRIVED_LAN));
	remember_port(rule, table_set_name(SET_SEEN_LAN), RULES_SEEN_MS);
	decide(rule, NF_ACCEPT);
}

/* What comes out of a tunnel is neither. */
static void count_outside(struct nftnl_rule *rule, uint8_t family)
{
	(void)family;
	match_not_loopback(rule);
	match_other_interface(rule, NFT_META_IIFNAME, table_set_name(SET_TUNNELS));
	match_local_destination(rule);
	match_port(rule, table_set_name(SET_ARRIVED));
	remember_port(rule, table_set_name(SET_SEEN), RULES_SEEN_MS);
}

static void count_delivery(struct nftnl_rule *rule, uint8_t family)
{
	(void)family;
	match_not_loopback(rule);
	match_port(rule, table_set_name(SET_DELIVERED));
}

/* In the first packet's last hook. The destination is the client's by then: conntrack knows the port
 * that was called. */
static void count_handed_on(struct nftnl_rule *rule, uint8_t family, uint8_t protocol)
{
	match_interface(rule, NFT_META_OIFNAME, table_set_name(SET_TUNNELS));
	match_handed_on(rule);
	count_called_port(rule, family, protocol,
			  by_family(family, SET_HANDED_ON4, SET_HANDED_ON6));
}

static void count_handed_on_udp(struct nftnl_rule *rule, uint8_t family)
{
	count_handed_on(rule, family, IPPROTO_UDP);
}

static void count_handed_on_tcp(struct nftnl_rule *rule, uint8_t family)
{
	count_handed_on(rule, family, IPPROTO_TCP);
}

static void clamp_from(struct nftnl_rule *rule, uint8_t family)
{
	(void)family;
	match_interface(rule, NFT_META_IIFNAME, table_set_name(SET_TUNNELS));
	match_syn(rule);
	clamp_mss(rule);
}

static void clamp_to(struct nftnl_rule *rule, uint8_t family)
{
	(void)family;
	match_interface(rule, NFT_META_OIFNAME, table_set_name(SET_TUNNELS));
	match_syn(rule);
	clamp_mss(rule);
}

static void count_from(struct nftnl_rule *rule, uint8_t family)
{
	(void)family;
	match_interface(rule, NFT_META_IIFNAME, table_set_name(SET_FROM_TUNNELS));
}

static void count_to(struct nftnl_rule *rule, uint8_t family)
{
	(void)family;
	match_interface(rule, NFT_META_OIFNAME, table_set_name(SET_TO_TUNNELS));
}

static void accept_established(struct nftnl_rule *rule, uint8_t family)
{
	(void)family;
	match_established(rule);
	decide(rule, NF_ACCEPT);
}

/* Their routers at home are their own: a client asks the router that its tunnel leads past. */
static void keep_from_router(struct nftnl_rule *rule, uint8_t family)
{
	(void)family;
	match_leaving(rule);
	match_port(rule, table_set_name(SET_ROUTER_PORTS));
	count_packets(rule);
	decide(rule, NF_DROP);
}

/* Answers to who called bear the address that was called. What is of no connection the guard keeps in. */
static void drop_closed(struct nftnl_rule *rule, uint8_t family, const char *set)
{
	match_leaving(rule);
	match_address(rule, family, SOURCE, set);
	match_original_direction(rule);
	count_packets(rule);
	decide(rule, NF_DROP);
}

static void keep_closed_hosts(struct nftnl_rule *rule, uint8_t family)
{
	drop_closed(rule, family, by_family(family, SET_CLOSED_HOSTS4, SET_CLOSED_HOSTS6));
}

static void keep_closed(struct nftnl_rule *rule, uint8_t family)
{
	drop_closed(rule, family, by_family(family, SET_CLOSED4, SET_CLOSED6));
}

static void accept_published(struct nftnl_rule *rule, uint8_t family)
{
	(void)family;
	match_interface(rule, NFT_META_OIFNAME, table_set_name(SET_TUNNELS));
	match_handed_on(rule);
	decide(rule, NF_ACCEPT);
}

static void keep_from_clients(struct nftnl_rule *rule, uint8_t family)
{
	(void)family;
	match_interface(rule, NFT_META_IIFNAME, table_set_name(SET_NO_CLIENTS));
	match_interface(rule, NFT_META_OIFNAME, table_set_name(SET_TUNNELS));
	count_packets(rule);
	decide(rule, NF_DROP);
}

/* The clients may have addresses within a network of the home. */
static void keep_from_lan(struct nftnl_rule *rule, uint8_t family)
{
	match_interface(rule, NFT_META_IIFNAME, table_set_name(SET_NO_LAN));
	match_other_interface(rule, NFT_META_OIFNAME, table_set_name(SET_TUNNELS));
	match_address(rule, family, DESTINATION, lan(family));
	count_packets(rule);
	decide(rule, NF_DROP);
}

static void keep_from_internet(struct nftnl_rule *rule, uint8_t family)
{
	match_interface(rule, NFT_META_IIFNAME, table_set_name(SET_NO_INTERNET));
	match_other_interface(rule, NFT_META_OIFNAME, table_set_name(SET_TUNNELS));
	match_other_address(rule, family, DESTINATION, lan(family));
	count_packets(rule);
	decide(rule, NF_DROP);
}

static void keep_out(struct nftnl_rule *rule, uint8_t family)
{
	match_other_interface(rule, NFT_META_IIFNAME, table_set_name(SET_TUNNELS));
	match_interface(rule, NFT_META_OIFNAME, table_set_name(SET_TUNNELS));
	match_other_address(rule, family, SOURCE, lan(family));
	count_packets(rule);
	decide(rule, NF_DROP);
}

/* The last rule: the chain's policy accepts the rest as well. */
static void accept_clients(struct nftnl_rule *rule, uint8_t family)
{
	(void)family;
	match_new(rule);
	match_interface(rule, NFT_META_IIFNAME, table_set_name(SET_ALLOWED));
	decide(rule, NF_ACCEPT);
}

static void count_passed(struct nftnl_rule *rule, uint8_t family)
{
	(void)family;
	match_new(rule);
	match_interface(rule, NFT_META_IIFNAME, table_set_name(SET_PASSED));
}

/* Clients of one tunnel may reach each other past this host (OpenVPN), and nobody reaches himself. */
static void hide_clients(struct nftnl_rule *rule, uint8_t family)
{
	(void)family;
	match_interface(rule, NFT_META_IIFNAME, table_set_name(SET_TUNNELS));
	match_interface(rule, NFT_META_OIFNAME, table_set_name(SET_TUNNELS));
	match_handed_on(rule);
	masquerade(rule);
}

/* The kernel has chosen the source before the destination became a client. */
static void hide_own(struct nftnl_rule *rule, uint8_t family)
{
	(void)family;
	match_interface(rule, NFT_META_OIFNAME, table_set_name(SET_TUNNELS));
	match_local_source(rule);
	match_handed_on(rule);
	masquerade(rule);
}

/* By the port that was called: another may lead to the same client's port and show who calls. */
static void hide_source(struct nftnl_rule *rule, uint8_t family, uint8_t protocol)
{
	match_interface(rule, NFT_META_OIFNAME, table_set_name(SET_TUNNELS));
	match_handed_on(rule);
	match_called_port(rule, family, protocol,
			  by_family(family, SET_HIDE_SOURCE4, SET_HIDE_SOURCE6));
	masquerade(rule);
}

static void hide_source_udp(struct nftnl_rule *rule, uint8_t family)
{
	hide_source(rule, family, IPPROTO_UDP);
}

static void hide_source_tcp(struct nftnl_rule *rule, uint8_t family)
{
	hide_source(rule, family, IPPROTO_TCP);
}

static void fix_egress_of_hosts(struct nftnl_rule *rule, uint8_t family)
{
	match_leaving(rule);
	translate_source(rule, family, by_family(family, SET_EGRESS_HOSTS4, SET_EGRESS_HOSTS6));
}

static void fix_egress(struct nftnl_rule *rule, uint8_t family)
{
	match_leaving(rule);
	translate_source(rule, family, by_family(family, SET_EGRESS4, SET_EGRESS6));
}

/* A client keeps the address that it got: many a server ends a session that changes its address. */
static void take_of_pool(struct nftnl_rule *rule, uint8_t family)
{
	match_leaving(rule);
	translate_source_range(rule, family, by_family(family, SET_POOL4, SET_POOL6),
			       NF_NAT_RANGE_PERSISTENT);
}

static void change_prefix(struct nftnl_rule *rule, uint8_t family)
{
	match_leaving(rule);
	translate_source_range(rule, family, table_set_name(SET_PREFIX6), NF_NAT_RANGE_NETMAP);
}

static void masquerade_those(struct nftnl_rule *rule, uint8_t family, const char *set)
{
	match_leaving(rule);
	match_address(rule, family, SOURCE, set);
	masquerade(rule);
}

static void masquerade_hosts(struct nftnl_rule *rule, uint8_t family)
{
	masquerade_those(rule, family,
			 by_family(family, SET_MASQUERADE_HOSTS4, SET_MASQUERADE_HOSTS6));
}

static void masquerade_egress(struct nftnl_rule *rule, uint8_t family)
{
	masquerade_those(rule, family, by_family(family, SET_MASQUERADE4, SET_MASQUERADE6));
}

#define WITH(set) TABLE_BIT(SET_##set)

/* In the order of their chains. After accept_established, what comes from a tunnel is new, or is
 * nothing that conntrack knows: both have to be allowed. What others hand on to clients is let through
 * as well, so some rules are about it where nothing is published. */
const struct ruleset_rule ruleset_rules[] = {
	{ CHAIN_COUNT_ARRIVAL, count_lan, NFPROTO_IPV4, WITH(ARRIVED) | WITH(LAN4),
	  "from the home network" },
	{ CHAIN_COUNT_ARRIVAL, count_lan, NFPROTO_IPV6, WITH(ARRIVED) | WITH(LAN6),
	  "from the home network" },
	{ CHAIN_COUNT_ARRIVAL, count_outside, NFPROTO_INET, WITH(ARRIVED), "from outside" },
	{ CHAIN_STOP_SPOOFED, pass_known, NFPROTO_INET, WITH(TUNNELS), NULL },
	{ CHAIN_STOP_SPOOFED, stop_spoofed, NFPROTO_INET, WITH(TUNNELS), "counts in the set" },
	{ CHAIN_HAND_ON, hand_on, NFPROTO_IPV4, WITH(PUBLISH4), NULL },
	{ CHAIN_HAND_ON, hand_on, NFPROTO_IPV6, WITH(PUBLISH6), NULL },
	{ CHAIN_HAND_ON_OWN, hand_on_own, NFPROTO_IPV4, WITH(PUBLISH4), NULL },
	{ CHAIN_HAND_ON_OWN, hand_on_own, NFPROTO_IPV6, WITH(PUBLISH6), NULL },
	{ CHAIN_CLAMP_MSS, clamp_from, NFPROTO_INET, WITH(TUNNELS), NULL },
	{ CHAIN_CLAMP_MSS, clamp_to, NFPROTO_INET, WITH(TUNNELS), NULL },
	{ CHAIN_FORWARDING, count_from, NFPROTO_INET, WITH(TUNNELS), "counts in the set" },
	{ CHAIN_FORWARDING, keep_from_router, NFPROTO_INET, WITH(TUNNELS),
	  "clients open no ports at home" },
	{ CHAIN_FORWARDING, keep_closed_hosts, NFPROTO_IPV4, WITH(CLOSED_HOSTS4),
	  "their address is gone" },
	{ CHAIN_FORWARDING, keep_closed_hosts, NFPROTO_IPV6, WITH(CLOSED_HOSTS6),
	  "their address is gone" },
	{ CHAIN_FORWARDING, keep_closed, NFPROTO_IPV4, WITH(CLOSED4), "their address is gone" },
	{ CHAIN_FORWARDING, keep_closed, NFPROTO_IPV6, WITH(CLOSED6), "their address is gone" },
	{ CHAIN_FORWARDING, accept_established, NFPROTO_INET, WITH(TUNNELS), NULL },
	{ CHAIN_FORWARDING, accept_published, NFPROTO_INET, WITH(TUNNELS), NULL },
	{ CHAIN_FORWARDING, keep_from_clients, NFPROTO_INET, WITH(NO_CLIENTS),
	  "reach without clients" },
	{ CHAIN_FORWARDING, keep_from_lan, NFPROTO_IPV4, WITH(NO_LAN) | WITH(LAN4),
	  "reach without lan" },
	{ CHAIN_FORWARDING, keep_from_lan, NFPROTO_IPV6, WITH(NO_LAN) | WITH(LAN6),
	  "reach without lan" },
	{ CHAIN_FORWARDING, keep_from_internet, NFPROTO_IPV4, WITH(NO_INTERNET),
	  "reach without internet" },
	{ CHAIN_FORWARDING, keep_from_internet, NFPROTO_IPV6, WITH(NO_INTERNET),
	  "reach without internet" },
	{ CHAIN_FORWARDING, keep_out, NFPROTO_IPV4, WITH(TUNNELS),
	  "from outside only what is published" },
	{ CHAIN_FORWARDING, keep_out, NFPROTO_IPV6, WITH(TUNNELS),
	  "from outside only what is published" },
	{ CHAIN_FORWARDING, accept_clients, NFPROTO_INET, WITH(TUNNELS), "counts in the set" },
	{ CHAIN_COUNT_OUT, count_to, NFPROTO_INET, WITH(TUNNELS), "counts in the set" },
	{ CHAIN_COUNT_OUT, count_passed, NFPROTO_INET, WITH(TUNNELS), "counts in the set" },
	{ CHAIN_TRANSLATE, count_handed_on_udp, NFPROTO_IPV4, WITH(UDP4), "counts in the set" },
	{ CHAIN_TRANSLATE, count_handed_on_udp, NFPROTO_IPV6, WITH(UDP6), "counts in the set" },
	{ CHAIN_TRANSLATE, count_handed_on_tcp, NFPROTO_IPV4, WITH(TCP4), "counts in the set" },
	{ CHAIN_TRANSLATE, count_handed_on_tcp, NFPROTO_IPV6, WITH(TCP6), "counts in the set" },
	{ CHAIN_TRANSLATE, hide_clients, NFPROTO_INET, WITH(TUNNELS), NULL },
	{ CHAIN_TRANSLATE, hide_own, NFPROTO_INET, WITH(TUNNELS), NULL },
	{ CHAIN_TRANSLATE, hide_source_udp, NFPROTO_IPV4, WITH(HIDE_SOURCE4) | WITH(UDP4), NULL },
	{ CHAIN_TRANSLATE, hide_source_udp, NFPROTO_IPV6, WITH(HIDE_SOURCE6) | WITH(UDP6), NULL },
	{ CHAIN_TRANSLATE, hide_source_tcp, NFPROTO_IPV4, WITH(HIDE_SOURCE4) | WITH(TCP4), NULL },
	{ CHAIN_TRANSLATE, hide_source_tcp, NFPROTO_IPV6, WITH(HIDE_SOURCE6) | WITH(TCP6), NULL },
	{ CHAIN_TRANSLATE, fix_egress_of_hosts, NFPROTO_IPV4, WITH(EGRESS_HOSTS4), NULL },
	{ CHAIN_TRANSLATE, fix_egress_of_hosts, NFPROTO_IPV6, WITH(EGRESS_HOSTS6), NULL },
	{ CHAIN_TRANSLATE, masquerade_hosts, NFPROTO_IPV4, WITH(MASQUERADE_HOSTS4), NULL },
	{ CHAIN_TRANSLATE, masquerade_hosts, NFPROTO_IPV6, WITH(MASQUERADE_HOSTS6), NULL },
	{ CHAIN_TRANSLATE, fix_egress, NFPROTO_IPV4, WITH(EGRESS4), NULL },
	{ CHAIN_TRANSLATE, fix_egress, NFPROTO_IPV6, WITH(EGRESS6), NULL },
	{ CHAIN_TRANSLATE, take_of_pool, NFPROTO_IPV4, WITH(POOL4), NULL },
	{ CHAIN_TRANSLATE, take_of_pool, NFPROTO_IPV6, WITH(POOL6), NULL },
	{ CHAIN_TRANSLATE, change_prefix, NFPROTO_IPV6, WITH(PREFIX6), "NPTv6" },
	{ CHAIN_TRANSLATE, masquerade_egress, NFPROTO_IPV4, WITH(MASQUERADE4), NULL },
	{ CHAIN_TRANSLATE, masquerade_egress, NFPROTO_IPV6, WITH(MASQUERADE6), NULL },
	{ CHAIN_COUNT_DELIVERY, count_delivery, NFPROTO_INET, WITH(DELIVERED), NULL },
};

const uint32_t ruleset_rule_count = sizeof(ruleset_rules) / sizeof(*ruleset_rules);
