/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A transaction as bytes: what the kernel refuses leads back to the item that natd asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/batch.h"
#include "rules/fill.h"
#include "rules/table.h"

/* Two tunnels and as many networks /32, every second address of 10.0.0.0/8. */
static void make_set(struct set *set, uint32_t networks)
{
	struct rules_tunnel tunnel = { .interface = "wg0", .reach = 7 };
	struct rules_network network = { .interface = "wg0", .egress = RULES_EGRESS_MASQUERADE };

	set_begin(set, 1);
	set_add_tunnel(set, &tunnel);
	network.network.family = AF_INET;
	network.network.length = 32;
	for (uint32_t i = 0; i < networks; i++) {
		network.network.v4.s_addr = htonl(0x0a000000 + i * 2);
		set_add_network(set, &network);
	}
	assert_true(set_finish(set));
}

static const struct nlmsghdr *message_at(const struct batch *batch, size_t offset)
{
	return (const struct nlmsghdr *)(const void *)(batch->data + offset);
}

/* The kernel's reply that refuses message `sequence` at `offset`; 0: without a place in it. */
static struct nlmsghdr *reply(char *buffer, uint32_t sequence, int error, uint32_t offset)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nlmsgerr *refused = mnl_nlmsg_put_extra_header(message, sizeof(*refused));

	message->nlmsg_type = NLMSG_ERROR;
	message->nlmsg_flags = NLM_F_CAPPED;
	refused->error = -error;
	refused->msg.nlmsg_len = 4000;
	refused->msg.nlmsg_seq = sequence;
	if (offset) {
		message->nlmsg_flags |= NLM_F_ACK_TLVS;
		mnl_attr_put_u32(message, NLMSGERR_ATTR_OFFS, offset);
	}
	return message;
}

static const char *refused(const struct batch *batch, const struct set *set,
			   const struct nlmsghdr *message)
{
	static char text[RULES_TEXT_MAX];
	struct batch_error error = { 0 };

	assert_true(batch_read_error(batch, message, &error));
	assert_int_equal(error.error, EEXIST);
	table_describe(set, error.item, text);
	return text;
}

static void build(struct batch *batch, const struct set *set)
{
	batch_begin(batch);
	table_frame(batch, TABLE_NAME, set, 0);
	fill_table(batch, TABLE_NAME, set);
	batch_end(batch);
}

static void test_messages_follow_each_other(void **state)
{
	struct batch batch;
	struct set set = { 0 };
	size_t offset = 0;

	(void)state;
	make_set(&set, 5000);
	build(&batch, &set);
	for (size_t i = 0; i < batch.message_count; i++) {
		const struct nlmsghdr *message = message_at(&batch, offset);

		assert_int_equal(batch.messages[i], offset);
		assert_int_equal(message->nlmsg_seq, i + 1);
		/* an attribute counts its length in 16 bits */
		assert_in_range(message->nlmsg_len, sizeof(*message), 65535);
		/* silence is success */
		assert_false(message->nlmsg_flags & NLM_F_ACK);
		offset += MNL_ALIGN(message->nlmsg_len);
	}
	assert_int_equal(offset, batch.size);
	assert_int_equal(message_at(&batch, 0)->nlmsg_type, NFNL_MSG_BATCH_BEGIN);
	assert_int_equal(message_at(&batch, batch.messages[batch.message_count - 1])->nlmsg_type,
			 NFNL_MSG_BATCH_END);
	batch_free(&batch);
	set_clear(&set);
}

static void test_generation(void **state)
{
	struct batch batch;
	const struct nlattr *attribute;

	(void)state;
	batch_begin(&batch);
	batch_set_generation(&batch, 0x01020304);
	attribute = mnl_nlmsg_get_payload_offset(message_at(&batch, 0), sizeof(struct nfgenmsg));
	assert_int_equal(mnl_attr_get_type(attribute), NFNL_BATCH_GENID);
	assert_int_equal(ntohl(mnl_attr_get_u32(attribute)), 0x01020304);
	batch_free(&batch);
}

static size_t find_message(const struct batch *batch, uint16_t type, int which)
{
	for (size_t i = 0; i < batch->message_count; i++)
		if (message_at(batch, batch->messages[i])->nlmsg_type ==
			    (NFNL_SUBSYS_NFTABLES << 8 | type) &&
		    which-- == 0)
			return i + 1;
	fail();
	return 0;
}

static void test_fixed_objects_are_named(void **state)
{
	char buffer[4096];
	struct batch batch;
	struct set set = { 0 };

	(void)state;
	make_set(&set, 1);
	build(&batch, &set);
	assert_string_equal(refused(&batch, &set, reply(buffer, 1, EEXIST, 0)),
			    "the table inet natd");
	assert_string_equal(refused(&batch, &set,
				    reply(buffer, (uint32_t)find_message(&batch, NFT_MSG_NEWSET, 0),
					  EEXIST, 0)),
			    "the set tunnels");
	assert_string_equal(
		refused(&batch, &set,
			reply(buffer, (uint32_t)find_message(&batch, NFT_MSG_NEWCHAIN, 7), EEXIST,
			      20)),
		"the chain translate");
	assert_string_equal(
		refused(&batch, &set,
			reply(buffer, (uint32_t)find_message(&batch, NFT_MSG_NEWRULE, 0), EEXIST,
			      0)),
		"a rule of the chain stop-spoofed");
	batch_free(&batch);
	set_clear(&set);
}

/* The offset, within message `sequence`, of element `which` (from 0). */
static uint32_t element_offset(const struct batch *batch, size_t sequence, int which)
{
	const struct nlmsghdr *message = message_at(batch, batch->messages[sequence - 1]);
	struct nlattr *attribute;
	struct nlattr *element;

	mnl_attr_for_each(attribute, message, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attribute) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		mnl_attr_for_each_nested(element, attribute)
			if (which-- == 0)
				return (uint32_t)((const char *)element - (const char *)message);
	}
	fail();
	return 0;
}

static void test_elements_are_named(void **state)
{
	char buffer[4096];
	struct batch batch;
	struct set set = { 0 };
	uint32_t first;

	(void)state;
	make_set(&set, 5000);
	build(&batch, &set);
	/* tunnels, from-tunnels, to-tunnels, spoofed, allowed, passed, router-ports, then masquerade-hosts4 in
	 * several messages */
	first = (uint32_t)find_message(&batch, NFT_MSG_NEWSETELEM, 7);
	assert_string_equal(refused(&batch, &set,
				    reply(buffer, first, EEXIST, element_offset(&batch, first, 0))),
			    "the network 10.0.0.0/32 of wg0");
	assert_string_equal(refused(&batch, &set,
				    reply(buffer, first, EEXIST, element_offset(&batch, first, 7))),
			    "the network 10.0.0.14/32 of wg0");
	assert_string_equal(refused(&batch, &set, reply(buffer, first, EEXIST, 0)),
			    "the set masquerade-hosts4");
	/* the next message goes on where the first ended */
	assert_string_not_equal(
		refused(&batch, &set,
			reply(buffer, first + 1, EEXIST, element_offset(&batch, first + 1, 0))),
		"the network 10.0.0.0/32 of wg0");
	first = (uint32_t)find_message(&batch, NFT_MSG_NEWSETELEM, 0);
	assert_string_equal(refused(&batch, &set,
				    reply(buffer, first, EEXIST, element_offset(&batch, first, 0))),
			    "the tunnel wg0");
	batch_free(&batch);
	set_clear(&set);
}

static void test_what_is_no_error_of_ours(void **state)
{
	char buffer[4096];
	struct batch_error error = { 0 };
	struct nlmsghdr *message;
	struct batch batch;

	(void)state;
	batch_begin(&batch);
	batch_end(&batch);
	assert_false(batch_read_error(&batch, reply(buffer, 1, 0, 0), &error));
	assert_false(batch_read_error(&batch, reply(buffer, 0, EEXIST, 0), &error));
	assert_false(batch_read_error(&batch, reply(buffer, 3, EEXIST, 0), &error));
	message = reply(buffer, 1, EEXIST, 0);
	message->nlmsg_len = NLMSG_HDRLEN + 4;
	assert_false(batch_read_error(&batch, message, &error));
	message = reply(buffer, 1, EEXIST, 0);
	message->nlmsg_type = NLMSG_DONE;
	assert_false(batch_read_error(&batch, message, &error));
	assert_int_equal(error.error, 0);
	/* A length that points beyond the reply must not lead there. */
	message = reply(buffer, 2, EEXIST, 16);
	message->nlmsg_flags &= (uint16_t)~NLM_F_CAPPED;
	assert_true(batch_read_error(&batch, message, &error));
	batch_free(&batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages_follow_each_other),
		cmocka_unit_test(test_generation),
		cmocka_unit_test(test_fixed_objects_are_named),
		cmocka_unit_test(test_elements_are_named),
		cmocka_unit_test(test_what_is_no_error_of_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
