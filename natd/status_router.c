/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The routers' part of the status: the home router, what is before it, and its part in each forward. */
#include "natd/facts.h"
#include "natd/status.h"
#include "natd/status_values.h"

static const char *const kind_names[] = {
	[ADDRESS_NONE] = "none",   [ADDRESS_PUBLIC] = "public", [ADDRESS_PRIVATE] = "private",
	[ADDRESS_CGNAT] = "cgnat", [ADDRESS_DSLITE] = "none",   [ADDRESS_SPECIAL] = "none",
};

/* One address per hop, null for one that did not answer; null where none was found. */
static json_t *hops_json(const struct upnp_hops *hops)
{
	json_t *list = json_array();
	bool any = false;

	for (size_t i = 0; i < UPNP_HOPS; i++) {
		any |= hops->router[i].s_addr != INADDR_ANY;
		json_array_append_new(list, v4_or_null(hops->router[i]));
	}
	if (any)
		return list;
	json_decref(list);
	return json_null();
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

/* The second router; null where there is none. */
static json_t *upstream_json(const struct natd *natd)
{
	const struct upstream *upstream = &natd->upstream;
	const struct engine *engine = &upstream->engine;
	struct address wan =
		address_v4(engine->wan_known ? engine->wan.address : upstream->line.outer_wan);
	bool known = engine->wan_known || upstream->line.outer_wan.s_addr;

	if (!upstream_is_there(upstream))
		return json_null();
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o}", "address",
		v4_or_null(upstream->line.outer), "client", v4_or_null(engine->network.address),
		"model", text_or_null(engine->router.model), "server",
		text_or_null(engine->router.server), "url", text_or_null(engine->router.url),
		"wan_address", known ? address_or_null(&wan) : json_null(), "wan_kind",
		known ? kind_names[address_kind(&wan)] : "unknown", "protocols",
		protocols_json(engine), "protocol_details", protocol_details_json(engine));
}

/* The address that faces the internet: a second router's where there is one, and it tells. */
static bool outermost_wan(const struct natd *natd, struct address *wan)
{
	const struct engine *outer = &natd->upstream.engine;
	const struct engine *engine = &natd->engine;
	const struct line *line = &natd->upstream.line;

	if (upstream_is_there(&natd->upstream) && outer->wan_known)
		engine = outer;
	*wan = address_v4(engine->wan.address);
	if (engine == outer || !line->wan.s_addr)
		return engine->wan_known;
	*wan = address_v4(line->wan);
	return true;
}

json_t *status_router(const struct natd *natd)
{
	const struct engine *engine = &natd->engine;
	const struct uplink *uplink = &natd->uplink;
	struct address wan;
	bool known = outermost_wan(natd, &wan);
	const char *kind = known ? kind_names[address_kind(&wan)] : "unknown";

	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}",
		"address", address_or_null(&uplink->gateway), "interface",
		text_or_null(uplink->interface), "model", text_or_null(engine->router.model),
		"server", text_or_null(engine->router.server), "url",
		text_or_null(engine->router.url), "wan_address",
		known ? address_or_null(&wan) : json_null(), "wan_kind", kind, "protocols",
		protocols_json(engine), "protocol_details", protocol_details_json(engine), "hops",
		hops_json(&natd->upstream.hops), "line", line_kind_names[natd->upstream.line.kind],
		"line_mtu",
		natd->upstream.hops.mtu ? json_integer(natd->upstream.hops.mtu) : json_null(),
		"seen_as", v4_or_null(natd->upstream.mapped_as), "upstream", upstream_json(natd),
		"shared", shared_line_json(&natd->shared_line));
}

/* When the lease ends; 0: never, or there is none. */
int64_t status_expires_at(const struct forward *forward)
{
	if (forward->state != FORWARD_OPEN || !forward->lifetime)
		return 0;
	return forward->granted_at + (int64_t)forward->lifetime * 1000;
}

/* Where the internet reaches it: at the router, or at this host where that is on the internet. */
json_t *status_external_address(const struct natd *natd, const struct forward *forward)
{
	const struct forward *at = upstream_outermost(&natd->upstream, forward);
	const struct address *ours = &natd->uplink.address.address;
	struct address wan;

	if (forward->state != FORWARD_OPEN)
		return address_kind(ours) == ADDRESS_PUBLIC ? address_or_null(ours) : json_null();
	if (at->external_address.s_addr)
		return v4_or_null(at->external_address);
	if (at != forward && !natd->upstream.engine.wan_known)
		return json_null(); /* UPnP tells it when the port is open */
	return outermost_wan(natd, &wan) ? address_or_null(&wan) : json_null();
}

/* The second router's part; null where it has none. */
json_t *status_outer_forward(const struct natd *natd, const struct forward *forward)
{
	const struct forward *outer = upstream_forward(&natd->upstream, forward);
	bool open = outer && outer->state == FORWARD_OPEN;
	int64_t now = natd_now();

	if (!outer || !upstream_is_there(&natd->upstream))
		return json_null();
	return json_pack("{s:s, s:s, s:s?, s:o, s:o, s:i, s:o, s:o, s:o}", "protocol",
			 outer->wanted.protocol == IPPROTO_UDP ? "udp" : "tcp", "state",
			 forward_state_names[outer->state], "via",
			 open ? upnp_protocol_names[outer->via] : NULL, "external_port",
			 port_or_null(open ? outer->external_port : outer->wanted.external),
			 "client", v4_or_null(natd->upstream.engine.network.address), "port",
			 (int)outer->wanted.port, "reason", text_or_null(outer->reason),
			 "expires_in", seconds_until(status_expires_at(outer), now), "renew_in",
			 seconds_until(outer->renew_at, now));
}

json_t *status_wan_ip(const struct natd *natd, int family)
{
	const struct engine *outer = &natd->upstream.engine;
	bool behind = outer->public_wan.s_addr &&
		      (upstream_is_there(&natd->upstream) || !natd->engine.public_wan.s_addr);
	struct address address = address_v4(behind ? outer->public_wan : natd->engine.public_wan);

	if (family == AF_INET6)
		address = facts_public_v6(natd);
	else if (natd->upstream.line.kind == LINE_CGNAT)
		address = (struct address){ 0 }; /* whatever the router claims: it is shared */
	else if (!address.family && !natd->engine.wan_known &&
		 address_kind(&natd->uplink.address.address) == ADDRESS_PUBLIC)
		address = natd->uplink.address.address; /* this host has it itself */
	return json_pack("{s:o}", "address", address_or_null(&address));
}
