/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "natd/log.h"
#include "natd/nonce.h"

#define STATE_VERSION 1
#define PATH_SIZE     512

/* ---- writing ---- */

static json_t *forward_to_json(const struct forward *forward)
{
	const struct config_forward *wanted = &forward->wanted;
	const char *via = forward->via < UPNP_PROTOCOLS ? upnp_protocol_names[forward->via] : NULL;
	struct address host = address_v4(forward->host);
	char nonce[NONCE_TEXT_MAX];
	char address[ADDRESS_TEXT_MAX];
	char mac[MAC_TEXT_MAX];

	return json_pack("{s:s, s:s, s:i, s:i, s:s, s:s?, s:i, s:s?, s:I, s:s?}", "name",
			 wanted->name, "protocol", wanted->protocol == IPPROTO_UDP ? "udp" : "tcp",
			 "port", (int)wanted->port, "external", (int)wanted->external, "nonce",
			 nonce_print(forward->nonce, nonce), "via", via, "external_port",
			 (int)forward->external_port, "host",
			 forward->host.s_addr ? address_print(&host, address) : NULL, "lease",
			 (json_int_t)forward->lifetime, "router",
			 mac_is_known(forward->router) ? mac_print(forward->router, mac) : NULL);
}

/* NULL: none. */
static json_t *service_to_json(const struct engine *engine)
{
	struct address router = address_v4(engine->service_of);
	char text[ADDRESS_TEXT_MAX];

	if (!engine->service.control[0])
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:s}", "router", address_print(&router, text), "control",
			 engine->service.control, "type", engine->service.type, "firewall",
			 engine->service.firewall);
}

static json_t *addresses_to_json(const struct engine *engine)
{
	json_t *list = json_array();
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < ENGINE_ADDRESSES_MAX && engine->addresses[i].s_addr; i++) {
		struct address address = address_v4(engine->addresses[i]);

		json_array_append_new(list, json_string(address_print(&address, text)));
	}
	return list;
}

static json_t *mappings_to_json(const struct forward *list, size_t count)
{
	json_t *mappings = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(mappings, forward_to_json(&list[i]));
	return mappings;
}

static json_t *held_to_json(const struct engine *engine)
{
	return mappings_to_json(engine->forwards.list, engine->forwards.count);
}

static json_t *elsewhere_to_json(const struct engine *engine)
{
	return mappings_to_json(engine->elsewhere.list, engine->elsewhere.count);
}

/* NULL: none. */
static json_t *wan_to_json(const struct engine *engine)
{
	struct address wan = address_v4(engine->public_wan);
	char text[ADDRESS_TEXT_MAX];

	return engine->public_wan.s_addr ? json_string(address_print(&wan, text)) : NULL;
}

/* NULL: there is no second router. */
static json_t *outer_to_json(const struct engine *outer)
{
	if (!outer->forwards.count && !outer->elsewhere.count && !outer->public_wan.s_addr)
		return NULL;
	return json_pack("{s:o*, s:o*, s:o, s:o}", "wan", wan_to_json(outer), "service",
			 service_to_json(outer), "mappings", held_to_json(outer), "elsewhere",
			 elsewhere_to_json(outer));
}

static json_t *to_json(const struct engine *engine, const struct engine *outer,
		       const struct pinholes *pinholes, const struct sysctls *sysctls)
{
	json_t *wan = wan_to_json(engine);
	json_t *switches = json_array();

	for (size_t i = 0; i < sysctls->count; i++)
		json_array_append_new(switches,
				      json_pack("{s:s, s:i, s:i}", "name", sysctls->list[i].name,
						"before", (int)sysctls->list[i].before, "ours",
						(int)sysctls->list[i].ours));
	return json_pack("{s:i, s:o, s:o, s:o*, s:o, s:o, s:o*, s:o, s:o}", "version",
			 STATE_VERSION, "wan", wan ? wan : json_null(), "addresses",
			 addresses_to_json(engine), "service", service_to_json(engine), "mappings",
			 held_to_json(engine), "elsewhere", elsewhere_to_json(engine), "outer",
			 outer_to_json(outer), "pinholes", pinholes_to_json(pinholes), "sysctls",
			 switches);
}

static bool write_text(int file, const char *text)
{
	ssize_t written = write(file, text, strlen(text));

	if (written >= 0 && written < (ssize_t)strlen(text))
		errno = ENOSPC; /* what a second write() would have said */
	return written == (ssize_t)strlen(text);
}

/* In one write: jansson's own json_dumpfd() makes a system call of each token. */
static bool write_file(const char *path, json_t *state, bool lasting)
{
	char *text = state ? json_dumps(state, JSON_INDENT(1)) : NULL;
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool good = file >= 0 && text && write_text(file, text);

	if (good && lasting)
		good = fsync(file) == 0;
	if (file >= 0)
		good = close(file) == 0 && good;
	free(text);
	return good;
}

bool state_write(const char *directory, const struct engine *engine, const struct engine *outer,
		 const struct pinholes *pinholes, const struct sysctls *sysctls, bool lasting)
{
	static bool failing; /* each renewal tries again; the user has been told */
	json_t *state = to_json(engine, outer, pinholes, sysctls);
	char fresh[PATH_SIZE];
	char path[PATH_SIZE];
	bool good;

	snprintf(path, sizeof(path), "%s/state.json", directory);
	snprintf(fresh, sizeof(fresh), "%s/state.json.new", directory);
	good = write_file(fresh, state, lasting) && rename(fresh, path) == 0;
	if (!good && !failing)
		log_warning("%s cannot be written (%s): after a crash natd will not know what it "
			    "has opened",
			    path, strerror(errno));
	if (good && failing)
		log_info("%s can be written again", path);
	failing = !good;
	json_decref(state);
	return good;
}

/* ---- reading ---- */

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
	const char *name;
	int before, ours;

	if (sysctls->count == SYSCTL_SAVED_MAX ||
	    json_unpack(entry, "{s:s, s:i, s:i}", "name", &name, "before", &before, "ours", &ours) <
		    0 ||
	    strlen(name) >= sizeof(sysctl->name) || strstr(name, ".."))
		return false;
	*sysctl = (struct sysctl){ .before = before, .ours = ours };
	snprintf(sysctl->name, sizeof(sysctl->name), "%s", name);
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
	struct in_addr of;

	if (!service)
		return true;
	if (json_unpack(service, "{s:s, s:s, s:s, s?s}", "router", &router, "control", &control,
			"type", &type, "firewall", &firewall) < 0 ||
	    inet_pton(AF_INET, router, &of) != 1 || strlen(control) >= UPNP_TEXT_MAX ||
	    strlen(type) >= UPNP_TEXT_MAX || strlen(firewall) >= UPNP_TEXT_MAX)
		return false;
	snprintf(engine->service.control, UPNP_TEXT_MAX, "%s", control);
	snprintf(engine->service.type, UPNP_TEXT_MAX, "%s", type);
	snprintf(engine->service.firewall, UPNP_TEXT_MAX, "%s", firewall);
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
static json_t *restore_router(json_t *state, struct engine *engine)
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
	json_array_foreach(json_object_get(state, "mappings"), i, entry)
		if (!restore_mapping(engine, entry) && !bad)
			bad = entry;
	json_array_foreach(json_object_get(state, "elsewhere"), i, entry)
		if (!restore_elsewhere(engine, entry) && !bad)
			bad = entry;
	return bad;
}

/* Absent where there is one router only. */
static json_t *restore_outer(json_t *outer, struct engine *engine)
{
	if (outer && !json_is_array(json_object_get(outer, "mappings")))
		return outer;
	return restore_router(outer, engine);
}

/* Keeps what is sound. NULL, or a new reference to the first thing that is not. */
static json_t *restore(json_t *state, struct engine *engine, struct engine *outer,
		       struct pinholes *pinholes, struct sysctls *sysctls)
{
	json_t *version = json_object_get(state, "version");
	json_t *mappings = json_object_get(state, "mappings");
	json_t *switches = json_object_get(state, "sysctls");
	json_t *bad;
	json_t *bad_outer;
	size_t i;
	json_t *entry;

	if (json_integer_value(version) != STATE_VERSION || !json_is_array(mappings) ||
	    !json_is_array(switches))
		return json_incref(state);
	bad = restore_router(state, engine);
	bad_outer = restore_outer(json_object_get(state, "outer"), outer);
	if (!bad)
		bad = bad_outer;
	json_array_foreach(json_object_get(state, "pinholes"), i, entry)
		if (!pinholes_restore(pinholes, entry) && !bad)
			bad = entry;
	json_array_foreach(switches, i, entry)
		if (!restore_sysctl(sysctls, entry) && !bad)
			bad = entry;
	return json_incref(bad);
}

static void set_aside(const char *path, const char *why)
{
	char aside[PATH_SIZE + sizeof(".broken")];

	snprintf(aside, sizeof(aside), "%s.broken", path);
	log_warning("%s is damaged (%s): natd goes on without what it cannot read and keeps the "
		    "file as "
		    "%s",
		    path, why, aside);
	if (rename(path, aside) < 0)
		log_warning("%s cannot be set aside: %s", path, strerror(errno));
}

/* Quotes what is not natd's; takes `bad` over, NULL if all is well. */
static void set_aside_for(const char *path, json_t *bad)
{
	char *text = bad ? json_dumps(bad, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	char why[160];

	if (!bad)
		return;
	snprintf(why, sizeof(why), "natd did not write %.120s", text ? text : "this");
	set_aside(path, why);
	free(text);
	json_decref(bad);
}

void state_read(const char *directory, struct engine *engine, struct engine *outer,
		struct pinholes *pinholes, struct sysctls *sysctls)
{
	char path[PATH_SIZE];
	json_error_t error;
	json_t *state;

	snprintf(path, sizeof(path), "%s/state.json", directory);
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return;
	state = json_load_file(path, 0, &error);
	if (!state)
		set_aside(path, error.text);
	else
		set_aside_for(path, restore(state, engine, outer, pinholes, sysctls));
	json_decref(state);
}
