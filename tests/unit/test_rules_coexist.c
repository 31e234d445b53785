/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accepts in the chains of others, while those change them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <endian.h>
#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>

#include "rules/coexist.h"
#include "rules/object.h"
#include "test_rules_kernel.h"

#define DELETED_MAX 4

/* The handle of the one rule of ours; every transaction of another program gives it a new one. */
static uint64_t handle(uint32_t generation)
{
	return 100 + generation;
}

static uint64_t deleted[DELETED_MAX];
static size_t deleted_count;

static void answer_table(const struct nlmsghdr *question)
{
	struct nlmsghdr *part = reply_part(question, NFT_MSG_NEWTABLE, NFPROTO_INET);
	struct nftnl_table *table = nftnl_table_alloc();

	nftnl_table_set_str(table, NFTNL_TABLE_NAME, "fw");
	nftnl_table_nlmsg_build_payload(part, table);
	nftnl_table_free(table);
	reply_part_end(part);
}

static void answer_chain(const struct nlmsghdr *question)
{
	struct nlmsghdr *part = reply_part(question, NFT_MSG_NEWCHAIN, NFPROTO_INET);
	struct nftnl_chain *chain = nftnl_chain_alloc();

	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, "fw");
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, "forward");
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, "filter");
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, NF_INET_FORWARD);
	nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, 0);
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, NF_DROP);
	nftnl_chain_nlmsg_build_payload(part, chain);
	nftnl_chain_free(chain);
	reply_part_end(part);
}

static void answer_rule(const struct nlmsghdr *question)
{
	struct nlmsghdr *part = reply_part(question, NFT_MSG_NEWRULE, NFPROTO_INET);
	struct nftnl_rule *rule = object_rule_new("fw", "forward");

	nftnl_rule_set_u64(rule, NFTNL_RULE_HANDLE, handle(fake.generation));
	object_rule_comment(rule, MEANING_MARK_PREFIX "from wg9");
	nftnl_rule_nlmsg_build_payload(part, rule);
	nftnl_rule_free(rule);
	reply_part_end(part);
}

static void answer(const struct nlmsghdr *question)
{
	switch (NFNL_MSG_TYPE(question->nlmsg_type)) {
	case NFT_MSG_GETTABLE: answer_table(question); break;
	case NFT_MSG_GETCHAIN: answer_chain(question); break;
	default: answer_rule(question); break;
	}
	reply_end(question);
}

static void note_deleted(const void *transaction, size_t size)
{
	const struct nlmsghdr *message = transaction;
	const struct nlattr *attribute;
	int left = (int)size;

	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		if (message->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELRULE))
			continue;
		mnl_attr_for_each(attribute, message, sizeof(struct nfgenmsg))
			if (mnl_attr_get_type(attribute) == NFTA_RULE_HANDLE &&
			    deleted_count < DELETED_MAX)
				deleted[deleted_count++] = be64toh(mnl_attr_get_u64(attribute));
	}
}

static struct set set;
static struct nftables nftables;

static int set_up(void **state)
{
	struct rules_tunnel tunnel = { .interface = "wg0", .reach = 7 };
	struct rules_network network = { .interface = "wg0", .egress = RULES_EGRESS_MASQUERADE };

	(void)state;
	set_begin(&set, 1);
	set_add_tunnel(&set, &tunnel);
	network.network.family = AF_INET;
	network.network.length = 24;
	network.network.v4.s_addr = htonl(0x0a080000);
	set_add_network(&set, &network);
	assert_true(set_finish(&set));
	fake_begin();
	fake.answer = answer;
	fake.look = note_deleted;
	deleted_count = 0;
	nftables_open(&nftables);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	nftables_close(&nftables);
	set_clear(&set);
	return 0;
}

static const struct outcome good = { .committed = true };
static const struct outcome overtaken = { .overtaken = true, .error = ERESTART };

/* What it read is of a ruleset that is no more: it reads again before it deletes anything. */
static void test_a_firewall_changes_between_the_look_and_the_accepts(void **state)
{
	const struct outcome outcomes[] = { overtaken, good };
	struct coexist coexist = { .wanted = true };

	(void)state;
	fake.outcomes = outcomes;
	coexist_look(&coexist, &nftables, &set, 1000);
	assert_int_equal(fake.transactions, 1);
	assert_true(coexist_until(&coexist, 1000) > 0);
	coexist_look(&coexist, &nftables, &set, 2000);
	assert_int_equal(fake.transactions, 2);
	assert_int_equal(fake.upon[1], GENERATION + 1);
	assert_int_equal(deleted_count, 2);
	assert_int_equal(deleted[1], handle(GENERATION + 1));
	assert_int_equal(coexist_until(&coexist, 2000), -1);
	scan_free(&coexist.scan);
}

/* No later look would put it right. */
static void test_a_firewall_changes_while_natd_leaves(void **state)
{
	const struct outcome outcomes[] = { overtaken, overtaken, good };
	struct coexist coexist = { .wanted = true };

	(void)state;
	fake.outcomes = outcomes;
	coexist_leave(&coexist, &nftables);
	assert_int_equal(fake.transactions, 3);
	assert_int_equal(deleted_count, 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(deleted[i], handle(GENERATION + i));
}

/* Somebody asks for counters every second, and another program undoes each time what is done. */
static void test_a_contest_that_is_looked_at(void **state)
{
	struct outcome outcomes[16];
	struct coexist coexist = { .wanted = true };

	(void)state;
	for (size_t i = 0; i < 16; i++)
		outcomes[i] = good;
	fake.outcomes = outcomes;
	for (int64_t second = 1; second <= 60; second++)
		coexist_look(&coexist, &nftables, &set, second * 1000);
	assert_in_range(fake.transactions, CONTEST_AT_ONCE, 12);
	assert_in_range(coexist_until(&coexist, 60000), 1, CONTEST_MAX_MS);
	scan_free(&coexist.scan);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_firewall_changes_between_the_look_and_the_accepts),
		TEST(test_a_firewall_changes_while_natd_leaves),
		TEST(test_a_contest_that_is_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
