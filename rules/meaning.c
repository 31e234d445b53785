/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/meaning.h"

#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

#include "rules/comment.h"

static void keep_jump(struct meaning *meaning, const char *chain)
{
	if (chain && strlen(chain) < sizeof(meaning->jump))
		memcpy(meaning->jump, chain, strlen(chain) + 1);
}

static void read_verdict(struct nftnl_expr *expression, struct meaning *meaning)
{
	uint32_t verdict = nftnl_expr_get_u32(expression, NFTNL_EXPR_IMM_VERDICT);

	if (!nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_VERDICT))
		meaning->matches = true; /* a value for a register */
	else if (verdict == NF_DROP)
		meaning->drops = true;
	else if (verdict == (uint32_t)NFT_JUMP || verdict == (uint32_t)NFT_GOTO)
		keep_jump(meaning, nftnl_expr_get_str(expression, NFTNL_EXPR_IMM_CHAIN));
}

static void read_counter(struct nftnl_expr *expression, struct meaning *meaning)
{
	meaning->counts = true;
	meaning->packets = nftnl_expr_get_u64(expression, NFTNL_EXPR_CTR_PACKETS);
}

static void read_reject(struct nftnl_expr *expression, struct meaning *meaning)
{
	(void)expression;
	meaning->drops = true;
}

/* iptables' own targets; its DROP is a plain verdict. */
static void read_target(struct nftnl_expr *expression, struct meaning *meaning)
{
	const char *name = nftnl_expr_get_str(expression, NFTNL_EXPR_TG_NAME);

	meaning->drops |= name && strcmp(name, "REJECT") == 0;
}

static void keep_mark(struct meaning *meaning, const char *text, size_t size)
{
	const size_t prefix = strlen(MEANING_MARK_PREFIX);
	size_t length = strnlen(text, size);

	if (length < size && length > prefix && length < sizeof(meaning->mark) &&
	    memcmp(text, MEANING_MARK_PREFIX, prefix) == 0)
		memcpy(meaning->mark, text, length + 1);
}

/* iptables' own matches. Its comment matches everything; iptables-restore makes one of what was nft's. */
static void read_match(struct nftnl_expr *expression, struct meaning *meaning)
{
	const char *name = nftnl_expr_get_str(expression, NFTNL_EXPR_MT_NAME);
	uint32_t size = 0;
	const char *text;

	if (!name || strcmp(name, "comment") != 0) {
		meaning->matches = true;
		return;
	}
	text = nftnl_expr_get(expression, NFTNL_EXPR_MT_INFO, &size);
	if (text)
		keep_mark(meaning, text, size);
}

static void read_nothing(struct nftnl_expr *expression, struct meaning *meaning)
{
	(void)expression;
	(void)meaning;
}

/* Every other expression is taken for a match. */
static const struct {
	const char *name;
	void (*read)(struct nftnl_expr *expression, struct meaning *meaning);
} expressions[] = {
	{ "immediate", read_verdict }, { "counter", read_counter }, { "reject", read_reject },
	{ "target", read_target },     { "log", read_nothing },     { "match", read_match },
};

static int read_expression(struct nftnl_expr *expression, void *data)
{
	const char *name = nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
	struct meaning *meaning = data;

	for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++) {
		if (strcmp(name, expressions[i].name) == 0) {
			expressions[i].read(expression, meaning);
			return 0;
		}
	}
	meaning->matches = true;
	return 0;
}

static void read_mark(struct meaning *meaning, const struct nftnl_rule *rule)
{
	size_t size = 0;
	const char *text = comment_read(rule, &size);

	if (text)
		keep_mark(meaning, text, size);
}

void meaning_read(struct meaning *meaning, struct nftnl_rule *rule)
{
	*meaning = (struct meaning){ 0 };
	read_mark(meaning, rule);
	nftnl_expr_foreach(rule, read_expression, meaning);
}
