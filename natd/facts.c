/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/facts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "natd/sysctl.h"
#include "natd/updater.h"

const struct rules_port_count *facts_port_count(const struct natd *natd, uint8_t protocol,
						uint16_t port)
{
	for (size_t i = 0; i < natd->kernel.port_count; i++)
		if (natd->kernel.ports[i].protocol == protocol &&
		    natd->kernel.ports[i].port == port)
			return &natd->kernel.ports[i];
	return NULL;
}

/* What the router has granted once may still bring packets, by connections that it remembers. */
static bool may_be_left_over(const struct forward *forward)
{
	if (!forward->granted_at)
		return forward->via != UPNP_ANY; /* by the natd before this one */
	return !forward->lifetime ||
	       natd_now() < forward->granted_at + (int64_t)forward->lifetime * 1000;
}

bool facts_by_hand(const struct natd *natd, const struct forward *forward)
{
	const struct rules_port_count *count =
		facts_port_count(natd, forward->wanted.protocol, forward->wanted.port);

	return forward->state != FORWARD_OPEN && forward->failed_at && !may_be_left_over(forward) &&
	       !engine_answers(&natd->engine) && count && count->seen_ago >= 0 &&
	       natd_now() - count->seen_ago > forward->failed_at;
}

struct address facts_public_v6(const struct natd *natd)
{
	static const struct address any;
	struct uplink uplink = network_uplink(&natd->network, AF_INET6);

	return uplink.known ? network_public_v6(&natd->network, uplink.index, &any)
			    : (struct address){ 0 };
}

struct in_addr facts_public_wan(const struct natd *natd)
{
	const struct address *ours = &natd->uplink.address.address;
	struct address wan = address_v4(natd->engine.wan.address);

	if (natd->engine.wan_known)
		return address_kind(&wan) == ADDRESS_PUBLIC ? wan.v4 : (struct in_addr){ 0 };
	if (natd->uplink.known && address_kind(ours) == ADDRESS_PUBLIC)
		return ours->v4;
	return (struct in_addr){ 0 };
}

static void gather_network(const struct natd *natd, struct facts *facts)
{
	const struct uplink *uplink = &natd->uplink;
	struct address v6 = facts_public_v6(natd);

	facts->has_route = uplink->known;
	facts->has_ipv6 = address_is_set(&v6);
	if (!uplink->known)
		snprintf(facts->unplugged, sizeof(facts->unplugged), "%s", uplink->interface);
	facts->has_router = uplink->known && uplink->gateway.family == AF_INET;
	facts->asks_router = natd->engine.order_count > 0;
	facts->host_kind = address_kind(&uplink->address.address);
	address_print(&uplink->gateway, facts->router_address);
	address_print(&uplink->address.address, facts->host_address);
}

/* Of its WAN address, what a packet met on its way is truer than what the router says. */
static void gather_router(const struct engine *engine, const struct line *line, struct facts *facts)
{
	bool seen = line->wan.s_addr != INADDR_ANY;
	struct address wan = address_v4(seen ? line->wan : engine->wan.address);

	facts->asking |= engine_has_protocol(engine, UPNP_ASKING);
	facts->router_answers = engine_answers(engine);
	facts->wan_known = seen || engine->wan_known;
	facts->has_no_wan = engine->wan_known && engine->wan.address.s_addr == INADDR_ANY;
	facts->wan_kind = address_kind(&wan);
	address_print(&wan, facts->wan_address);
}

/* What is before the home router; of a second router's WAN address, its own word counts first. */
static void gather_line(const struct upstream *upstream, struct facts *facts)
{
	const struct engine *engine = &upstream->engine;
	struct address wan =
		address_v4(engine->wan_known ? engine->wan.address : upstream->line.outer_wan);
	struct address next = address_v4(upstream->line.next);
	struct address seen_as = address_v4(upstream->mapped_as);
	struct address ds_lite = address_v4(upstream->line.ds_lite);

	facts->line = upstream->line.kind;
	facts->two_routers = upstream_is_there(upstream);
	facts->outer_asking = upstream_is_asking(upstream);
	facts->outer_answers = engine->has_router && engine_answers(engine);
	facts->outer_wan_kind = address_kind(&wan);
	address_print(&wan, facts->outer_wan);
	if (next.v4.s_addr)
		address_print(&next, facts->next_address);
	if (seen_as.v4.s_addr)
		address_print(&seen_as, facts->seen_as);
	if (ds_lite.v4.s_addr)
		address_print(&ds_lite, facts->ds_lite);
}

/* "UDP 51820 -> 192.168.0.2:51820" */
static void print_rule(char rule[64], uint8_t protocol, uint16_t external, struct in_addr to,
		       uint16_t port)
{
	struct address address = address_v4(to);
	char text[ADDRESS_TEXT_MAX];

	snprintf(rule, 64, "%s %u -> %s:%u", protocol == IPPROTO_TCP ? "TCP" : "UDP", external,
		 address_print(&address, text), port);
}

/* The second router's part in a forward, and the rules that a hand would type. */
static void gather_outer(const struct natd *natd, const struct forward *forward,
			 struct facts *facts)
{
	const struct upstream *upstream = &natd->upstream;
	const struct forward *outer = upstream_forward(upstream, forward);
	struct in_addr between = upstream->engine.network.address;

	if (outer && outer->state == FORWARD_OPEN) {
		facts->outer_open++;
	} else if (outer && outer->state == FORWARD_FAILED && !facts->outer_failed[0]) {
		snprintf(facts->outer_failed, sizeof(facts->outer_failed), "%s",
			 forward_name(&outer->wanted));
		snprintf(facts->outer_reason, sizeof(facts->outer_reason), "%s", outer->reason);
	}
	if (facts->home_rule[0])
		return; /* of several, the first */
	print_rule(facts->home_rule, forward->wanted.protocol, forward->wanted.external,
		   natd->uplink.address.address.v4, forward->wanted.port);
	if (outer && upstream->engine.has_router && between.s_addr)
		print_rule(facts->outer_rule, forward->wanted.protocol, forward->wanted.external,
			   between, outer->wanted.port);
}

static void gather_former(const struct engine *engine, const struct forward *forward,
			  struct facts *facts)
{
	struct address holder = address_v4(forward->holder);

	if (!facts->former[0] && engine_is_former(engine, forward->holder))
		address_print(&holder, facts->former);
}

static void gather_failure(const struct forward *forward, struct facts *facts)
{
	if (facts->failed[0])
		return; /* the first one explains enough */
	snprintf(facts->failed, sizeof(facts->failed), "%s", forward_name(&forward->wanted));
	snprintf(facts->reason, sizeof(facts->reason), "%s", forward->reason);
	facts->host_refused = forward->failure == UPNP_HOST_REFUSED;
	facts->port_taken = forward->failure == UPNP_PORT_TAKEN;
	facts->not_done = forward->failure == UPNP_NOT_DONE;
	facts->no_usable_wan = forward->failure == UPNP_NETWORK_FAILURE;
}

static void gather_arrival(const struct natd *natd, const struct forward *forward,
			   struct facts *facts)
{
	uint64_t dropped = firewalls_stopped_port(&natd->kernel.firewalls, forward->wanted.protocol,
						  forward->wanted.port);
	bool silent;

	/* What is handed on to a client is neither delivered nor listened to here. */
	if (facts->silent_port[0] ||
	    kernel_is_published(&natd->kernel, forward->wanted.protocol, forward->wanted.port))
		return;
	silent = listen_check(forward->wanted.protocol, forward->wanted.port) == LISTEN_NO;
	if (!silent && !dropped)
		return;
	snprintf(facts->silent_port, sizeof(facts->silent_port), "%s",
		 forward_name(&forward->wanted));
	facts->not_listening = silent;
	facts->listens_otherwise =
		silent &&
		listen_check(forward->wanted.protocol == IPPROTO_UDP ? IPPROTO_TCP : IPPROTO_UDP,
			     forward->wanted.port) == LISTEN_YES;
	facts->dropped = dropped > 0;
	facts->silent_protocol = forward->wanted.protocol;
	facts->silent_number = forward->wanted.port;
	facts->port_dropper = firewalls_culprit(&natd->kernel.firewalls, RULES_HOOK_INPUT);
	facts->arrived = dropped;
}

/* `at`: the router on the internet. */
static void gather_port(const struct forward *at, const struct forward *forward,
			struct facts *facts)
{
	if (at->state != FORWARD_OPEN || at->external_port == at->wanted.external)
		return;
	snprintf(facts->wrong_port, sizeof(facts->wrong_port), "%s is open as external port %u",
		 forward_name(&forward->wanted), at->external_port);
	snprintf(facts->wrong_reason, sizeof(facts->wrong_reason), "%s", at->reason);
}

/* The first that is open is named. */
static void gather_pinhole(const struct natd *natd, const struct forward *forward,
			   struct facts *facts)
{
	const struct pinhole *pinhole = pinholes_of(&natd->pinholes, &forward->wanted);
	char address[ADDRESS_TEXT_MAX];

	if (!facts->pinhole[0] && pinhole && pinhole->state == FORWARD_OPEN)
		snprintf(facts->pinhole, sizeof(facts->pinhole), "[%s]:%u",
			 address_print(&pinhole->external_address, address),
			 pinhole->external_port);
}

/* What natd.conf or the VPN asked for, before the line had its say. */
static uint16_t asked_external(const struct natd *natd, const struct config_forward *wanted)
{
	for (size_t i = 0; i < natd->config.forward_count; i++)
		if (natd->config.forwards[i].protocol == wanted->protocol &&
		    natd->config.forwards[i].port == wanted->port)
			return natd->config.forwards[i].external;
	return wanted->port;
}

/* The first port that the line does not own is told. */
static void gather_shared(const struct natd *natd, const struct forward *forward,
			  struct facts *facts)
{
	const struct map_e_line *map = &natd->shared_line.map;
	uint16_t asked = asked_external(natd, &forward->wanted);

	if (!natd->shared_line.certain || facts->shared_wanted || map_e_owns(map, asked))
		return;
	snprintf(facts->shared_service, sizeof(facts->shared_service), "%s", map->service);
	map_e_print(map, facts->shared_ports, sizeof(facts->shared_ports));
	facts->shared_wanted = asked;
	if (map_e_owns(map, forward->wanted.external))
		facts->shared_instead = forward->wanted.external;
}

static void gather_forward(const struct natd *natd, const struct forward *forward,
			   struct facts *facts)
{
	bool by_hand = facts_by_hand(natd, forward);

	/* What natctl opened for an hour is the user's business: the VPN does not hang on it. */
	if (forward->state == FORWARD_CLOSING || forward->temporary)
		return;
	facts->forwards++;
	facts->by_hand |= by_hand;
	facts->open += forward->state == FORWARD_OPEN || by_hand;
	facts->asking |= forward->state == FORWARD_OPENING;
	if (forward->state == FORWARD_FAILED || forward->external_port != forward->wanted.external)
		gather_former(&natd->engine, forward, facts);
	if (forward->state == FORWARD_FAILED && !by_hand)
		gather_failure(forward, facts);
	gather_outer(natd, forward, facts);
	gather_port(upstream_outermost(&natd->upstream, forward), forward, facts);
	gather_pinhole(natd, forward, facts);
	gather_shared(natd, forward, facts);
	gather_arrival(natd, forward, facts);
}

/* Of several that are gone, one that closes the way is told. */
static void gather_egress(const struct natd *natd, const struct egress *egress, struct facts *facts)
{
	if (!egress_is_gone(egress, &natd->network) ||
	    (facts->lost_egress[0] && (egress->masquerade_gone || facts->egress_closed)))
		return;
	egress_print(egress, facts->lost_egress);
	facts->egress_closed = !egress->masquerade_gone;
}

static void gather_tunnel(const struct natd *natd, const struct tunnel *tunnel, struct facts *facts)
{
	struct route_answer answer;
	struct facts_size size;

	if (!facts->not_forwarded[0] && facts_route(natd, tunnel, &answer) &&
	    answer.error == EHOSTUNREACH)
		memcpy(facts->not_forwarded, tunnel->interface, sizeof(tunnel->interface));
	if (!facts->overlapping[0] && facts_overlap(natd, tunnel, facts->overlapped))
		memcpy(facts->overlapping, tunnel->interface, sizeof(tunnel->interface));
	if (facts->too_big[0] || !facts_packet_size(natd, tunnel, &size) || size.fits)
		return;
	memcpy(facts->too_big, tunnel->interface, sizeof(tunnel->interface));
	facts->fitting_mtu = size.line - size.around;
	facts->line_mtu = size.line;
}

static void gather_contest(const struct kernel *kernel, struct facts *facts)
{
	if (!kernel_is_contested(kernel, natd_now()))
		return;
	facts->contest_repairs = kernel->repairs_in_row;
	facts->contest_lost = !kernel->written;
	facts->owned = kernel->owned == RULES_OWNED_ALL;
	facts->contestant_pid = kernel->last_repair.pid;
	snprintf(facts->contestant, sizeof(facts->contestant), "%s", kernel->last_repair.program);
}

/* Where conntrack is not loaded yet, nothing is counted. */
static void gather_connections(struct facts *facts)
{
	if (!sysctl_read("netfilter/nf_conntrack_count", &facts->connections) ||
	    !sysctl_read("netfilter/nf_conntrack_max", &facts->connections_max))
		facts->connections_max = 0;
}

static void print_host(char text[ADDRESS_TEXT_MAX], const struct rules_prefix *host)
{
	struct address address = kernel_address(host);

	address_print(&address, text);
}

static void gather_crowd(const struct rules_crowd *crowd, struct facts *facts)
{
	facts->crowd = crowd->connections;
	if (!crowd->connections)
		return;
	print_host(facts->crowd_address, &crowd->address);
	print_host(facts->crowd_server, &crowd->server);
	facts->crowd_protocol = crowd->protocol == IPPROTO_TCP ? "TCP" : "UDP";
	facts->crowd_port = crowd->port;
}

static void gather_kernel(const struct natd *natd, struct facts *facts)
{
	const struct kernel *kernel = &natd->kernel;
	int32_t forwarding = 1;
	bool has_ipv4 = false;

	for (size_t i = 0; i < kernel->tunnel_count; i++) {
		const struct tunnel *tunnel = &kernel->tunnels[i];
		const struct egress *egress = &tunnel->egress;

		facts->has_tunnels |= tunnel->present;
		for (size_t n = 0; n < tunnel->network_count; n++)
			has_ipv4 |= tunnel->networks[n].address.family == AF_INET;
		gather_egress(natd, egress, facts);
		gather_tunnel(natd, tunnel, facts);
	}
	for (size_t i = 0; i < kernel->client_count; i++) {
		if (kernel->clients[i].interface[0])
			gather_egress(natd, &kernel->clients[i].is.egress, facts);
	}
	gather_contest(kernel, facts);
	gather_connections(facts);
	gather_crowd(&kernel->crowd, facts);
	facts->forwarding_off =
		has_ipv4 && sysctl_read("ipv4/ip_forward", &forwarding) && forwarding == 0;
	facts->stopped = firewalls_stopped(&kernel->firewalls, facts->stopped_tunnel);
	facts->tunnel_dropper = firewalls_culprit(&kernel->firewalls, RULES_HOOK_FORWARD);
	facts->coexist = kernel->coexist;
	facts->rules_refused = !kernel->written && kernel->refused[0];
	snprintf(facts->rules_reason, sizeof(facts->rules_reason), "%s", kernel->refused);
}

static void gather_name(const struct natd *natd, struct facts *facts)
{
	enum name_match match = name_matches(&natd->name, &natd->network);
	struct address home = address_v4(natd->name.wan);
	uint8_t family = match == NAME_ELSEWHERE6 ? AF_INET6 : AF_INET;
	struct updater updater;

	if (match != NAME_ELSEWHERE6 && !name_is_stale(&natd->name))
		return;
	updater = updater_find();
	facts->updater = updater.program;
	facts->updater_runs = updater.state == UPDATER_RUNS;
	facts->name_stale6 = match == NAME_ELSEWHERE6;
	snprintf(facts->name, sizeof(facts->name), "%s", natd->name.name);
	address_print(&home, facts->home_address);
	for (size_t i = 0; i < natd->name.count && match != NAME_MISSING; i++) {
		const struct address *address = &natd->name.addresses[i];

		if (address->family != family ||
		    (family == AF_INET ? address->v4.s_addr == natd->name.wan.s_addr
				       : network_is_local(&natd->network, address)))
			continue;
		address_print(address, facts->name_address);
		return;
	}
}

struct facts facts_gather(const struct natd *natd)
{
	struct facts facts = { 0 };

	gather_network(natd, &facts);
	gather_router(&natd->engine, &natd->upstream.line, &facts);
	gather_line(&natd->upstream, &facts);
	if (natd->holds_back) { /* for a moment */
		facts.forwards++;
		facts.asking = true;
	}
	for (size_t i = 0; i < natd->engine.forwards.count; i++)
		gather_forward(natd, &natd->engine.forwards.list[i], &facts);
	gather_kernel(natd, &facts);
	gather_name(natd, &facts);
	return facts;
}
