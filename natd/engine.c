/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/engine.h"

#include <stdio.h>
#include <string.h>

#include "natd/clock.h"
#include "natd/lease.h"
#include "natd/log.h"

const char *const upnp_protocol_names[UPNP_PROTOCOLS] = { "pcp", "nat-pmp", "upnp" };

const char *const upnp_state_names[UPNP_STATES] = {
	[UPNP_OFF] = "off",       [UPNP_ASKING] = "asking",   [UPNP_OK] = "ok",
	[UPNP_SILENT] = "silent", [UPNP_REFUSED] = "refused", [UPNP_UNSUPPORTED] = "unsupported",
	[UPNP_ERROR] = "error",
};

/* Seconds. What a trial leaves behind after a crash ends by itself; routers grant no less than this. */
#define TRIAL_LEASE 120

void engine_init(struct engine *engine, const struct engine_hooks *hooks, void *context)
{
	memset(engine, 0, sizeof(*engine));
	engine->hooks = hooks;
	engine->context = context;
	engine->called = "router";
}

/* ---- what goes to upnp ---- */

void engine_send_mapping(struct engine *engine, enum upnp_request_what what,
			 const struct forward *forward, uint8_t via)
{
	struct upnp_request request = { .what = what, .generation = engine->generation };
	struct upnp_mapping *mapping = &request.mapping;
	bool granted = via != UPNP_ANY && forward->external_port;

	mapping->id = forward->id;
	mapping->protocol = forward->wanted.protocol;
	mapping->via = via;
	mapping->port = forward->wanted.port;
	mapping->external_port = granted ? forward->external_port : forward->wanted.external;
	mapping->wanted_port = forward->wanted.external;
	mapping->former_via = UPNP_ANY;
	if (forward->host.s_addr != engine->network.address.s_addr) {
		mapping->former = forward->host;
		mapping->former_port = forward->external_port;
		mapping->former_via = forward->via;
	}
	mapping->lifetime = forward->trial_of ? TRIAL_LEASE : engine->lease;
	memcpy(mapping->nonce, forward->nonce, sizeof(mapping->nonce));
	memcpy(mapping->name, forward->wanted.name, sizeof(mapping->name));
	engine->hooks->send(engine->context, &request);
}

void engine_send_plain(struct engine *engine, enum upnp_request_what what)
{
	struct upnp_request request = { .what = what, .generation = engine->generation };

	if (what == UPNP_USE) {
		request.network = engine->network;
		request.network.service = engine->service;
		memcpy(request.network.epochs, engine->epochs, sizeof(engine->epochs));
	}
	engine->hooks->send(engine->context, &request);
}

/* The configured order, but a protocol that holds one of our mappings from the run before goes first:
 * only it can renew that mapping without making a second one. */
static void choose_order(struct engine *engine)
{
	struct upnp_network *network = &engine->network;
	uint8_t first = UPNP_ANY;

	for (size_t i = 0; i < engine->forwards.count && first == UPNP_ANY; i++)
		if (memchr(engine->order, engine->forwards.list[i].via, engine->order_count))
			first = engine->forwards.list[i].via;
	network->count = 0;
	if (first != UPNP_ANY)
		network->order[network->count++] = first;
	for (uint8_t i = 0; i < engine->order_count; i++)
		if (engine->order[i] != first)
			network->order[network->count++] = engine->order[i];
}

static void reset_protocols(struct engine *engine)
{
	for (uint8_t i = 0; i < UPNP_PROTOCOLS; i++) {
		bool asked = memchr(engine->network.order, i, engine->network.count) != NULL;

		engine->protocols[i] =
			(struct protocol_status){ .state = asked ? UPNP_ASKING : UPNP_OFF };
	}
}

void forward_mark_opening(struct forward *forward)
{
	forward->state = FORWARD_OPENING;
	forward->renew_at = 0;
}

void engine_use(struct engine *engine)
{
	choose_order(engine);
	reset_protocols(engine);
	engine->generation++;
	engine_send_plain(engine, UPNP_USE);
}

/* Asks for everything afresh: what the router knew of us may be gone. */
void engine_ask_all(struct engine *engine)
{
	engine->retry_at = engine->afresh_at = 0; /* also where there is no router any more */
	if (!engine->has_router || engine->identify_until)
		return;
	if (mac_is_known(engine->network.mac) &&
	    elsewhere_swap(&engine->elsewhere, &engine->forwards, engine->network.mac))
		memset(engine->epochs, 0, sizeof(engine->epochs)); /* of the router before */
	if (!engine->forwards.count)
		return;
	engine_claim(engine);
	if (engine->forwards.dirty)
		engine->hooks->save(engine->context);
	engine_use(engine);
	for (size_t i = 0; i < engine->forwards.count; i++) {
		struct forward *forward = &engine->forwards.list[i];

		if (forward->state == FORWARD_CLOSING) {
			engine_send_mapping(engine, UPNP_UNMAP, forward, forward->via);
			continue;
		}
		forward_mark_opening(forward);
		forward->moving = false;
		engine_send_mapping(engine, UPNP_MAP, forward, UPNP_ANY);
	}
	engine_send_plain(engine, UPNP_ASK);
}

void engine_ask_again(struct engine *engine)
{
	engine->retry_at = 0;
	if (engine->identify_until)
		return;
	engine_claim(engine);
	if (engine->forwards.dirty)
		engine->hooks->save(engine->context);
	for (size_t i = 0; i < engine->forwards.count; i++) {
		struct forward *forward = &engine->forwards.list[i];

		if (forward->state != FORWARD_FAILED && forward->state != FORWARD_OPENING)
			continue;
		forward_mark_opening(forward);
		engine_send_mapping(engine, UPNP_MAP, forward, UPNP_ANY);
	}
	engine_send_plain(engine, UPNP_ASK);
}

void engine_ask_missing(struct engine *engine)
{
	if (forwards_any(&engine->forwards, FORWARD_OPEN))
		engine_ask_again(engine);
	else
		engine_ask_all(engine);
}

void engine_start_closing(struct engine *engine, struct forward *forward)
{
	if (forward->state == FORWARD_CLOSING)
		return;
	if (!forward_may_be_held(forward)) {
		forwards_forget(&engine->forwards, forward);
		return;
	}
	forward->state = FORWARD_CLOSING;
	forward->renew_at = 0;
	forward->moving = false;
	if (engine_asks(engine) && !engine->identify_until)
		engine_send_mapping(engine, UPNP_UNMAP, forward, forward->via);
}

/* ---- time ---- */

void engine_gather(struct engine *engine, int64_t now)
{
	for (size_t i = 0; i < engine->forwards.count; i++) {
		struct forward *forward = &engine->forwards.list[i];

		if (forward->renew_at > now &&
		    lease_may_renew(forward->granted_at, forward->lifetime, now))
			forward->renew_at = now;
	}
}

bool engine_tick(struct engine *engine, int64_t now)
{
	bool over = false;

	for (size_t i = engine->forwards.count; i-- > 0;) {
		struct forward *forward = &engine->forwards.list[i];

		if (forward->renew_at && forward->renew_at <= now) {
			forward->renew_at = 0;
			engine_send_mapping(engine, UPNP_MAP, forward, forward->via);
		}
		if (forward->temporary && forward->until && forward->until <= now) {
			forward->until = 0;
			over = true;
			log_info("%s: its time is over", forward_name(&forward->wanted));
			engine_start_closing(engine, forward);
		}
	}
	if (engine->identify_until && engine->identify_until <= now)
		engine_identified(engine);
	if (engine->afresh_at && engine->afresh_at <= now)
		engine_ask_all(engine);
	if (engine->retry_at && engine->retry_at <= now)
		engine_ask_missing(engine);
	if (engine->trial_at && engine->trial_at <= now)
		engine_start_trials(engine, now);
	return over;
}

int64_t engine_deadline(const struct engine *engine)
{
	int64_t deadline = clock_sooner(clock_sooner(engine->retry_at, engine->afresh_at),
					clock_sooner(engine->identify_until, engine->trial_at));

	for (size_t i = 0; i < engine->forwards.count; i++) {
		deadline = clock_sooner(deadline, engine->forwards.list[i].renew_at);
		deadline = clock_sooner(deadline, engine->forwards.list[i].until);
	}
	return deadline;
}

void engine_leave(struct engine *engine)
{
	if (engine->has_router)
		engine_send_plain(engine, UPNP_LEAVE);
}

void engine_stop(struct engine *engine)
{
	engine->retry_at = engine->afresh_at = engine->trial_at = 0;
	if (engine->identify_until)
		engine_identified(engine);
	for (size_t i = engine->forwards.count; i-- > 0;)
		engine_start_closing(engine, &engine->forwards.list[i]);
}

bool engine_asks(const struct engine *engine)
{
	return engine->has_router && engine->order_count;
}

bool engine_has_protocol(const struct engine *engine, uint8_t state)
{
	for (size_t i = 0; i < UPNP_PROTOCOLS; i++)
		if (engine->protocols[i].state == state)
			return true;
	return false;
}

bool engine_answers(const struct engine *engine)
{
	return engine_has_protocol(engine, UPNP_OK) || engine_has_protocol(engine, UPNP_ERROR);
}

bool engine_is_idle(const struct engine *engine)
{
	return !engine_asks(engine) || !forwards_any(&engine->forwards, FORWARD_CLOSING);
}
