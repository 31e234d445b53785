/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/object.h"

#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "natd/log.h"

#define HOST_ORDER 1 /* BYTEORDER_HOST_ENDIAN of nftables' include/datatype.h */

static void *needed(void *object)
{
	if (!object)
		fatal("no memory for an nftables object");
	return object;
}

static struct nftnl_udata_buf *userdata_new(void)
{
	return needed(nftnl_udata_buf_alloc(NFTNL_UDATA_COMMENT_MAXLEN));
}

/* Comments as nft writes and prints them: a type, a length and text with its NUL. */
static struct nftnl_udata_buf *comment_of(uint8_t type, const char *comment)
{
	struct nftnl_udata_buf *userdata = userdata_new();

	nftnl_udata_put_strz(userdata, type, comment);
	return userdata;
}

static struct nftnl_table *table_new(const char *name)
{
	struct nftnl_table *table = needed(nftnl_table_alloc());

	nftnl_table_set_str(table, NFTNL_TABLE_NAME, name);
	return table;
}

static void add_table(struct batch *batch, struct item item, uint16_t type, uint16_t flags,
		      struct nftnl_table *table)
{
	struct nlmsghdr *message = batch_new(batch, item, type, flags);

	nftnl_table_nlmsg_build_payload(message, table);
	nftnl_table_free(table);
	batch_add(batch, message);
}

void object_table(struct batch *batch, struct item item, const char *name, uint32_t flags,
		  const char *comment)
{
	struct nftnl_udata_buf *text = comment_of(NFTNL_UDATA_TABLE_COMMENT, comment);
	struct nftnl_table *table = table_new(name);

	nftnl_table_set_data(table, NFTNL_TABLE_USERDATA, nftnl_udata_buf_data(text),
			     nftnl_udata_buf_len(text));
	nftnl_udata_buf_free(text);
	if (flags)
		nftnl_table_set_u32(table, NFTNL_TABLE_FLAGS, flags);
	add_table(batch, item, NFT_MSG_NEWTABLE, NLM_F_CREATE, table);
}

void object_table_remove(struct batch *batch, struct item item, const char *name)
{
	/* Deleting what is not there would be an error; there is no DESTROY before Linux 6.3. */
	add_table(batch, item, NFT_MSG_NEWTABLE, NLM_F_CREATE, table_new(name));
	add_table(batch, item, NFT_MSG_DELTABLE, 0, table_new(name));
}

/* The comment, and for nft the byte order of names, without which it prints them as "", and whether the
 * data of a map are two addresses, from and to. */
static void describe_set(struct nftnl_set *set, const struct object_set *is)
{
	struct nftnl_udata_buf *text = userdata_new();

	if (is->type == KEY_INTERFACE)
		nftnl_udata_put_u32(text, NFTNL_UDATA_SET_KEYBYTEORDER, HOST_ORDER);
	if (is->data_type == is->type && is->data_size > is->key_size)
		nftnl_udata_put_u32(text, NFTNL_UDATA_SET_DATA_INTERVAL, 1);
	if (is->comment)
		nftnl_udata_put_strz(text, NFTNL_UDATA_SET_COMMENT, is->comment);
	if (nftnl_udata_buf_len(text) > 0)
		nftnl_set_set_data(set, NFTNL_SET_USERDATA, nftnl_udata_buf_data(text),
				   nftnl_udata_buf_len(text));
	nftnl_udata_buf_free(text);
}

static void set_attributes(struct nftnl_set *set, const struct object_set *is)
{
	nftnl_set_set_str(set, NFTNL_SET_NAME, is->name);
	nftnl_set_set_u32(set, NFTNL_SET_FAMILY, NFPROTO_INET);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, is->type);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, is->key_size);
	nftnl_set_set_u32(set, NFTNL_SET_FLAGS, is->flags);
	if (is->flags & NFT_SET_MAP) {
		nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, is->data_type);
		nftnl_set_set_u32(set, NFTNL_SET_DATA_LEN, is->data_size);
	}
	if (is->counts)
		nftnl_set_add_expr(set, needed(nftnl_expr_alloc("counter")));
	describe_set(set, is);
}

void object_set(struct batch *batch, struct item item, const char *table, uint32_t id,
		const struct object_set *is, uint32_t size)
{
	struct nftnl_set *set = needed(nftnl_set_alloc());
	struct nlmsghdr *message =
		batch_new(batch, item, NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL);

	nftnl_set_set_str(set, NFTNL_SET_TABLE, table);
	nftnl_set_set_u32(set, NFTNL_SET_ID, id);
	if (size)
		nftnl_set_set_u32(set, NFTNL_SET_DESC_SIZE, size);
	set_attributes(set, is);
	nftnl_set_nlmsg_build_payload(message, set);
	nftnl_set_free(set);
	batch_add(batch, message);
}

void object_set_remove(struct batch *batch, struct item item, const char *table, const char *name)
{
	struct nlmsghdr *message = batch_new(batch, item, NFT_MSG_DELSET, 0);

	mnl_attr_put_strz(message, NFTA_SET_TABLE, table);
	mnl_attr_put_strz(message, NFTA_SET_NAME, name);
	batch_add(batch, message);
}

void object_chain(struct batch *batch, struct item item, const char *table,
		  const struct object_chain *is)
{
	struct nftnl_chain *chain = needed(nftnl_chain_alloc());
	struct nlmsghdr *message =
		batch_new(batch, item, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL);

	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, table);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, is->name);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, is->type);
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, is->hook);
	nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, is->priority);
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	nftnl_chain_nlmsg_build_payload(message, chain);
	nftnl_chain_free(chain);
	batch_add(batch, message);
}

struct nftnl_rule *object_rule_new(const char *table, const char *chain)
{
	struct nftnl_rule *rule = needed(nftnl_rule_alloc());

	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, table);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain);
	return rule;
}

void object_rule_comment(struct nftnl_rule *rule, const char *comment)
{
	struct nftnl_udata_buf *text = comment_of(NFTNL_UDATA_RULE_COMMENT, comment);

	nftnl_rule_set_data(rule, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(text),
			    nftnl_udata_buf_len(text));
	nftnl_udata_buf_free(text);
}

void object_rule(struct batch *batch, struct item item, struct nftnl_rule *rule,
		 const char *comment)
{
	struct nlmsghdr *message =
		batch_new(batch, item, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);

	if (comment)
		object_rule_comment(rule, comment);
	nftnl_rule_nlmsg_build_payload(message, rule);
	nftnl_rule_free(rule);
	batch_add(batch, message);
}

void object_rules_remove(struct batch *batch, struct item item, const char *table)
{
	struct nlmsghdr *message = batch_new(batch, item, NFT_MSG_DELRULE, 0);

	mnl_attr_put_strz(message, NFTA_RULE_TABLE, table);
	batch_add(batch, message);
}
