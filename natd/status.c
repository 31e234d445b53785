/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/status.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "natd/facts.h"
#include "natd/status_values.h"
#include "natd/updater.h"
#include "natd/vpn_notes.h"
#include "natd/verdict.h"

static const char *const egress_names[RULES_EGRESSES] = { "none", "masquerade", "address",
							  "pool", "prefix",     "closed" };

static json_t *verdict_json(const struct facts *facts)
{
	struct verdict verdict = verdict_of(facts);

	return json_pack("{s:s?, s:s, s:s, s:o}", "code", verdict.code, "works",
			 verdict_works_names[verdict.works], "text", verdict.text, "advice",
			 text_or_null(verdict.advice));
}

static json_t *host_json(const struct natd *natd)
{
	const struct uplink *uplink = &natd->uplink;
	char mac[MAC_TEXT_MAX] = "";

	if (uplink->has_mac)
		mac_print(uplink->mac, mac);
	return json_pack("{s:o, s:o, s:o, s:o}", "address",
			 address_or_null(&uplink->address.address), "interface",
			 text_or_null(uplink->interface), "mac", text_or_null(mac), "dynamic",
			 uplink->known ? json_boolean(uplink->dynamic) : json_null());
}

static json_t *listening_json(const struct natd *natd, const struct forward *forward)
{
	if (kernel_is_published(&natd->kernel, forward->wanted.protocol, forward->wanted.port))
		return json_null(); /* a client does, or does not */
	switch (listen_check(forward->wanted.protocol, forward->wanted.port)) {
	case LISTEN_YES: return json_true();
	case LISTEN_NO: return json_false();
	default: return json_null();
	}
}

json_t *status_forward(const struct natd *natd, const struct forward *forward)
{
	const struct rules_port_count *count =
		facts_port_count(natd, forward->wanted.protocol, forward->wanted.port);
	bool open = forward->state == FORWARD_OPEN;
	bool by_hand = facts_by_hand(natd, forward);
	int64_t now = natd_now();

	return json_pack(
		"{s:s, s:s, s:i, s:o, s:o, s:s?, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:o, s:o, s:b, s:o}",
		"name", forward->wanted.name, "protocol",
		forward->wanted.protocol == IPPROTO_UDP ? "udp" : "tcp", "port",
		(int)forward->wanted.port, "external_port",
		port_or_null(open ? upstream_outermost(&natd->upstream, forward)->external_port
				  : forward->wanted.external),
		"external_address", status_external_address(natd, forward), "via",
		open      ? upnp_protocol_names[forward->via]
		: by_hand ? "manual"
			  : NULL,
		"state", forward_state_names[by_hand ? FORWARD_OPEN : forward->state], "reason",
		text_or_null(by_hand ? "" : forward->reason), "expires_in",
		seconds_until(status_expires_at(forward), now), "renew_in",
		seconds_until(forward->renew_at, now), "listening", listening_json(natd, forward),
		"packets", count ? json_integer((json_int_t)count->arrived) : json_null(),
		"packets_lan", count ? json_integer((json_int_t)count->arrived_lan) : json_null(),
		"last_packet_ago", ago_or_null(count ? count->seen_ago : -1), "last_lan_packet_ago",
		ago_or_null(count ? count->seen_lan_ago : -1), "upstream",
		status_outer_forward(natd, forward), "ipv6", status_pinhole(natd, forward),
		"temporary", forward->temporary, "closes_in", seconds_until(forward->until, now));
}

static json_t *forwards_json(const struct natd *natd)
{
	json_t *forwards = json_array();

	for (size_t i = 0; i < natd->engine.forwards.count; i++)
		if (natd->engine.forwards.list[i].state != FORWARD_CLOSING)
			json_array_append_new(forwards,
					      status_forward(natd, &natd->engine.forwards.list[i]));
	return forwards;
}

static json_t *networks_json(const struct tunnel *tunnel)
{
	json_t *networks = json_array();
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < tunnel->network_count; i++)
		json_array_append_new(networks,
				      json_string(prefix_print(&tunnel->networks[i], text)));
	return networks;
}

static json_t *egress_address_json(const struct natd *natd, const struct egress *egress)
{
	char text[EGRESS_TEXT_MAX];

	if (egress->kind == RULES_EGRESS_NONE)
		return json_null();
	return egress_is_fixed(egress) ? json_string(egress_print(egress, text))
				       : address_or_null(&natd->uplink.address.address);
}

static json_t *clients_json(const struct natd *natd, const char *interface)
{
	json_t *clients = json_array();
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < natd->kernel.client_count; i++) {
		const struct kernel_client *client = &natd->kernel.clients[i];
		const struct egress *egress = &client->is.egress;

		if (strcmp(client->interface, interface) == 0)
			json_array_append_new(
				clients, json_pack("{s:s, s:{s:s, s:o, s:b}, s:I}", "network",
						   prefix_print(&client->is.network, text),
						   "egress", "kind", egress_names[egress->kind],
						   "address", egress_address_json(natd, egress),
						   "gone", egress_is_gone(egress, &natd->network),
						   "connections", (json_int_t)client->connections));
	}
	return clients;
}

static json_t *tunnel_json(const struct natd *natd, const struct tunnel *tunnel)
{
	const struct egress *egress = &tunnel->egress;
	json_t *packets = json_null();
	json_t *spoofed = json_null();

	for (size_t i = 0; i < natd->kernel.tunnel_count_count; i++)
		if (strcmp(natd->kernel.tunnel_counts[i].interface, tunnel->interface) == 0) {
			packets = json_integer((json_int_t)natd->kernel.tunnel_counts[i].in);
			spoofed = json_integer((json_int_t)natd->kernel.tunnel_counts[i].spoofed);
		}
	return json_pack("{s:s, s:b, s:o, s:{s:s, s:o, s:o, s:b}, s:o, s:o, s:o}", "interface",
			 tunnel->interface, "present", tunnel->present, "networks",
			 networks_json(tunnel), "egress", "kind", egress_names[egress->kind],
			 "address", egress_address_json(natd, egress), "interface",
			 text_or_null(natd->uplink.interface), "gone",
			 egress_is_gone(egress, &natd->network), "packets", packets, "spoofed",
			 spoofed, "clients", clients_json(natd, tunnel->interface));
}

static json_t *tunnels_json(const struct natd *natd)
{
	json_t *tunnels = json_array();

	for (size_t i = 0; i < natd->kernel.tunnel_count; i++)
		json_array_append_new(tunnels, tunnel_json(natd, &natd->kernel.tunnels[i]));
	return tunnels;
}

static json_t *publish_json(const struct kernel *kernel)
{
	json_t *publishes = json_array();
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < kernel->publish_count; i++) {
		const struct kernel_publish *publish = &kernel->publishes[i];
		const struct config_publish *is = &publish->is;

		json_array_append_new(
			publishes,
			json_pack("{s:s, s:s, s:i, s:i, s:s, s:i, s:s, s:o, s:I}", "name", is->name,
				  "protocol", is->protocol == IPPROTO_UDP ? "udp" : "tcp", "port",
				  (int)is->port, "last_port", (int)is->last, "to",
				  address_print(&is->to, text), "to_port", (int)is->to_port,
				  "source", is->keep_source ? "keep" : "hide", "interface",
				  text_or_null(publish->interface), "connections",
				  (json_int_t)publish->connections));
	}
	return publishes;
}

static json_t *sysctls_json(const struct kernel *kernel)
{
	json_t *changed = json_array();

	for (size_t i = 0; i < kernel->sysctls.count; i++) {
		const struct sysctl *sysctl = &kernel->sysctls.list[i];

		if (sysctl->before != sysctl->ours)
			json_array_append_new(changed,
					      json_pack("{s:s, s:i, s:i}", "name", sysctl->name,
							"before", (int)sysctl->before, "now",
							(int)sysctl->ours));
	}
	return changed;
}

/* Of one address to one port of a server; null where there are too few connections to look. */
static json_t *crowd_json(const struct rules_crowd *crowd)
{
	struct address address = kernel_address(&crowd->address);
	struct address server = kernel_address(&crowd->server);
	char text[ADDRESS_TEXT_MAX];
	char other[ADDRESS_TEXT_MAX];

	if (!crowd->connections)
		return json_null();
	return json_pack("{s:s, s:s, s:i, s:s, s:I, s:i}", "address", address_print(&address, text),
			 "server", address_print(&server, other), "port", (int)crowd->port,
			 "protocol", crowd->protocol == IPPROTO_TCP ? "tcp" : "udp", "count",
			 (json_int_t)crowd->connections, "max", RULES_CROWD_PORTS);
}

static json_t *connections_json(const struct kernel *kernel, const struct facts *facts)
{
	if (!facts->connections_max)
		return json_null();
	return json_pack("{s:i, s:i, s:o}", "count", (int)facts->connections, "max",
			 (int)facts->connections_max, "fullest", crowd_json(&kernel->crowd));
}

static json_t *rules_json(const struct natd *natd, const struct facts *facts)
{
	const struct kernel *kernel = &natd->kernel;
	const struct rules_touched *touched = &kernel->last_repair;
	json_t *last = json_null();

	if (kernel->repairs)
		last = json_pack("{s:I, s:s, s:I, s:I}", "ago",
				 (json_int_t)((natd_now() - kernel->last_repair_at) / 1000),
				 "program", touched->program, "pid", (json_int_t)touched->pid,
				 "took_us", (json_int_t)touched->took_us);
	return json_pack("{s:b, s:b, s:b, s:o, s:i, s:I, s:o, s:o, s:o}", "in_sync",
			 kernel->written, "owned", kernel->owned == RULES_OWNED_ALL, "guard_owned",
			 kernel->owned != RULES_OWNED_NONE, "connections",
			 connections_json(kernel, facts), "repairs", (int)kernel->repairs, "purged",
			 (json_int_t)kernel->purged, "last_repair", last, "changed",
			 sysctls_json(kernel), "refused",
			 text_or_null(kernel->written ? "" : kernel->refused));
}

static json_t *name_addresses_json(const struct name *name)
{
	json_t *addresses = json_array();
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < name->count; i++)
		json_array_append_new(addresses,
				      json_string(address_print(&name->addresses[i], text)));
	return addresses;
}

static json_t *seconds_since(int64_t then)
{
	return then ? json_integer((natd_now() - then) / 1000) : json_null();
}

static json_t *name_json(const struct natd *natd)
{
	const struct name *name = &natd->name;
	enum name_match match = name_matches(name, &natd->network);
	struct updater updater;

	if (!name->name[0])
		return json_null();
	updater = updater_find();
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:s?, s:b}}", "name", name->name,
			 "addresses", name_addresses_json(name), "matches",
			 match == NAME_UNKNOWN ? json_null() : json_boolean(match == NAME_RIGHT),
			 "ttl", name->ttl ? json_integer(name->ttl) : json_null(), "checked_ago",
			 seconds_since(name->answered_at), "wrong_for",
			 seconds_since(name->wrong_since), "reason", text_or_null(name->said),
			 "updater", "program", updater.program, "runs",
			 updater.state == UPDATER_RUNS);
}

static bool is_named(const struct kernel *kernel, const char *interface)
{
	for (size_t i = 0; i < kernel->tunnel_count; i++)
		if (strcmp(kernel->tunnels[i].interface, interface) == 0)
			return true;
	return false;
}

/* What natd.conf names that is not there, and what is there and it does not name. Where it names none, all
 * that are there are natd's. */
static void find_unnamed(const struct natd *natd, struct vpn_truth *truth)
{
	const struct kernel *kernel = &natd->kernel;

	for (size_t i = 0; i < kernel->tunnel_count; i++)
		if (!kernel->tunnels[i].present)
			truth->absent = kernel->tunnels[i].interface;
	for (size_t i = 0; i < natd->network.link_count; i++) {
		const struct network_link *link = &natd->network.links[i];

		if (link->up && network_is_tunnel(link) && !is_named(kernel, link->name))
			truth->unnamed = link->name;
	}
}

/* Where the VPN's own settings do not fit. */
static json_t *notes_json(const struct natd *natd)
{
	char notes[VPN_NOTES_MAX][VPN_NOTE_MAX];
	struct vpn_truth truth = { .wan = facts_public_wan(natd),
				   .configured = natd->config.forward_count > 0,
				   .name = natd->config.name,
				   .interface = natd->uplink.interface,
				   .frozen = ways_out_frozen(
					   &natd->kernel.ways_out, &natd->network,
					   natd->uplink.known ? natd->uplink.interface : "",
					   natd->kernel.tunnels, natd->kernel.tunnel_count) };
	json_t *list = json_array();
	size_t count;

	for (size_t i = 0; i < natd->engine.forwards.count; i++) {
		const struct forward *forward = &natd->engine.forwards.list[i];

		if (forward->state == FORWARD_OPEN && !forward->temporary &&
		    forward->wanted.protocol == natd->vpn.protocol &&
		    (!truth.external || forward->external_port == natd->vpn.port))
			truth.external = forward->external_port;
	}
	find_unnamed(natd, &truth);
	count = vpn_notes(&natd->vpn, &truth, notes);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(notes[i]));
	return list;
}

static json_t *evidence_json(const struct natd *natd)
{
	json_t *evidence = json_array();
	const struct line *line = &natd->upstream.line;
	struct address next = address_v4(line->next);
	char text[ADDRESS_TEXT_MAX];

	if (line->next.s_addr && line->kind != LINE_CLEAR)
		json_array_append_new(
			evidence,
			json_sprintf("after the router, the way to the internet goes by %s",
				     address_print(&next, text)));
	for (size_t i = 0; i < natd->engine.forwards.count; i++) {
		const struct forward *forward = &natd->engine.forwards.list[i];
		const struct rules_port_count *count =
			facts_port_count(natd, forward->wanted.protocol, forward->wanted.port);

		if (count && count->arrived)
			json_array_append_new(evidence,
					      json_sprintf("%llu packets for %s have arrived here, "
							   "%llu were delivered",
							   (unsigned long long)count->arrived,
							   forward_name(&forward->wanted),
							   (unsigned long long)count->delivered));
	}
	return evidence;
}

static json_t *verdict_on(const struct natd *natd, const struct facts *facts)
{
	json_t *verdict = verdict_json(facts);

	json_object_set_new(verdict, "evidence", evidence_json(natd));
	return verdict;
}

json_t *status_verdict(const struct natd *natd)
{
	struct facts facts = facts_gather(natd);

	return verdict_on(natd, &facts);
}

json_t *status_json(const struct natd *natd)
{
	struct facts facts = facts_gather(natd);

	return json_pack("{s:s, s:I, s:o, s:o, s:o, s:s?, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "version", NATD_VERSION, "since",
			 (json_int_t)((natd_now() - natd->started_at) / 1000), "verdict",
			 verdict_on(natd, &facts), "router", status_router(natd), "host",
			 host_json(natd), "forwards_from", natd->forwards_origin, "forwards",
			 forwards_json(natd), "tunnels", tunnels_json(natd), "publish",
			 publish_json(&natd->kernel), "rules", rules_json(natd, &facts),
			 "firewalls", firewalls_json(&natd->kernel.firewalls), "name",
			 name_json(natd), "notes", notes_json(natd));
}
