/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which router is it, and is it the one that holds our mappings? Its MAC address says so: a laptop's
 * router at home and the one in a cafe may both be 192.168.1.1 (field/routers.md 6, "Saved state"). */
#include "natd/engine.h"

#include <string.h>

#include "natd/log.h"

/* The answer to an ARP request takes milliseconds, or on Wi-Fi a few hundred. */
#define IDENTIFY_MS 1000

static bool same_network(const struct upnp_network *a, const struct upnp_network *b)
{
	return a->gateway.s_addr == b->gateway.s_addr && a->address.s_addr == b->address.s_addr &&
	       a->source.s_addr == b->source.s_addr && a->ifindex == b->ifindex &&
	       a->prefix == b->prefix && !mac_differs(a->mac, b->mac);
}

/* The service and the epochs belong to one router. */
static void forget_service(struct engine *engine, const struct upnp_network *network)
{
	if (engine->service_of.s_addr == network->gateway.s_addr &&
	    !mac_differs(engine->network.mac, network->mac))
		return;
	engine->service = (struct upnp_service){ 0 };
	memset(engine->epochs, 0, sizeof(engine->epochs));
	engine->service_of = network->gateway;
}

/* Is there a mapping that only the right router may be asked about? */
static bool has_memory(const struct engine *engine)
{
	for (size_t i = 0; i < engine->forwards.count; i++)
		if (mac_is_known(engine->forwards.list[i].router))
			return true;
	return engine->elsewhere.count > 0;
}

static bool is_of_another(const struct engine *engine)
{
	for (size_t i = 0; i < engine->forwards.count; i++)
		if (mac_differs(engine->forwards.list[i].router, engine->network.mac))
			return true;
	for (size_t i = 0; i < engine->elsewhere.count; i++)
		if (memcmp(engine->elsewhere.list[i].router, engine->network.mac, MAC_SIZE) == 0)
			return true;
	return false;
}

void engine_claim(struct engine *engine)
{
	const uint8_t *mac = engine->network.mac;

	for (size_t i = 0; mac_is_known(mac) && i < engine->forwards.count; i++) {
		struct forward *forward = &engine->forwards.list[i];

		engine->forwards.dirty |= memcmp(forward->router, mac, MAC_SIZE) != 0;
		memcpy(forward->router, mac, MAC_SIZE);
	}
}

bool engine_lacks_mac(const struct engine *engine)
{
	return engine->has_router && !mac_is_known(engine->network.mac) &&
	       forwards_any(&engine->forwards, FORWARD_OPEN);
}

/* The MAC address became known after the first questions, or is what it was. */
static void learn(struct engine *engine, const uint8_t mac[MAC_SIZE])
{
	if (!mac_is_known(mac) || memcmp(engine->network.mac, mac, MAC_SIZE) == 0)
		return;
	memcpy(engine->network.mac, mac, MAC_SIZE);
	if (engine->identify_until)
		engine_identified(engine);
	else if (is_of_another(engine))
		engine_ask_all(engine);
	engine_claim(engine);
}

/* A datagram to the gateway has the kernel find out who that is. */
static void identify(struct engine *engine, int64_t now)
{
	for (size_t i = 0; i < engine->forwards.count; i++)
		if (engine->forwards.list[i].state != FORWARD_CLOSING)
			forward_mark_opening(&engine->forwards.list[i]);
	engine->retry_at = engine->afresh_at = 0;
	engine->identify_until = now + IDENTIFY_MS;
	engine_use(engine);
	engine_send_plain(engine, UPNP_KNOCK);
}

void engine_identified(struct engine *engine)
{
	engine->identify_until = 0;
	if (!mac_is_known(engine->network.mac))
		log_debug("the router's MAC address is not known: taken for the same as before");
	engine_ask_all(engine);
}

/* To the front of the list, where it is or not. */
static void remember_address(struct engine *engine, struct in_addr address)
{
	size_t at = 0;

	while (at < ENGINE_ADDRESSES_MAX - 1 && engine->addresses[at].s_addr != address.s_addr)
		at++;
	engine->forwards.dirty |= engine->addresses[0].s_addr != address.s_addr;
	memmove(&engine->addresses[1], &engine->addresses[0], at * sizeof(address));
	engine->addresses[0] = address;
}

bool engine_is_former(const struct engine *engine, struct in_addr address)
{
	for (size_t i = 1; address.s_addr && i < ENGINE_ADDRESSES_MAX; i++)
		if (engine->addresses[i].s_addr == address.s_addr)
			return true;
	return false;
}

static void leave(struct engine *engine)
{
	if (engine->has_router)
		engine->generation++; /* what that router still says is about the past */
	engine->has_router = false;
	engine->wan_known = false;
	engine->identify_until = 0;
	memset(engine->protocols, 0, sizeof(engine->protocols));
	memset(engine->network.mac, 0, sizeof(engine->network.mac));
	engine_rest(engine);
}

void engine_network(struct engine *engine, const struct upnp_network *network, int64_t now)
{
	if (!network) {
		leave(engine);
		return;
	}
	if (engine->has_router && same_network(&engine->network, network)) {
		learn(engine, network->mac);
		return;
	}
	forget_service(engine, network);
	engine->network = *network;
	remember_address(engine, network->address);
	engine->network.check = ENGINE_CHECK_SECONDS;
	engine->has_router = true;
	engine->wan_known = false;
	engine->router = (struct upnp_router){ 0 };
	engine->tries = 0;
	engine->identify_until = 0;
	if (!engine->order_count)
		return;
	if (mac_is_known(network->mac) || !has_memory(engine))
		engine_ask_all(engine);
	else
		identify(engine, now);
}
