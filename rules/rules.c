/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/rules.h"

#include <errno.h>
#include <poll.h>
#include <seccomp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "natd/log.h"
#include "natd/process.h"
#include "natd/sandbox.h"
#include "rules/change.h"
#include "rules/check.h"
#include "rules/coexist.h"
#include "rules/contest.h"
#include "rules/counter.h"
#include "rules/crowd.h"
#include "rules/gone.h"
#include "rules/nftables.h"
#include "rules/owner.h"
#include "rules/purge.h"
#include "rules/seen.h"
#include "rules/set.h"
#include "rules/sysctl.h"
#include "rules/table.h"
#include "rules/tell.h"
#include "rules/trace.h"
#include "rules/watch.h"
#include "rules/wireguard.h"

/* The counters of other firewalls are read along with ours, but not as often as somebody asks. */
#define LOOK_MS 1000

/* The table was changed by another; it is written again when the contest allows. */
struct repair {
	bool needed;
	int64_t noticed_us;
	int64_t when_ms;
	struct culprit culprit;
};

struct rules {
	int natd;
	struct nftables nftables;
	struct owner owner;
	uint8_t owned; /* enum rules_owned: how far the tables are */
	struct watch watch;
	struct set staged;    /* from RULES_BEGIN on */
	struct set committed; /* what the kernel has, or shall have again */
	struct purge purge;
	struct contest contest;
	struct repair repair;
	struct coexist coexist;
	struct trace trace;
	struct gone gone;
	struct crowd crowd;
	uint32_t counts_wait; /* answers to RULES_COUNT that wait for it, */
	uint32_t counted;     /* and the generation that the last one echoes */
};

static void on_watch(struct rules *rules);

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

/* ---- the table ---- */

static void on_begin(struct rules *rules, const struct rules_request *request)
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

static void on_tunnel(struct rules *rules, const struct rules_request *request)
{
	set_add_tunnel(staged(rules, request), &request->tunnel);
}

static void on_network(struct rules *rules, const struct rules_request *request)
{
	set_add_network(staged(rules, request), &request->network);
}

static void on_lan(struct rules *rules, const struct rules_request *request)
{
	set_add_lan(staged(rules, request), &request->prefix);
}

static void on_port(struct rules *rules, const struct rules_request *request)
{
	set_add_port(staged(rules, request), &request->port);
}

static void on_publish(struct rules *rules, const struct rules_request *request)
{
	set_add_publish(staged(rules, request), &request->publish);
}

/* Makes the kernel hold `set`, by as little as can be. What others did is noticed first. */
static int write_set(struct rules *rules, struct set *set, struct rules_written *said)
{
	struct change change;

	if (!rules->committed.exists)
		return owner_write(&rules->owner, set, said->what, &said->owned);
	on_watch(rules);
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
static void on_commit(struct rules *rules, const struct rules_request *request)
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

static void on_remove(struct rules *rules, const struct rules_request *request)
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

/* ---- what others do to it ---- */

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

static void on_watch(struct rules *rules)
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

static void repair(struct rules *rules)
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

/* ---- the firewalls of others ---- */

static void look_at_others(struct rules *rules)
{
	coexist_look(&rules->coexist, &rules->nftables, &rules->committed, now_us() / 1000);
	coexist_tell(&rules->coexist, rules->natd, rules->committed.generation);
}

static void on_coexist(struct rules *rules, const struct rules_request *request)
{
	rules->coexist.wanted = request->coexist;
	coexist_touched(&rules->coexist, now_us() / 1000);
}

static void tell_purged(const struct rules *rules, uint32_t connections)
{
	struct rules_report said = tell_new(RULES_PURGED, rules->committed.generation);

	said.purged = connections;
	if (connections)
		tell(rules->natd, &said);
}

static void on_connections(struct rules *rules)
{
	if (purge_step(&rules->purge, &rules->committed))
		tell_purged(rules, rules->purge.deleted);
}

static void on_gone(struct rules *rules, const struct rules_request *request)
{
	gone_add(&rules->gone, &request->prefix);
}

static void on_gone_connections(struct rules *rules)
{
	if (gone_step(&rules->gone, &rules->committed))
		tell_purged(rules, rules->gone.deleted);
}

/* ---- questions ---- */

static void on_sysctl(struct rules *rules, const struct rules_request *request)
{
	struct rules_report said = tell_new(RULES_SYSCTL_IS, request->generation);

	said.sysctl = sysctl_write(&request->sysctl);
	tell(rules->natd, &said);
}

static void on_wireguard(struct rules *rules, const struct rules_request *request)
{
	struct rules_report said = tell_new(RULES_WIREGUARD_IS, request->generation);

	memcpy(said.wireguard.interface, request->tunnel.interface,
	       sizeof(said.wireguard.interface));
	said.wireguard.port = wireguard_port(request->tunnel.interface);
	tell(rules->natd, &said);
}

static void on_peers(struct rules *rules, const struct rules_request *request)
{
	struct rules_report said = tell_new(RULES_PEERS_ARE, request->generation);

	said.peers = wireguard_peers(request->tunnel.interface);
	tell(rules->natd, &said);
}

/* Where many connections are looked through, the answer waits for that. */
static void on_count(struct rules *rules, const struct rules_request *request)
{
	int error =
		rules->committed.exists ? counters_read(&rules->nftables, &rules->committed) : 0;
	int64_t now_ms = now_us() / 1000;

	if (error)
		log_debug("cannot read the counters: %s", strerror(error));
	if (rules->committed.exists)
		owner_get_ready(&rules->owner, &rules->committed);
	if (now_ms - rules->coexist.looked_ms > LOOK_MS)
		look_at_others(rules);
	tell_counts(rules->natd, &rules->committed, request->generation);
	crowd_look(&rules->crowd, now_ms, sysctl_value("netfilter/nf_conntrack_count"));
	if (!rules->crowd.runs) {
		tell_counted(rules->natd, &rules->crowd.fullest, request->generation);
		return;
	}
	rules->counts_wait++;
	rules->counted = request->generation;
}

static void on_crowd(struct rules *rules)
{
	crowd_step(&rules->crowd);
	for (; !rules->crowd.runs && rules->counts_wait; rules->counts_wait--)
		tell_counted(rules->natd, &rules->crowd.fullest, rules->counted);
}

/* ---- packets that are followed ---- */

static void on_trace(struct rules *rules, const struct rules_request *request)
{
	struct rules_report said = tell_new(RULES_TRACING, request->generation);

	said.written.error = trace_begin(&rules->trace, &request->trace, &rules->committed);
	tell(rules->natd, &said);
}

static void on_trace_end(struct rules *rules, const struct rules_request *request)
{
	(void)request;
	trace_end(&rules->trace);
}

static void tell_traced(struct rules *rules)
{
	struct rules_report said = tell_new(RULES_TRACED, rules->committed.generation);

	while (trace_read(&rules->trace, &said.traced)) {
		for (uint32_t i = 0; i < rules->committed.lan_count && !said.traced.home; i++)
			said.traced.home =
				range_prefix_holds(&rules->committed.lans[i], &said.traced.from);
		tell(rules->natd, &said);
	}
}

/* ---- the loop ---- */

static void on_natd(struct rules *rules)
{
	static void (*const handlers[RULES_REQUESTS])(struct rules *,
						      const struct rules_request *) = {
		[RULES_BEGIN] = on_begin,         [RULES_TUNNEL] = on_tunnel,
		[RULES_NETWORK] = on_network,     [RULES_LAN] = on_lan,
		[RULES_PORT] = on_port,           [RULES_COMMIT] = on_commit,
		[RULES_REMOVE] = on_remove,       [RULES_SYSCTL] = on_sysctl,
		[RULES_COUNT] = on_count,         [RULES_WIREGUARD] = on_wireguard,
		[RULES_PUBLISH] = on_publish,     [RULES_PEERS] = on_peers,
		[RULES_COEXIST] = on_coexist,     [RULES_TRACE] = on_trace,
		[RULES_TRACE_END] = on_trace_end, [RULES_GONE] = on_gone,
	};
	struct rules_request request;
	char why[CHECK_TEXT_MAX];
	int got = process_receive(rules->natd, &request, sizeof(request), false);

	if (got < 0)
		tell_is_over();
	if (got == 0)
		return;
	if (!check_request(&request, why))
		fatal("%s: not from this build of natd", why);
	handlers[request.what](rules, &request);
}

/* Milliseconds until the repair that waits, or until a look at what was missed; -1: nothing waits. */
static int until_work(const struct rules *rules)
{
	int64_t left = rules->repair.when_ms - now_us() / 1000;

	if (watch_has_news(&rules->watch))
		return 0;
	if (!rules->repair.needed)
		return -1;
	return left > 0 ? (int)left : 0;
}

/* Milliseconds until something is due; -1: nothing is. */
static int until_due(const struct rules *rules)
{
	const int due[] = {
		until_work(rules),
		coexist_until(&rules->coexist, now_us() / 1000),
		trace_wait(&rules->trace),
	};
	int first = -1;

	for (size_t i = 0; i < sizeof(due) / sizeof(due[0]); i++)
		if (due[i] >= 0 && (first < 0 || due[i] < first))
			first = due[i];
	return first;
}

static void enter_sandbox(void)
{
	/* sysinfo: qsort(3) asks how much memory there is. */
	static const int calls[] = { SCMP_SYS(bind),   SCMP_SYS(getsockname), SCMP_SYS(open),
				     SCMP_SYS(openat), SCMP_SYS(sysinfo),     SANDBOX_END };
	static const int families[] = { AF_NETLINK, SANDBOX_END };
	static const struct sandbox_path paths[] = { { "/proc/sys/net", true }, { NULL, false } };

	sandbox_enter(&(struct sandbox){ .calls = calls, .families = families, .paths = paths });
}

/* Room for every report of the largest set: rules never waits for natd, so natd may wait for rules. */
static void widen(int socket)
{
	const int bytes = 8 << 20;

	if (setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		log_debug("the queue to natd cannot be widened: %s", strerror(errno));
}

void rules_main(int socket)
{
	struct rules rules = { .natd = socket };

	/* What takes longest at the start is the router: leave it the processor until natd has
	 * something to write. */
	poll(&(struct pollfd){ .fd = socket, .events = POLLIN }, 1, -1);
	enter_sandbox();
	widen(socket);
	nftables_open(&rules.nftables);
	owner_open(&rules.owner, &rules.nftables, &rules.watch);
	watch_open(&rules.watch);
	purge_open(&rules.purge);
	for (;;) {
		struct pollfd waiting[] = {
			{ .fd = rules.natd, .events = POLLIN },
			{ .fd = watch_descriptor(&rules.watch), .events = POLLIN },
			{ .fd = purge_runs(&rules.purge)
					? conntrack_descriptor(&rules.purge.conntrack)
					: -1,
			  .events = POLLIN },
			{ .fd = trace_descriptor(&rules.trace), .events = POLLIN },
			{ .fd = rules.crowd.runs ? crowd_descriptor(&rules.crowd) : -1,
			  .events = POLLIN },
			{ .fd = rules.gone.runs ? gone_descriptor(&rules.gone) : -1,
			  .events = POLLIN },
		};

		if (poll(waiting, sizeof(waiting) / sizeof(waiting[0]), until_due(&rules)) < 0 &&
		    errno != EINTR)
			fatal("poll: %s", strerror(errno));
		if (waiting[1].revents || watch_has_news(&rules.watch))
			on_watch(&rules);
		if (rules.repair.needed && until_work(&rules) == 0)
			repair(&rules);
		if (coexist_until(&rules.coexist, now_us() / 1000) == 0)
			look_at_others(&rules);
		if (waiting[2].revents)
			on_connections(&rules);
		if (rules.trace.runs)
			tell_traced(&rules);
		if (waiting[4].revents)
			on_crowd(&rules);
		if (waiting[5].revents)
			on_gone_connections(&rules);
		if (waiting[0].revents)
			on_natd(&rules);
	}
}
