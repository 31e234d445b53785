/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/coexist.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>

#include "natd/log.h"
#include "rules/accept.h"
#include "rules/author.h"
#include "rules/tell.h"

/* A firewall that reloads writes its rules in several steps: ufw for some tenths of a second. */
#define SETTLE_MS 100

#define LEAVE_TRIES 10 /* against other programs that commit at the same time */

#define TOLD_MAX      64
#define TOLD_WAYS_MAX 16

void coexist_touched(struct coexist *coexist, int64_t now_ms)
{
	int64_t when = contest_when(&coexist->contest, now_ms);

	if (!coexist->due_ms)
		coexist->due_ms = when > now_ms + SETTLE_MS ? when : now_ms + SETTLE_MS;
}

int coexist_until(const struct coexist *coexist, int64_t now_ms)
{
	if (!coexist->due_ms)
		return -1;
	return coexist->due_ms > now_ms ? (int)(coexist->due_ms - now_ms) : 0;
}

/* ---- where accepts belong ---- */

static bool may_write(const struct scan *scan, const struct scan_chain *base)
{
	enum rules_owner owner = author_of(scan, base);

	return !scan->tables[base->table].owned && owner != RULES_OWNER_FIREWALLD &&
	       owner != RULES_OWNER_OTHER;
}

/* Docker keeps DOCKER-USER for the rules of others, and asks it first. */
static const struct scan_chain *entry(const struct scan *scan, const struct scan_chain *base)
{
	const struct scan_chain *user = scan_find(scan, base->table, "DOCKER-USER");

	return user && scan_jumps(scan, base, user) ? user : base;
}

/* The chain that takes the accepts for this base chain; NULL: it needs none, or may not have any. */
static const struct scan_chain *place_for(const struct scan *scan, const struct scan_chain *base)
{
	if (!base->base || !base->filter || base->hook != NF_INET_FORWARD || !base->closes ||
	    !may_write(scan, base))
		return NULL;
	return entry(scan, base);
}

/* iptables cannot list a chain with native matches; nft lists iptables' own as it can. Of its tables these
 * have a FORWARD. */
static bool is_iptables(const struct scan *scan, const struct scan_chain *chain)
{
	static const char *const names[] = { "filter", "mangle", "security" };
	const struct scan_table *table = &scan->tables[chain->table];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (table->family != NFPROTO_INET && strcmp(table->name, names[i]) == 0)
			return scan_find(scan, chain->table, "FORWARD");
	return false;
}

static struct accept_place to_place(const struct scan *scan, const struct scan_chain *chain)
{
	const struct scan_table *table = &scan->tables[chain->table];

	return (struct accept_place){
		.family = table->family,
		.iptables = is_iptables(scan, chain),
		.table = table->name,
		.chain = chain->name,
	};
}

/* Has the tunnel clients of the table's family? */
static bool concerns(const struct set *set, uint32_t tunnel, uint8_t family)
{
	for (uint32_t i = 0; i < set->networks.count; i++) {
		const struct network_behind *network = &set->networks.items[i];

		if (network->tunnel == tunnel &&
		    (family == NFPROTO_INET || network->prefix.family == family))
			return true;
	}
	return false;
}

/* Calls `visit` for every accept that shall stand in `chain`; false as soon as it says so. */
static bool each_wanted(const struct scan *scan, const struct set *set,
			const struct scan_chain *chain,
			bool (*visit)(void *context, const struct scan_chain *chain,
				      enum accept_what what, const char *interface),
			void *context)
{
	uint8_t family = scan->tables[chain->table].family;

	for (uint32_t i = 0; i < set->tunnel_count; i++) {
		if (!concerns(set, i, family))
			continue;
		for (enum accept_what what = 0; what < ACCEPTS; what++)
			if (!visit(context, chain, what, set->tunnels[i].is.interface))
				return false;
	}
	return true;
}

/* ---- are they there? ---- */

struct census {
	const struct scan *scan;
	size_t wanted;
};

static bool stands(void *context, const struct scan_chain *chain, enum accept_what what,
		   const char *interface)
{
	struct census *census = context;
	const struct scan *scan = census->scan;
	char comment[MEANING_MARK_MAX];

	census->wanted++;
	accept_comment(what, interface, comment);
	for (size_t i = 0; i < scan->mark_count; i++)
		if (&scan->chains[scan->marks[i].chain] == chain && scan->marks[i].first &&
		    strcmp(scan->marks[i].comment, comment) == 0)
			return true;
	return false;
}

static bool in_order(const struct coexist *coexist, const struct set *set)
{
	const struct scan *scan = &coexist->scan;
	struct census census = { .scan = scan };

	for (size_t i = 0; coexist->wanted && i < scan->chain_count; i++) {
		const struct scan_chain *place = place_for(scan, &scan->chains[i]);

		if (place && !each_wanted(scan, set, place, stands, &census))
			return false;
	}
	return census.wanted == scan->mark_count;
}

/* ---- putting them in order ---- */

struct writing {
	const struct scan *scan;
	struct batch batch;
};

static bool insert(void *context, const struct scan_chain *chain, enum accept_what what,
		   const char *interface)
{
	struct writing *writing = context;
	struct accept_place place = to_place(writing->scan, chain);

	accept_insert(&writing->batch, &place, what, interface);
	return true;
}

static void delete_marks(struct writing *writing)
{
	for (size_t i = 0; i < writing->scan->mark_count; i++) {
		const struct scan_mark *mark = &writing->scan->marks[i];
		struct accept_place place =
			to_place(writing->scan, &writing->scan->chains[mark->chain]);

		accept_delete(&writing->batch, &place, mark->handle);
	}
}

/* Only upon the ruleset that was read: in a newer one a handle may be that of another program's rule.
 * Not a word about our table in this transaction: what events before it say of that still counts. So
 * where another program was in between, the generation stays that of the last one of ours. */
static int commit(struct writing *writing, struct nftables *nftables)
{
	uint32_t generation = nftables->generation;
	struct batch_error error = { 0 };

	batch_end(&writing->batch);
	nftables_commit_upon(nftables, &writing->batch, writing->scan->generation, &error);
	if (nftables->generation != generation + 1)
		nftables->generation = generation;
	batch_free(&writing->batch);
	return error.error;
}

static int write_accepts(const struct coexist *coexist, struct nftables *nftables,
			 const struct set *set)
{
	struct writing writing = { .scan = &coexist->scan };

	batch_begin(&writing.batch);
	delete_marks(&writing);
	for (size_t i = 0; set && coexist->wanted && i < coexist->scan.chain_count; i++) {
		const struct scan_chain *place =
			place_for(&coexist->scan, &coexist->scan.chains[i]);

		if (place)
			each_wanted(&coexist->scan, set, place, insert, &writing);
	}
	return commit(&writing, nftables);
}

/* 0 or an errno; ERESTART: other programs do not stop changing what there is to see. */
static int look(struct coexist *coexist, struct nftables *nftables, int64_t now_ms)
{
	int error = scan_read(&coexist->scan, nftables);

	coexist->looked_ms = now_ms;
	if (error)
		log_debug("the other firewalls cannot be read: %s", strerror(error));
	return error;
}

/* 0 or an errno; ERESTART: later. Whoever asks for counters has natd look in the midst of a contest. */
static int put_in_order(struct coexist *coexist, struct nftables *nftables, const struct set *set,
			int64_t now_ms)
{
	int error;

	if (contest_when(&coexist->contest, now_ms) > now_ms)
		return ERESTART;
	error = write_accepts(coexist, nftables, set);
	contest_repaired(&coexist->contest, now_ms);
	if (error == ERESTART) /* another program was quicker */
		return error;
	if (error)
		log_warning("the tunnels' packets cannot be let through another firewall: %s",
			    strerror(error));
	return look(coexist, nftables, now_ms);
}

void coexist_look(struct coexist *coexist, struct nftables *nftables, const struct set *set,
		  int64_t now_ms)
{
	int error;

	coexist->due_ms = 0;
	error = look(coexist, nftables, now_ms);
	if (error == ERESTART) /* in vain, and that took longer than others */
		contest_repaired(&coexist->contest, now_ms);
	else if (!error && set->exists && !in_order(coexist, set))
		error = put_in_order(coexist, nftables, set, now_ms);
	if (error == ERESTART)
		coexist_touched(coexist, now_ms);
}

void coexist_leave(struct coexist *coexist, struct nftables *nftables)
{
	int error = ERESTART;

	coexist->due_ms = 0;
	for (int tries = 0; tries < LEAVE_TRIES && error == ERESTART; tries++) {
		error = look(coexist, nftables, coexist->looked_ms);
		if (!error && coexist->scan.mark_count)
			error = write_accepts(coexist, nftables, NULL);
	}
	if (error)
		log_warning("rules of natd may be left in another firewall: %s", strerror(error));
	scan_free(&coexist->scan);
}

/* ---- what natd hears of it ---- */

static bool to_hook(uint8_t hook, uint8_t *to)
{
	static const uint8_t hooks[] = {
		[NF_INET_LOCAL_IN] = RULES_HOOK_INPUT,
		[NF_INET_FORWARD] = RULES_HOOK_FORWARD,
		[NF_INET_LOCAL_OUT] = RULES_HOOK_OUTPUT,
		[NF_INET_POST_ROUTING] = RULES_HOOK_POST,
	};

	if (hook < NF_INET_LOCAL_IN || hook > NF_INET_POST_ROUTING)
		return false;
	*to = hooks[hook];
	return true;
}

static bool has_mark(const struct scan *scan, const struct scan_chain *chain)
{
	for (size_t i = 0; i < scan->mark_count; i++)
		if (&scan->chains[scan->marks[i].chain] == chain)
			return true;
	return false;
}

static void describe(const struct scan *scan, const struct scan_chain *chain,
		     struct rules_firewall *firewall)
{
	const struct scan_table *table = &scan->tables[chain->table];

	firewall->family = table->family == NFPROTO_INET ? AF_UNSPEC : table->family;
	firewall->owner = (uint8_t)author_of(scan, chain);
	firewall->policy_drop = chain->policy_drop;
	firewall->closes = chain->closes;
	firewall->passed = has_mark(scan, entry(scan, chain));
	firewall->owned = table->owned;
	firewall->counts = chain->counts;
	firewall->dropped = chain->dropped;
	memcpy(firewall->table, table->name, sizeof(firewall->table));
	memcpy(firewall->chain, chain->name, sizeof(firewall->chain));
}

static void tell_ways(const struct scan *scan, int natd, uint32_t generation)
{
	for (size_t i = 0; i < scan->way_count && i < TOLD_WAYS_MAX; i++) {
		const struct scan_way *way = &scan->ways[i];
		const struct scan_chain *chain = &scan->chains[way->chain];
		const struct scan_table *table = &scan->tables[chain->table];
		struct rules_report said = tell_new(RULES_WAY_OUT, generation);
		struct rules_way_out *told = &said.way_out;

		told->family = table->family == NFPROTO_INET ? AF_UNSPEC : table->family;
		told->from = way->is.from;
		memcpy(told->interface, way->is.interface, sizeof(told->interface));
		memcpy(told->table, table->name, sizeof(told->table));
		memcpy(told->chain, chain->name, sizeof(told->chain));
		tell(natd, &said);
	}
}

void coexist_tell(const struct coexist *coexist, int natd, uint32_t generation)
{
	struct rules_report end = tell_new(RULES_SCANNED, generation);
	size_t told = 0;

	for (size_t i = 0; i < coexist->scan.chain_count && told < TOLD_MAX; i++) {
		const struct scan_chain *chain = &coexist->scan.chains[i];
		struct rules_report said = tell_new(RULES_FIREWALL, generation);

		if (!chain->base || !to_hook(chain->hook, &said.firewall.hook))
			continue;
		describe(&coexist->scan, chain, &said.firewall);
		tell(natd, &said);
		told++;
	}
	tell_ways(&coexist->scan, natd, generation);
	tell(natd, &end);
}
