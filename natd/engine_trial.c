/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Back to the wanted port, when whoever had it has let it go.
 *
 * UPnP adds the wanted one beside the one that is held (upnp/igd_map.c), so a renewal is all it takes.
 * PCP and NAT-PMP hold one mapping for each port of ours and answer every further question with that one
 * (RFC 6887 11.3). So the wanted port is asked for with another port of ours, at which nothing listens:
 * if that is granted, the port is free. Only then is the mapping that is held removed and made anew. The
 * trial is a forward that is closing from its beginning: no list shows it, a crash or the stop removes
 * it like any other. */
#include "natd/engine.h"

#include <string.h>

#include "natd/log.h"

void engine_plan_trial(struct engine *engine, int64_t when)
{
	engine->trial_at = when;
}

static bool is_displaced(const struct forward *forward)
{
	return forward->state == FORWARD_OPEN && !forward->moving &&
	       forward->external_port != forward->wanted.external;
}

static void start_trial(struct engine *engine, const struct forward *forward)
{
	struct config_forward wanted = forward->wanted;
	struct forward *trial;

	wanted.port = engine->hooks->free_port(engine->context, wanted.protocol);
	if (!wanted.port || !(trial = forwards_add(&engine->forwards, &wanted)))
		return;
	trial->state = FORWARD_CLOSING;
	trial->trial_of = forward->id;
	trial->via = forward->via;
	memcpy(trial->router, forward->router, sizeof(trial->router));
	engine->hooks->save(engine->context);
	engine_send_mapping(engine, UPNP_MAP, trial, trial->via);
}

void engine_start_trials(struct engine *engine, int64_t now)
{
	size_t count = engine->forwards.count; /* without the trials that are added */

	engine->trial_at = 0;
	for (size_t i = 0; i < count; i++) {
		struct forward *forward = &engine->forwards.list[i];

		if (!is_displaced(forward))
			continue;
		engine->trial_at = now + (int64_t)ENGINE_TRIAL_SECONDS * 1000;
		if (forward->via == UPNP_IGD)
			engine_send_mapping(engine, UPNP_MAP, forward, forward->via);
		else
			start_trial(engine, forward);
	}
}

static void move(struct engine *engine, struct forward *forward)
{
	if (!forward || !is_displaced(forward))
		return;
	log_info("%s: external port %u is free by now, and taken back",
		 forward_name(&forward->wanted), forward->wanted.external);
	forward->moving = true;
	forward->renew_at = 0;
	engine_send_mapping(engine, UPNP_UNMAP, forward, forward->via);
}

bool engine_trial_unmapped(struct engine *engine, struct forward *forward, bool removed)
{
	if (forward->trial_of && forward->trial_won && removed)
		move(engine, forwards_by_id(&engine->forwards, forward->trial_of));
	if (!forward->moving)
		return false;
	forward->moving = false;
	/* Not removed: it is held as before. */
	engine_send_mapping(engine, UPNP_MAP, forward, removed ? UPNP_ANY : forward->via);
	engine_send_plain(engine, UPNP_ASK);
	return true;
}
