/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/verdict_rules.h"

#include "natd/verdict_say.h"

#define CROWDED_PERCENT 80

static void advise_contested(const struct facts *facts, struct verdict *verdict)
{
	if (facts->owned)
		advise(verdict, "Only natd can change its tables here: look whether a second natd "
				"runs.");
	else
		advise(verdict,
		       "Let that program leave other tables alone: look for `flush ruleset` in "
		       "its\n"
		       "files, also in /etc/nftables.conf. Or let natd own its tables, where the\n"
		       "kernel can (Linux 6.9): `rules { owned = true }` in /etc/natd/natd.conf.");
}

bool verdict_is_suppressed(const struct facts *facts)
{
	return facts->contest_repairs > 0 && facts->contest_lost;
}

void verdict_say_suppressed(const struct facts *facts, struct verdict *verdict)
{
	say(verdict, "%s (pid %u) keeps removing natd's rules: put back %u times, and away again",
	    facts->contestant, facts->contestant_pid, facts->contest_repairs);
	advise_contested(facts, verdict);
}

bool verdict_is_contested(const struct facts *facts)
{
	return facts->contest_repairs > 0;
}

void verdict_say_contested(const struct facts *facts, struct verdict *verdict)
{
	say(verdict, "%s (pid %u) keeps changing natd's rules: put back %u times",
	    facts->contestant, facts->contestant_pid, facts->contest_repairs);
	advise_contested(facts, verdict);
}

bool verdict_is_crowded(const struct facts *facts)
{
	return facts->connections_max > 0 &&
	       (int64_t)facts->connections * 100 >=
		       (int64_t)facts->connections_max * CROWDED_PERCENT;
}

void verdict_say_crowded(const struct facts *facts, struct verdict *verdict)
{
	say(verdict, "the kernel's table of connections is nearly full: %d of %d",
	    facts->connections, facts->connections_max);
	advise(verdict,
	       "When it is full, new connections fail. Make it larger: a line\n"
	       "`net.netfilter.nf_conntrack_max = %lld` in /etc/sysctl.d/90-conntrack.conf,\n"
	       "then `sudo sysctl --system`.",
	       (long long)facts->connections_max * 2);
}

bool verdict_is_exhausted(const struct facts *facts)
{
	return facts->crowd * 100 >= (uint32_t)RULES_CROWD_PORTS * RULES_CROWD_PERCENT;
}

void verdict_say_exhausted(const struct facts *facts, struct verdict *verdict)
{
	say(verdict,
	    "%s has hardly a port left for new connections to %s, %s port %u: %u of %u are in use",
	    facts->crowd_address, facts->crowd_server, facts->crowd_protocol, facts->crowd_port,
	    facts->crowd, RULES_CROWD_PORTS);
	advise(verdict,
	       "When all are in use, new connections there fail. Let the tunnel leave\n"
	       "with several addresses (`egress = \"FIRST-LAST\"` in\n"
	       "/etc/natd/natd.conf), or see which client opens so many:\n"
	       "  sudo conntrack -L --orig-dst %s",
	       facts->crowd_server);
}
