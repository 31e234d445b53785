/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/trace.h"

#include <errno.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <limits.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4.h>
#include <string.h>
#include <sys/socket.h>

#include "natd/log.h"
#include "rules/comment.h"
#include "rules/match.h"
#include "rules/statement.h"
#include "rules/object.h"
#include "rules/seen.h"

/* One packet is asked for; a flood of them must not keep the kernel busy telling. */
#define PACKETS_PER_SECOND 5
#define PORTS_MAX          32
#define RECEIVE_SIZE       (32 * 1024)

/* After defragmentation, before the tables of others; and after all of them, source NAT too. */
#define PRIORITY_BEGIN (NF_IP_PRI_CONNTRACK_DEFRAG + 50)
#define PRIORITY_END   (INT_MAX - 1)

static const struct item nothing = { ITEM_TABLE, 0 };

static const struct object_chain chains[] = {
	{ TRACE_BEGIN, "filter", NF_INET_PRE_ROUTING, PRIORITY_BEGIN },
	{ TRACE_LEFT, "filter", NF_INET_POST_ROUTING, PRIORITY_END },
	{ TRACE_DELIVERED, "filter", NF_INET_LOCAL_IN, PRIORITY_END },
};

static void mark(struct batch *batch, struct nftnl_rule *rule)
{
	limit_packets(rule, PACKETS_PER_SECOND);
	trace_packets(rule);
	object_rule(batch, nothing, rule, NULL);
}

static void mark_conversation(struct batch *batch, const struct rules_trace *wanted)
{
	uint8_t family = wanted->from.family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;
	struct nftnl_rule *rule = object_rule_new(TRACE_TABLE, TRACE_BEGIN);

	match_host(rule, family, SOURCE, &wanted->from.v6);
	match_host(rule, family, DESTINATION, &wanted->to.v6);
	mark(batch, rule);
}

static void mark_ports(struct batch *batch, const struct set *set)
{
	for (uint32_t i = 0; i < set->port_count && i < PORTS_MAX; i++) {
		struct nftnl_rule *rule = object_rule_new(TRACE_TABLE, TRACE_BEGIN);

		match_not_loopback(rule);
		match_local_destination(rule);
		match_one_port(rule, set->ports[i].is.protocol, set->ports[i].is.port);
		mark(batch, rule);
	}
}

static int write_table(struct trace *trace, const struct rules_trace *wanted, const struct set *set)
{
	struct batch_error error = { 0 };
	struct batch batch;

	batch_begin(&batch);
	object_table(&batch, nothing, TRACE_TABLE, NFT_TABLE_F_OWNER,
		     "natctl follows a packet; goes away with it");
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++)
		object_chain(&batch, nothing, TRACE_TABLE, &chains[i]);
	if (wanted->from.family)
		mark_conversation(&batch, wanted);
	else
		mark_ports(&batch, set);
	batch_end(&batch);
	nftables_commit(&trace->nftables, &batch, &error);
	batch_free(&batch);
	return error.error;
}

static int listen_to_kernel(struct trace *trace)
{
	int group = NFNLGRP_NFTRACE;

	trace->events = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!trace->events || mnl_socket_bind(trace->events, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(trace->events, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return errno;
	return 0;
}

int trace_begin(struct trace *trace, const struct rules_trace *wanted, const struct set *set)
{
	int error;

	trace_end(trace);
	trace->runs = true;
	nftables_open(&trace->nftables);
	error = listen_to_kernel(trace);
	if (!error)
		error = write_table(trace, wanted, set);
	if (error)
		trace_end(trace);
	return error;
}

void trace_end(struct trace *trace)
{
	if (!trace->runs)
		return;
	/* The table goes with the socket that owns it. */
	nftables_close(&trace->nftables);
	if (trace->events)
		mnl_socket_close(trace->events);
	*trace = (struct trace){ 0 };
}

int trace_descriptor(const struct trace *trace)
{
	return trace->runs ? mnl_socket_get_fd(trace->events) : -1;
}

int trace_wait(const struct trace *trace)
{
	int64_t deadline = trace->runs ? fates_deadline(&trace->fates) : 0;
	int64_t left = deadline - seen_now();

	if (!deadline)
		return -1;
	return left > 0 ? (int)left : 0;
}

/* ---- what the rule says of itself ---- */

static void copy_text(char to[RULES_TEXT_MAX], const char *text, size_t size)
{
	memcpy(to, text, strnlen(text, size < RULES_TEXT_MAX ? size : RULES_TEXT_MAX - 1));
}

/* iptables -m comment: struct xt_comment_info, 256 bytes of text. */
static int take_match(struct nftnl_expr *expression, void *data)
{
	const char *name = nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
	uint32_t size = 0;
	const char *info;

	if (strcmp(name, "match") != 0 ||
	    strcmp(nftnl_expr_get_str(expression, NFTNL_EXPR_MT_NAME), "comment") != 0)
		return 0;
	info = nftnl_expr_get(expression, NFTNL_EXPR_MT_INFO, &size);
	if (info)
		copy_text(data, info, size);
	return 0;
}

static int take_rule(const struct nlmsghdr *message, void *comment)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	const char *text;
	size_t size = 0;

	if (rule && nftnl_rule_nlmsg_parse(message, rule) == 0) {
		text = comment_read(rule, &size);
		if (text)
			copy_text(comment, text, size);
		if (!*(char *)comment)
			nftnl_expr_foreach(rule, take_match, comment);
	}
	if (rule)
		nftnl_rule_free(rule);
	return MNL_CB_OK;
}

static void read_comment(struct trace *trace, struct rules_traced *traced)
{
	char buffer[1024] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *request =
		nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETRULE, traced->family, 0, 0);

	mnl_attr_put_strz(request, NFTA_RULE_TABLE, traced->table);
	mnl_attr_put_strz(request, NFTA_RULE_CHAIN, traced->chain);
	mnl_attr_put_u64(request, NFTA_RULE_HANDLE, htobe64(traced->handle));
	nftables_dump(&trace->nftables, request, take_rule, traced->comment);
	log_clean(traced->comment);
}

bool trace_read(struct trace *trace, struct rules_traced *traced)
{
	char buffer[RECEIVE_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	ssize_t got;

	if (!trace->runs)
		return false;
	while ((got = recv(trace_descriptor(trace), buffer, sizeof(buffer), MSG_DONTWAIT)) > 0) {
		const struct nlmsghdr *event = (const struct nlmsghdr *)(const void *)buffer;
		int left = (int)got;

		for (; mnl_nlmsg_ok(event, left); event = mnl_nlmsg_next(event, &left))
			fates_take(&trace->fates, event, seen_now());
	}
	if (!fates_next(&trace->fates, seen_now(), traced))
		return false;
	if (traced->fate == RULES_FATE_DROPPED && traced->handle)
		read_comment(trace, traced);
	return true;
}
