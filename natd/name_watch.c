/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/name_watch.h"

#include <string.h>

#include "natd/facts.h"
#include "natd/log.h"
#include "natd/resolvers.h"

static void plan(struct natd *natd)
{
	int64_t deadline = name_deadline(&natd->name);
	int64_t wait = deadline - natd_now();
	struct timeval delay = { .tv_sec = 0 };

	evtimer_del(natd->name_timer);
	if (!deadline || natd->stopping)
		return;
	if (wait > 0)
		delay = (struct timeval){ wait / 1000, wait % 1000 * 1000 };
	evtimer_add(natd->name_timer, &delay);
}

void name_watch_resolvers(struct natd *natd, struct upnp_lookup *lookup)
{
	struct upnp_resolver resolvers[UPNP_RESOLVERS_MAX];
	size_t count = resolvers_read(RESOLVERS_PATH, &natd->network, resolvers);

	if (count) {
		memcpy(natd->resolvers, resolvers, sizeof(resolvers));
		natd->resolver_count = count;
	} else if (!natd->resolver_count) {
		lookup->resolvers[0].address = upnp_v4_mapped(natd->uplink.gateway.v4);
		lookup->count = 1;
		return;
	}
	memcpy(lookup->resolvers, natd->resolvers, sizeof(lookup->resolvers));
	lookup->count = (uint8_t)natd->resolver_count;
}

static void ask_if_due(struct natd *natd)
{
	struct upnp_request request = { .what = UPNP_LOOKUP };

	if (natd->stopping || !natd->name_timer)
		return;
	if (name_ask(&natd->name, &request.lookup, natd_now())) {
		name_watch_resolvers(natd, &request.lookup);
		process_post(&natd->upnp, &request, sizeof(request));
	}
	plan(natd);
}

static void on_timer(evutil_socket_t none, short what, void *context)
{
	(void)none;
	(void)what;
	ask_if_due(context);
}

void name_watch_start(struct natd *natd)
{
	natd->name_timer = evtimer_new(natd->base, on_timer, natd);
	if (!natd->name_timer)
		fatal("no memory for a timer");
	/* Now, because the sandbox lets natd read only the file that is there when it starts. */
	natd->resolver_count = resolvers_read(RESOLVERS_PATH, &natd->network, natd->resolvers);
	/* The address of the run before: another one is a change, which the name has to follow. */
	natd->name.wan = natd->engine.public_wan;
	name_watch_configured(natd);
}

void name_watch_configured(struct natd *natd)
{
	const char *wanted = natd->config.name;

	/* PiVPN's clients use the name that its settings hold. */
	if (!wanted[0] && config_is_name(natd->vpn.host))
		wanted = natd->vpn.host;
	name_want(&natd->name, wanted, natd_now());
	name_watch_touched(natd);
}

void name_watch_touched(struct natd *natd)
{
	struct in_addr wan = facts_public_wan(natd);

	name_wan_is(&natd->name, wan, natd_now());
	ask_if_due(natd);
}

static void say_answer(const struct natd *natd, bool was_stale)
{
	const struct name *name = &natd->name;
	char points_to[ADDRESS_TEXT_MAX];
	char text[ADDRESS_TEXT_MAX];
	struct address wan = address_v4(name->wan);

	if (name_is_stale(name) && !was_stale && name->result == UPNP_NAME_MISSING)
		log_warning("%s has no address in the DNS", name->name);
	else if (name_is_stale(name) && !was_stale)
		log_warning("%s points to %s, but this home is %s", name->name,
			    address_print(&name->addresses[0], points_to),
			    address_print(&wan, text));
	else if (was_stale && !name_is_stale(name))
		log_info("%s is right again", name->name);
	else
		log_debug("%s: %zu addresses, TTL %u s%s%s", name->name, name->count, name->ttl,
			  name->said[0] ? ": " : "", name->said);
}

void name_watch_answered(struct natd *natd, const struct upnp_resolved *resolved)
{
	bool was_stale = name_is_stale(&natd->name);

	if (!name_answer_is_sound(resolved))
		fatal("upnp sent an answer of the DNS that makes no sense");
	name_answer(&natd->name, resolved, natd_now());
	say_answer(natd, was_stale);
	plan(natd);
}
