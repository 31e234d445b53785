/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of natctl doctor, each one rung of the ladder that a packet from outside has to climb. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "natd/doctor.h"
#include "natd/facts.h"
#include "natd/route.h"

/* With a port open, a protocol that says nothing for so long is not waited for any more: SSDP answers
 * come within a second (UPnP Device Architecture 2.0 1.3.3, MX 1). */
#define PATIENCE_MS 2000

/* A router that renews takes some round trips, and UPnP some requests more. */
#define CONFIRM_MS 5000

__attribute__((format(printf, 2, 3))) static void say(struct finding *finding, const char *format,
						      ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(finding->text, sizeof(finding->text), format, arguments);
	va_end(arguments);
}

static int64_t took(const struct doctor *doctor)
{
	return natd_now() - doctor->began;
}

static bool at_once(const struct doctor *doctor)
{
	(void)doctor;
	return true;
}

static size_t one(const struct doctor *doctor)
{
	(void)doctor;
	return 1;
}

/* ---- the way to the router ---- */

static void look_route(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct uplink *uplink = &doctor->natd->uplink;
	char gateway[ADDRESS_TEXT_MAX];
	char address[ADDRESS_TEXT_MAX];

	(void)item;
	finding->result = uplink->known ? FOUND_OK : FOUND_FAIL;
	address_print(&uplink->gateway, gateway);
	address_print(&uplink->address.address, address);
	if (!uplink->known && uplink->interface[0])
		say(finding, "%s is not connected: this host has no way to the internet",
		    uplink->interface);
	else if (!uplink->known)
		say(finding, "this host has no way to the internet: no default route");
	else if (gateway[0])
		say(finding, "this host (%s) goes by %s to the router %s", address,
		    uplink->interface, gateway);
	else
		say(finding, "this host (%s) goes by %s to the internet, without a router", address,
		    uplink->interface);
}

/* ---- the router ---- */

static bool any_protocol(const struct engine *engine, uint8_t state)
{
	for (size_t i = 0; i < UPNP_PROTOCOLS; i++)
		if (engine->protocols[i].state == state)
			return true;
	return false;
}

static bool is_open(const struct engine *engine)
{
	for (size_t i = 0; i < engine->forwards.count; i++)
		if (engine->forwards.list[i].state == FORWARD_OPEN)
			return true;
	return false;
}

static bool has_probed(const struct doctor *doctor)
{
	const struct engine *engine = &doctor->natd->engine;

	return !doctor->asked || doctor->probed ||
	       (took(doctor) > PATIENCE_MS && is_open(engine) && any_protocol(engine, UPNP_OK));
}

static size_t if_asked(const struct doctor *doctor)
{
	return doctor->asked ? 1 : 0;
}

/* "PCP, UPnP" */
static void list_protocols(const struct engine *engine, char *text, size_t room)
{
	static const char *const names[UPNP_PROTOCOLS] = { "PCP", "NAT-PMP", "UPnP" };
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < UPNP_PROTOCOLS && used < room; i++)
		if (engine->protocols[i].state == UPNP_OK)
			used += (size_t)snprintf(text + used, room - used, "%s%s", used ? ", " : "",
						 names[i]);
}

static void look_router(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct engine *engine = &doctor->natd->engine;
	char names[64];

	(void)item;
	list_protocols(engine, names, sizeof(names));
	if (names[0]) {
		say(finding, "the router opens ports when asked by %s", names);
	} else if (any_protocol(engine, UPNP_ERROR)) {
		finding->result = FOUND_FAIL;
		say(finding, "the router answers, but with an error");
	} else {
		finding->result = any_protocol(engine, UPNP_ASKING) ? FOUND_UNKNOWN : FOUND_FAIL;
		say(finding, "the router does not answer PCP, NAT-PMP or UPnP");
	}
}

static void look_wan(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct engine *engine = &doctor->natd->engine;
	struct address wan = address_v4(engine->wan.address);
	enum address_kind kind = address_kind(&wan);
	char text[ADDRESS_TEXT_MAX];

	(void)item;
	address_print(&wan, text);
	finding->result = FOUND_FAIL;
	if (!engine->wan_known) {
		finding->result = FOUND_UNKNOWN;
		say(finding, "the router does not tell its WAN address");
	} else if (kind == ADDRESS_PUBLIC) {
		finding->result = FOUND_OK;
		say(finding, "the router's WAN address %s is public", text);
	} else if (kind == ADDRESS_CGNAT) {
		say(finding, "the router's WAN address %s is shared by the provider's customers",
		    text);
	} else if (kind == ADDRESS_PRIVATE) {
		say(finding, "the router's WAN address %s is private: there is a router before it",
		    text);
	} else {
		say(finding, "the router has no usable WAN address");
	}
}

/* ---- the ports ---- */

static const struct forward *forward_at(const struct doctor *doctor, size_t item)
{
	const struct forward *forward = &doctor->natd->engine.forwards.list[item];

	return forward->state == FORWARD_CLOSING ? NULL : forward;
}

static size_t each_forward(const struct doctor *doctor)
{
	return doctor->natd->engine.forwards.count;
}

static bool is_confirmed(const struct doctor *doctor, const struct forward *forward)
{
	return forward->state == FORWARD_OPEN && forward->granted_at >= doctor->began;
}

static bool has_confirmed(const struct doctor *doctor)
{
	if (!doctor->asked || took(doctor) > CONFIRM_MS)
		return true;
	for (size_t i = 0; i < each_forward(doctor); i++) {
		const struct forward *forward = forward_at(doctor, i);

		if (forward && !is_confirmed(doctor, forward) &&
		    (forward->state == FORWARD_OPEN || forward->state == FORWARD_OPENING))
			return false;
	}
	return true;
}

static void look_mapping(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct forward *forward = forward_at(doctor, item);
	const char *name = forward ? forward_name(&forward->wanted) : "";

	if (!forward || forward->state == FORWARD_OFF)
		return;
	if (is_confirmed(doctor, forward)) {
		say(finding, "the router confirms: %s is open as external port %u", name,
		    forward->external_port);
	} else if (forward->state == FORWARD_FAILED) {
		finding->result = FOUND_FAIL;
		say(finding, "the router did not open %s: %s", name, forward->reason);
	} else {
		finding->result = FOUND_UNKNOWN;
		say(finding, "the router has not confirmed yet that %s is open", name);
	}
}

static void look_listening(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct forward *forward = forward_at(doctor, item);
	const char *name = forward ? forward_name(&forward->wanted) : "";

	if (!forward)
		return;
	if (kernel_is_published(&doctor->natd->kernel, forward->wanted.protocol,
				forward->wanted.port)) {
		say(finding, "%s is handed on to a client of the VPN", name);
		return;
	}
	switch (listen_check(forward->wanted.protocol, forward->wanted.port)) {
	case LISTEN_YES: say(finding, "a program on this host listens on %s", name); break;
	case LISTEN_NO:
		finding->result = forward->temporary ? FOUND_INFO : FOUND_FAIL;
		say(finding, "nothing on this host listens on %s", name);
		break;
	default: break;
	}
}

static bool has_counted(const struct doctor *doctor)
{
	return doctor->counted;
}

static void say_last(const struct rules_port_count *count, const char *name,
		     struct finding *finding)
{
	bool outside = count->seen_ago >= 0;
	int64_t ago = (outside ? count->seen_ago : count->seen_lan_ago) / 1000;

	if (outside) {
		say(finding, "the last packet from outside for %s came %lld s ago", name,
		    (long long)ago);
		return;
	}
	finding->result = FOUND_INFO;
	if (ago >= 0 && count->seen_lan_ago >= 0)
		say(finding, "only the home network has sent packets for %s, %lld s ago", name,
		    (long long)ago);
	else
		say(finding, "no packet from outside has come for %s: natctl test waits for one",
		    name);
}

static void look_arrival(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct forward *forward = forward_at(doctor, item);
	const struct rules_port_count *count =
		forward ? facts_port_count(doctor->natd, forward->wanted.protocol,
					   forward->wanted.port)
			: NULL;

	if (count)
		say_last(count, forward_name(&forward->wanted), finding);
}

/* ---- the tunnels ---- */

static size_t each_tunnel(const struct doctor *doctor)
{
	size_t count = doctor->natd->kernel.tunnel_count;

	return count ? count : 1;
}

static const struct tunnel *tunnel_at(const struct doctor *doctor, size_t item)
{
	const struct kernel *kernel = &doctor->natd->kernel;

	return item < kernel->tunnel_count ? &kernel->tunnels[item] : NULL;
}

static void look_tunnel(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct tunnel *tunnel = tunnel_at(doctor, item);

	if (tunnel && tunnel->present) {
		say(finding, "the tunnel %s is there", tunnel->interface);
		return;
	}
	finding->result = FOUND_WARN;
	if (tunnel)
		say(finding, "the tunnel %s does not exist: is the VPN started?",
		    tunnel->interface);
	else
		say(finding, "there is no tunnel (WireGuard, tun or tap): is the VPN started?");
}

static bool has_peers(const struct doctor *doctor)
{
	return !doctor->natd->kernel.peers_pending;
}

static size_t each_wireguard(const struct doctor *doctor)
{
	return doctor->natd->kernel.peers_count;
}

static void look_handshakes(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct rules_peers *peers = &doctor->natd->kernel.peers[item];

	if (!peers->peers)
		return;
	if (peers->ago >= 0) {
		say(finding, "%s: %u of %u clients have shaken hands, the last %lld s ago",
		    peers->interface, peers->shaken, peers->peers, (long long)peers->ago);
		return;
	}
	finding->result = FOUND_INFO;
	say(finding, "%s: none of %u clients has shaken hands yet", peers->interface, peers->peers);
}

static void say_route(const struct doctor *doctor, const struct tunnel *tunnel,
		      const struct route_answer *answer, struct finding *finding)
{
	const struct network_link *out =
		network_link_by_index(&doctor->natd->network, answer->interface);

	finding->result = answer->error ? FOUND_FAIL : FOUND_OK;
	if (!answer->error)
		say(finding, "the kernel forwards the clients of %s to the internet by %s",
		    tunnel->interface, out ? out->name : "?");
	else if (answer->error == EHOSTUNREACH)
		say(finding, "the kernel does not forward what comes from %s: forwarding is off",
		    tunnel->interface);
	else if (answer->error == ENETUNREACH)
		say(finding, "the clients of %s have no route to the internet", tunnel->interface);
	else if (answer->error == EINVAL || answer->error == EXDEV)
		say(finding, "the kernel refuses the sources of %s (rp_filter)", tunnel->interface);
	else
		finding->result = FOUND_OK; /* not up yet, or no answer: nothing is known */
}

static void look_forwarding(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct tunnel *tunnel = tunnel_at(doctor, item);
	struct route_answer answer;

	if (tunnel && facts_route(doctor->natd, tunnel, &answer))
		say_route(doctor, tunnel, &answer, finding);
}

static void look_rules(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct kernel *kernel = &doctor->natd->kernel;

	(void)item;
	if (kernel->written) {
		say(finding, "the kernel holds natd's rules");
		return;
	}
	finding->result = kernel->refused[0] ? FOUND_FAIL : FOUND_UNKNOWN;
	if (kernel->refused[0])
		say(finding, "the kernel refuses natd's rules: %s", kernel->refused);
	else
		say(finding, "natd's rules are on their way to the kernel");
}

static void look_size(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct tunnel *tunnel = tunnel_at(doctor, item);
	struct facts_size size;

	if (!tunnel || !facts_packet_size(doctor->natd, tunnel, &size))
		return;
	finding->result = size.fits ? FOUND_OK : FOUND_WARN;
	if (size.fits)
		say(finding, "packets of %s fit the line: %u + %u bytes of %u", tunnel->interface,
		    size.inner, size.around, size.line);
	else
		say(finding, "packets of %s are too big for the line: %u + %u bytes of %u",
		    tunnel->interface, size.inner, size.around, size.line);
}

const struct doctor_step doctor_steps[] = {
	{ "route", at_once, one, look_route },
	{ "router", has_probed, if_asked, look_router },
	{ "wan", has_probed, if_asked, look_wan },
	{ "mapping", has_confirmed, each_forward, look_mapping },
	{ "listening", at_once, each_forward, look_listening },
	{ "arrival", has_counted, each_forward, look_arrival },
	{ "tunnel", at_once, each_tunnel, look_tunnel },
	{ "handshakes", has_peers, each_wireguard, look_handshakes },
	{ "forwarding", at_once, each_tunnel, look_forwarding },
	{ "rules", has_counted, one, look_rules },
	{ "size", at_once, each_tunnel, look_size },
};

const size_t doctor_step_count = sizeof(doctor_steps) / sizeof(doctor_steps[0]);
