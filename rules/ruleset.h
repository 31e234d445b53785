/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ruleset: the chains and rules of the table. What is configured is in sets. */
#ifndef RULES_RULESET_H
#define RULES_RULESET_H

#include <libnftnl/rule.h>
#include <stdint.h>

#include "rules/object.h"

enum ruleset_chain {
	CHAIN_COUNT_ARRIVAL,
	CHAIN_STOP_SPOOFED,
	CHAIN_HAND_ON,
	CHAIN_HAND_ON_OWN,
	CHAIN_CLAMP_MSS,
	CHAIN_FORWARDING,
	CHAIN_COUNT_OUT,
	CHAIN_TRANSLATE,
	CHAIN_COUNT_DELIVERY,
	RULESET_CHAINS
};

struct ruleset_rule {
	enum ruleset_chain chain;
	void (*build)(struct nftnl_rule *rule, uint8_t family); /* NFPROTO_INET: of both */
	uint8_t family;
	uint64_t asks;       /* TABLE_BITs of sets without which it would match nothing */
	const char *comment; /* NULL: none */
};

extern const struct object_chain ruleset_chains[RULESET_CHAINS];

/* In the order of their chains. */
extern const struct ruleset_rule ruleset_rules[];
extern const uint32_t ruleset_rule_count;

#endif
