/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/verdict.h"

#include "natd/verdict_firewalls.h"
#include "natd/verdict_ipv6.h"
#include "natd/verdict_line.h"
#include "natd/verdict_rules.h"
#include "natd/verdict_say.h"
#include "natd/verdict_shared.h"

const char *const verdict_works_names[] = { "yes", "no", "unknown" };

/* ---- one pair per cause: does it hold, and what to say ---- */

static bool no_route(const struct facts *facts)
{
	return !facts->has_route;
}

static void say_no_route(const struct facts *facts, struct verdict *verdict)
{
	if (facts->unplugged[0]) {
		say(verdict, "%s is not connected: this host has no way to the internet",
		    facts->unplugged);
		advise(verdict, "Check the cable, or the Wi-Fi's name and password.\n"
				"natd goes on by itself as soon as it is back.");
		return;
	}
	if (facts->has_ipv6)
		say(verdict,
		    "this host has IPv6, but no IPv4 default route: no port can be opened");
	else
		say(verdict, "this host has no way to the internet: no default route");
	advise(verdict, "Check the cable or Wi-Fi and DHCP: `ip -4 route` shows no line that\n"
			"begins with \"default\". natd goes on as soon as there is one.");
}

/* A host with a public address of its own needs no router's help. */
static bool is_direct(const struct facts *facts)
{
	return facts->host_kind == ADDRESS_PUBLIC && !facts->router_answers;
}

static bool still_asking(const struct facts *facts)
{
	return facts->has_router &&
	       ((facts->asking && facts->open < facts->forwards) || facts->outer_asking);
}

static void say_asking(const struct facts *facts, struct verdict *verdict)
{
	if (facts->two_routers)
		say(verdict, "asking the outer router %s", facts->next_address);
	else
		say(verdict, "asking the router %s", facts->router_address);
}

static bool name_is_stale(const struct facts *facts)
{
	return facts->name[0] && !facts->name_stale6;
}

static void advise_about_name(const struct facts *facts, struct verdict *verdict)
{
	if (!facts->updater)
		advise(verdict,
		       "Nothing on this host keeps the name right. Install ddclient or inadyn and "
		       "let\n"
		       "it ask `natctl wan-ip` (man natd-portforward).\n"
		       "Phones keep the old address until their VPN is switched off and on.");
	else if (!facts->updater_runs)
		advise(verdict,
		       "%s does not run: sudo systemctl enable --now %s\n"
		       "Phones keep the old address until their VPN is switched off and on.",
		       facts->updater, facts->updater);
	else
		advise(verdict,
		       "%s runs, but the name does not follow: look at what it says,\n"
		       "journalctl -u %s, and whether it asks `natctl wan-ip`.\n"
		       "Phones keep the old address until their VPN is switched off and on.",
		       facts->updater, facts->updater);
}

static void say_name_stale(const struct facts *facts, struct verdict *verdict)
{
	if (facts->name_address[0])
		say(verdict, "the name %s points to %s, but this home is %s", facts->name,
		    facts->name_address, facts->home_address);
	else
		say(verdict, "the name %s has no address in the DNS", facts->name);
	advise_about_name(facts, verdict);
}

static bool name_is_stale6(const struct facts *facts)
{
	return facts->name[0] && facts->name_stale6;
}

static void say_name_stale6(const struct facts *facts, struct verdict *verdict)
{
	say(verdict, "over IPv6 the name %s points to %s, which is not this host", facts->name,
	    facts->name_address);
	advise(verdict,
	       "Phones in networks with IPv6 try that address first. Take the AAAA record out\n"
	       "at the provider of the name, or let it point to this host (natctl wan-ip -6).");
}

static bool host_is_refused(const struct facts *facts)
{
	return facts->host_refused;
}

static void say_host_refused(const struct facts *facts, struct verdict *verdict)
{
	say(verdict, "the router refuses to open ports for this host (%s): %s", facts->host_address,
	    facts->reason);
	advise(verdict,
	       "Allow it in the router. FRITZ!Box: Home Network, this device, edit,\n"
	       "\"Permit independent port sharing\". Or open the port by hand: natctl manual");
}

static bool former_has_port(const struct facts *facts)
{
	return facts->port_taken && facts->former[0];
}

static void say_former_has_port(const struct facts *facts, struct verdict *verdict)
{
	say(verdict, "the router still sends %s to %s, an address that this host had before",
	    facts->failed, facts->former);
	advise(verdict,
	       "This host is %s now. Delete that entry on the router's page, or change it to\n"
	       "that address; natd then goes on by itself. And give this host a fixed address\n"
	       "there, so that it does not happen again (natctl manual).",
	       facts->host_address);
}

static bool port_is_taken(const struct facts *facts)
{
	return facts->port_taken;
}

static void say_port_taken(const struct facts *facts, struct verdict *verdict)
{
	say(verdict, "%s is taken on the router: %s", facts->failed, facts->reason);
	advise(verdict, "Free it on the device that holds it (natctl list), or set another\n"
			"`external` port in /etc/natd/natd.conf and in the clients' Endpoint.");
}

static bool did_not_do_it(const struct facts *facts)
{
	return facts->not_done;
}

static void say_not_done(const struct facts *facts, struct verdict *verdict)
{
	say(verdict, "the router says yes but does not open %s: %s", facts->failed, facts->reason);
	advise(verdict, "Restart the router: its table may be stuck; natd tries again by itself.\n"
			"If that does not help, open the port by hand: natctl manual");
}

static bool router_cannot_be_asked(const struct facts *facts)
{
	return facts->has_route && facts->open < facts->forwards && !is_direct(facts) &&
	       !facts->router_answers;
}

static void say_cannot_be_asked(const struct facts *facts, struct verdict *verdict)
{
	if (!facts->has_router)
		say(verdict, "the internet is reached without a router that could be asked");
	else if (!facts->asks_router)
		say(verdict, "the router %s is not asked (natd.conf: protocols = { })",
		    facts->router_address);
	else
		say(verdict, "the router %s does not open ports when asked (UPnP is off)",
		    facts->router_address);
	if (facts->has_router && !facts->asks_router)
		advise(verdict,
		       "Open the port by hand, once: `natctl manual` prints what to type.");
	else
		advise(verdict, "Open the port by hand, once: `natctl manual` prints what to "
				"type.\n"
				"Or switch UPnP on in the router; natd notices within ten "
				"minutes.");
}

static bool not_open(const struct facts *facts)
{
	return facts->open < facts->forwards && !is_direct(facts);
}

static void say_not_open(const struct facts *facts, struct verdict *verdict)
{
	say(verdict, "the router did not open %s: %s", facts->failed, facts->reason);
	advise(verdict, "natd tries again by itself. By hand: natctl manual");
}

static bool nothing_listens(const struct facts *facts)
{
	return facts->not_listening;
}

static void say_nothing_listens(const struct facts *facts, struct verdict *verdict)
{
	const char *other = facts->silent_protocol == IPPROTO_UDP ? "tcp" : "udp";

	if (facts->listens_otherwise) {
		say(verdict, "nothing on this host listens on %s, but a program does by %s",
		    facts->silent_port, other);
		advise(verdict,
		       "Where that is the VPN: set protocol = \"%s\" in the forward of\n"
		       "/etc/natd/natd.conf, then `sudo natctl reload`. The clients need the same.",
		       other);
		return;
	}
	say(verdict, "nothing on this host listens on %s", facts->silent_port);
	advise(verdict, "Start the VPN: `sudo systemctl enable --now wg-quick@wg0` or "
			"`openvpn-server@...`.");
}

static bool is_not_forwarding(const struct facts *facts)
{
	return facts->has_tunnels &&
	       (facts->forwarding_off || facts->not_forwarded[0] || facts->rules_refused);
}

static void say_not_forwarding(const struct facts *facts, struct verdict *verdict)
{
	/* Without its rules natd lets nothing be forwarded. */
	if (facts->rules_refused)
		say(verdict, "the kernel refuses natd's rules: %s", facts->rules_reason);
	else if (facts->forwarding_off)
		say(verdict, "IP forwarding is off: clients connect but reach nothing");
	else
		say(verdict, "IP forwarding is off for %s: its clients connect but reach nothing",
		    facts->not_forwarded);
	advise(verdict, facts->rules_refused
				? "Is the kernel complete? After an upgrade: reboot."
				: "Another program switched it off after natd: look in "
				  "/etc/sysctl.d and /etc/ufw/sysctl.conf.");
}

static bool is_overlapping(const struct facts *facts)
{
	return facts->overlapping[0];
}

static void say_overlapping(const struct facts *facts, struct verdict *verdict)
{
	say(verdict, "%s and %s have the same network: what is for the VPN's clients leaves by %s",
	    facts->overlapping, facts->overlapped, facts->overlapped);
	advise(verdict,
	       "Give the VPN another network in its settings and in those of its clients, best\n"
	       "one that no other home has, such as 10.83.117.0/24.");
}

static bool egress_is_closed(const struct facts *facts)
{
	return facts->lost_egress[0] && facts->egress_closed;
}

static void say_egress_gone(const struct facts *facts, struct verdict *verdict)
{
	say(verdict, "the egress address %s is not on this host", facts->lost_egress);
	advise(verdict, "Give it back to an interface (`ip address add`), or change `egress` in\n"
			"/etc/natd/natd.conf. Until then the tunnel's clients reach nothing.");
}

static bool egress_is_replaced(const struct facts *facts)
{
	return facts->lost_egress[0];
}

static void say_egress_replaced(const struct facts *facts, struct verdict *verdict)
{
	say(verdict, "the egress address %s is not on this host; its clients leave with another",
	    facts->lost_egress);
	advise(verdict, "Give it back to an interface (`ip address add`), or change `egress` in\n"
			"/etc/natd/natd.conf. Until then these clients are masqueraded.");
}

static bool has_another_port(const struct facts *facts)
{
	return facts->wrong_port[0];
}

static void say_another_port(const struct facts *facts, struct verdict *verdict)
{
	say(verdict, "%s: %s", facts->wrong_port,
	    facts->wrong_reason[0] ? facts->wrong_reason
				   : "the router has given the wanted one away");
	advise(verdict,
	       "Use that port in the clients' Endpoint, or free the wanted one (natctl list)\n"
	       "and reload.");
}

static bool is_too_big(const struct facts *facts)
{
	return facts->too_big[0];
}

static void say_too_big(const struct facts *facts, struct verdict *verdict)
{
	say(verdict, "packets of %s are too big for the line: web pages may hang", facts->too_big);
	advise(verdict,
	       "Set \"MTU = %u\" for %s and for its clients, and start both again:\n"
	       "the line takes %u bytes, and WireGuard needs some of them for itself.",
	       facts->fitting_mtu, facts->too_big, facts->line_mtu);
}

static bool former_has_wanted_port(const struct facts *facts)
{
	return facts->wrong_port[0] && facts->former[0];
}

static void say_former_has_wanted_port(const struct facts *facts, struct verdict *verdict)
{
	say(verdict,
	    "%s: the router still holds the wanted one for %s, an address that this host had "
	    "before",
	    facts->wrong_port, facts->former);
	advise(verdict,
	       "What natd had opened there ends by itself, within two hours, and natd takes the\n"
	       "port back. At once: delete that entry on the router's page. And give this host\n"
	       "(%s) a fixed address there (natctl manual).",
	       facts->host_address);
}

static bool is_well(const struct facts *facts)
{
	(void)facts;
	return true;
}

static void say_well(const struct facts *facts, struct verdict *verdict)
{
	if (is_direct(facts))
		say(verdict, "this host has the public address %s itself", facts->host_address);
	else if (facts->by_hand)
		say(verdict, "packets from outside come: the port is open on the router by hand");
	else if (facts->two_routers)
		say(verdict, "both routers, %s and %s, forward the port to this host",
		    facts->next_address, facts->router_address);
	else
		say(verdict, "the router forwards the port to this host");
}

/* In the order of the packet's way: what stands first explains what comes after. */
static const struct cause {
	const char *code;
	enum verdict_works works;
	bool (*holds)(const struct facts *facts);
	void (*say)(const struct facts *facts, struct verdict *verdict);
} causes[] = {
	{ "E11", WORKS_NO, no_route, say_no_route },
	{ "E20", WORKS_NO, verdict_is_cgnat, verdict_say_cgnat },
	{ "E20", WORKS_UNKNOWN, verdict_may_be_cgnat, verdict_say_maybe_cgnat },
	{ "E21", WORKS_UNKNOWN, verdict_is_half_open, verdict_say_half_open },
	{ "E21", WORKS_NO, verdict_is_second_router, verdict_say_second_router },
	{ NULL, WORKS_UNKNOWN, still_asking, say_asking },
	{ "E23", WORKS_NO, verdict_has_no_ipv4, verdict_say_no_ipv4 },
	{ "E30", WORKS_NO, name_is_stale, say_name_stale },
	{ "E14", WORKS_NO, host_is_refused, say_host_refused },
	{ "E12", WORKS_NO, former_has_port, say_former_has_port },
	{ "E22", WORKS_NO, verdict_shared_is_closed, verdict_say_shared_closed },
	{ "E13", WORKS_NO, port_is_taken, say_port_taken },
	{ "E15", WORKS_NO, did_not_do_it, say_not_done },
	{ "E10", WORKS_UNKNOWN, router_cannot_be_asked, say_cannot_be_asked },
	{ "E10", WORKS_NO, not_open, say_not_open },
	{ "E40", WORKS_NO, verdict_is_dropped, verdict_say_dropped },
	{ "E60", WORKS_NO, nothing_listens, say_nothing_listens },
	{ "E42", WORKS_NO, is_not_forwarding, say_not_forwarding },
	{ "E46", WORKS_NO, is_overlapping, say_overlapping },
	{ "E41", WORKS_NO, verdict_is_stopped, verdict_say_stopped },
	{ "E44", WORKS_NO, verdict_is_suppressed, verdict_say_suppressed },
	{ "E43", WORKS_NO, egress_is_closed, say_egress_gone },
	{ "E43", WORKS_YES, egress_is_replaced, say_egress_replaced },
	{ "E44", WORKS_YES, verdict_is_contested, verdict_say_contested },
	{ "E45", WORKS_YES, verdict_is_crowded, verdict_say_crowded },
	{ "E45", WORKS_YES, verdict_is_exhausted, verdict_say_exhausted },
	{ "E30", WORKS_YES, name_is_stale6, say_name_stale6 },
	{ "E12", WORKS_YES, former_has_wanted_port, say_former_has_wanted_port },
	{ "E22", WORKS_YES, verdict_shared_is_moved, verdict_say_shared_moved },
	{ "E13", WORKS_YES, has_another_port, say_another_port },
	{ "E50", WORKS_YES, is_too_big, say_too_big },
	{ "OK", WORKS_YES, is_well, say_well },
};

struct verdict verdict_of(const struct facts *facts)
{
	const struct cause *cause = causes;
	struct verdict verdict = { 0 };

	while (!cause->holds(facts))
		cause++;
	verdict.code = cause->code;
	verdict.works = cause->works;
	cause->say(facts, &verdict);
	verdict_add_ipv6(facts, &verdict);
	return verdict;
}
