/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/statement.h"

#include <netinet/tcp.h>

#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "rules/expression.h"

static struct nftnl_expr *update(struct nftnl_rule *rule, const char *set)
{
	struct nftnl_expr *dynset = expression_append(rule, "dynset");

	nftnl_expr_set_u32(dynset, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
	nftnl_expr_set_u32(dynset, NFTNL_EXPR_DYNSET_SREG_KEY, NFT_REG_1);
	nftnl_expr_set_str(dynset, NFTNL_EXPR_DYNSET_SET_NAME, set);
	return dynset;
}

void remember_port(struct nftnl_rule *rule, const char *set, uint64_t timeout_ms)
{
	load_port(rule);
	nftnl_expr_set_u64(update(rule, set), NFTNL_EXPR_DYNSET_TIMEOUT, timeout_ms);
}

void count_called_port(struct nftnl_rule *rule, uint8_t family, uint8_t protocol, const char *set)
{
	load_called_port(rule, family, protocol);
	update(rule, set);
}

void clamp_mss(struct nftnl_rule *rule)
{
	struct nftnl_expr *rt = expression_append(rule, "rt");
	struct nftnl_expr *order = expression_append(rule, "byteorder");
	struct nftnl_expr *option = expression_append(rule, "exthdr");

	/* The smaller MTU of both directions' routes, less the headers; nft_rt.c get_tcpmss(). */
	nftnl_expr_set_u32(rt, NFTNL_EXPR_RT_KEY, NFT_RT_TCPMSS);
	nftnl_expr_set_u32(rt, NFTNL_EXPR_RT_DREG, NFT_REG_1);

	nftnl_expr_set_u32(order, NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1);
	nftnl_expr_set_u32(order, NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1);
	nftnl_expr_set_u32(order, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	nftnl_expr_set_u32(order, NFTNL_EXPR_BYTEORDER_LEN, sizeof(uint16_t));
	nftnl_expr_set_u32(order, NFTNL_EXPR_BYTEORDER_SIZE, sizeof(uint16_t));

	/* Writing it only ever lowers it; nft_exthdr.c nft_exthdr_tcp_set_eval(). */
	nftnl_expr_set_u32(option, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
	nftnl_expr_set_u8(option, NFTNL_EXPR_EXTHDR_TYPE, TCPOPT_MAXSEG);
	nftnl_expr_set_u32(option, NFTNL_EXPR_EXTHDR_OFFSET, 2);
	nftnl_expr_set_u32(option, NFTNL_EXPR_EXTHDR_LEN, sizeof(uint16_t));
	nftnl_expr_set_u32(option, NFTNL_EXPR_EXTHDR_SREG, NFT_REG_1);
}

/* To what the map has for the key that is loaded. */
static struct nftnl_expr *nat_from_map(struct nftnl_rule *rule, uint32_t type, uint8_t family,
				       const char *map)
{
	struct nftnl_expr *lookup = expression_look_up(rule, map, 0);
	struct nftnl_expr *nat = expression_append(rule, "nat");

	nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_1);
	nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_TYPE, type);
	nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_FAMILY, family);
	nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
	return nat;
}

static struct nftnl_expr *snat_from_map(struct nftnl_rule *rule, uint8_t family, const char *map)
{
	load_address(rule, family, SOURCE);
	return nat_from_map(rule, NFT_NAT_SNAT, family, map);
}

void translate_source(struct nftnl_rule *rule, uint8_t family, const char *map)
{
	snat_from_map(rule, family, map);
}

void translate_source_range(struct nftnl_rule *rule, uint8_t family, const char *map,
			    uint32_t flags)
{
	struct nftnl_expr *nat = snat_from_map(rule, family, map);

	nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_ADDR_MAX,
			   family == NFPROTO_IPV4 ? NFT_REG32_01 : NFT_REG_2);
	nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_FLAGS, flags);
}

void translate_destination(struct nftnl_rule *rule, uint8_t family, const char *map)
{
	struct nftnl_expr *nat;

	match_family(rule, family);
	load_port(rule);
	nat = nat_from_map(rule, NFT_NAT_DNAT, family, map);
	nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_PROTO_MIN,
			   family == NFPROTO_IPV4 ? NFT_REG32_01 : NFT_REG_2);
}

void masquerade(struct nftnl_rule *rule)
{
	expression_append(rule, "masq");
}

void count_packets(struct nftnl_rule *rule)
{
	expression_append(rule, "counter");
}

void limit_packets(struct nftnl_rule *rule, uint64_t per_second)
{
	struct nftnl_expr *limit = expression_append(rule, "limit");

	nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_RATE, per_second);
	nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_UNIT, 1); /* s */
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_BURST,
			   5); /* nft's own, which it does not print */
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
}

void trace_packets(struct nftnl_rule *rule)
{
	const uint8_t on = 1;
	struct nftnl_expr *immediate = expression_append(rule, "immediate");
	struct nftnl_expr *meta = expression_append(rule, "meta");

	nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	nftnl_expr_set(immediate, NFTNL_EXPR_IMM_DATA, &on, sizeof(on));
	nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, NFT_META_NFTRACE);
	nftnl_expr_set_u32(meta, NFTNL_EXPR_META_SREG, NFT_REG_1);
}

void decide(struct nftnl_rule *rule, uint32_t verdict)
{
	struct nftnl_expr *immediate = expression_append(rule, "immediate");

	nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_VERDICT, verdict);
}
