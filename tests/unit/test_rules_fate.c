/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel tells of a packet (net/netfilter/nf_tables_trace.c), and what becomes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <endian.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "rules/fate.h"

#define ID  0x4711
#define NOW 1000

/* UDP from 10.8.0.2 port 1234 to 1.1.1.1 port 53, as it came in and as it leaves. */
static const uint8_t came[20] = {
	0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 8, 0, 2, 1, 1, 1, 1
};
static const uint8_t leaves[20] = { 0x45, 0, 0,   28,  0, 0,  0, 0, 63, 17,
				    0,    0, 192, 168, 1, 31, 1, 1, 1,  1 };
static const uint8_t ports[8] = { 1234 >> 8, 1234 & 0xff, 0, 53, 0, 8, 0, 0 };

struct told {
	uint32_t id;
	uint8_t family;
	const char *table;
	const char *chain;
	uint32_t type;
	uint64_t handle;
	int32_t verdict; /* of the rule, or the policy */
	const uint8_t *header;
	uint32_t out;
};

static void put_verdict(struct nlmsghdr *message, const struct told *told)
{
	struct nlattr *nest;

	if (told->type == NFT_TRACETYPE_POLICY) {
		mnl_attr_put_u32(message, NFTA_TRACE_POLICY, htonl((uint32_t)told->verdict));
		return;
	}
	mnl_attr_put_u64(message, NFTA_TRACE_RULE_HANDLE, htobe64(told->handle));
	nest = mnl_attr_nest_start(message, NFTA_TRACE_VERDICT);
	mnl_attr_put_u32(message, NFTA_VERDICT_CODE, htonl((uint32_t)told->verdict));
	if (told->verdict == NFT_JUMP)
		mnl_attr_put_strz(message, NFTA_VERDICT_CHAIN, "elsewhere");
	mnl_attr_nest_end(message, nest);
}

static void tell(struct fates *fates, const struct told *told, int64_t now)
{
	char buffer[1024] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *message = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_TRACE, told->family, 0, 0);

	mnl_attr_put_u32(message, NFTA_TRACE_ID, htonl(told->id));
	mnl_attr_put_u32(message, NFTA_TRACE_TYPE, htonl(told->type));
	mnl_attr_put_strz(message, NFTA_TRACE_TABLE, told->table);
	mnl_attr_put_strz(message, NFTA_TRACE_CHAIN, told->chain);
	mnl_attr_put_u32(message, NFTA_TRACE_IIF, htonl(7));
	if (told->out)
		mnl_attr_put_u32(message, NFTA_TRACE_OIF, htonl(told->out));
	if (told->header) {
		mnl_attr_put(message, NFTA_TRACE_NETWORK_HEADER, sizeof(came), told->header);
		mnl_attr_put(message, NFTA_TRACE_TRANSPORT_HEADER, sizeof(ports), ports);
	}
	put_verdict(message, told);
	fates_take(fates, message, now);
}

static void begin(struct fates *fates, uint32_t id)
{
	tell(fates,
	     &(struct told){ id, NFPROTO_INET, TRACE_TABLE, TRACE_BEGIN, NFT_TRACETYPE_RULE, 4,
			     NFT_CONTINUE, came, 0 },
	     NOW);
}

static void rule(struct fates *fates, const char *table, const char *chain, uint64_t handle,
		 int32_t verdict)
{
	tell(fates,
	     &(struct told){ ID, NFPROTO_IPV4, table, chain, NFT_TRACETYPE_RULE, handle, verdict,
			     NULL, 3 },
	     NOW);
}

static void policy(struct fates *fates, const char *table, const char *chain, int32_t verdict,
		   const uint8_t *header)
{
	tell(fates,
	     &(struct told){ ID, NFPROTO_IPV4, table, chain, NFT_TRACETYPE_POLICY, 0, verdict,
			     header, 3 },
	     NOW);
}

static struct rules_traced expect(struct fates *fates, enum rules_fate fate)
{
	struct rules_traced traced;

	assert_true(fates_next(fates, NOW, &traced));
	assert_int_equal(traced.fate, fate);
	assert_int_equal(traced.protocol, IPPROTO_UDP);
	assert_int_equal(traced.port, 53);
	assert_int_equal(traced.from.v4.s_addr, inet_addr("10.8.0.2"));
	assert_int_equal(traced.to.v4.s_addr, inet_addr("1.1.1.1"));
	assert_int_equal(traced.in, 7);
	assert_false(fates_next(fates, NOW, &traced));
	return traced;
}

static void test_dropped_by_a_rule(void **state)
{
	struct fates fates = { 0 };
	struct rules_traced traced;

	(void)state;
	begin(&fates, ID);
	policy(&fates, "filter", "PREROUTING", NF_ACCEPT, came);
	rule(&fates, "filter", "FORWARD", 9, NFT_JUMP);
	rule(&fates, "filter", "ufw-user-forward", 12, NF_DROP);
	traced = expect(&fates, RULES_FATE_DROPPED);
	assert_string_equal(traced.table, "filter");
	assert_string_equal(traced.chain, "ufw-user-forward");
	assert_int_equal(traced.handle, 12);
	assert_int_equal(traced.family, RULES_TABLE_IPV4);
	assert_int_equal(traced.out, 3);
}

static void test_dropped_by_a_policy(void **state)
{
	struct fates fates = { 0 };
	struct rules_traced traced;

	(void)state;
	begin(&fates, ID);
	rule(&fates, "filter", "FORWARD", 9, NFT_JUMP);
	policy(&fates, "filter", "FORWARD", NF_DROP, NULL);
	traced = expect(&fates, RULES_FATE_DROPPED);
	assert_string_equal(traced.chain, "FORWARD");
	assert_int_equal(traced.handle, 0);
}

/* The last chain sees the source that the packet leaves with. */
static void test_left(void **state)
{
	struct fates fates = { 0 };
	struct rules_traced traced;

	(void)state;
	begin(&fates, ID);
	rule(&fates, "natd", "forwarding", 5, NF_ACCEPT);
	policy(&fates, TRACE_TABLE, TRACE_LEFT, NF_ACCEPT, leaves);
	traced = expect(&fates, RULES_FATE_LEFT);
	assert_int_equal(traced.source.v4.s_addr, inet_addr("192.168.1.31"));
	assert_int_equal(traced.out, 3);
}

static void test_delivered(void **state)
{
	struct fates fates = { 0 };

	(void)state;
	begin(&fates, ID);
	policy(&fates, TRACE_TABLE, TRACE_DELIVERED, NF_ACCEPT, came);
	expect(&fates, RULES_FATE_DELIVERED);
}

/* Between the hooks: a route, rp_filter, iptables-legacy. Silence tells it. */
static void test_vanished(void **state)
{
	struct fates fates = { 0 };
	struct rules_traced traced;

	(void)state;
	assert_int_equal(fates_deadline(&fates), 0);
	begin(&fates, ID);
	policy(&fates, "natd", "hand-on", NF_ACCEPT, came);
	assert_int_equal(fates_deadline(&fates), NOW + FATE_SILENCE_MS);
	assert_false(fates_next(&fates, NOW + FATE_SILENCE_MS - 1, &traced));
	assert_true(fates_next(&fates, NOW + FATE_SILENCE_MS, &traced));
	assert_int_equal(traced.fate, RULES_FATE_VANISHED);
	assert_string_equal(traced.chain, "hand-on");
	assert_int_equal(fates_deadline(&fates), 0);
}

/* Somebody else traces, too: `nft monitor trace`. */
static void test_what_others_trace_is_not_ours(void **state)
{
	struct fates fates = { 0 };
	struct rules_traced traced;

	(void)state;
	rule(&fates, "theirs", "trace-begin", 1, NFT_CONTINUE);
	policy(&fates, "filter", "FORWARD", NF_DROP, came);
	assert_false(fates_next(&fates, NOW + FATE_SILENCE_MS, &traced));
	/* More at once than there is room for: the later ones are left out. */
	for (uint32_t id = 1; id < FATES_MAX * 2; id++)
		begin(&fates, id);
	for (size_t i = 0; i < FATES_MAX; i++)
		assert_true(fates_next(&fates, NOW + FATE_SILENCE_MS, &traced));
	assert_false(fates_next(&fates, NOW + FATE_SILENCE_MS, &traced));
}

static void test_names_do_not_draw(void **state)
{
	struct fates fates = { 0 };
	char name[2 * RULES_NAME_MAX];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	name[0] = '\033';
	begin(&fates, ID);
	rule(&fates, name, name, 1, NF_DROP);
	assert_int_equal(strlen(expect(&fates, RULES_FATE_DROPPED).chain), RULES_NAME_MAX - 1);
	begin(&fates, ID);
	rule(&fates, name, name, 1, NF_DROP);
	assert_null(strchr(expect(&fates, RULES_FATE_DROPPED).table, '\033'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dropped_by_a_rule),
		cmocka_unit_test(test_dropped_by_a_policy),
		cmocka_unit_test(test_left),
		cmocka_unit_test(test_delivered),
		cmocka_unit_test(test_vanished),
		cmocka_unit_test(test_what_others_trace_is_not_ours),
		cmocka_unit_test(test_names_do_not_draw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
