/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/fill.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter/nf_tables.h>

#include "rules/element.h"

/* Elements share a message until it is this long: the attribute that holds them counts its length
 * in 16 bits. */
#define ELEMENTS_BYTES_MAX (48 * 1024)

/* Elements on their way into one set, or out of it. */
struct elements {
	struct batch *batch;
	const char *table; /* its name */
	enum table_set set;
	uint16_t type;            /* NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM */
	struct nlmsghdr *message; /* NULL: none started */
	struct nlattr *list;
};

static void elements_start(struct elements *elements)
{
	elements->message =
		batch_new(elements->batch, (struct item){ ITEM_SET, elements->set }, elements->type,
			  elements->type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0);
	mnl_attr_put_strz(elements->message, NFTA_SET_ELEM_LIST_TABLE, elements->table);
	mnl_attr_put_strz(elements->message, NFTA_SET_ELEM_LIST_SET, table_set_name(elements->set));
	elements->list = mnl_attr_nest_start(elements->message, NFTA_SET_ELEM_LIST_ELEMENTS);
}

static void elements_end(struct elements *elements)
{
	if (!elements->message)
		return;
	mnl_attr_nest_end(elements->message, elements->list);
	batch_add(elements->batch, elements->message);
	elements->message = NULL;
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
static struct nlattr *start_element(struct elements *elements, struct item item)
{
	if (elements->message && elements->message->nlmsg_len > ELEMENTS_BYTES_MAX)
		elements_end(elements);
	if (!elements->message)
		elements_start(elements);
	batch_mark(elements->batch, mnl_nlmsg_get_payload_tail(elements->message), item);
	return mnl_attr_nest_start(elements->message, NFTA_LIST_ELEM);
}

/* An interval is two elements: its first address and, marked as an end, the one after its last. The
 * last address of all has none after it. */
static void put_end(struct elements *elements, const struct element *element)
{
	struct nlattr *nest = start_element(elements, element->item);

	mnl_attr_put_u32(elements->message, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
	put_value(elements->message, NFTA_SET_ELEM_KEY, element->after, element->key_size);
	mnl_attr_nest_end(elements->message, nest);
}

static void put_element(struct elements *elements, const struct element *element)
{
	struct nlattr *nest = start_element(elements, element->item);

	put_value(elements->message, NFTA_SET_ELEM_KEY, element->key, element->key_size);
	if (element->data_size)
		put_value(elements->message, NFTA_SET_ELEM_DATA, element->data, element->data_size);
	if (elements->type == NFT_MSG_NEWSETELEM) {
		put_counter(elements->message, element->count);
		put_time(elements->message, element->left_ms);
	}
	mnl_attr_nest_end(elements->message, nest);
	if (element->interval && !element->to_the_end)
		put_end(elements, element);
}

static void fill_set(struct batch *batch, const char *table, const struct set *set,
		     enum table_set index)
{
	struct elements elements = {
		.batch = batch, .table = table, .set = index, .type = NFT_MSG_NEWSETELEM
	};
	struct element_walk walk = { .set = set, .in = index };
	struct element element;

	while (element_next(&walk, &element))
		put_element(&elements, &element);
	elements_end(&elements);
}

void fill_table(struct batch *batch, const char *table, const struct set *set)
{
	for (enum table_set index = 0; index < TABLE_SETS; index++)
		fill_set(batch, table, set, index);
}
