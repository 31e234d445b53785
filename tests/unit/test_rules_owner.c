/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Both tables, while another program changes them as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <linux/netfilter.h>

#include "rules/guard.h"
#include "rules/owner.h"
#include "test_rules_kernel.h"

static struct set set;
static struct nftables nftables;
static struct watch watch;
static struct owner owner;
static bool guard_too[16]; /* what each transaction was about */

/* Whoever runs this test may not be allowed to listen. */
int mnl_socket_setsockopt(const struct mnl_socket *socket, int type, void *value, socklen_t size)
{
	(void)socket;
	(void)type;
	(void)value;
	(void)size;
	return 0;
}

/* Every object of nftables names its table in its first attribute. */
static bool is_about_the_guard(const struct nlmsghdr *message)
{
	const struct nlattr *first = mnl_nlmsg_get_payload_offset(message, sizeof(struct nfgenmsg));

	return NFNL_SUBSYS_ID(message->nlmsg_type) == NFNL_SUBSYS_NFTABLES &&
	       strcmp(mnl_attr_get_str(first), GUARD_NAME) == 0;
}

static void note_tables(const void *transaction, size_t size)
{
	const struct nlmsghdr *message = transaction;
	int left = (int)size;

	guard_too[fake.transactions - 1] = false;
	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
		guard_too[fake.transactions - 1] |= is_about_the_guard(message);
}

static int set_up(void **state)
{
	static const struct outcome good = { .committed = true };
	struct rules_tunnel tunnel = { .interface = "wg0", .reach = 7 };
	char what[RULES_TEXT_MAX];
	uint8_t owned;

	(void)state;
	set_begin(&set, 1);
	set_add_tunnel(&set, &tunnel);
	assert_true(set_finish(&set));
	fake_begin();
	fake.look = note_tables;
	fake.outcomes = &good;
	nftables_open(&nftables);
	watch_open(&watch);
	owner_open(&owner, &nftables, &watch);
	assert_int_equal(owner_write(&owner, &set, what, &owned), 0);
	fake.transactions = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	nftables_close(&nftables);
	mnl_socket_close(watch.socket);
	batch_free(&owner.frame.batch);
	set_clear(&set);
	return 0;
}

static void repair(const struct outcome *outcomes, bool with_guard)
{
	char what[RULES_TEXT_MAX];

	watch.heard = ++fake.generation; /* another program's, of which the events have told */
	fake.outcomes = outcomes;
	assert_int_equal(owner_repair(&owner, &set, with_guard, what), 0);
	assert_int_equal(watch.whole, fake.generation);
}

static const struct outcome good = { .committed = true };
static const struct outcome overtaken = { .overtaken = true, .error = ERESTART };

static void test_a_guard_that_is_untouched_stays(void **state)
{
	(void)state;
	repair(&good, false);
	assert_int_equal(fake.transactions, 1);
	assert_false(guard_too[0]);
}

/* Before the events of that are read: it may have deleted the guard as well. */
static void test_another_transaction_before_the_repair(void **state)
{
	const struct outcome outcomes[] = { overtaken, good };

	(void)state;
	repair(outcomes, false);
	assert_int_equal(fake.transactions, 2);
	assert_false(guard_too[0]);
	assert_true(guard_too[1]);
}

/* Nobody listens while the tables are written: the other one may have been a firewall that loads its rules
 * again, without natd's. */
static void test_another_transaction_while_nobody_listens(void **state)
{
	const struct outcome outcomes[] = { overtaken, good };

	(void)state;
	watch.others = false;
	repair(outcomes, true);
	assert_int_equal(fake.transactions, 2);
	assert_false(watch.missed);
	assert_true(watch.others);
	assert_true(watch_has_news(&watch));
}

static void answer_that_the_table_is_there(const struct nlmsghdr *question)
{
	reply_part_end(reply_part(question, NFT_MSG_NEWTABLE, NFPROTO_INET));
	reply_end(question);
}

static bool changes(void)
{
	struct change change = { .elements = 0 };

	fake.transactions = 0;
	fake.outcomes = &good;
	watch.heard = fake.generation;
	return owner_change(&owner, &set, &set, &change);
}

/* What stood in would go on translating as the old set says. */
static void test_what_stood_in_cannot_be_removed(void **state)
{
	const struct outcome refused[] = { good, good, { .error = ENOMEM } };
	const struct outcome well[] = { good, good, good };
	char what[RULES_TEXT_MAX];
	uint8_t owned;

	(void)state;
	fake.answer = answer_that_the_table_is_there;
	assert_true(changes());
	fake.transactions = 0;
	fake.outcomes = refused;
	assert_int_equal(owner_write(&owner, &set, what, &owned), 0);
	assert_int_equal(fake.transactions, 3);
	assert_false(changes()); /* so it is written whole, and removed with that */
	fake.transactions = 0;
	fake.outcomes = well;
	assert_int_equal(owner_write(&owner, &set, what, &owned), 0);
	assert_true(changes());
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_guard_that_is_untouched_stays),
		TEST(test_another_transaction_before_the_repair),
		TEST(test_another_transaction_while_nobody_listens),
		TEST(test_what_stood_in_cannot_be_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
