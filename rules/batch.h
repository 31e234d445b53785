/* SPDX-License-Identifier: GPL-2.0-or-later */
/* batch: one nftables transaction as bytes, and which byte belongs to what.
 *
 * The kernel takes a batch whole or not at all, and reports each bad message by its sequence number
 * and the offset of the bad attribute. Marks lead from there back to the item, also where many
 * elements share a message. No message asks for an acknowledgement: silence is success, and a
 * thousand acknowledgements would not fit the socket's buffer. */
#ifndef RULES_BATCH_H
#define RULES_BATCH_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/set.h"

/* Room that a message may take beyond its start: an attribute of 64 KiB and what is around it. */
#define BATCH_MESSAGE_MAX (128 * 1024)

/* From `offset` in data on, it is about `item`; and with a stride, from `offset` + n * stride on about
 * the item with the n-th next index. */
struct batch_mark {
	size_t offset;
	size_t stride; /* bytes; 0: there is but one item */
	struct item item;
	uint32_t items; /* at least one */
};

struct batch {
	char *data;
	size_t size;
	size_t capacity;
	size_t *messages; /* where the message with sequence number i + 1 begins */
	size_t message_count;
	struct batch_mark *marks;
	size_t mark_count;
};

struct batch_error {
	int error; /* errno; 0: none */
	struct item item;
	char expression[16]; /* of a rule, which the kernel points at: "masq"; "": none */
};

/* An empty transaction, and a whole one; batch_free() frees. */
void batch_begin(struct batch *batch);
void batch_end(struct batch *batch);
void batch_free(struct batch *batch);

/* Gives back the room behind the last message. */
void batch_shrink(struct batch *batch);

/* A transaction that begins with the first `messages` messages of `from`: at least one. */
void batch_copy(struct batch *batch, const struct batch *from, size_t messages);

/* Writes into the first message which generation of the ruleset the transaction builds upon; the
 * kernel refuses it with ERESTART if there is a newer one. */
void batch_set_generation(struct batch *batch, uint32_t generation);

/* Starts a message of `type` (NFT_MSG_*) about `item`. It may grow to BATCH_MESSAGE_MAX and stays
 * in place until batch_add() ends it. */
struct nlmsghdr *batch_new(struct batch *batch, struct item item, uint16_t type, uint16_t flags);
void batch_add(struct batch *batch, const struct nlmsghdr *message);

/* What follows `at`, a place in the message that was started, is about `item`. */
void batch_mark(struct batch *batch, const void *at, struct item item);

/* Reads one reply of the kernel, which has been checked with mnl_nlmsg_ok(). True with `error` where
 * it refuses a message of this batch. */
bool batch_read_error(const struct batch *batch, const struct nlmsghdr *reply,
		      struct batch_error *error);

#endif
