/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "natd/config.h"
#include "natd/ctl/members.h"
#include "natd/ctl/print.h"
#include "natd/ctl/router.h"
#include "natd/line.h"
#include "natd/neighbour.h"
#include "natd/network.h"
#include "natd/shared_line.h"
#include "natd/vpn.h"

static const char *const protocol_keys[UPNP_PROTOCOLS] = {
	[UPNP_PCP] = "pcp",
	[UPNP_NATPMP] = "nat-pmp",
	[UPNP_IGD] = "upnp",
};

static const char *const state_keys[UPNP_STATES] = {
	[UPNP_OFF] = "off",
	[UPNP_ASKING] = "silent", /* no answer in all the time there was */
	[UPNP_OK] = "ok",
	[UPNP_SILENT] = "silent",
	[UPNP_REFUSED] = "refused",
	[UPNP_UNSUPPORTED] = "unsupported",
	[UPNP_ERROR] = "error",
};

static json_t *text_or_null(const char *text)
{
	char clean[UPNP_TEXT_MAX];

	snprintf(clean, sizeof(clean), "%s", text);
	print_clean(clean);
	return clean[0] ? json_string(clean) : json_null();
}

static json_t *address_or_null(const struct address *address)
{
	char text[ADDRESS_TEXT_MAX];

	return text_or_null(address_print(address, text));
}

static json_t *mac_or_null(const struct uplink *uplink)
{
	char text[MAC_TEXT_MAX];

	return uplink->has_mac ? json_string(mac_print(uplink->mac, text)) : json_null();
}

static json_t *host_facts(const struct uplink *uplink)
{
	if (!uplink->known)
		return json_pack("{s:n, s:n, s:n, s:n}", "address", "interface", "mac", "dynamic");
	return json_pack("{s:o, s:s, s:o, s:b}", "address",
			 address_or_null(&uplink->address.address), "interface", uplink->interface,
			 "mac", mac_or_null(uplink), "dynamic", uplink->dynamic);
}

static const char *wan_kind_key(const struct address *wan)
{
	switch (address_kind(wan)) {
	case ADDRESS_PUBLIC: return "public";
	case ADDRESS_PRIVATE: return "private";
	case ADDRESS_CGNAT: return "cgnat";
	case ADDRESS_NONE:
	case ADDRESS_DSLITE: return "none";
	case ADDRESS_SPECIAL: break;
	}
	return "unknown";
}

static void add_wan(json_t *router, const struct router_answers *answers)
{
	struct in_addr told = { 0 };
	struct address wan;

	if (!router_wan(answers, &told))
		return;
	wan = address_v4(told);
	if (told.s_addr != INADDR_ANY)
		json_object_set_new(router, "wan_address", address_or_null(&wan));
	json_object_set_new(router, "wan_kind", json_string(wan_kind_key(&wan)));
}

/* A second router, as in natd's status; what it speaks is not asked. */
static void add_line(json_t *router, const struct router_answers *answers)
{
	struct line_evidence evidence = { .hops = answers->hops };
	struct address client;
	struct address outer;
	struct line line;

	evidence.told = router_wan(answers, &evidence.wan);
	line = line_judge(&evidence);
	client = address_v4(line.wan);
	if (line.wan.s_addr != INADDR_ANY) {
		json_object_set_new(router, "wan_address", address_or_null(&client));
		json_object_set_new(router, "wan_kind", json_string(wan_kind_key(&client)));
	}
	if (line.kind != LINE_TWO_ROUTERS)
		return;
	outer = address_v4(line.outer);
	json_object_set_new(router, "upstream",
			    json_pack("{s:o, s:o}", "address", address_or_null(&outer), "client",
				      address_or_null(&client)));
}

static json_t *router_facts(const struct uplink *uplink)
{
	json_t *router =
		json_pack("{s:n, s:n, s:n, s:n, s:n, s:s, s:{}}", "address", "interface", "model",
			  "url", "wan_address", "wan_kind", "unknown", "protocols");

	if (!uplink->known)
		return router;
	json_object_set_new(router, "interface", json_string(uplink->interface));
	if (address_is_set(&uplink->gateway))
		json_object_set_new(router, "address", address_or_null(&uplink->gateway));
	return router;
}

static json_t *answer_json(const char *protocol, const struct upnp_protocol_report *report)
{
	return json_pack("{s:s, s:s, s:o, s:f}", "protocol", protocol, "state",
			 state_keys[report->state], "said", text_or_null(report->said), "took",
			 report->took_us / 1e6);
}

static void add_answers(json_t *facts, const struct router_answers *answers)
{
	json_t *router = json_object_get(facts, "router");
	json_t *list = json_array();

	json_object_set_new(router, "model", text_or_null(answers->router.model));
	json_object_set_new(router, "url", text_or_null(answers->router.url));
	json_object_set_new(router, "server", text_or_null(answers->router.server));
	add_wan(router, answers);
	add_line(router, answers);
	for (int i = 0; i < UPNP_PROTOCOLS; i++) {
		json_object_set_new(json_object_get(router, "protocols"), protocol_keys[i],
				    json_string(state_keys[answers->protocols[i].state]));
		json_array_append_new(list, answer_json(protocol_keys[i], &answers->protocols[i]));
	}
	json_object_set_new(facts, "answers", list);
}

static json_t *table_json(const struct router_answers *answers)
{
	if (!answers->table_asked)
		return json_null();
	return json_pack("{s:i, s:b, s:o, s:f}", "entries", (int)answers->table.count, "complete",
			 answers->table.complete, "said", text_or_null(answers->table.said), "took",
			 (double)answers->table_ms / 1e3);
}

/* null where this host has no public IPv6 address, or no router for it. */
static json_t *ipv6_json(const struct router_answers *answers, const struct router6 *six)
{
	const struct upnp_probed6 *told = &answers->six;
	bool firewall = told->firewall.state == UPNP_OK;
	struct address address = { .family = AF_INET6, .v6 = six->at.address };
	struct address gateway = { .family = AF_INET6, .v6 = six->at.gateway };

	if (!six->known || !answers->six_told)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:[o, o]}", "address", address_or_null(&address),
			 "gateway", address_or_null(&gateway), "firewall",
			 firewall ? json_boolean(told->enabled) : json_null(), "pinholes",
			 firewall ? json_boolean(told->allowed) : json_null(), "answers",
			 answer_json("pcp", &told->pcp), answer_json("upnp", &told->firewall));
}

static json_t *forward_facts(const struct config_forward *forward)
{
	return json_pack("{s:s, s:s, s:i, s:i}", "name", forward->name, "protocol",
			 forward->protocol == IPPROTO_TCP ? "tcp" : "udp", "port", forward->port,
			 "external_port", forward->external);
}

/* What natd would open: a file that it would refuse counts as none, natd itself says what is wrong. */
static json_t *configured_forwards(const struct shared_line *line)
{
	json_t *forwards = json_array();
	struct config config;
	struct vpn vpn;
	char error[CONFIG_ERROR_MAX];

	if (!config_read(&config, CONFIG_PATH, true, error))
		config_defaults(&config);
	if (config.forward_count == 0) {
		vpn_read(&vpn, "");
		memcpy(config.forwards, vpn.forwards, vpn.count * sizeof(vpn.forwards[0]));
		config.forward_count = vpn.count;
	}
	shared_line_move(line, config.forwards, config.forward_count);
	for (size_t i = 0; i < config.forward_count; i++)
		json_array_append_new(forwards, forward_facts(&config.forwards[i]));
	config_free(&config);
	return forwards;
}

static struct router6 router6_of(const struct network *network)
{
	struct uplink uplink = network_uplink(network, AF_INET6);
	static const struct address any;
	struct address ours = network_public_v6(network, uplink.index, &any);

	return (struct router6){
		.known = uplink.known && address_is_set(&uplink.gateway) && address_is_set(&ours),
		.at = { .address = ours.v6, .gateway = uplink.gateway.v6, .ifindex = uplink.index },
	};
}

/* Asks the router, if there is one to ask; NULL if so, else why not. */
static const char *ask_router(json_t *facts, const struct network *network,
			      const struct uplink *uplink, const json_t *routers,
			      struct identify *identify)
{
	struct router6 six = router6_of(network);
	struct router_answers answers;

	if (!uplink->known)
		return "this host has no default route: it is not connected to a router";
	if (!address_is_set(&uplink->gateway))
		return "the default route names no router: this host is on the internet itself";
	if (routers)
		identify_start(identify, uplink->gateway.v4, routers);
	if (!router_ask(uplink, routers ? NULL : &six, &answers, identify))
		return "the process that asks the router ended early";
	add_answers(facts, &answers);
	if (routers)
		return NULL; /* the rest does not matter to a hand */
	json_object_set_new(facts, "table", table_json(&answers));
	json_object_set_new(facts, "ipv6", ipv6_json(&answers, &six));
	return NULL;
}

/* By this host's IPv6 address and the WAN address that the router has told, if it has. */
static struct shared_line judge_line(const struct network *network, const json_t *router)
{
	static const struct address any;
	struct uplink uplink = network_uplink(network, AF_INET6);
	struct address ours = { 0 };
	struct address wan = { 0 };

	if (uplink.known)
		ours = network_public_v6(network, uplink.index, &any);
	address_parse(&wan, text_of(router, "wan_address"));
	return shared_line_judge(&ours, &wan.v4, 1);
}

json_t *survey_take(const json_t *routers, struct identify *identify)
{
	struct network network = { 0 };
	struct uplink uplink = { 0 };
	const char *reason = "the kernel does not tell what this host's network is";
	struct shared_line line;
	json_t *router;
	json_t *facts;

	if (network_read(&network)) {
		uplink = network_uplink(&network, AF_INET);
		reason = NULL;
	}
	facts = json_pack("{s:o, s:o}", "host", host_facts(&uplink), "router",
			  router_facts(&uplink));
	if (!facts)
		fatal("no memory");
	if (!reason)
		reason = ask_router(facts, &network, &uplink, routers, identify);
	if (reason)
		json_object_set_new(facts, "reason", json_string(reason));
	router = json_object_get(facts, "router");
	line = judge_line(&network, router);
	json_object_set_new(router, "shared", shared_line_json(&line));
	json_object_set_new(facts, "forwards", configured_forwards(&line));
	return facts;
}
