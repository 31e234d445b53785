/* SPDX-License-Identifier: GPL-2.0-or-later */
/* object: tables, sets, chains and rules of nftables, each as a message of a transaction. */
#ifndef RULES_OBJECT_H
#define RULES_OBJECT_H

#include <libnftnl/rule.h>
#include <stdbool.h>
#include <stdint.h>

#include "rules/batch.h"

/* nft's numbers of the types that it prints keys as; include/datatype.h of nftables. They are part
 * of its format: listings of every version rely on them. */
enum key_type {
	KEY_IPV4 = 7,
	KEY_IPV6 = 8,
	KEY_PROTOCOL_PORT = 12 << 6 | 13,   /* inet_proto . inet_service */
	KEY_IPV4_PORT = KEY_IPV4 << 6 | 13, /* ipv4_addr . inet_service */
	KEY_IPV6_PORT = KEY_IPV6 << 6 | 13,
	KEY_INTERFACE = 41,
};

struct object_set {
	const char *name;
	enum key_type type;
	uint32_t key_size;
	uint32_t flags;          /* NFT_SET_* */
	bool counts;             /* every element has a counter */
	const char *comment;     /* NULL: none */
	enum key_type data_type; /* of a map */
	uint32_t data_size;      /* twice the size of its type: from and to */
};

struct object_chain {
	const char *name;
	const char *type;
	uint32_t hook;
	int32_t priority;
};

/* Creates a table that is not there; `flags` are NFT_TABLE_F_*. */
void object_table(struct batch *batch, struct item item, const char *name, uint32_t flags,
		  const char *comment);

/* Removes a table, whether it is there or not. */
void object_table_remove(struct batch *batch, struct item item, const char *name);

/* `id` is this set's alone within the transaction; `size` is how many elements it can have, 0: any
 * number. */
void object_set(struct batch *batch, struct item item, const char *table, uint32_t id,
		const struct object_set *is, uint32_t size);

/* Removes a set that no rule asks any more, with its elements. */
void object_set_remove(struct batch *batch, struct item item, const char *table, const char *name);

/* A base chain that accepts what its rules leave. */
void object_chain(struct batch *batch, struct item item, const char *table,
		  const struct object_chain *is);

/* A rule to put expressions into; object_rule() appends it to its chain and frees it. */
struct nftnl_rule *object_rule_new(const char *table, const char *chain);
void object_rule_comment(struct nftnl_rule *rule, const char *comment);
void object_rule(struct batch *batch, struct item item, struct nftnl_rule *rule,
		 const char *comment);

/* Removes every rule of every chain of a table. */
void object_rules_remove(struct batch *batch, struct item item, const char *table);

#endif
