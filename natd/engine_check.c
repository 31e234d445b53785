/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is what the router said still so? Asked by natctl doctor. */
#include "natd/engine.h"

/* A renewal by the protocol that holds it is granted only if the router still has it, or gives it
 * again: nothing is closed, and nobody sees it closed. */
static bool confirm_open(struct engine *engine)
{
	bool any_missing = false;

	for (size_t i = 0; i < engine->forwards.count; i++) {
		struct forward *forward = &engine->forwards.list[i];

		any_missing |= forward->state == FORWARD_FAILED;
		if (forward->state != FORWARD_OPEN)
			continue;
		forward->renew_at = 0;
		engine_send_mapping(engine, UPNP_MAP, forward, forward->via);
	}
	return any_missing;
}

bool engine_check(struct engine *engine)
{
	struct upnp_request probe = { .what = UPNP_PROBE };

	if (!engine_asks(engine))
		return false;
	if (confirm_open(engine))
		engine_ask_again(engine);
	probe.generation = engine->generation;
	engine->hooks->send(engine->context, &probe);
	return true;
}
