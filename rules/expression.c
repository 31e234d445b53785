/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/expression.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>

#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>

#include "natd/log.h"

#define TCP_FLAGS_OFFSET 13 /* RFC 9293 3.1: the control bits */

static struct nftnl_expr *append(struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *expression = nftnl_expr_alloc(name);

	if (!expression)
		fatal("no memory for an nftables expression");
	nftnl_rule_add_expr(rule, expression);
	return expression;
}

static void load_meta(struct nftnl_rule *rule, uint32_t key)
{
	struct nftnl_expr *meta = append(rule, "meta");

	nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(meta, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

static void load_payload(struct nftnl_rule *rule, uint32_t base, uint32_t offset, uint32_t length,
			 uint32_t reg)
{
	struct nftnl_expr *payload = append(rule, "payload");

	nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_LEN, length);
	nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_DREG, reg);
}

static void compare(struct nftnl_rule *rule, uint32_t how, const void *data, uint32_t length)
{
	struct nftnl_expr *cmp = append(rule, "cmp");

	nftnl_expr_set_u32(cmp, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(cmp, NFTNL_EXPR_CMP_OP, how);
	nftnl_expr_set(cmp, NFTNL_EXPR_CMP_DATA, data, length);
}

/* Keeps the bits of `mask`, in the byte order of the register. */
static void keep_bits(struct nftnl_rule *rule, const void *mask, uint32_t length)
{
	static const uint8_t zero[4];
	struct nftnl_expr *bitwise = append(rule, "bitwise");

	nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_LEN, length);
	nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_MASK, mask, length);
	nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_XOR, zero, length);
}

/* The kernel finds a set of the same transaction by its name. */
static struct nftnl_expr *look_up(struct nftnl_rule *rule, const char *set, uint32_t flags)
{
	struct nftnl_expr *lookup = append(rule, "lookup");

	nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_str(lookup, NFTNL_EXPR_LOOKUP_SET, set);
	if (flags)
		nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_FLAGS, flags);
	return lookup;
}

void match_interface(struct nftnl_rule *rule, uint32_t key, const char *set)
{
	load_meta(rule, key);
	look_up(rule, set, 0);
}

void match_other_interface(struct nftnl_rule *rule, uint32_t key, const char *set)
{
	load_meta(rule, key);
	look_up(rule, set, NFT_LOOKUP_F_INV);
}

/* With its NUL, as iptables compares a whole name; nft prints it the same. */
void match_one_interface(struct nftnl_rule *rule, uint32_t key, const char *name)
{
	load_meta(rule, key);
	compare(rule, NFT_CMP_EQ, name, (uint32_t)strlen(name) + 1);
}

void match_not_loopback(struct nftnl_rule *rule)
{
	static const char name[IF_NAMESIZE] = "lo";

	load_meta(rule, NFT_META_IIFNAME);
	compare(rule, NFT_CMP_NEQ, name, sizeof(name));
}

static void ask_fib(struct nftnl_rule *rule, uint32_t flags, uint32_t result)
{
	struct nftnl_expr *fib = append(rule, "fib");

	nftnl_expr_set_u32(fib, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
	nftnl_expr_set_u32(fib, NFTNL_EXPR_FIB_RESULT, result);
	nftnl_expr_set_u32(fib, NFTNL_EXPR_FIB_FLAGS, flags);
}

void match_local_destination(struct nftnl_rule *rule)
{
	const uint32_t local = RTN_LOCAL;

	ask_fib(rule, NFTA_FIB_F_DADDR, NFT_FIB_RESULT_ADDRTYPE);
	compare(rule, NFT_CMP_EQ, &local, sizeof(local));
}

void match_local_source(struct nftnl_rule *rule)
{
	const uint32_t local = RTN_LOCAL;

	ask_fib(rule, NFTA_FIB_F_SADDR, NFT_FIB_RESULT_ADDRTYPE);
	compare(rule, NFT_CMP_EQ, &local, sizeof(local));
}

void match_no_way_back(struct nftnl_rule *rule)
{
	const uint32_t missing = 0;

	ask_fib(rule, NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT, NFT_FIB_RESULT_OIF);
	compare(rule, NFT_CMP_EQ, &missing, sizeof(missing));
}

/* Each part of a concatenation takes four bytes or a multiple: a register of 32 bits after the other
 * from NFT_REG32_00 on, which is where NFT_REG_1 begins. UDP and TCP have the destination port in the
 * same place. */
static void load_port(struct nftnl_rule *rule)
{
	load_meta(rule, NFT_META_L4PROTO);
	load_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, offsetof(struct tcphdr, th_dport),
		     sizeof(uint16_t), NFT_REG32_01);
}

void match_port(struct nftnl_rule *rule, const char *set)
{
	load_port(rule);
	look_up(rule, set, 0);
}

static struct nftnl_expr *update(struct nftnl_rule *rule, const char *set)
{
	struct nftnl_expr *dynset = append(rule, "dynset");

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

static void match_family(struct nftnl_rule *rule, uint8_t family)
{
	load_meta(rule, NFT_META_NFPROTO);
	compare(rule, NFT_CMP_EQ, &family, sizeof(family));
}

static void match_protocol(struct nftnl_rule *rule, uint8_t protocol)
{
	load_meta(rule, NFT_META_L4PROTO);
	compare(rule, NFT_CMP_EQ, &protocol, sizeof(protocol));
}

static void load_called_port(struct nftnl_rule *rule, uint8_t family, uint8_t protocol)
{
	struct nftnl_expr *ct;

	match_family(rule, family);
	match_protocol(rule, protocol);
	load_meta(rule, NFT_META_L4PROTO);
	ct = append(rule, "ct");
	nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_KEY, NFT_CT_PROTO_DST);
	nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_DREG, NFT_REG32_01);
	nftnl_expr_set_u8(ct, NFTNL_EXPR_CT_DIR, IP_CT_DIR_ORIGINAL);
}

void match_called_port(struct nftnl_rule *rule, uint8_t family, uint8_t protocol, const char *set)
{
	load_called_port(rule, family, protocol);
	look_up(rule, set, 0);
}

void count_called_port(struct nftnl_rule *rule, uint8_t family, uint8_t protocol, const char *set)
{
	load_called_port(rule, family, protocol);
	update(rule, set);
}

static void load_address(struct nftnl_rule *rule, uint8_t family, enum side side)
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

void match_address(struct nftnl_rule *rule, uint8_t family, enum side side, const char *set)
{
	load_address(rule, family, side);
	look_up(rule, set, 0);
}

void match_other_address(struct nftnl_rule *rule, uint8_t family, enum side side, const char *set)
{
	load_address(rule, family, side);
	look_up(rule, set, NFT_LOOKUP_F_INV);
}

void match_host(struct nftnl_rule *rule, uint8_t family, enum side side, const void *address)
{
	load_address(rule, family, side);
	compare(rule, NFT_CMP_EQ, address,
		family == NFPROTO_IPV4 ? sizeof(struct in_addr) : sizeof(struct in6_addr));
}

void match_one_port(struct nftnl_rule *rule, uint8_t protocol, uint16_t port)
{
	const uint16_t wire = htons(port);

	match_protocol(rule, protocol);
	load_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, offsetof(struct tcphdr, th_dport),
		     sizeof(wire), NFT_REG_1);
	compare(rule, NFT_CMP_EQ, &wire, sizeof(wire));
}

void match_not_loopback_destination(struct nftnl_rule *rule, uint8_t family)
{
	static const struct in6_addr loopback6 = IN6ADDR_LOOPBACK_INIT;
	const uint8_t loopback4 = 127;

	if (family == NFPROTO_IPV6) {
		load_address(rule, family, DESTINATION);
		compare(rule, NFT_CMP_NEQ, &loopback6, sizeof(loopback6));
		return;
	}
	match_family(rule, family);
	load_payload(rule, NFT_PAYLOAD_NETWORK_HEADER, offsetof(struct iphdr, daddr),
		     sizeof(loopback4), NFT_REG_1);
	compare(rule, NFT_CMP_NEQ, &loopback4, sizeof(loopback4));
}

/* At least one of `bits` in what conntrack says: of NFT_CT_STATUS enum ip_conntrack_status, of
 * NFT_CT_STATE NF_CT_STATE_BIT(), both of nf_conntrack_common.h. */
static void match_connection(struct nftnl_rule *rule, enum nft_ct_keys key, uint32_t bits)
{
	const uint32_t none = 0;
	struct nftnl_expr *ct = append(rule, "ct");

	nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_DREG, NFT_REG_1);
	keep_bits(rule, &bits, sizeof(bits));
	compare(rule, NFT_CMP_NEQ, &none, sizeof(none));
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
	struct nftnl_expr *ct = append(rule, "ct");

	nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_KEY, NFT_CT_DIRECTION);
	nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_DREG, NFT_REG_1);
	compare(rule, NFT_CMP_EQ, &original, sizeof(original));
}

void match_syn(struct nftnl_rule *rule)
{
	const uint8_t protocol = IPPROTO_TCP;
	const uint8_t mask = TH_SYN | TH_RST;
	const uint8_t syn = TH_SYN;

	load_meta(rule, NFT_META_L4PROTO);
	compare(rule, NFT_CMP_EQ, &protocol, sizeof(protocol));
	load_payload(rule, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS_OFFSET, sizeof(mask), NFT_REG_1);
	keep_bits(rule, &mask, sizeof(mask));
	compare(rule, NFT_CMP_EQ, &syn, sizeof(syn));
}

void clamp_mss(struct nftnl_rule *rule)
{
	struct nftnl_expr *rt = append(rule, "rt");
	struct nftnl_expr *order = append(rule, "byteorder");
	struct nftnl_expr *option = append(rule, "exthdr");

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

static struct nftnl_expr *snat_from_map(struct nftnl_rule *rule, uint8_t family, const char *map)
{
	struct nftnl_expr *lookup;
	struct nftnl_expr *nat;

	load_address(rule, family, SOURCE);
	lookup = look_up(rule, map, 0);
	nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_1);
	nat = append(rule, "nat");
	nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_TYPE, NFT_NAT_SNAT);
	nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_FAMILY, family);
	nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
	return nat;
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
	struct nftnl_expr *lookup;
	struct nftnl_expr *nat;

	match_family(rule, family);
	load_port(rule);
	lookup = look_up(rule, map, 0);
	nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_1);
	nat = append(rule, "nat");
	nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
	nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_FAMILY, family);
	nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
	nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_PROTO_MIN,
			   family == NFPROTO_IPV4 ? NFT_REG32_01 : NFT_REG_2);
}

void masquerade(struct nftnl_rule *rule)
{
	append(rule, "masq");
}

void count_packets(struct nftnl_rule *rule)
{
	append(rule, "counter");
}

void limit_packets(struct nftnl_rule *rule, uint64_t per_second)
{
	struct nftnl_expr *limit = append(rule, "limit");

	nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_RATE, per_second);
	nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_UNIT, 1); /* s */
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_BURST,
			   5); /* nft's own, which it does not print */
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
}

void trace_packets(struct nftnl_rule *rule)
{
	const uint8_t on = 1;
	struct nftnl_expr *immediate = append(rule, "immediate");
	struct nftnl_expr *meta = append(rule, "meta");

	nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	nftnl_expr_set(immediate, NFTNL_EXPR_IMM_DATA, &on, sizeof(on));
	nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, NFT_META_NFTRACE);
	nftnl_expr_set_u32(meta, NFTNL_EXPR_META_SREG, NFT_REG_1);
}

void decide(struct nftnl_rule *rule, uint32_t verdict)
{
	struct nftnl_expr *immediate = append(rule, "immediate");

	nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_VERDICT, verdict);
}
