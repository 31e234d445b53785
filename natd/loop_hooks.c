/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the engines and the kernel's side ask of the loop: requests for upnp, and the state file. */
#include <string.h>

#include "natd/listen.h"
#include "natd/loop.h"
#include "natd/name_watch.h"
#include "natd/state.h"

static void save(struct natd *natd, bool lasting)
{
	if (state_write(natd->state_directory, &natd->engine, &natd->upstream.engine,
			&natd->pinholes, &natd->kernel.sysctls, lasting))
		natd->engine.forwards.dirty = natd->upstream.engine.forwards.dirty =
			natd->pinholes.dirty = false;
}

/* Before a request that relies on it: a crash of natd loses nothing, and the router is not kept waiting
 * for a slow disk. The grant that follows saves again, and waits. */
static void save_before_asking(void *context)
{
	save(context, false);
}

void loop_save(void *context)
{
	save(context, true);
}

static uint16_t free_port(void *context, uint8_t protocol)
{
	(void)context;
	return listen_free_port(protocol);
}

/* With UPNP_USE all is forgotten that is about that router, and one request of a kind, the last, is
 * enough. */
static bool is_stale(const void *waiting, const void *next)
{
	const struct upnp_request *old = waiting;
	const struct upnp_request *request = next;

	if (request->what == UPNP_USE && old->hop == request->hop)
		return old->what != UPNP_LOOK_OUT && old->what != UPNP_STUN &&
		       old->what != UPNP_PIN && old->what != UPNP_UNPIN;
	return memcmp(old, request, sizeof(*request)) == 0;
}

static void send_to_upnp(void *context, const struct upnp_request *request)
{
	struct natd *natd = context;
	struct upnp_request named;

	if (request->what == UPNP_STUN && request->server.lookup.name[0]) {
		named = *request;
		name_watch_resolvers(natd, &named.server.lookup);
		request = &named;
	}
	/* upnp may wait for a slow router for long; what it has not heard yet is then put right. */
	process_withdraw(&natd->upnp, is_stale, request);
	process_post(&natd->upnp, request, sizeof(*request));
}

static void send_about_outer(void *context, const struct upnp_request *request)
{
	struct upnp_request about_outer = *request;

	about_outer.hop = 1;
	send_to_upnp(context, &about_outer);
}

const struct engine_hooks loop_engine_hooks = { send_to_upnp, save_before_asking, free_port };
const struct engine_hooks loop_outer_hooks = { send_about_outer, save_before_asking, free_port };
