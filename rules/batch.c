/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/batch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "natd/log.h"

#define GENERATION_OFFSET                                                                          \
	(MNL_ALIGN(sizeof(struct nlmsghdr)) + MNL_ALIGN(sizeof(struct nfgenmsg)) + MNL_ATTR_HDRLEN)

/* An array doubles whenever its count has reached a power of two. */
static void *grow(void *items, size_t count, size_t size)
{
	if (count & (count - 1))
		return items;
	items = realloc(items, (count ? count * 2 : 1) * size);
	if (!items)
		fatal("no memory for a transaction of %zu parts", count);
	return items;
}

static void reserve(struct batch *batch, size_t room)
{
	if (batch->capacity - batch->size >= room)
		return;
	batch->capacity = batch->capacity * 2 + room;
	batch->data = realloc(batch->data, batch->capacity);
	if (!batch->data)
		fatal("no memory for a transaction of %zu bytes", batch->capacity);
}

/* Many elements of one size, one after the other, share a mark: a hundred thousand marks would take as
 * much memory as the elements. */
static bool extend_mark(struct batch_mark *mark, size_t offset, struct item item)
{
	if (mark->item.kind != item.kind || mark->item.index + mark->items != item.index)
		return false;
	if (mark->items == 1)
		mark->stride = offset - mark->offset;
	if (mark->offset + mark->items * mark->stride != offset)
		return false;
	mark->items++;
	return true;
}

void batch_mark(struct batch *batch, const void *at, struct item item)
{
	size_t offset = (size_t)((const char *)at - batch->data);

	if (batch->mark_count && extend_mark(&batch->marks[batch->mark_count - 1], offset, item))
		return;
	batch->marks = grow(batch->marks, batch->mark_count, sizeof(*batch->marks));
	batch->marks[batch->mark_count++] =
		(struct batch_mark){ .offset = offset, .item = item, .items = 1 };
}

static struct nlmsghdr *start(struct batch *batch, struct item item)
{
	reserve(batch, BATCH_MESSAGE_MAX);
	batch->messages = grow(batch->messages, batch->message_count, sizeof(*batch->messages));
	batch->messages[batch->message_count++] = batch->size;
	batch_mark(batch, batch->data + batch->size, item);
	return (struct nlmsghdr *)(void *)(batch->data + batch->size);
}

struct nlmsghdr *batch_new(struct batch *batch, struct item item, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *message = start(batch, item);

	return nftnl_nlmsg_build_hdr((char *)message, type, NFPROTO_INET, flags,
				     (uint32_t)batch->message_count);
}

void batch_add(struct batch *batch, const struct nlmsghdr *message)
{
	batch->size += MNL_ALIGN(message->nlmsg_len);
}

void batch_begin(struct batch *batch)
{
	struct nlmsghdr *message;

	*batch = (struct batch){ 0 };
	message = start(batch, (struct item){ ITEM_TABLE, 0 });
	nftnl_batch_begin((char *)message, (uint32_t)batch->message_count);
	mnl_attr_put_u32(message, NFNL_BATCH_GENID, 0);
	batch_add(batch, message);
}

void batch_end(struct batch *batch)
{
	struct nlmsghdr *message = start(batch, (struct item){ ITEM_TABLE, 0 });

	nftnl_batch_end((char *)message, (uint32_t)batch->message_count);
	batch_add(batch, message);
}

void batch_free(struct batch *batch)
{
	free(batch->data);
	free(batch->messages);
	free(batch->marks);
	*batch = (struct batch){ 0 };
}

void batch_shrink(struct batch *batch)
{
	char *data = realloc(batch->data, batch->size);

	if (!data)
		return;
	batch->data = data;
	batch->capacity = batch->size;
}

/* As grow() will have it: room up to the next power of two. */
static void *copy_array(const void *items, size_t count, size_t size)
{
	size_t room = 1;
	void *copy;

	while (room < count)
		room *= 2;
	copy = malloc(room * size);
	if (!copy)
		fatal("no memory for a transaction of %zu parts", count);
	memcpy(copy, items, count * size);
	return copy;
}

void batch_copy(struct batch *batch, const struct batch *from, size_t messages)
{
	size_t size = messages < from->message_count ? from->messages[messages] : from->size;
	size_t marks = 1;

	while (marks < from->mark_count && from->marks[marks].offset < size)
		marks++;
	*batch = (struct batch){ 0 };
	reserve(batch, size + BATCH_MESSAGE_MAX);
	memcpy(batch->data, from->data, size);
	batch->size = size;
	batch->messages = copy_array(from->messages, messages, sizeof(*from->messages));
	batch->message_count = messages;
	batch->marks = copy_array(from->marks, marks, sizeof(*from->marks));
	batch->mark_count = marks;
}

void batch_set_generation(struct batch *batch, uint32_t generation)
{
	generation = htonl(generation);
	memcpy(batch->data + GENERATION_OFFSET, &generation, sizeof(generation));
}

static struct item item_at(const struct batch *batch, size_t offset)
{
	const struct batch_mark *mark;
	struct item item;
	size_t past;
	size_t low = 0;
	size_t high = batch->mark_count;

	/* The last mark that is not beyond `offset`; the first mark is at 0. */
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (batch->marks[middle].offset <= offset)
			low = middle;
		else
			high = middle;
	}
	mark = &batch->marks[low];
	item = mark->item;
	past = mark->stride ? (offset - mark->offset) / mark->stride : 0;
	item.index += past < mark->items ? (uint32_t)past : mark->items - 1;
	return item;
}

static int read_offset(const struct nlattr *attribute, void *offset)
{
	if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_OFFS &&
	    mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
		*(uint32_t *)offset = mnl_attr_get_u32(attribute);
	return MNL_CB_OK;
}

/* Where in the refused message the kernel points; 0 where it does not. The reply repeats the
 * message's header, and its payload too unless NLM_F_CAPPED says otherwise. */
static uint32_t error_offset(const struct nlmsghdr *reply, const struct nlmsgerr *refused)
{
	size_t skip = sizeof(*refused);
	uint32_t offset = 0;

	if (!(reply->nlmsg_flags & NLM_F_ACK_TLVS))
		return 0;
	if (!(reply->nlmsg_flags & NLM_F_CAPPED) && refused->msg.nlmsg_len >= NLMSG_HDRLEN)
		skip += MNL_ALIGN(refused->msg.nlmsg_len - NLMSG_HDRLEN);
	if (skip < mnl_nlmsg_get_payload_len(reply))
		mnl_attr_parse(reply, (unsigned int)skip, read_offset, &offset);
	return offset;
}

/* The name of an element of NFTA_RULE_EXPRESSIONS, in our own bytes. */
static void read_name(const struct nlattr *element, char name[16])
{
	const struct nlattr *first = mnl_attr_get_payload(element);

	if (mnl_attr_ok(first, mnl_attr_get_payload_len(element)) &&
	    mnl_attr_get_type(first) == NFTA_EXPR_NAME &&
	    mnl_attr_validate(first, MNL_TYPE_NUL_STRING) >= 0)
		snprintf(name, 16, "%s", mnl_attr_get_str(first));
}

/* The expression at `offset` of a rule's message; anything else there is passed over. */
static void read_expression(const struct batch *batch, size_t message, uint32_t offset,
			    char name[16])
{
	const struct nlmsghdr *rule = (const void *)(batch->data + message);
	const struct nlattr *attribute;
	const struct nlattr *element;

	mnl_attr_for_each(attribute, rule, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attribute) != NFTA_RULE_EXPRESSIONS)
			continue;
		mnl_attr_for_each_nested(element, attribute)
			if ((const char *)element == (const char *)rule + offset)
				read_name(element, name);
	}
}

bool batch_read_error(const struct batch *batch, const struct nlmsghdr *reply,
		      struct batch_error *error)
{
	const struct nlmsgerr *refused = mnl_nlmsg_get_payload(reply);
	uint32_t sequence;
	uint32_t offset;
	size_t message;

	if (reply->nlmsg_type != NLMSG_ERROR ||
	    mnl_nlmsg_get_payload_len(reply) < sizeof(*refused) || refused->error >= 0)
		return false;
	sequence = refused->msg.nlmsg_seq;
	if (sequence == 0 || sequence > batch->message_count)
		return false;
	offset = error_offset(reply, refused);
	message = batch->messages[sequence - 1];
	*error = (struct batch_error){ .error = -refused->error,
				       .item = item_at(batch, message + offset) };
	if (error->item.kind == ITEM_RULE)
		read_expression(batch, message, offset, error->expression);
	return true;
}
