/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the state file holds, checked entry by entry: it may have been edited, or half of it lost. */
#include "natd/state_json.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "natd/clock.h"
#include "natd/nonce.h"

static uint8_t via_from_name(const char *name)
{
	uint8_t via = 0;

	while (via < UPNP_PROTOCOLS && (!name || strcmp(name, upnp_protocol_names[via]) != 0))
		via++;
	return via;
}

static bool port_is_sound(int port, int least)
{
	return port >= least && port <= 65535;
}

static bool read_mapping(struct forward *saved, json_t *mapping)
{
	const char *name, *protocol, *nonce;
	/* Null until something was granted. */
	const char *via = json_string_value(json_object_get(mapping, "via"));
	const char *host = json_string_value(json_object_get(mapping, "host"));
	/* Neither was written by the first natd. */
	const char *router = json_string_value(json_object_get(mapping, "router"));
	json_int_t lease = json_integer_value(json_object_get(mapping, "lease"));
	int port, external, external_port;

	if (json_unpack(mapping, "{s:s, s:s, s:i, s:i, s:s, s:i}", "name", &name, "protocol",
			&protocol, "port", &port, "external", &external, "nonce", &nonce,
			"external_port", &external_port) < 0)
		return false;
	if (!port_is_sound(port, 1) || !port_is_sound(external, 1) ||
	    !port_is_sound(external_port, 0) || strlen(name) >= sizeof(saved->wanted.name) ||
	    !nonce_parse(saved->nonce, nonce) ||
	    (host && inet_pton(AF_INET, host, &saved->host) != 1) ||
	    (router && !mac_parse(saved->router, router)) || lease < 0 || lease > UINT32_MAX ||
	    !config_parse_protocol(protocol, &saved->wanted.protocol))
		return false;
	snprintf(saved->wanted.name, sizeof(saved->wanted.name), "%s", name);
	saved->wanted.port = (uint16_t)port;
	saved->wanted.external = (uint16_t)external;
	saved->external_port = (uint16_t)external_port;
	saved->lifetime = (uint32_t)lease;
	saved->via = via_from_name(via);
	return true;
}

static bool restore_mapping(struct engine *engine, json_t *mapping)
{
	struct forward saved = { 0 };

	if (!read_mapping(&saved, mapping))
		return false;
	engine_restore(engine, &saved);
	return true;
}

/* One without a router would never come back. */
static bool restore_elsewhere(struct engine *engine, json_t *mapping)
{
	struct forward saved = { .state = FORWARD_CLOSING };

	if (!read_mapping(&saved, mapping) || !mac_is_known(saved.router))
		return false;
	elsewhere_keep(&engine->elsewhere, &saved);
	return true;
}

static bool restore_sysctl(struct sysctls *sysctls, json_t *entry)
{
	struct sysctl *sysctl = &sysctls->list[sysctls->count];
	struct rules_sysctl is = { 0 };
	const char *name;
	int before, ours;

	if (sysctls->count == SYSCTL_SAVED_MAX ||
	    json_unpack(entry, "{s:s, s:i, s:i}", "name", &name, "before", &before, "ours", &ours) <
		    0 ||
	    strlen(name) >= sizeof(is.name))
		return false;
	memcpy(is.name, name, strlen(name));
	is.value = before;
	if (!rules_may_set(&is))
		return false;
	*sysctl = (struct sysctl){ .before = before, .ours = ours };
	memcpy(sysctl->name, is.name, sizeof(sysctl->name));
	sysctls->count++;
	return true;
}

/* Absent, null, or one public address. */
static bool restore_wan(struct engine *engine, const json_t *wan)
{
	const char *text = json_string_value(wan);
	struct address address = { 0 };

	if (!wan || json_is_null(wan))
		return true;
	if (!text || !address_parse(&address, text) || address.family != AF_INET ||
	    address_kind(&address) != ADDRESS_PUBLIC)
		return false;
	engine->public_wan = address.v4;
	return true;
}

/* Absent, or whole. Where it leads, upnp looks at again. */
static bool restore_service(struct engine *engine, json_t *service)
{
	const char *router, *control, *type;
	const char *firewall = ""; /* absent before there were pinholes */
	const char *events = "";   /* and before there were events */
	struct in_addr of;

	if (!service)
		return true;
	if (json_unpack(service, "{s:s, s:s, s:s, s?s, s?s}", "router", &router, "control",
			&control, "type", &type, "firewall", &firewall, "events", &events) < 0 ||
	    inet_pton(AF_INET, router, &of) != 1 || strlen(control) >= UPNP_TEXT_MAX ||
	    strlen(type) >= UPNP_TEXT_MAX || strlen(firewall) >= UPNP_TEXT_MAX ||
	    strlen(events) >= UPNP_TEXT_MAX)
		return false;
	snprintf(engine->service.control, UPNP_TEXT_MAX, "%s", control);
	snprintf(engine->service.type, UPNP_TEXT_MAX, "%s", type);
	snprintf(engine->service.firewall, UPNP_TEXT_MAX, "%s", firewall);
	snprintf(engine->service.events, UPNP_TEXT_MAX, "%s", events);
	engine->service_of = of;
	return true;
}

/* What was heard in another boot of this host, or later than now, has no place on this boot's clock. */
static bool restore_epoch(struct engine *engine, json_t *entry, bool same_boot)
{
	const char *router = json_string_value(json_object_get(entry, "router"));
	const json_t *heard = json_object_get(entry, "heard");
	json_int_t epoch = json_integer_value(json_object_get(entry, "epoch"));
	int64_t at = json_integer_value(heard);
	uint8_t via = via_from_name(json_string_value(json_object_get(entry, "protocol")));
	struct in_addr of;

	if (!router || inet_pton(AF_INET, router, &of) != 1 || via >= UPNP_PROTOCOLS || epoch < 0 ||
	    epoch > UINT32_MAX || at < 0 || at > INT64_MAX / 1000)
		return false;
	engine->epochs[via] = (struct upnp_epoch){
		.known = true,
		.undated = !heard || !same_boot || at > natd_now(),
		.server = (uint32_t)epoch,
		.heard_us = at * 1000,
	};
	engine->service_of = of;
	return true;
}

/* Absent, or addresses of IPv4. */
static bool restore_addresses(struct engine *engine, const json_t *list)
{
	size_t count = json_array_size(list);

	if (count > ENGINE_ADDRESSES_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || inet_pton(AF_INET, text, &engine->addresses[i]) != 1)
			return false;
	}
	return !list || json_is_array(list);
}

/* What one router holds, or held. NULL, or the first thing that is not sound. */
static json_t *restore_router(json_t *state, struct engine *engine, bool same_boot)
{
	json_t *wan = json_object_get(state, "wan");
	json_t *service = json_object_get(state, "service");
	json_t *addresses = json_object_get(state, "addresses");
	json_t *bad = NULL;
	size_t i;
	json_t *entry;

	if (!restore_wan(engine, wan))
		bad = wan;
	if (!restore_service(engine, service) && !bad)
		bad = service;
	if (!restore_addresses(engine, addresses) && !bad)
		bad = addresses;
	json_array_foreach(json_object_get(state, "epochs"), i, entry)
		if (!restore_epoch(engine, entry, same_boot) && !bad)
			bad = entry;
	json_array_foreach(json_object_get(state, "mappings"), i, entry)
		if (!restore_mapping(engine, entry) && !bad)
			bad = entry;
	json_array_foreach(json_object_get(state, "elsewhere"), i, entry)
		if (!restore_elsewhere(engine, entry) && !bad)
			bad = entry;
	return bad;
}

/* Absent where there is one router only. */
static json_t *restore_outer(json_t *outer, struct engine *engine, bool same_boot)
{
	if (outer && !json_is_array(json_object_get(outer, "mappings")))
		return outer;
	return restore_router(outer, engine, same_boot);
}

static bool is_of_this_boot(const json_t *boot)
{
	const char *text = json_string_value(boot);

	return text && text[0] && strcmp(text, natd_boot()) == 0;
}

json_t *state_restore(json_t *state, struct engine *engine, struct engine *outer,
		      struct pinholes *pinholes, struct sysctls *sysctls)
{
	json_t *version = json_object_get(state, "version");
	json_t *mappings = json_object_get(state, "mappings");
	json_t *switches = json_object_get(state, "sysctls");
	json_t *bad;
	json_t *bad_outer;
	bool same_boot;
	bool other_boot;
	size_t i;
	json_t *entry;

	if (json_integer_value(version) != STATE_VERSION || !json_is_array(mappings) ||
	    !json_is_array(switches))
		return json_incref(state);
	same_boot = is_of_this_boot(json_object_get(state, "boot"));
	other_boot = !same_boot && json_object_get(state, "boot") && natd_boot()[0];
	bad = restore_router(state, engine, same_boot);
	bad_outer = restore_outer(json_object_get(state, "outer"), outer, same_boot);
	if (!bad)
		bad = bad_outer;
	json_array_foreach(json_object_get(state, "pinholes"), i, entry)
		if (!pinholes_restore(pinholes, entry) && !bad)
			bad = entry;
	/* Another boot has begun with values of its own: what was before natd in the last one is not
	 * to be put back. */
	json_array_foreach(switches, i, entry)
		if (!other_boot && !restore_sysctl(sysctls, entry) && !bad)
			bad = entry;
	return json_incref(bad);
}
