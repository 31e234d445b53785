/* SPDX-License-Identifier: GPL-2.0-or-later */
/* expression: what matches (rules/match.h) and statements (rules/statement.h) are made of.
 *
 * Each appends to a rule. A load puts a value into register 1, or, of two parts, into the registers of 32
 * bits from there on; what follows compares it or looks it up. */
#ifndef RULES_EXPRESSION_H
#define RULES_EXPRESSION_H

#include <libnftnl/rule.h>
#include <stdint.h>

struct nftnl_expr;

enum side { SOURCE, DESTINATION };

/* One that is still empty. */
struct nftnl_expr *expression_append(struct nftnl_rule *rule, const char *name);

void load_meta(struct nftnl_rule *rule, uint32_t key);
void load_payload(struct nftnl_rule *rule, uint32_t base, uint32_t offset, uint32_t length,
		  uint32_t reg);

/* meta l4proto . th dport */
void load_port(struct nftnl_rule *rule);

/* meta nfproto FAMILY meta l4proto PROTOCOL meta l4proto . ct original proto-dst */
void load_called_port(struct nftnl_rule *rule, uint8_t family, uint8_t protocol);

/* meta nfproto FAMILY ip saddr */
void load_address(struct nftnl_rule *rule, uint8_t family, enum side side);

/* meta nfproto FAMILY, meta l4proto PROTOCOL */
void match_family(struct nftnl_rule *rule, uint8_t family);
void match_protocol(struct nftnl_rule *rule, uint8_t protocol);

/* `how` is NFT_CMP_EQ or NFT_CMP_NEQ. */
void expression_compare(struct nftnl_rule *rule, uint32_t how, const void *data, uint32_t length);
void expression_keep_bits(struct nftnl_rule *rule, const void *mask, uint32_t length);

/* `flags` is 0 or NFT_LOOKUP_F_INV. Of a map the register for the data is the caller's to set. */
struct nftnl_expr *expression_look_up(struct nftnl_rule *rule, const char *set, uint32_t flags);

#endif
