/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel may answer to a transaction, and what is made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "rules/fill.h"
#include "rules/nftables.h"
#include "rules/table.h"
#include "test_rules_kernel.h"

static struct set set;
static struct batch batch;
static struct nftables nftables;

/* A tunnel, its network and a publish, as a transaction. */
static int set_up(void **state)
{
	struct rules_tunnel tunnel = { .interface = "wg0", .reach = 7 };
	struct rules_network network = { .interface = "wg0", .egress = RULES_EGRESS_MASQUERADE };
	struct rules_publish publish = {
		.protocol = IPPROTO_TCP, .port = 443, .last = 443, .to_port = 8443, .keep_source = 1
	};

	(void)state;
	set_begin(&set, 1);
	set_add_tunnel(&set, &tunnel);
	network.network.family = publish.to.family = AF_INET;
	network.network.length = 24;
	network.network.v4.s_addr = htonl(0x0a080000);
	publish.to.length = 32;
	publish.to.v4.s_addr = htonl(0x0a080002);
	set_add_network(&set, &network);
	set_add_publish(&set, &publish);
	assert_true(set_finish(&set));
	batch_begin(&batch);
	table_frame(&batch, TABLE_NAME, &set, 0);
	fill_table(&batch, TABLE_NAME, &set);
	batch_end(&batch);
	fake_begin();
	nftables_open(&nftables);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	nftables_close(&nftables);
	batch_free(&batch);
	set_clear(&set);
	return 0;
}

static struct batch_error commit(const struct outcome *outcomes)
{
	struct batch_error error = { 0 };
	bool done;

	fake.outcomes = outcomes;
	done = nftables_commit(&nftables, &batch, &error);
	assert_int_equal(done, error.error == 0);
	return error;
}

static const struct outcome good = { .committed = true };
static const struct outcome overtaken = { .overtaken = true, .error = ERESTART };

static void test_it_is_committed(void **state)
{
	(void)state;
	assert_int_equal(commit(&good).error, 0);
	assert_int_equal(fake.transactions, 1);
	assert_int_equal(fake.upon[0], GENERATION);
	assert_int_equal(nftables.generation, GENERATION + 1);
}

/* Each try is upon what is there then. */
static void test_another_program_is_quicker(void **state)
{
	const struct outcome twice[] = { overtaken, overtaken, good };

	(void)state;
	assert_int_equal(commit(twice).error, 0);
	assert_int_equal(fake.transactions, 3);
	assert_int_equal(fake.upon[2], GENERATION + 2);
	assert_int_equal(nftables.generation, GENERATION + 3);
}

static void test_another_program_is_always_quicker(void **state)
{
	struct outcome always[16];

	(void)state;
	for (size_t i = 0; i < 16; i++)
		always[i] = overtaken;
	assert_int_equal(commit(always).error, ERESTART);
	assert_int_equal(fake.transactions, 10);
}

/* Once, where the change is only right upon one generation. */
static void test_a_change_is_not_tried_upon_another_ruleset(void **state)
{
	struct batch_error error;

	(void)state;
	fake.outcomes = &overtaken;
	assert_false(nftables_commit_upon(&nftables, &batch, GENERATION, &error));
	assert_int_equal(error.error, ERESTART);
	assert_int_equal(fake.transactions, 1);
}

/* A second time would set the counters to 0, and every connection would meet two rulesets. */
static void test_answers_are_lost_after_success(void **state)
{
	const struct outcome lost = { .lost = true, .committed = true };

	(void)state;
	assert_int_equal(commit(&lost).error, 0);
	assert_int_equal(fake.transactions, 1);
}

static void test_answers_are_lost_after_failure(void **state)
{
	const struct outcome lost = { .lost = true };
	const struct outcome half = { .lost = true, .error = EEXIST };

	(void)state;
	assert_int_equal(commit(&lost).error, ENOBUFS);
	fake.transactions = 0;
	assert_int_equal(commit(&half).error, EEXIST);
}

static void test_silence_is_no_success(void **state)
{
	const struct outcome silent = { 0 };

	(void)state;
	assert_int_equal(commit(&silent).error, EIO);
}

static void test_it_is_too_large(void **state)
{
	const struct outcome too_large = { .send_error = EMSGSIZE };
	size_t size = batch.size;

	(void)state;
	assert_int_equal(commit(&too_large).error, EMSGSIZE);
	fake.transactions = 0;
	batch.size = (size_t)1 << 30; /* more than the socket's buffer can be told to hold */
	assert_int_equal(commit(&good).error, EMSGSIZE);
	assert_int_equal(fake.transactions, 0);
	batch.size = size;
}

static const struct nlmsghdr *message_of(uint32_t sequence)
{
	return (const void *)(batch.data + batch.messages[sequence - 1]);
}

static uint32_t offset_in(uint32_t sequence, const struct nlattr *attribute)
{
	return (uint32_t)((const char *)attribute - (const char *)message_of(sequence));
}

/* The first element of a set's message. */
static const struct nlattr *element_of(uint32_t sequence)
{
	const struct nlattr *attribute;

	mnl_attr_for_each(attribute, message_of(sequence), sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attribute) == NFTA_SET_ELEM_LIST_ELEMENTS)
			return mnl_attr_get_payload(attribute);
	return NULL;
}

/* Every element of ours leads back to what the user wrote. */
static void test_a_set_is_full(void **state)
{
	bool publish = false;
	bool network = false;
	char text[RULES_TEXT_MAX];

	(void)state;
	for (uint32_t sequence = 1; sequence <= batch.message_count; sequence++) {
		struct outcome full = { .error = ENFILE, .sequence = sequence };
		struct batch_error error;

		if (message_of(sequence)->nlmsg_type !=
		    (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM))
			continue;
		fake.transactions = 0;
		full.offset = offset_in(sequence, element_of(sequence));
		error = commit(&full);
		assert_int_equal(error.error, ENFILE);
		table_describe(&set, error.item, text);
		publish |= strstr(text, "443") != NULL;
		network |= strcmp(text, "the network 10.8.0.0/24 of wg0") == 0;
	}
	assert_true(publish);
	assert_true(network);
}

/* The kernel has no module for it: which is told. */
static void test_an_expression_is_missing(void **state)
{
	int masquerades = 0;
	char text[RULES_TEXT_MAX];

	(void)state;
	for (uint32_t sequence = 1; sequence <= batch.message_count; sequence++) {
		const struct nlattr *attribute;
		const struct nlattr *expression;

		if (message_of(sequence)->nlmsg_type !=
		    (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE))
			continue;
		mnl_attr_for_each(attribute, message_of(sequence), sizeof(struct nfgenmsg)) {
			if (mnl_attr_get_type(attribute) != NFTA_RULE_EXPRESSIONS)
				continue;
			mnl_attr_for_each_nested(expression, attribute) {
				struct outcome missing = { .error = ENOENT,
							   .sequence = sequence,
							   .offset = offset_in(sequence,
									       expression) };
				struct batch_error error;

				fake.transactions = 0;
				error = commit(&missing);
				assert_string_equal(
					error.expression,
					mnl_attr_get_str(mnl_attr_get_payload(expression)));
				table_describe(&set, error.item, text);
				if (strcmp(error.expression, "masq") == 0)
					masquerades +=
						strcmp(text, "a rule of the chain translate") == 0;
			}
		}
	}
	assert_true(masquerades > 0);
}

/* A place that is no expression names none, wherever it is. */
static void test_any_place_in_a_rule(void **state)
{
	(void)state;
	for (uint32_t sequence = 1; sequence <= batch.message_count; sequence++)
		for (uint32_t offset = 1; offset < message_of(sequence)->nlmsg_len + 64; offset++) {
			struct outcome strange = { .error = EINVAL,
						   .sequence = sequence,
						   .offset = offset };

			fake.transactions = 0;
			assert_true(strlen(commit(&strange).expression) < 16);
		}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_it_is_committed),
		TEST(test_another_program_is_quicker),
		TEST(test_another_program_is_always_quicker),
		TEST(test_a_change_is_not_tried_upon_another_ruleset),
		TEST(test_answers_are_lost_after_success),
		TEST(test_answers_are_lost_after_failure),
		TEST(test_silence_is_no_success),
		TEST(test_it_is_too_large),
		TEST(test_a_set_is_full),
		TEST(test_an_expression_is_missing),
		TEST(test_any_place_in_a_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
