/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/service.h"

#include <string.h>
#include <time.h>

#include "natd/log.h"
#include "rules/change.h"
#include "rules/counter.h"
#include "rules/tell.h"

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void finish_report(const struct rules *rules, struct rules_report *said, int64_t started_us)
{
	said->written.took_us = (uint32_t)(now_us() - started_us);
	tell(rules->natd, said);
}

void tables_begin(struct rules *rules, const struct rules_request *request)
{
	set_begin(&rules->staged, request->generation);
	rules->staged.owned = request->begin.owned;
}

/* Items stand between RULES_BEGIN and RULES_COMMIT and bear its generation. */
static struct set *staged(struct rules *rules, const struct rules_request *request)
{
	if (!rules->staged.exists)
		fatal("request %d of set %u, which was not begun: not from this build of natd",
		      (int)request->what, request->generation);
	if (rules->staged.generation != request->generation)
		fatal("request %d of set %u within set %u: not from this build of natd",
		      (int)request->what, request->generation, rules->staged.generation);
	return &rules->staged;
}

void tables_tunnel(struct rules *rules, const struct rules_request *request)
{
	set_add_tunnel(staged(rules, request), &request->tunnel);
}

void tables_network(struct rules *rules, const struct rules_request *request)
{
	set_add_network(staged(rules, request), &request->network);
}

void tables_lan(struct rules *rules, const struct rules_request *request)
{
	set_add_lan(staged(rules, request), &request->prefix);
}

void tables_port(struct rules *rules, const struct rules_request *request)
{
	set_add_port(staged(rules, request), &request->port);
}

void tables_publish(struct rules *rules, const struct rules_request *request)
{
	set_add_publish(staged(rules, request), &request->publish);
}

/* Makes the kernel hold `set`, by as little as can be. What others did is noticed first. */
static int write_set(struct rules *rules, struct set *set, struct rules_written *said)
{
	struct change change;

	if (!rules->committed.exists)
		return owner_write(&rules->owner, set, said->what, &said->owned);
	tables_watch(rules);
	if (!rules->repair.needed) {
		change = change_between(&rules->committed, set);
		if (change.recount)
			counters_read(&rules->nftables, &rules->committed);
		set_carry_counts(set, &rules->committed);
		said->owned = rules->owned;
		if (owner_change(&rules->owner, &rules->committed, set, &change))
			return 0;
	}
	counters_read(&rules->nftables, &rules->committed);
	set_carry_counts(set, &rules->committed);
	return owner_write(&rules->owner, set, said->what, &said->owned);
}

/* `before` is what was committed until now; the caller's to free. */
static int commit(struct rules *rules, struct set *set, struct set *before,
		  struct rules_written *said)
{
	int error;

	if (!set_finish(set)) {
		memcpy(said->what, set->what, RULES_TEXT_MAX);
		return set->error;
	}
	error = write_set(rules, set, said);
	if (error)
		return error;
	rules->owned = said->owned;
	*before = rules->committed;
	rules->committed = *set;
	*set = (struct set){ 0 };
	coexist_touched(&rules->coexist, now_us() / 1000);
	return 0;
}

/* Where it fails, what was committed before stays in force. */
void tables_commit(struct rules *rules, const struct rules_request *request)
{
	struct rules_report said = tell_new(RULES_WRITTEN, request->generation);
	struct set before = { 0 };
	int64_t started = now_us();

	said.written.error = commit(rules, staged(rules, request), &before, &said.written);
	set_clear(&rules->staged);
	finish_report(rules, &said, started);
	if (rules->committed.exists)
		owner_get_ready(&rules->owner, &rules->committed);
	if (said.written.error)
		return;
	/* It may take a while to look through the connections. */
	purge_change(&rules->purge, &before, &rules->committed);
	if (rules->repair.needed) /* until now */
		purge_gap(&rules->purge, &rules->committed);
	rules->repair.needed = false;
}

void tables_remove(struct rules *rules, const struct rules_request *request)
{
	struct rules_report said = tell_new(RULES_REMOVED, request->generation);
	int64_t started = now_us();

	coexist_leave(&rules->coexist, &rules->nftables);
	said.written.error = owner_remove(&rules->owner, said.written.what);
	if (!said.written.error) {
		purge_stop(&rules->purge);
		set_clear(&rules->committed);
		rules->repair.needed = false;
	}
	finish_report(rules, &said, started);
}

/* ---- what others do to them ---- */

static void tell_touched(const struct rules *rules, int error, uint32_t wait_ms)
{
	struct rules_report said = tell_new(RULES_TOUCHED, rules->committed.generation);

	said.touched.pid = rules->repair.culprit.pid;
	memcpy(said.touched.program, rules->repair.culprit.program, sizeof(said.touched.program));
	said.touched.took_us = (uint32_t)(now_us() - rules->repair.noticed_us);
	said.touched.wait_ms = wait_ms;
	said.touched.error = error;
	tell(rules->natd, &said);
}

void tables_watch(struct rules *rules)
{
	struct culprit culprit;
	int64_t now = now_us();
	bool touched = watch_read(&rules->watch, &rules->nftables, &culprit);

	if (rules->watch.others)
		coexist_touched(&rules->coexist, now / 1000);
	rules->watch.others = false;
	if (!touched || !rules->committed.exists || rules->repair.needed)
		return;
	rules->repair = (struct repair){
		.needed = true,
		.noticed_us = now,
		.when_ms = contest_when(&rules->contest, now / 1000),
		.culprit = culprit,
	};
	if (rules->repair.when_ms > now / 1000)
		tell_touched(rules, 0, (uint32_t)(rules->repair.when_ms - now / 1000));
}

void tables_repair(struct rules *rules)
{
	char what[RULES_TEXT_MAX] = "";
	int error = owner_repair(&rules->owner, &rules->committed, rules->watch.guard, what);
	int64_t now = now_us();

	if (error)
		log_error("cannot repair the firewall: the kernel refuses %s: %s", what,
			  strerror(error));
	contest_repaired(&rules->contest, now / 1000);
	rules->repair.needed = error != 0;
	rules->watch.guard = rules->watch.guard && error;
	rules->repair.when_ms = contest_when(&rules->contest, now / 1000);
	tell_touched(rules, error, 0);
	owner_get_ready(&rules->owner, &rules->committed);
	if (!error)
		purge_gap(&rules->purge, &rules->committed);
}
