/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/verdict_line.h"

#include "natd/verdict_say.h"

/* ---- E20 ---- */

static bool outer_is_cgnat(const struct facts *facts)
{
	return facts->two_routers && facts->outer_wan_kind == ADDRESS_CGNAT;
}

bool verdict_is_cgnat(const struct facts *facts)
{
	return (facts->wan_known && facts->wan_kind == ADDRESS_CGNAT) ||
	       facts->line == LINE_CGNAT || outer_is_cgnat(facts);
}

void verdict_say_cgnat(const struct facts *facts, struct verdict *verdict)
{
	if (outer_is_cgnat(facts))
		say(verdict,
		    "carrier-grade NAT: the outer router's WAN address %s is shared by the "
		    "provider's customers",
		    facts->outer_wan);
	else if (facts->wan_kind == ADDRESS_CGNAT)
		say(verdict,
		    "carrier-grade NAT: the router's WAN address %s is shared by the provider's "
		    "customers",
		    facts->wan_address);
	else if (facts->seen_as[0] && facts->wan_kind == ADDRESS_PUBLIC)
		say(verdict,
		    "carrier-grade NAT: the router's WAN address is %s, but the internet sees %s",
		    facts->wan_address, facts->seen_as);
	else
		say(verdict,
		    "carrier-grade NAT: the router %s has no public WAN address, and the next on "
		    "the way, %s, is the provider's",
		    facts->router_address, facts->next_address);
	advise(verdict, "No setting in the router can fix this.\n"
			"Ask the provider for a public (global) IPv4 address, or use IPv6.");
}

bool verdict_may_be_cgnat(const struct facts *facts)
{
	return facts->line == LINE_MAYBE_CGNAT && facts->open < facts->forwards;
}

void verdict_say_maybe_cgnat(const struct facts *facts, struct verdict *verdict)
{
	say(verdict,
	    "probably carrier-grade NAT: after the router %s comes %s, an address that providers "
	    "use for it",
	    facts->router_address, facts->next_address);
	advise(verdict,
	       "Look up the WAN (internet) address on the router's page.\n"
	       "100.64. to 100.127.: no setting can fix it; ask the provider for a public\n"
	       "(global) IPv4 address. Another: open the port by hand (natctl manual).");
}

/* ---- E21 ---- */

static bool home_needs_hands(const struct facts *facts)
{
	return facts->open < facts->forwards &&
	       (!facts->router_answers || facts->no_usable_wan || facts->has_no_wan);
}

bool verdict_is_half_open(const struct facts *facts)
{
	return facts->two_routers && !facts->ds_lite[0] && !facts->outer_asking &&
	       facts->outer_open && !facts->outer_failed[0] && home_needs_hands(facts) &&
	       facts->outer_wan_kind != ADDRESS_PRIVATE;
}

void verdict_say_half_open(const struct facts *facts, struct verdict *verdict)
{
	say(verdict,
	    "two routers in a row: the outer one, %s, forwards the port, but %s does not open it",
	    facts->next_address, facts->router_address);
	advise(verdict,
	       "Open the port by hand, once, in the router %s:\n"
	       "   %s\n"
	       "`natctl manual` shows where to type it.",
	       facts->router_address, facts->home_rule);
}

/* Two routers, and the outer one does not do its part. */
static bool outer_is_closed(const struct facts *facts)
{
	return facts->two_routers &&
	       (!facts->outer_answers || facts->outer_failed[0] ||
		facts->outer_wan_kind == ADDRESS_PRIVATE || home_needs_hands(facts));
}

bool verdict_is_second_router(const struct facts *facts)
{
	if (facts->outer_asking || facts->ds_lite[0])
		return false;
	if (facts->two_routers)
		return outer_is_closed(facts);
	return (facts->wan_known && facts->wan_kind == ADDRESS_PRIVATE) ||
	       (facts->no_usable_wan && facts->wan_kind != ADDRESS_DSLITE);
}

static void advise_both_rules(const struct facts *facts, struct verdict *verdict)
{
	if (!facts->outer_rule[0])
		advise(verdict,
		       "Best first:\n"
		       "1  set the router %s to access-point mode\n"
		       "2  or set the outer router %s to bridge mode\n"
		       "3  or forward the port by hand on both (natctl manual)",
		       facts->router_address, facts->next_address);
	else if (facts->open < facts->forwards)
		advise(verdict,
		       "Best first:\n"
		       "1  set the router %s to access-point mode\n"
		       "2  or set the outer router %s to bridge mode\n"
		       "3  or two rules by hand (natctl manual):\n"
		       "   on %s: %s\n"
		       "   on %s: %s",
		       facts->router_address, facts->next_address, facts->next_address,
		       facts->outer_rule, facts->router_address, facts->home_rule);
	else
		advise(verdict,
		       "Best first:\n"
		       "1  set the router %s to access-point mode\n"
		       "2  or set the outer router %s to bridge mode\n"
		       "3  or one rule by hand (natctl manual); natd keeps the other one:\n"
		       "   on %s: %s",
		       facts->router_address, facts->next_address, facts->next_address,
		       facts->outer_rule);
}

static void say_outer(const struct facts *facts, struct verdict *verdict)
{
	if (facts->outer_wan_kind == ADDRESS_PRIVATE)
		say(verdict,
		    "three routers in a row: the WAN address %s of the outer router %s is private, "
		    "too",
		    facts->outer_wan, facts->next_address);
	else if (facts->outer_answers && facts->outer_failed[0])
		say(verdict, "two routers in a row: the outer one, %s, did not open %s: %s",
		    facts->next_address, facts->outer_failed, facts->outer_reason);
	else
		say(verdict,
		    "two routers in a row: the outer one, %s, does not open ports when asked",
		    facts->next_address);
	advise_both_rules(facts, verdict);
}

/* miniupnpd behind a private or shared WAN address does not tell it, only that it cannot forward. */
void verdict_say_second_router(const struct facts *facts, struct verdict *verdict)
{
	if (facts->two_routers) {
		say_outer(facts, verdict);
		return;
	}
	if (facts->wan_kind != ADDRESS_PRIVATE) {
		say(verdict,
		    "the router %s has no public WAN address: a second router is before it, or "
		    "the provider's NAT",
		    facts->router_address);
		advise(verdict,
		       "Look up the WAN (internet) address on the router's page.\n"
		       "192.168., 10. or 172.16-31.: a second router; set one of the two to "
		       "bridge\n"
		       "or access-point mode. 100.64-127.: ask the provider for a public address.\n"
		       "None: the router is offline, or the line is DS-Lite (use IPv6).");
		return;
	}
	say(verdict, "two routers in a row: the WAN address %s of the router %s is private",
	    facts->wan_address, facts->router_address);
	advise(verdict,
	       "Best first:\n"
	       "1  set the router %s to access-point mode\n"
	       "2  or set the outer router to bridge mode\n"
	       "3  or forward the port on the outer router to %s as well (natctl manual)",
	       facts->router_address, facts->wan_address);
}
