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

/* Asks for those that are not open, by the protocol that works. */
static void ask_missing(struct engine *engine)
{
	if (forwards_any(&engine->forwards, FORWARD_OPEN))
		engine_ask_again(engine);
	else
		engine_ask_all(engine);
}

/* Closing one that the router may hold needs its word; of one that it never held, nothing is left. */
static void start_closing(struct engine *engine, struct forward *forward)
{
	if (forward->state == FORWARD_CLOSING)
		return;
	if (forward->via == UPNP_ANY && forward->state != FORWARD_OPENING) {
		forwards_forget(&engine->forwards, forward);
		return;
	}
	forward->state = FORWARD_CLOSING;
	forward->renew_at = 0;
	forward->moving = false;
	if (engine_asks(engine) && !engine->identify_until)
		engine_send_mapping(engine, UPNP_UNMAP, forward, forward->via);
}

/* ---- what is wanted ---- */

void engine_restore(struct engine *engine, const struct forward *saved)
{
	struct forward *forward;

	if (forwards_same(&engine->forwards, &saved->wanted) ||
	    !(forward = forwards_add(&engine->forwards, &saved->wanted)))
		return;
	forward_take_mapping(forward, saved);
	forward->state = FORWARD_CLOSING;
}

static bool is_listed(const struct config_forward *forwards, size_t count,
		      const struct config_forward *wanted)
{
	for (size_t i = 0; i < count; i++)
		if (forward_wants_same(&forwards[i], wanted))
			return true;
	return false;
}

static void close_unlisted(struct engine *engine, const struct config_forward *forwards,
			   size_t count)
{
	for (size_t i = engine->forwards.count; i-- > 0;) {
		struct forward *forward = &engine->forwards.list[i];

		if (!forward->temporary && !is_listed(forwards, count, &forward->wanted))
			start_closing(engine, forward);
	}
}

/* True if it is new to the router. */
static bool want_one(struct engine *engine, const struct config_forward *wanted)
{
	struct forward *forward = forwards_same(&engine->forwards, wanted);
	bool fresh = !forward || forward->state == FORWARD_CLOSING;

	if (!forward)
		forward = forwards_add(&engine->forwards, wanted);
	if (!forward) {
		log_warning("%s: more than %d forwards; this one is left out", forward_name(wanted),
			    UPNP_MAPPINGS_MAX);
		return false;
	}
	forward->wanted = *wanted;
	forward->temporary = false;
	if (fresh)
		forward_mark_opening(forward);
	return fresh;
}

bool engine_rest(struct engine *engine)
{
	const char *why = !engine->order_count  ? "natd.conf says that no router is to be asked"
			  : !engine->has_router ? "there is no router to ask"
						: NULL;

	if (why)
		engine->retry_at = engine->afresh_at = engine->trial_at = 0;
	for (size_t i = 0; why && i < engine->forwards.count; i++) {
		struct forward *forward = &engine->forwards.list[i];

		if (forward->state == FORWARD_CLOSING)
			continue;
		forward->state = FORWARD_OFF;
		forward->renew_at = 0;
		snprintf(forward->reason, sizeof(forward->reason), "%s", why);
	}
	return why != NULL;
}

void engine_want(struct engine *engine, const struct config *config,
		 const struct config_forward *forwards, size_t count, int64_t now)
{
	bool other_order = engine->order_count != config->order_count ||
			   memcmp(engine->order, config->order, config->order_count) != 0 ||
			   engine->lease != config->lease;
	bool fresh = false;

	(void)now;
	close_unlisted(engine, forwards, count);
	memcpy(engine->order, config->order, sizeof(engine->order));
	engine->order_count = config->order_count;
	engine->lease = config->lease;
	for (size_t i = 0; i < count; i++)
		fresh |= want_one(engine, &forwards[i]);
	if (engine_rest(engine)) {
		if (other_order && engine->has_router)
			engine_use(engine); /* with no protocol: upnp asks nothing any more */
		return;
	}
	if (other_order)
		engine_ask_all(engine);
	else if (fresh)
		ask_missing(engine);
}

void engine_yield(struct engine *engine, const struct config_forward *forwards, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct forward *holder = forwards_in_the_way(&engine->forwards, &forwards[i]);

		if (!holder || !holder->temporary)
			continue;
		log_warning("%s is closed: its external port %u is forward \"%s\"'s now",
			    forward_name(&holder->wanted), holder->wanted.external,
			    forwards[i].name);
		start_closing(engine, holder);
	}
}

/* Why natctl may not open `wanted`; false: it may. `known` is the forward that is the same. */
static bool open_is_refused(struct engine *engine, const struct config_forward *wanted,
			    const struct forward *known, char error[UPNP_TEXT_MAX])
{
	const struct forward *other =
		forwards_by_port(&engine->forwards, wanted->protocol, wanted->port);
	const struct forward *holder = forwards_in_the_way(&engine->forwards, wanted);
	char holder_name[32];

	if (other && !other->temporary) {
		snprintf(error, UPNP_TEXT_MAX,
			 "%s is forwarded already: natd keeps it open by itself",
			 forward_name(wanted));
	} else if (other && other != known) {
		snprintf(error, UPNP_TEXT_MAX,
			 "%s is open already, from external port %u: natctl close it first",
			 forward_name(wanted), other->wanted.external);
	} else if (holder) {
		snprintf(holder_name, sizeof(holder_name), "%s", forward_name(&holder->wanted));
		snprintf(error, UPNP_TEXT_MAX,
			 "%s cannot have external port %u: it leads to %s already",
			 forward_name(wanted), wanted->external, holder_name);
	} else if (!known && engine->forwards.count == UPNP_MAPPINGS_MAX) {
		snprintf(error, UPNP_TEXT_MAX,
			 "%s is one too many: natd keeps at most %d ports open",
			 forward_name(wanted), UPNP_MAPPINGS_MAX);
	} else {
		return false;
	}
	return true;
}

const struct forward *engine_open(struct engine *engine, const struct config_forward *wanted,
				  uint32_t seconds, int64_t now, char error[UPNP_TEXT_MAX])
{
	struct forward *forward = forwards_same(&engine->forwards, wanted);

	if (open_is_refused(engine, wanted, forward, error))
		return NULL;
	if (!forward)
		forward = forwards_add(&engine->forwards, wanted);
	forward->temporary = true;
	forward->until = seconds ? now + (int64_t)seconds * 1000 : 0;
	if (forward->state != FORWARD_OPEN) {
		forward_mark_opening(forward);
		if (!engine_rest(engine))
			ask_missing(engine);
	}
	return forward;
}

bool engine_close(struct engine *engine, uint8_t protocol, uint16_t port, char error[UPNP_TEXT_MAX])
{
	struct config_forward wanted = { .protocol = protocol, .port = port };
	struct forward *forward = forwards_by_port(&engine->forwards, protocol, port);

	if (!forward || !forward->temporary) {
		snprintf(error, UPNP_TEXT_MAX,
			 forward ? "%s is kept open by natd itself: natd.conf or the VPN says so"
				 : "%s is not forwarded",
			 forward_name(&wanted));
		return false;
	}
	start_closing(engine, forward);
	return true;
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

void engine_tick(struct engine *engine, int64_t now)
{
	for (size_t i = engine->forwards.count; i-- > 0;) {
		struct forward *forward = &engine->forwards.list[i];

		if (forward->renew_at && forward->renew_at <= now) {
			forward->renew_at = 0;
			engine_send_mapping(engine, UPNP_MAP, forward, forward->via);
		}
		if (forward->temporary && forward->until && forward->until <= now) {
			forward->until = 0;
			log_info("%s: its time is over", forward_name(&forward->wanted));
			start_closing(engine, forward);
		}
	}
	if (engine->identify_until && engine->identify_until <= now)
		engine_identified(engine);
	if (engine->afresh_at && engine->afresh_at <= now)
		engine_ask_all(engine);
	if (engine->retry_at && engine->retry_at <= now)
		ask_missing(engine);
	if (engine->trial_at && engine->trial_at <= now)
		engine_start_trials(engine, now);
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
		start_closing(engine, &engine->forwards.list[i]);
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
