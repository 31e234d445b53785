/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which forwards are wanted: by natd.conf or the VPN, and by natctl. */
#include "natd/engine.h"

#include <stdio.h>
#include <string.h>

#include "natd/log.h"

void engine_restore(struct engine *engine, const struct forward *saved)
{
	struct forward *forward;

	if (forwards_same(&engine->forwards, &saved->wanted) ||
	    !(forward = forwards_add(&engine->forwards, &saved->wanted)))
		return;
	forward_take_mapping(forward, saved);
	forward->state = FORWARD_CLOSING;
}

static void close_unlisted(struct engine *engine, const struct config_forward *forwards,
			   size_t count)
{
	for (size_t i = engine->forwards.count; i-- > 0;) {
		struct forward *forward = &engine->forwards.list[i];

		if (!forward->temporary && !forward_is_among(forward, forwards, count))
			engine_start_closing(engine, forward);
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
	forward->until = 0;
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
		engine_ask_missing(engine);
}

/* Who wants one of the ports of what `natctl open` opened, and another one with it. */
static const struct config_forward *owner_of(const struct forward *holder,
					     const struct config_forward *forwards, size_t count)
{
	if (!holder->temporary || holder->state == FORWARD_CLOSING)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (forward_claims(holder, &forwards[i]) ||
		    (holder->wanted.protocol == forwards[i].protocol &&
		     holder->wanted.port == forwards[i].port))
			return &forwards[i];
	return NULL;
}

void engine_yield(struct engine *engine, const struct config_forward *forwards, size_t count)
{
	for (size_t i = engine->forwards.count; i-- > 0;) {
		struct forward *holder = &engine->forwards.list[i];
		const struct config_forward *owner = owner_of(holder, forwards, count);

		if (!owner || forward_is_among(holder, forwards, count))
			continue;
		if (owner->port == holder->wanted.port)
			log_warning("%s is closed as external port %u: natd opens it itself, as "
				    "external port %u, for forward \"%s\"",
				    forward_name(&holder->wanted), holder->wanted.external,
				    owner->external, owner->name);
		else
			log_warning("%s is closed: its external port %u is forward \"%s\"'s now",
				    forward_name(&holder->wanted), holder->wanted.external,
				    owner->name);
		engine_start_closing(engine, holder);
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
			engine_ask_missing(engine);
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
	engine_start_closing(engine, forward);
	return true;
}
