/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/fill.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter/nf_tables.h>

/* Elements share a message until it is this long: the attribute that holds them counts its length
 * in 16 bits. */
#define ELEMENTS_BYTES_MAX (48 * 1024)

static struct nlmsghdr *start_message(struct batch *batch, const char *table, enum table_set in,
				      enum fill_how how)
{
	bool add = how == FILL_ADD;
	struct nlmsghdr *message =
		batch_new(batch, (struct item){ ITEM_SET, in },
			  add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, add ? NLM_F_CREATE : 0);

	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, table_set_name(in));
	return message;
}

struct fill fill_begin(struct batch *batch, const char *table, enum table_set in, enum fill_how how)
{
	return (struct fill){ .batch = batch, .table = table, .in = in, .how = how };
}

void fill_end(struct fill *fill)
{
	if (!fill->message)
		return;
	mnl_attr_nest_end(fill->message, fill->list);
	batch_add(fill->batch, fill->message);
	fill->message = NULL;
}

/* A deletion that names no element deletes all; nf_tables_api.c nf_tables_delsetelem(). */
void fill_flush(struct batch *batch, const char *table, enum table_set in)
{
	batch_add(batch, start_message(batch, table, in, FILL_DELETE));
}

static void put_value(struct nlmsghdr *message, uint16_t attribute, const void *value, size_t size)
{
	struct nlattr *nest = mnl_attr_nest_start(message, attribute);

	mnl_attr_put(message, NFTA_DATA_VALUE, size, value);
	mnl_attr_nest_end(message, nest);
}

/* A counter that begins at 0 comes with the set. */
static void put_counter(struct nlmsghdr *message, const struct count *count)
{
	struct nlattr *expression;
	struct nlattr *data;

	if (!count || (!count->packets && !count->bytes))
		return;
	expression = mnl_attr_nest_start(message, NFTA_SET_ELEM_EXPR);
	mnl_attr_put_strz(message, NFTA_EXPR_NAME, "counter");
	data = mnl_attr_nest_start(message, NFTA_EXPR_DATA);
	mnl_attr_put_u64(message, NFTA_COUNTER_BYTES, htobe64(count->bytes));
	mnl_attr_put_u64(message, NFTA_COUNTER_PACKETS, htobe64(count->packets));
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, expression);
}

static void put_time(struct nlmsghdr *message, uint64_t left_ms)
{
	if (!left_ms)
		return;
	mnl_attr_put_u64(message, NFTA_SET_ELEM_TIMEOUT, htobe64(RULES_SEEN_MS));
	mnl_attr_put_u64(message, NFTA_SET_ELEM_EXPIRATION, htobe64(left_ms));
}

/* Starts an element about `item`, in a message that has room for it. */
static struct nlattr *start_element(struct fill *fill, struct item item)
{
	if (fill->message && fill->message->nlmsg_len > ELEMENTS_BYTES_MAX)
		fill_end(fill);
	if (!fill->message) {
		fill->message = start_message(fill->batch, fill->table, fill->in, fill->how);
		fill->list = mnl_attr_nest_start(fill->message, NFTA_SET_ELEM_LIST_ELEMENTS);
	}
	batch_mark(fill->batch, mnl_nlmsg_get_payload_tail(fill->message), item);
	return mnl_attr_nest_start(fill->message, NFTA_LIST_ELEM);
}

/* An interval is two elements: its first address and, marked as an end, the one after its last. The
 * last address of all has none after it. */
static void put_end(struct fill *fill, const struct element *element)
{
	struct nlattr *nest = start_element(fill, element->item);

	mnl_attr_put_u32(fill->message, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
	put_value(fill->message, NFTA_SET_ELEM_KEY, element->after, element->key_size);
	mnl_attr_nest_end(fill->message, nest);
}

void fill_element(struct fill *fill, const struct element *element)
{
	struct nlattr *nest = start_element(fill, element->item);

	put_value(fill->message, NFTA_SET_ELEM_KEY, element->key, element->key_size);
	if (fill->how == FILL_ADD && element->data_size)
		put_value(fill->message, NFTA_SET_ELEM_DATA, element->data, element->data_size);
	if (fill->how == FILL_ADD) {
		put_counter(fill->message, element->count);
		put_time(fill->message, element->left_ms);
	}
	mnl_attr_nest_end(fill->message, nest);
	if (element->interval && !element->to_the_end)
		put_end(fill, element);
}

void fill_set(struct batch *batch, const char *table, const struct set *set, enum table_set in)
{
	struct fill fill = fill_begin(batch, table, in, FILL_ADD);
	struct element_walk walk = { .set = set, .in = in };
	struct element element;

	while (element_next(&walk, &element))
		fill_element(&fill, &element);
	fill_end(&fill);
}

static const uint64_t passing = TABLE_BIT(SET_SEEN) | TABLE_BIT(SET_SEEN_LAN);

static void fill_sets(struct batch *batch, const char *table, const struct set *set, uint64_t which)
{
	uint64_t holds = table_holds(set);

	for (enum table_set in = 0; in < TABLE_SETS; in++)
		if (table_has(holds, in) && which & TABLE_BIT(in))
			fill_set(batch, table, set, in);
}

void fill_lasting(struct batch *batch, const char *table, const struct set *set)
{
	fill_sets(batch, table, set, ~passing);
}

void fill_passing(struct batch *batch, const char *table, const struct set *set)
{
	if (set->port_count)
		fill_sets(batch, table, set, passing);
}

void fill_table(struct batch *batch, const char *table, const struct set *set)
{
	fill_lasting(batch, table, set);
	fill_passing(batch, table, set);
}
