/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/verdict_shared.h"

#include "natd/verdict_say.h"

bool verdict_shared_is_closed(const struct facts *facts)
{
	return facts->shared_service[0] && facts->shared_wanted &&
	       (!facts->shared_instead || facts->open < facts->forwards);
}

void verdict_say_shared_closed(const struct facts *facts, struct verdict *verdict)
{
	if (facts->shared_instead) {
		say(verdict,
		    "this line (%s) owns only some ports, not %u; the router did not open %u: %s",
		    facts->shared_service, facts->shared_wanted, facts->shared_instead,
		    facts->reason);
		advise(verdict,
		       "Open port %u by hand (natctl manual) and use it in the clients' Endpoint.\n"
		       "The line owns the ports\n%s",
		       facts->shared_instead, facts->shared_ports);
		return;
	}
	say(verdict, "this line (%s) owns only some ports, and %u is not one of them",
	    facts->shared_service, facts->shared_wanted);
	advise(verdict, "Open another: the line owns the ports\n%s", facts->shared_ports);
}

bool verdict_shared_is_moved(const struct facts *facts)
{
	return facts->shared_service[0] && facts->shared_instead;
}

void verdict_say_shared_moved(const struct facts *facts, struct verdict *verdict)
{
	say(verdict, "this line (%s) owns only some ports, not %u; %u is open instead",
	    facts->shared_service, facts->shared_wanted, facts->shared_instead);
	advise(verdict,
	       "Use port %u in the clients' Endpoint, and `external = %u` in\n"
	       "/etc/natd/natd.conf. The line owns the ports\n%s",
	       facts->shared_instead, facts->shared_instead, facts->shared_ports);
}
