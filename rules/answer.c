/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/service.h"

#include <string.h>

#include "natd/log.h"
#include "rules/counter.h"
#include "rules/range.h"
#include "rules/seen.h"
#include "rules/sysctl.h"
#include "rules/tell.h"
#include "rules/wireguard.h"

/* The counters of other firewalls are read along with ours, but not as often as somebody asks. */
#define LOOK_MS 1000

void answer_sysctl(struct rules *rules, const struct rules_request *request)
{
	struct rules_report said = tell_new(RULES_SYSCTL_IS, request->generation);

	said.sysctl = sysctl_write(&request->sysctl);
	tell(rules->natd, &said);
}

void answer_wireguard(struct rules *rules, const struct rules_request *request)
{
	struct rules_report said = tell_new(RULES_WIREGUARD_IS, request->generation);

	memcpy(said.wireguard.interface, request->tunnel.interface,
	       sizeof(said.wireguard.interface));
	said.wireguard.port = wireguard_port(request->tunnel.interface);
	tell(rules->natd, &said);
}

void answer_peers(struct rules *rules, const struct rules_request *request)
{
	struct rules_report said = tell_new(RULES_PEERS_ARE, request->generation);

	said.peers = wireguard_peers(request->tunnel.interface);
	tell(rules->natd, &said);
}

/* Where many connections are looked through, the answer waits for that. */
void answer_count(struct rules *rules, const struct rules_request *request)
{
	int error =
		rules->committed.exists ? counters_read(&rules->nftables, &rules->committed) : 0;
	int64_t now_ms = seen_now();

	if (error)
		log_debug("cannot read the counters: %s", strerror(error));
	if (rules->committed.exists)
		owner_get_ready(&rules->owner, &rules->committed);
	if (now_ms - rules->coexist.looked_ms > LOOK_MS)
		service_look(rules);
	tell_counts(rules->natd, &rules->committed, request->generation);
	crowd_look(&rules->crowd, now_ms, sysctl_value("netfilter/nf_conntrack_count"));
	if (!rules->crowd.runs) {
		tell_counted(rules->natd, &rules->crowd.fullest, request->generation);
		return;
	}
	rules->counts_wait++;
	rules->counted = request->generation;
}

void answer_crowd(struct rules *rules)
{
	crowd_step(&rules->crowd);
	for (; !rules->crowd.runs && rules->counts_wait; rules->counts_wait--)
		tell_counted(rules->natd, &rules->crowd.fullest, rules->counted);
}

/* ---- packets that are followed ---- */

void answer_trace(struct rules *rules, const struct rules_request *request)
{
	struct rules_report said = tell_new(RULES_TRACING, request->generation);

	said.written.error = trace_begin(&rules->trace, &request->trace, &rules->committed);
	tell(rules->natd, &said);
}

void answer_trace_end(struct rules *rules, const struct rules_request *request)
{
	(void)request;
	trace_end(&rules->trace);
}

void answer_traced(struct rules *rules)
{
	struct rules_report said = tell_new(RULES_TRACED, rules->committed.generation);

	while (trace_read(&rules->trace, &said.traced)) {
		for (uint32_t i = 0; i < rules->committed.lan_count && !said.traced.home; i++)
			said.traced.home =
				range_prefix_holds(&rules->committed.lans[i], &said.traced.from);
		tell(rules->natd, &said);
	}
}
