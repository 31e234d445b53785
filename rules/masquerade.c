/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/masquerade.h"

#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stddef.h>
#include <string.h>

/* What the register holds with which the next expression compares. */
enum loaded { LOADED_OTHER, LOADED_WAY_OUT, LOADED_SOURCE4, LOADED_SOURCE6 };

struct reading {
	struct masquerade *masquerade;
	uint8_t family; /* of the table */
	bool masquerades;
	enum loaded loaded;
	uint8_t bits; /* of a source that are compared */
};

static enum loaded read_meta(const struct nftnl_expr *expression, struct reading *reading)
{
	(void)reading;
	return nftnl_expr_get_u32(expression, NFTNL_EXPR_META_KEY) == NFT_META_OIFNAME
		       ? LOADED_WAY_OUT
		       : LOADED_OTHER;
}

/* A prefix of whole octets is loaded as those alone. */
static enum loaded read_payload(const struct nftnl_expr *expression, struct reading *reading)
{
	uint32_t base = nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_BASE);
	uint32_t offset = nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_OFFSET);
	uint32_t length = nftnl_expr_get_u32(expression, NFTNL_EXPR_PAYLOAD_LEN);

	if (base != NFT_PAYLOAD_NETWORK_HEADER || length > sizeof(struct in6_addr))
		return LOADED_OTHER;
	reading->bits = (uint8_t)(length * 8);
	if (offset == offsetof(struct iphdr, saddr) && reading->family != NFPROTO_IPV6 &&
	    length <= sizeof(struct in_addr))
		return LOADED_SOURCE4;
	if (offset == offsetof(struct ip6_hdr, ip6_src) && reading->family != NFPROTO_IPV4)
		return LOADED_SOURCE6;
	return LOADED_OTHER;
}

/* The netmask of one. */
static enum loaded read_bitwise(const struct nftnl_expr *expression, struct reading *reading)
{
	uint32_t size = 0;
	const uint8_t *mask = nftnl_expr_get(expression, NFTNL_EXPR_BITWISE_MASK, &size);
	uint8_t bits = 0;

	while (mask && bits < size * 8 && mask[bits / 8] & 0x80 >> bits % 8)
		bits++;
	reading->bits = bits;
	return reading->loaded == LOADED_WAY_OUT ? LOADED_OTHER : reading->loaded;
}

/* An exact name is compared with the zero behind it, one that ends in a wildcard without. */
static void keep_interface(struct masquerade *masquerade, const char *name, uint32_t size)
{
	size_t length = strnlen(name, size);

	if (length + (length == size) >= IF_NAMESIZE)
		return;
	memset(masquerade->interface, 0, sizeof(masquerade->interface));
	memcpy(masquerade->interface, name, length);
	if (length == size)
		masquerade->interface[length] = '+';
}

static void keep_source(struct masquerade *masquerade, uint8_t family, uint8_t bits,
			const void *address, uint32_t size)
{
	if (size > sizeof(masquerade->from.v6) || bits > size * 8)
		return;
	masquerade->from = (struct rules_prefix){ .family = family, .length = bits };
	memcpy(&masquerade->from.v6, address, size);
}

static enum loaded read_compare(const struct nftnl_expr *expression, struct reading *reading)
{
	uint32_t size = 0;
	const void *data = nftnl_expr_get(expression, NFTNL_EXPR_CMP_DATA, &size);

	if (!data || nftnl_expr_get_u32(expression, NFTNL_EXPR_CMP_OP) != NFT_CMP_EQ)
		return LOADED_OTHER;
	if (reading->loaded == LOADED_WAY_OUT)
		keep_interface(reading->masquerade, data, size);
	else if (reading->loaded == LOADED_SOURCE4)
		keep_source(reading->masquerade, AF_INET, reading->bits, data, size);
	else if (reading->loaded == LOADED_SOURCE6)
		keep_source(reading->masquerade, AF_INET6, reading->bits, data, size);
	return LOADED_OTHER;
}

static enum loaded read_masquerade(const struct nftnl_expr *expression, struct reading *reading)
{
	(void)expression;
	reading->masquerades = true;
	return LOADED_OTHER;
}

static enum loaded read_target(const struct nftnl_expr *expression, struct reading *reading)
{
	const char *name = nftnl_expr_get_str(expression, NFTNL_EXPR_TG_NAME);

	reading->masquerades |= name && strcmp(name, "MASQUERADE") == 0;
	return LOADED_OTHER;
}

static const struct {
	const char *name;
	enum loaded (*read)(const struct nftnl_expr *expression, struct reading *reading);
} expressions[] = {
	{ "meta", read_meta },   { "payload", read_payload }, { "bitwise", read_bitwise },
	{ "cmp", read_compare }, { "masq", read_masquerade }, { "target", read_target },
};

static int read_expression(struct nftnl_expr *expression, void *data)
{
	const char *name = nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
	struct reading *reading = data;
	enum loaded loaded = LOADED_OTHER;

	for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++)
		if (strcmp(name, expressions[i].name) == 0)
			loaded = expressions[i].read(expression, reading);
	reading->loaded = loaded;
	return 0;
}

bool masquerade_read(struct masquerade *masquerade, uint8_t family, struct nftnl_rule *rule)
{
	struct reading reading = { .masquerade = masquerade, .family = family };

	*masquerade = (struct masquerade){ 0 };
	nftnl_expr_foreach(rule, read_expression, &reading);
	return reading.masquerades;
}
