/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/scan.h"

#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "natd/log.h"
#include "rules/accept.h"
#include "rules/fate.h"
#include "rules/meaning.h"
#include "rules/table.h"

#define REQUEST_SIZE 512
#define READ_TRIES   5

/* Room for one more at the end; an array doubles whenever its count has reached a power of two. */
static void *append(void **items, size_t *count, size_t size)
{
	char *new;

	if ((*count & (*count - 1)) == 0)
		*items = realloc(*items, (*count ? *count * 2 : 1) * size);
	if (!*items)
		fatal("no memory to look at %zu parts of the firewalls", *count);
	new = (char *)*items + (*count)++ *size;
	return memset(new, 0, size);
}

#define APPEND(scan, items, count)                                                                 \
	append((void **)&(scan)->items, &(scan)->count, sizeof(*(scan)->items))

void scan_free(struct scan *scan)
{
	free(scan->tables);
	free(scan->chains);
	free(scan->jumps);
	free(scan->marks);
	free(scan->ways);
	*scan = (struct scan){ 0 };
}

static bool copy_name(char to[SCAN_NAME_MAX], const char *name)
{
	return name && snprintf(to, SCAN_NAME_MAX, "%s", name) < SCAN_NAME_MAX;
}

/* ---- tables ---- */

static bool is_ours(uint32_t family, const char *name)
{
	return family == NFPROTO_INET && (table_is_ours(name) || strcmp(name, TRACE_TABLE) == 0);
}

static void keep_table(struct scan *scan, const struct nftnl_table *from)
{
	uint32_t family = nftnl_table_get_u32(from, NFTNL_TABLE_FAMILY);
	const char *name = nftnl_table_get_str(from, NFTNL_TABLE_NAME);
	struct scan_table table = { .family = (uint8_t)family };

	if ((family != NFPROTO_IPV4 && family != NFPROTO_IPV6 && family != NFPROTO_INET) ||
	    !copy_name(table.name, name) || is_ours(family, name))
		return;
	table.owned = nftnl_table_get_u32(from, NFTNL_TABLE_FLAGS) & NFT_TABLE_F_OWNER;
	*(struct scan_table *)APPEND(scan, tables, table_count) = table;
}

static int take_table(const struct nlmsghdr *message, void *data)
{
	struct nftnl_table *table = nftnl_table_alloc();

	if (table && nftnl_table_nlmsg_parse(message, table) == 0)
		keep_table(data, table);
	if (table)
		nftnl_table_free(table);
	return MNL_CB_OK;
}

static struct scan_table *find_table(const struct scan *scan, uint32_t family, const char *name)
{
	for (size_t i = 0; i < scan->table_count; i++)
		if (scan->tables[i].family == family && strcmp(scan->tables[i].name, name) == 0)
			return &scan->tables[i];
	return NULL;
}

/* ---- chains ---- */

static void keep_chain(struct scan *scan, const struct nftnl_chain *from)
{
	const char *table_name = nftnl_chain_get_str(from, NFTNL_CHAIN_TABLE);
	const char *type = nftnl_chain_get_str(from, NFTNL_CHAIN_TYPE);
	struct scan_table *table =
		table_name ? find_table(scan, nftnl_chain_get_u32(from, NFTNL_CHAIN_FAMILY),
					table_name)
			   : NULL;
	struct scan_chain chain = { .base = nftnl_chain_is_set(from, NFTNL_CHAIN_HOOKNUM) };

	if (!table || !copy_name(chain.name, nftnl_chain_get_str(from, NFTNL_CHAIN_NAME)))
		return;
	chain.table = (uint32_t)(table - scan->tables);
	if (chain.base) {
		chain.hook = (uint8_t)nftnl_chain_get_u32(from, NFTNL_CHAIN_HOOKNUM);
		chain.filter = type && strcmp(type, "filter") == 0;
		chain.translates =
			type && strcmp(type, "nat") == 0 && chain.hook == NF_INET_POST_ROUTING;
		chain.policy_drop = nftnl_chain_is_set(from, NFTNL_CHAIN_POLICY) &&
				    nftnl_chain_get_u32(from, NFTNL_CHAIN_POLICY) == NF_DROP;
		table->filters |= chain.filter;
	}
	chain.closes = chain.policy_drop;
	/* iptables counts what its policy decides. */
	if (chain.policy_drop && nftnl_chain_is_set(from, NFTNL_CHAIN_PACKETS)) {
		chain.counts = true;
		chain.dropped = nftnl_chain_get_u64(from, NFTNL_CHAIN_PACKETS);
	}
	*(struct scan_chain *)APPEND(scan, chains, chain_count) = chain;
}

static int take_chain(const struct nlmsghdr *message, void *data)
{
	struct nftnl_chain *chain = nftnl_chain_alloc();

	if (chain && nftnl_chain_nlmsg_parse(message, chain) == 0)
		keep_chain(data, chain);
	if (chain)
		nftnl_chain_free(chain);
	return MNL_CB_OK;
}

const struct scan_chain *scan_find(const struct scan *scan, uint32_t table, const char *name)
{
	for (size_t i = 0; i < scan->chain_count; i++)
		if (scan->chains[i].table == table && strcmp(scan->chains[i].name, name) == 0)
			return &scan->chains[i];
	return NULL;
}

/* ---- rules ---- */

/* Rules come chain by chain. NULL: of a chain that is passed over. */
static struct scan_chain *chain_of(struct scan *scan, const struct nftnl_rule *rule)
{
	const char *name = nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN);
	const char *table_name = nftnl_rule_get_str(rule, NFTNL_RULE_TABLE);
	const struct scan_table *table =
		table_name
			? find_table(scan, nftnl_rule_get_u32(rule, NFTNL_RULE_FAMILY), table_name)
			: NULL;
	const struct scan_chain *chain;

	if (!table || !name)
		return NULL;
	if (scan->last < scan->chain_count) {
		chain = &scan->chains[scan->last];
		if (&scan->tables[chain->table] == table && strcmp(chain->name, name) == 0)
			return &scan->chains[scan->last];
	}
	chain = scan_find(scan, (uint32_t)(table - scan->tables), name);
	if (!chain)
		return NULL;
	scan->last = (uint32_t)(chain - scan->chains);
	return &scan->chains[scan->last];
}

/* People write comments too, and what only its program may change natd has not written. */
static bool is_natds(const struct scan *scan, const struct scan_chain *chain,
		     const struct meaning *meaning)
{
	return accept_is_comment(meaning->mark) && !scan->tables[chain->table].owned;
}

static void keep_mark(struct scan *scan, const struct scan_chain *chain,
		      const struct nftnl_rule *rule, const char comment[MEANING_MARK_MAX])
{
	struct scan_mark *mark = APPEND(scan, marks, mark_count);

	mark->chain = (uint32_t)(chain - scan->chains);
	mark->handle = nftnl_rule_get_u64(rule, NFTNL_RULE_HANDLE);
	mark->first = chain->rules == 0;
	memcpy(mark->comment, comment, sizeof(mark->comment));
}

static void keep_jump(struct scan *scan, const struct scan_chain *from,
		      const struct meaning *meaning)
{
	const struct scan_chain *to = scan_find(scan, from->table, meaning->jump);
	struct scan_jump *jump;

	if (!to)
		return;
	jump = APPEND(scan, jumps, jump_count);
	jump->from = (uint32_t)(from - scan->chains);
	jump->to = (uint32_t)(to - scan->chains);
	jump->all = !meaning->matches;
}

static void keep_rule(struct scan *scan, struct nftnl_rule *rule)
{
	struct scan_chain *chain = chain_of(scan, rule);
	struct meaning meaning;

	if (!chain)
		return;
	meaning_read(&meaning, rule);
	if (is_natds(scan, chain, &meaning)) {
		keep_mark(scan, chain, rule, meaning.mark);
		return;
	}
	chain->rules++;
	if (meaning.jump[0])
		keep_jump(scan, chain, &meaning);
	if (!meaning.drops)
		return;
	chain->closes |= !meaning.matches;
	chain->counts |= meaning.counts;
	chain->dropped += meaning.packets;
}

static int take_rule(const struct nlmsghdr *message, void *data)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	if (rule && nftnl_rule_nlmsg_parse(message, rule) == 0)
		keep_rule(data, rule);
	if (rule)
		nftnl_rule_free(rule);
	return MNL_CB_OK;
}

static void keep_way(struct scan *scan, struct nftnl_rule *rule)
{
	const struct scan_chain *chain = chain_of(scan, rule);
	struct masquerade masquerade;
	struct scan_way *way;

	if (!chain || !masquerade_read(&masquerade, scan->tables[chain->table].family, rule))
		return;
	way = APPEND(scan, ways, way_count);
	way->chain = (uint32_t)(chain - scan->chains);
	way->is = masquerade;
}

static int take_way(const struct nlmsghdr *message, void *data)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	if (rule && nftnl_rule_nlmsg_parse(message, rule) == 0)
		keep_way(data, rule);
	if (rule)
		nftnl_rule_free(rule);
	return MNL_CB_OK;
}

/* ---- all of it ---- */

static int dump(struct scan *scan, struct nftables *nftables, uint16_t type, uint16_t family,
		const char *table, const char *chain, mnl_cb_t take)
{
	char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *request = nftnl_nlmsg_build_hdr(buffer, type, family, NLM_F_DUMP, 0);

	if (table)
		mnl_attr_put_strz(request, NFTA_RULE_TABLE, table);
	if (chain)
		mnl_attr_put_strz(request, NFTA_RULE_CHAIN, chain);
	return nftables_dump(nftables, request, take, scan);
}

/* Adds to each base chain what the chains drop that it leads to. Chains form no loops: the kernel
 * refuses them (nft_chain_validate()), and `seen` counts each once. */
static void add_dropped(struct scan *scan, struct scan_chain *base, uint32_t chain, bool *seen)
{
	for (size_t i = 0; i < scan->jump_count; i++) {
		const struct scan_chain *to = &scan->chains[scan->jumps[i].to];

		if (scan->jumps[i].from != chain || seen[scan->jumps[i].to])
			continue;
		seen[scan->jumps[i].to] = true;
		base->counts |= to->counts;
		base->dropped += to->dropped;
		add_dropped(scan, base, scan->jumps[i].to, seen);
	}
}

static void sum_dropped(struct scan *scan)
{
	bool *seen = calloc(scan->chain_count + 1, sizeof(*seen));

	if (!seen)
		fatal("no memory to look at %zu chains", scan->chain_count);
	for (uint32_t i = 0; i < scan->chain_count; i++) {
		if (!scan->chains[i].base)
			continue;
		memset(seen, 0, scan->chain_count * sizeof(*seen));
		add_dropped(scan, &scan->chains[i], i, seen);
	}
	free(seen);
}

/* "-A FORWARD -j LOGDROP": as often as chains lead to each other, which the kernel lets them do 16 times
 * (NFT_JUMP_STACK_SIZE). */
static void spread_closing(struct scan *scan)
{
	bool spread = true;

	while (spread) {
		spread = false;
		for (size_t i = 0; i < scan->jump_count; i++) {
			const struct scan_jump *jump = &scan->jumps[i];

			if (!jump->all || !scan->chains[jump->to].closes ||
			    scan->chains[jump->from].closes)
				continue;
			scan->chains[jump->from].closes = true;
			spread = true;
		}
	}
}

static int dump_chain(struct scan *scan, struct nftables *nftables, const struct scan_chain *chain)
{
	const struct scan_table *table = &scan->tables[chain->table];

	return dump(scan, nftables, NFT_MSG_GETRULE, table->family, table->name, chain->name,
		    take_way);
}

static int read_once(struct scan *scan, struct nftables *nftables)
{
	int error = dump(scan, nftables, NFT_MSG_GETTABLE, NFPROTO_UNSPEC, NULL, NULL, take_table);

	if (!error)
		error = dump(scan, nftables, NFT_MSG_GETCHAIN, NFPROTO_UNSPEC, NULL, NULL,
			     take_chain);
	scan->last = (uint32_t)scan->chain_count;
	for (size_t i = 0; i < scan->table_count && !error; i++)
		if (scan->tables[i].filters)
			error = dump(scan, nftables, NFT_MSG_GETRULE, scan->tables[i].family,
				     scan->tables[i].name, NULL, take_rule);
	for (size_t i = 0; i < scan->chain_count && !error; i++)
		if (scan->chains[i].translates)
			error = dump_chain(scan, nftables, &scan->chains[i]);
	return error;
}

/* What changed while it was read is read again, whole: a dump that started over counts rules twice, and
 * tables may have come and gone. */
int scan_read(struct scan *scan, struct nftables *nftables)
{
	uint32_t before = 0;
	uint32_t after = 1;
	int error = 0;

	for (int tries = 0; tries < READ_TRIES && before != after; tries++) {
		scan_free(scan);
		error = nftables_read_generation(nftables, &before);
		if (!error)
			error = read_once(scan, nftables);
		if (!error)
			error = nftables_read_generation(nftables, &after);
		if (error && error != ENOENT && error != EINTR)
			break;
	}
	if (!error && before != after)
		error = ERESTART;
	if (error)
		scan_free(scan);
	sum_dropped(scan);
	spread_closing(scan);
	scan->generation = before;
	return error;
}

bool scan_jumps(const struct scan *scan, const struct scan_chain *from, const struct scan_chain *to)
{
	for (size_t i = 0; i < scan->jump_count; i++)
		if (&scan->chains[scan->jumps[i].from] == from &&
		    &scan->chains[scan->jumps[i].to] == to)
			return true;
	return false;
}
