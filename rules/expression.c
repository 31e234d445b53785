/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/expression.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>

#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <stdbool.h>
#include <stddef.h>

#include "natd/log.h"

struct nftnl_expr *expression_append(struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *expression = nftnl_expr_alloc(name);

	if (!expression)
		fatal("no memory for an nftables expression");
	nftnl_rule_add_expr(rule, expression);
	return expression;
}

void load_meta(struct nftnl_rule *rule, uint32_t key)
{
	struct nftnl_expr *meta = expression_append(rule, "meta");

	nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(meta, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

void load_payload(struct nftnl_rule *rule, uint32_t base, uint32_t offset, uint32_t length,
		  uint32_t reg)
{
	struct nftnl_expr *payload = expression_append(rule, "payload");

	nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_LEN, length);
	nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_DREG, reg);
}

void expression_compare(struct nftnl_rule *rule, uint32_t how, const void *data, uint32_t length)
{
	struct nftnl_expr *cmp = expression_append(rule, "cmp");

	nftnl_expr_set_u32(cmp, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(cmp, NFTNL_EXPR_CMP_OP, how);
	nftnl_expr_set(cmp, NFTNL_EXPR_CMP_DATA, data, length);
}

/* Keeps the bits of `mask`, in the byte order of the register. */
void expression_keep_bits(struct nftnl_rule *rule, const void *mask, uint32_t length)
{
	static const uint8_t zero[4];
	struct nftnl_expr *bitwise = expression_append(rule, "bitwise");

	nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_LEN, length);
	nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_MASK, mask, length);
	nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_XOR, zero, length);
}

/* The kernel finds a set of the same transaction by its name. */
struct nftnl_expr *expression_look_up(struct nftnl_rule *rule, const char *set, uint32_t flags)
{
	struct nftnl_expr *lookup = expression_append(rule, "lookup");

	nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_str(lookup, NFTNL_EXPR_LOOKUP_SET, set);
	if (flags)
		nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_FLAGS, flags);
	return lookup;
}

/* Each part of a concatenation takes four bytes or a multiple: a register of 32 bits after the other
 * from NFT_REG32_00 on, which is where NFT_REG_1 begins. UDP and TCP have the destination port in the
 * same place. */
void load_port(struct nftnl_rule *rule)
{
	load_meta(rule, NFT_META_L4PROTO);
	load_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, offsetof(struct tcphdr, th_dport),
		     sizeof(uint16_t), NFT_REG32_01);
}

void match_family(struct nftnl_rule *rule, uint8_t family)
{
	load_meta(rule, NFT_META_NFPROTO);
	expression_compare(rule, NFT_CMP_EQ, &family, sizeof(family));
}

void match_protocol(struct nftnl_rule *rule, uint8_t protocol)
{
	load_meta(rule, NFT_META_L4PROTO);
	expression_compare(rule, NFT_CMP_EQ, &protocol, sizeof(protocol));
}

void load_called_port(struct nftnl_rule *rule, uint8_t family, uint8_t protocol)
{
	struct nftnl_expr *ct;

	match_family(rule, family);
	match_protocol(rule, protocol);
	load_meta(rule, NFT_META_L4PROTO);
	ct = expression_append(rule, "ct");
	nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_KEY, NFT_CT_PROTO_DST);
	nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_DREG, NFT_REG32_01);
	nftnl_expr_set_u8(ct, NFTNL_EXPR_CT_DIR, IP_CT_DIR_ORIGINAL);
}

void load_address(struct nftnl_rule *rule, uint8_t family, enum side side)
{
	static const size_t offset4[] = { offsetof(struct iphdr, saddr),
					  offsetof(struct iphdr, daddr) };
	static const size_t offset6[] = { offsetof(struct ip6_hdr, ip6_src),
					  offsetof(struct ip6_hdr, ip6_dst) };
	bool v4 = family == NFPROTO_IPV4;

	match_family(rule, family);
	load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER,
		     (uint32_t)(v4 ? offset4[side] : offset6[side]),
		     v4 ? sizeof(struct in_addr) : sizeof(struct in6_addr), NFT_REG_1);
}
