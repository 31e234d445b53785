/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/accept.h"

#include <net/if.h>
#include <netinet/in.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_conntrack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "natd/log.h"
#include "rules/match.h"
#include "rules/statement.h"
#include "rules/object.h"

#define CONNTRACK_REVISION 3 /* of xt_conntrack: struct xt_conntrack_mtinfo3 */

static const char *const beginnings[ACCEPTS] = {
	[ACCEPT_PUBLISHED] = MEANING_MARK_PREFIX "published to ",
	[ACCEPT_ANSWERS] = MEANING_MARK_PREFIX "answers to ",
	[ACCEPT_FROM] = MEANING_MARK_PREFIX "from ",
};

void accept_comment(enum accept_what what, const char *interface, char comment[MEANING_MARK_MAX])
{
	snprintf(comment, MEANING_MARK_MAX, "%s%s", beginnings[what], interface);
}

bool accept_is_comment(const char *comment)
{
	for (enum accept_what what = 0; what < ACCEPTS; what++)
		if (strncmp(comment, beginnings[what], strlen(beginnings[what])) == 0 &&
		    !strchr(comment + strlen(beginnings[what]), ' '))
			return true;
	return false;
}

static struct nftnl_rule *rule_new(const struct accept_place *place)
{
	struct nftnl_rule *rule = object_rule_new(place->table, place->chain);

	nftnl_rule_set_u32(rule, NFTNL_RULE_FAMILY, place->family);
	return rule;
}

/* -m conntrack --ctstate STATE. The rule keeps `info`. */
static void match_conntrack(struct nftnl_rule *rule, uint16_t states)
{
	struct nftnl_expr *match = nftnl_expr_alloc("match");
	struct xt_conntrack_mtinfo3 *info = calloc(1, XT_ALIGN(sizeof(*info)));

	if (!match || !info)
		fatal("no memory for an nftables expression");
	info->match_flags = XT_CONNTRACK_STATE;
	info->state_mask = states;
	nftnl_expr_set_str(match, NFTNL_EXPR_MT_NAME, "conntrack");
	nftnl_expr_set_u32(match, NFTNL_EXPR_MT_REV, CONNTRACK_REVISION);
	nftnl_expr_set(match, NFTNL_EXPR_MT_INFO, info, XT_ALIGN(sizeof(*info)));
	nftnl_rule_add_expr(rule, match);
}

static void match_what(struct nftnl_rule *rule, enum accept_what what, bool iptables)
{
	if (what == ACCEPT_FROM)
		return;
	if (iptables)
		match_conntrack(rule, what == ACCEPT_PUBLISHED
					      ? XT_CONNTRACK_STATE_DNAT
					      : XT_CONNTRACK_STATE_BIT(IP_CT_ESTABLISHED) |
							XT_CONNTRACK_STATE_BIT(IP_CT_RELATED));
	else if (what == ACCEPT_PUBLISHED)
		match_handed_on(rule);
	else
		match_established(rule);
}

static void add_message(struct batch *batch, struct nftnl_rule *rule,
			const struct accept_place *place, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *message = batch_new(batch, (struct item){ ITEM_RULE, 0 }, type, flags);
	struct nfgenmsg *header = mnl_nlmsg_get_payload(message);

	header->nfgen_family = place->family;
	nftnl_rule_nlmsg_build_payload(message, rule);
	nftnl_rule_free(rule);
	batch_add(batch, message);
}

void accept_insert(struct batch *batch, const struct accept_place *place, enum accept_what what,
		   const char *interface)
{
	struct nftnl_rule *rule = rule_new(place);
	char comment[MEANING_MARK_MAX];

	match_one_interface(rule, what == ACCEPT_FROM ? NFT_META_IIFNAME : NFT_META_OIFNAME,
			    interface);
	match_what(rule, what, place->iptables);
	count_packets(rule);
	decide(rule, NF_ACCEPT);
	accept_comment(what, interface, comment);
	object_rule_comment(rule, comment);
	/* Without NLM_F_APPEND a rule goes to the head of its chain. */
	add_message(batch, rule, place, NFT_MSG_NEWRULE, NLM_F_CREATE);
}

void accept_delete(struct batch *batch, const struct accept_place *place, uint64_t handle)
{
	struct nftnl_rule *rule = rule_new(place);

	nftnl_rule_set_u64(rule, NFTNL_RULE_HANDLE, handle);
	add_message(batch, rule, place, NFT_MSG_DELRULE, 0);
}
