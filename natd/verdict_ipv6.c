/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/verdict_ipv6.h"

#include <string.h>

#include "natd/verdict_say.h"

bool verdict_has_no_ipv4(const struct facts *facts)
{
	return facts->ds_lite[0] ||
	       (facts->wan_known && !facts->two_routers &&
		(facts->wan_kind == ADDRESS_DSLITE || facts->wan_kind == ADDRESS_NONE));
}

void verdict_say_no_ipv4(const struct facts *facts, struct verdict *verdict)
{
	bool dslite = facts->wan_kind == ADDRESS_DSLITE || facts->ds_lite[0];

	if (facts->wan_kind == ADDRESS_DSLITE)
		say(verdict, "no IPv4 from outside: the line of the router %s is DS-Lite (%s)",
		    facts->router_address, facts->wan_address);
	else if (dslite)
		say(verdict,
		    "no IPv4 from outside: the line is DS-Lite, the provider's end of its tunnel "
		    "is "
		    "%s",
		    facts->ds_lite);
	else if (facts->has_ipv6)
		say(verdict,
		    "no IPv4 from outside: the router %s has only IPv6, as on a DS-Lite line",
		    facts->router_address);
	else
		say(verdict,
		    "no IPv4 from outside: the router %s has no WAN address to forward from",
		    facts->router_address);
	if (dslite || facts->has_ipv6)
		advise(verdict,
		       "No setting in the router can bring IPv4 in on such a line. Let the clients "
		       "come by\n"
		       "IPv6, or ask the provider for an IPv4 address (in Japan: PPPoE for this "
		       "host).");
	else
		advise(verdict, "Look at the router's page. Offline: wait. A DS-Lite line: use "
				"IPv6, or ask the\n"
				"provider for an IPv4 address. A private WAN address: there is a "
				"second router\n"
				"or carrier-grade NAT before it (man natd-portforward).");
}

void verdict_add_ipv6(const struct facts *facts, struct verdict *verdict)
{
	char before[VERDICT_ADVICE_MAX];

	if (!facts->pinhole[0] || !verdict->code || verdict->works == WORKS_YES ||
	    strncmp(verdict->code, "E2", 2) != 0)
		return;
	memcpy(before, verdict->advice, sizeof(before));
	advise(verdict,
	       "The clients can come by IPv6, which the router lets in: their Endpoint is %s\n%s",
	       facts->pinhole, before);
}
