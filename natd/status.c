/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/status.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "natd/facts.h"
#include "natd/updater.h"
#include "natd/verdict.h"

static const char *const kind_names[] = {
	[ADDRESS_NONE] = "none",   [ADDRESS_PUBLIC] = "public", [ADDRESS_PRIVATE] = "private",
	[ADDRESS_CGNAT] = "cgnat", [ADDRESS_DSLITE] = "none",   [ADDRESS_SPECIAL] = "none",
};

static const char *const egress_names[RULES_EGRESSES] = { "none", "masquerade", "address",
							  "pool", "prefix",     "closed" };

/* A string, or null for an empty one. */
static json_t *text_or_null(const char *text)
{
	return text[0] ? json_string(text) : json_null();
}

static json_t *address_or_null(const struct address *address)
{
	char text[ADDRESS_TEXT_MAX];

	return text_or_null(address_print(address, text));
}

static json_t *v4_or_null(struct in_addr v4)
{
	struct address address = address_v4(v4);

	return address_or_null(&address);
}

static json_t *port_or_null(uint16_t port)
{
	return port ? json_integer(port) : json_null();
}

static json_t *verdict_json(const struct natd *natd, const struct facts *facts)
{
	struct verdict verdict = verdict_of(facts);

	(void)natd;
	return json_pack("{s:s?, s:s, s:s, s:o}", "code", verdict.code, "works",
			 verdict_works_names[verdict.works], "text", verdict.text, "advice",
			 text_or_null(verdict.advice));
}

static json_t *protocols_json(const struct engine *engine)
{
	json_t *protocols = json_object();

	for (size_t i = 0; i < UPNP_PROTOCOLS; i++)
		json_object_set_new(protocols, upnp_protocol_names[i],
				    json_string(upnp_state_names[engine->protocols[i].state]));
	return protocols;
}

/* Each protocol's own words, for whoever wants to know more than the state. */
static json_t *protocol_details_json(const struct engine *engine)
{
	json_t *details = json_object();

	for (size_t i = 0; i < UPNP_PROTOCOLS; i++) {
		const struct protocol_status *status = &engine->protocols[i];

		json_object_set_new(details, upnp_protocol_names[i],
				    json_pack("{s:o, s:I}", "said", text_or_null(status->said),
					      "took_us", (json_int_t)status->took_us));
	}
	return details;
}

static json_t *router_json(const struct natd *natd)
{
	const struct engine *engine = &natd->engine;
	const struct uplink *uplink = &natd->uplink;
	struct address wan = address_v4(engine->wan.address);
	const char *kind = engine->wan_known ? kind_names[address_kind(&wan)] : "unknown";

	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:n}", "address",
		address_or_null(&uplink->gateway), "interface", text_or_null(uplink->interface),
		"model", text_or_null(engine->router.model), "server",
		text_or_null(engine->router.server), "url", text_or_null(engine->router.url),
		"wan_address", engine->wan_known ? address_or_null(&wan) : json_null(), "wan_kind",
		kind, "protocols", protocols_json(engine), "protocol_details",
		protocol_details_json(engine), "upstream");
}

static json_t *host_json(const struct natd *natd)
{
	const struct uplink *uplink = &natd->uplink;
	char mac[18] = "";

	if (uplink->has_mac)
		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", uplink->mac[0],
			 uplink->mac[1], uplink->mac[2], uplink->mac[3], uplink->mac[4],
			 uplink->mac[5]);
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

/* Whole seconds from now until `at`, null where there is no such time. */
static json_t *seconds_until(int64_t at, int64_t now)
{
	return at ? json_integer(at > now ? (at - now) / 1000 : 0) : json_null();
}

/* Whole seconds; null: never, as far as anybody remembers. */
static json_t *ago_or_null(int64_t ms)
{
	return ms >= 0 ? json_integer(ms / 1000) : json_null();
}

/* Where the internet reaches it: at the router, or at this host where that is on the internet. */
static json_t *external_address_json(const struct natd *natd, const struct forward *forward)
{
	const struct address *ours = &natd->uplink.address.address;

	if (forward->state != FORWARD_OPEN)
		return address_kind(ours) == ADDRESS_PUBLIC ? address_or_null(ours) : json_null();
	if (forward->external_address.s_addr)
		return v4_or_null(forward->external_address);
	return natd->engine.wan_known ? v4_or_null(natd->engine.wan.address) : json_null();
}

json_t *status_forward(const struct natd *natd, const struct forward *forward)
{
	const struct rules_port_count *count =
		facts_port_count(natd, forward->wanted.protocol, forward->wanted.port);
	bool open = forward->state == FORWARD_OPEN;
	int64_t now = natd_now();
	int64_t expires = open && forward->lifetime
				  ? forward->granted_at + (int64_t)forward->lifetime * 1000
				  : 0;

	return json_pack(
		"{s:s, s:s, s:i, s:o, s:o, s:s?, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:{s:s, s:s}}",
		"name", forward->wanted.name, "protocol",
		forward->wanted.protocol == IPPROTO_UDP ? "udp" : "tcp", "port",
		(int)forward->wanted.port, "external_port",
		port_or_null(open ? forward->external_port : forward->wanted.external),
		"external_address", external_address_json(natd, forward), "via",
		open ? upnp_protocol_names[forward->via] : NULL, "state",
		forward_state_names[forward->state], "reason", text_or_null(forward->reason),
		"expires_in", seconds_until(expires, now), "renew_in",
		seconds_until(forward->renew_at, now), "listening", listening_json(natd, forward),
		"packets", count ? json_integer((json_int_t)count->arrived) : json_null(),
		"packets_lan", count ? json_integer((json_int_t)count->arrived_lan) : json_null(),
		"last_packet_ago", ago_or_null(count ? count->seen_ago : -1), "last_lan_packet_ago",
		ago_or_null(count ? count->seen_lan_ago : -1), "ipv6", "state", "off", "reason",
		"this version asks for IPv4 only");
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

static json_t *rules_json(const struct natd *natd)
{
	const struct kernel *kernel = &natd->kernel;
	const struct rules_touched *touched = &kernel->last_repair;
	json_t *last = json_null();

	if (kernel->repairs)
		last = json_pack("{s:I, s:s, s:I, s:I}", "ago",
				 (json_int_t)((natd_now() - kernel->last_repair_at) / 1000),
				 "program", touched->program, "pid", (json_int_t)touched->pid,
				 "took_us", (json_int_t)touched->took_us);
	return json_pack("{s:b, s:b, s:i, s:I, s:o, s:o, s:o}", "in_sync", kernel->written, "owned",
			 0, "repairs", (int)kernel->repairs, "purged", (json_int_t)kernel->purged,
			 "last_repair", last, "changed", sysctls_json(kernel), "refused",
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

static json_t *evidence_json(const struct natd *natd)
{
	json_t *evidence = json_array();

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

json_t *status_verdict(const struct natd *natd)
{
	struct facts facts = facts_gather(natd);
	json_t *verdict = verdict_json(natd, &facts);

	json_object_set_new(verdict, "evidence", evidence_json(natd));
	return verdict;
}

json_t *status_json(const struct natd *natd)
{
	return json_pack("{s:s, s:I, s:o, s:o, s:o, s:s?, s:o, s:o, s:o, s:o, s:[], s:o}",
			 "version", NATD_VERSION, "since",
			 (json_int_t)((natd_now() - natd->started_at) / 1000), "verdict",
			 status_verdict(natd), "router", router_json(natd), "host", host_json(natd),
			 "forwards_from", natd->forwards_origin, "forwards", forwards_json(natd),
			 "tunnels", tunnels_json(natd), "publish", publish_json(&natd->kernel),
			 "rules", rules_json(natd), "firewalls", "name", name_json(natd));
}

static bool is_ours(const struct natd *natd, const struct upnp_entry *entry)
{
	for (size_t i = 0; i < natd->engine.forwards.count; i++) {
		const struct forward *forward = &natd->engine.forwards.list[i];

		if (forward->wanted.protocol == entry->protocol &&
		    forward->wanted.port == entry->port &&
		    forward->external_port == entry->external_port)
			return true;
	}
	return false;
}

json_t *status_entry(const struct natd *natd, const struct upnp_entry *entry)
{
	bool this_host = entry->client.s_addr == natd->uplink.address.address.v4.s_addr;
	const char *owner = !this_host ? "other" : is_ours(natd, entry) ? "us" : "us before";

	return json_pack("{s:s, s:i, s:o, s:i, s:s, s:o, s:b, s:s}", "protocol",
			 entry->protocol == IPPROTO_UDP ? "udp" : "tcp", "external_port",
			 (int)entry->external_port, "client", v4_or_null(entry->client), "port",
			 (int)entry->port, "description", entry->description, "expires_in",
			 entry->lease ? json_integer(entry->lease) : json_null(), "enabled",
			 entry->enabled, "owner", owner);
}

json_t *status_wan_ip(const struct natd *natd, int family)
{
	struct address address = address_v4(natd->engine.public_wan);

	if (family == AF_INET6)
		address = facts_public_v6(natd);
	else if (!address.family && !natd->engine.wan_known &&
		 address_kind(&natd->uplink.address.address) == ADDRESS_PUBLIC)
		address = natd->uplink.address.address; /* this host has it itself */
	return json_pack("{s:o}", "address", address_or_null(&address));
}
