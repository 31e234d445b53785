/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose transaction changed our table, and how soon it is repaired. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "rules/contest.h"
#include "rules/watch.h"

#define OUR_PORTID 100
#define HIS_PORTID 200

static char buffer[1024] __attribute__((aligned(4)));

static struct nlmsghdr *event(uint16_t type, uint32_t portid, uint8_t family)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	message->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	message->nlmsg_pid = portid;
	header->nfgen_family = family;
	return message;
}

static struct nlmsghdr *about(uint16_t type, uint32_t portid, uint8_t family, const char *table)
{
	struct nlmsghdr *message = event(type, portid, family);

	mnl_attr_put_strz(message, NFTA_RULE_TABLE, table);
	mnl_attr_put_strz(message, NFTA_RULE_CHAIN, "forwarding");
	return message;
}

static struct nlmsghdr *end(uint32_t portid, uint32_t generation)
{
	struct nlmsghdr *message = event(NFT_MSG_NEWGEN, portid, AF_UNSPEC);

	mnl_attr_put_u32(message, NFTA_GEN_ID, htonl(generation));
	mnl_attr_put_u32(message, NFTA_GEN_PROC_PID, htonl(4711));
	mnl_attr_put_strz(message, NFTA_GEN_PROC_NAME, "nft");
	return message;
}

static bool told(struct watch *watch, const struct nlmsghdr *message, struct culprit *culprit)
{
	return watch_event(watch, message, OUR_PORTID, 50, culprit);
}

static void test_another_changes_our_table(void **state)
{
	struct watch watch = { 0 };
	struct culprit culprit = { 0 };

	(void)state;
	assert_false(
		told(&watch, about(NFT_MSG_DELRULE, HIS_PORTID, NFPROTO_INET, "natd"), &culprit));
	assert_false(
		told(&watch, about(NFT_MSG_DELTABLE, HIS_PORTID, NFPROTO_INET, "other"), &culprit));
	assert_true(told(&watch, end(HIS_PORTID, 51), &culprit));
	assert_int_equal(culprit.pid, 4711);
	assert_string_equal(culprit.program, "nft");
	assert_false(watch.guard);
	/* said once */
	assert_false(told(&watch, end(HIS_PORTID, 52), &culprit));
}

static void test_another_changes_the_guard(void **state)
{
	struct watch watch = { 0 };
	struct culprit culprit = { 0 };

	(void)state;
	told(&watch, about(NFT_MSG_DELTABLE, OUR_PORTID, NFPROTO_INET, "natd-guard"), &culprit);
	assert_false(told(&watch, end(OUR_PORTID, 51), &culprit));
	assert_false(watch.guard);
	told(&watch, about(NFT_MSG_DELTABLE, HIS_PORTID, NFPROTO_INET, "natd-guard"), &culprit);
	assert_true(told(&watch, end(HIS_PORTID, 52), &culprit));
	assert_true(watch.guard);
}

static void test_what_does_not_touch_it(void **state)
{
	struct watch watch = { 0 };
	struct culprit culprit = { 0 };

	(void)state;
	told(&watch, about(NFT_MSG_NEWTABLE, HIS_PORTID, NFPROTO_INET, "natd-other"), &culprit);
	assert_false(told(&watch, end(HIS_PORTID, 51), &culprit));
	told(&watch, about(NFT_MSG_NEWTABLE, HIS_PORTID, NFPROTO_IPV4, "natd"), &culprit);
	assert_false(told(&watch, end(HIS_PORTID, 52), &culprit));
	told(&watch, about(NFT_MSG_NEWTABLE, OUR_PORTID, NFPROTO_INET, "natd"), &culprit);
	assert_false(told(&watch, end(OUR_PORTID, 53), &culprit));
}

static void test_what_we_have_overwritten(void **state)
{
	struct watch watch = { 0 };
	struct culprit culprit = { 0 };

	(void)state;
	told(&watch, about(NFT_MSG_DELTABLE, HIS_PORTID, NFPROTO_INET, "natd"), &culprit);
	assert_false(told(&watch, end(HIS_PORTID, 49), &culprit));
	/* the number of transactions wraps */
	told(&watch, about(NFT_MSG_DELTABLE, HIS_PORTID, NFPROTO_INET, "natd"), &culprit);
	assert_true(watch_event(&watch, end(HIS_PORTID, 1), OUR_PORTID, UINT32_MAX, &culprit));
}

static void test_broken_events(void **state)
{
	struct watch watch = { 0 };
	struct culprit culprit = { 0 };
	struct nlmsghdr *message = event(NFT_MSG_NEWTABLE, HIS_PORTID, NFPROTO_INET);

	(void)state;
	/* a name without its NUL */
	mnl_attr_put(message, NFTA_TABLE_NAME, 4, "natd");
	told(&watch, message, &culprit);
	assert_false(watch.ours);
	message = event(NFT_MSG_NEWTABLE, HIS_PORTID, NFPROTO_INET);
	message->nlmsg_len = NLMSG_HDRLEN;
	told(&watch, message, &culprit);
	assert_false(watch.ours);
}

static void test_the_first_repair_is_immediate(void **state)
{
	struct contest contest = { 0 };

	(void)state;
	assert_int_equal(contest_when(&contest, 5000), 5000);
}

static void test_a_contest_slows_down(void **state)
{
	struct contest contest = { 0 };
	int64_t now = 1000;
	int64_t gap = 0;
	int repairs = 0;

	(void)state;
	/* Another program undoes every repair at once: how often do we repair in its first second,
	 * and at last? */
	for (; now < 2000; repairs++) {
		contest_repaired(&contest, now);
		now = contest_when(&contest, now);
	}
	assert_int_equal(repairs, CONTEST_AT_ONCE + 3);
	for (int i = 0; i < 20; i++) {
		contest_repaired(&contest, now);
		gap = contest_when(&contest, now) - now;
		now += gap;
	}
	assert_int_equal(gap, CONTEST_MAX_MS);
}

static void test_a_contest_is_forgotten(void **state)
{
	struct contest contest = { 0 };
	int64_t late = 1100 + CONTEST_FIRST_MS * 2 + CONTEST_CALM_MS + 1;

	(void)state;
	for (int i = 0; i < CONTEST_AT_ONCE; i++)
		contest_repaired(&contest, 1000);
	assert_int_equal(contest_when(&contest, 1000), 1000 + CONTEST_FIRST_MS);
	contest_repaired(&contest, 1100);
	assert_int_equal(contest_when(&contest, 1100), 1100 + CONTEST_FIRST_MS * 2);
	assert_int_equal(contest_when(&contest, 1301), 1301);
	contest_repaired(&contest, late);
	assert_int_equal(contest_when(&contest, late), late);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_another_changes_our_table),
		cmocka_unit_test(test_another_changes_the_guard),
		cmocka_unit_test(test_what_does_not_touch_it),
		cmocka_unit_test(test_what_we_have_overwritten),
		cmocka_unit_test(test_broken_events),
		cmocka_unit_test(test_the_first_repair_is_immediate),
		cmocka_unit_test(test_a_contest_slows_down),
		cmocka_unit_test(test_a_contest_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
