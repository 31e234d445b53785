/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/rules.h"

#include <errno.h>
#include <poll.h>
#include <seccomp.h>
#include <string.h>
#include <sys/socket.h>

#include "natd/log.h"
#include "natd/process.h"
#include "natd/sandbox.h"
#include "rules/check.h"
#include "rules/seen.h"
#include "rules/service.h"
#include "rules/tell.h"

/* ---- other firewalls, and connections ---- */

void service_look(struct rules *rules)
{
	coexist_look(&rules->coexist, &rules->nftables, &rules->committed, seen_now());
	coexist_tell(&rules->coexist, rules->natd, rules->committed.generation);
}

static void on_coexist(struct rules *rules, const struct rules_request *request)
{
	rules->coexist.wanted = request->coexist;
	coexist_touched(&rules->coexist, seen_now());
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

/* ---- the loop ---- */

static void on_natd(struct rules *rules)
{
	static void (*const handlers[RULES_REQUESTS])(struct rules *,
						      const struct rules_request *) = {
		[RULES_BEGIN] = tables_begin,         [RULES_TUNNEL] = tables_tunnel,
		[RULES_NETWORK] = tables_network,     [RULES_LAN] = tables_lan,
		[RULES_PORT] = tables_port,           [RULES_COMMIT] = tables_commit,
		[RULES_REMOVE] = tables_remove,       [RULES_SYSCTL] = answer_sysctl,
		[RULES_COUNT] = answer_count,         [RULES_WIREGUARD] = answer_wireguard,
		[RULES_PUBLISH] = tables_publish,     [RULES_PEERS] = answer_peers,
		[RULES_COEXIST] = on_coexist,         [RULES_TRACE] = answer_trace,
		[RULES_TRACE_END] = answer_trace_end, [RULES_GONE] = on_gone,
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
	int64_t left = rules->repair.when_ms - seen_now();

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
		coexist_until(&rules->coexist, seen_now()),
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
			tables_watch(&rules);
		if (rules.repair.needed && until_work(&rules) == 0)
			tables_repair(&rules);
		if (coexist_until(&rules.coexist, seen_now()) == 0)
			service_look(&rules);
		if (waiting[2].revents)
			on_connections(&rules);
		if (rules.trace.runs)
			answer_traced(&rules);
		if (waiting[4].revents)
			answer_crowd(&rules);
		if (waiting[5].revents)
			on_gone_connections(&rules);
		if (waiting[0].revents)
			on_natd(&rules);
	}
}
