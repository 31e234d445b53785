/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What natd knows, as the state file holds it. */
#include "natd/state_json.h"

#include "natd/clock.h"
#include "natd/nonce.h"

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
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "router", address_print(&router, text),
			 "control", engine->service.control, "type", engine->service.type,
			 "firewall", engine->service.firewall, "events", engine->service.events);
}

/* "heard" is in milliseconds of the boot that the file names; without it, it was in an earlier one. */
static json_t *epoch_to_json(const struct upnp_epoch *epoch, const char *router,
			     const char *protocol)
{
	json_t *object = json_pack("{s:s, s:s, s:I}", "router", router, "protocol", protocol,
				   "epoch", (json_int_t)epoch->server);

	if (!epoch->undated)
		json_object_set_new(object, "heard", json_integer(epoch->heard_us / 1000));
	return object;
}

static json_t *epochs_to_json(const struct engine *engine)
{
	struct address router = address_v4(engine->service_of);
	json_t *list = json_array();
	char text[ADDRESS_TEXT_MAX];

	address_print(&router, text);
	for (uint8_t via = 0; via < UPNP_PROTOCOLS; via++)
		if (engine->epochs[via].known)
			json_array_append_new(list, epoch_to_json(&engine->epochs[via], text,
								  upnp_protocol_names[via]));
	return list;
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
	return json_pack("{s:o*, s:o*, s:o, s:o, s:o}", "wan", wan_to_json(outer), "service",
			 service_to_json(outer), "epochs", epochs_to_json(outer), "mappings",
			 held_to_json(outer), "elsewhere", elsewhere_to_json(outer));
}

json_t *state_to_json(const struct engine *engine, const struct engine *outer,
		      const struct pinholes *pinholes, const struct sysctls *sysctls)
{
	json_t *wan = wan_to_json(engine);
	json_t *switches = json_array();

	for (size_t i = 0; i < sysctls->count; i++)
		json_array_append_new(switches,
				      json_pack("{s:s, s:i, s:i}", "name", sysctls->list[i].name,
						"before", (int)sysctls->list[i].before, "ours",
						(int)sysctls->list[i].ours));
	return json_pack("{s:i, s:s, s:o, s:o, s:o*, s:o, s:o, s:o, s:o*, s:o, s:o}", "version",
			 STATE_VERSION, "boot", natd_boot(), "wan", wan ? wan : json_null(),
			 "addresses", addresses_to_json(engine), "service", service_to_json(engine),
			 "epochs", epochs_to_json(engine), "mappings", held_to_json(engine),
			 "elsewhere", elsewhere_to_json(engine), "outer", outer_to_json(outer),
			 "pinholes", pinholes_to_json(pinholes), "sysctls", switches);
}
