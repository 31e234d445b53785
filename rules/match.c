/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/match.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>

#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>

#define TCP_FLAGS_OFFSET 13 /* RFC 9293 3.1: the control bits */

void match_interface(struct nftnl_rule *rule, uint32_t key, const char *set)
{
	load_meta(rule, key);
	expression_look_up(rule, set, 0);
}

void match_other_interface(struct nftnl_rule *rule, uint32_t key, const char *set)
{
	load_meta(rule, key);
	expression_look_up(rule, set, NFT_LOOKUP_F_INV);
}

/* With its NUL, as iptables compares a whole name; nft prints it the same. */
void match_one_interface(struct nftnl_rule *rule, uint32_t key, const char *name)
{
	load_meta(rule, key);
	expression_compare(rule, NFT_CMP_EQ, name, (uint32_t)strlen(name) + 1);
}

void match_not_loopback(struct nftnl_rule *rule)
{
	static const char name[IF_NAMESIZE] = "lo";

	load_meta(rule, NFT_META_IIFNAME);
	expression_compare(rule, NFT_CMP_NEQ, name, sizeof(name));
}

static void ask_fib(struct nftnl_rule *rule, uint32_t flags, uint32_t result)
{
	struct nftnl_expr *fib = expression_append(rule, "fib");

	nftnl_expr_set_u32(fib, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
	nftnl_expr_set_u32(fib, NFTNL_EXPR_FIB_RESULT, result);
	nftnl_expr_set_u32(fib, NFTNL_EXPR_FIB_FLAGS, flags);
}

void match_local_destination(struct nftnl_rule *rule)
{
	const uint32_t local = RTN_LOCAL;

	ask_fib(rule, NFTA_FIB_F_DADDR, NFT_FIB_RESULT_ADDRTYPE);
	expression_compare(rule, NFT_CMP_EQ, &local, sizeof(local));
}

void match_local_source(struct nftnl_rule *rule)
{
	const uint32_t local = RTN_LOCAL;

	ask_fib(rule, NFTA_FIB_F_SADDR, NFT_FIB_RESULT_ADDRTYPE);
	expression_compare(rule, NFT_CMP_EQ, &local, sizeof(local));
}

void match_no_way_back(struct nftnl_rule *rule)
{
	const uint32_t missing = 0;

	ask_fib(rule, NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT, NFT_FIB_RESULT_OIF);
	expression_compare(rule, NFT_CMP_EQ, &missing, sizeof(missing));
}

void match_port(struct nftnl_rule *rule, const char *set)
{
	load_port(rule);
	expression_look_up(rule, set, 0);
}

void match_called_port(struct nftnl_rule *rule, uint8_t family, uint8_t protocol, const char *set)
{
	load_called_port(rule, family, protocol);
	expression_look_up(rule, set, 0);
}

void match_address(struct nftnl_rule *rule, uint8_t family, enum side side, const char *set)
{
	load_address(rule, family, side);
	expression_look_up(rule, set, 0);
}

void match_other_address(struct nftnl_rule *rule, uint8_t family, enum side side, const char *set)
{
	load_address(rule, family, side);
	expression_look_up(rule, set, NFT_LOOKUP_F_INV);
}

void match_host(struct nftnl_rule *rule, uint8_t family, enum side side, const void *address)
{
	load_address(rule, family, side);
	expression_compare(rule, NFT_CMP_EQ, address,
			   family == NFPROTO_IPV4 ? sizeof(struct in_addr)
						  : sizeof(struct in6_addr));
}

void match_one_port(struct nftnl_rule *rule, uint8_t protocol, uint16_t port)
{
	const uint16_t wire = htons(port);

	match_protocol(rule, protocol);
	load_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, offsetof(struct tcphdr, th_dport),
		     sizeof(wire), NFT_REG_1);
	expression_compare(rule, NFT_CMP_EQ, &wire, sizeof(wire));
}

void match_not_loopback_destination(struct nftnl_rule *rule, uint8_t family)
{
	static const struct in6_addr loopback6 = IN6ADDR_LOOPBACK_INIT;
	const uint8_t loopback4 = 127;

	if (family == NFPROTO_IPV6) {
		load_address(rule, family, DESTINATION);
		expression_compare(rule, NFT_CMP_NEQ, &loopback6, sizeof(loopback6));
		return;
	}
	match_family(rule, family);
	load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, offsetof(struct iphdr, daddr),
		     sizeof(loopback4), NFT_REG_1);
	expression_compare(rule, NFT_CMP_NEQ, &loopback4, sizeof(loopback4));
}

/* At least one of `bits` in what conntrack says: of NFT_CT_STATUS enum ip_conntrack_status, of
 * NFT_CT_STATE NF_CT_STATE_BIT(), both of nf_conntrack_common.h. */
static void match_connection(struct nftnl_rule *rule, enum nft_ct_keys key, uint32_t bits)
{
	const uint32_t none = 0;
	struct nftnl_expr *ct = expression_append(rule, "ct");

	nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_DREG, NFT_REG_1);
	expression_keep_bits(rule, &bits, sizeof(bits));
	expression_compare(rule, NFT_CMP_NEQ, &none, sizeof(none));
}

void match_handed_on(struct nftnl_rule *rule)
{
	match_connection(rule, NFT_CT_STATUS, IPS_DST_NAT);
}

void match_established(struct nftnl_rule *rule)
{
	match_connection(rule, NFT_CT_STATE,
			 NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED));
}

void match_new(struct nftnl_rule *rule)
{
	match_connection(rule, NFT_CT_STATE, NF_CT_STATE_BIT(IP_CT_NEW));
}

void match_no_connection(struct nftnl_rule *rule)
{
	match_connection(rule, NFT_CT_STATE, NF_CT_STATE_INVALID_BIT | NF_CT_STATE_UNTRACKED_BIT);
}

void match_original_direction(struct nftnl_rule *rule)
{
	const uint8_t original = IP_CT_DIR_ORIGINAL;
	struct nftnl_expr *ct = expression_append(rule, "ct");

	nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_KEY, NFT_CT_DIRECTION);
	nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_DREG, NFT_REG_1);
	expression_compare(rule, NFT_CMP_EQ, &original, sizeof(original));
}

void match_syn(struct nftnl_rule *rule)
{
	const uint8_t protocol = IPPROTO_TCP;
	const uint8_t mask = TH_SYN | TH_RST;
	const uint8_t syn = TH_SYN;

	load_meta(rule, NFT_META_L4PROTO);
	expression_compare(rule, NFT_CMP_EQ, &protocol, sizeof(protocol));
	load_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS_OFFSET, sizeof(mask), NFT_REG_1);
	expression_keep_bits(rule, &mask, sizeof(mask));
	expression_compare(rule, NFT_CMP_EQ, &syn, sizeof(syn));
}
