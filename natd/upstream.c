/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/upstream.h"

#include <arpa/inet.h>
#include <string.h>

#include "natd/clock.h"
#include "natd/log.h"

/* upnp ends its look in less than 2 s, STUN's in 4; where it is busy with a slow router, later. */
#define LOOK_MS 15000

/* A line that is not as it should be may be mended: looked at again once an hour. */
#define LOOK_AGAIN_MS 3600000

void upstream_init(struct upstream *upstream, const struct engine_hooks *hooks, void *context)
{
	memset(upstream, 0, sizeof(*upstream));
	engine_init(&upstream->engine, hooks, context);
	upstream->engine.called = "outer router";
	config_defaults(&upstream->config);
}

/* ---- looking ---- */

/* Has the home router said all that it will say of its WAN address? */
static bool has_answered(const struct engine *home)
{
	bool asked = false;

	for (size_t i = 0; i < UPNP_PROTOCOLS; i++)
		asked |= home->protocols[i].state != UPNP_OFF;
	return home->has_router && asked && !engine_has_protocol(home, UPNP_ASKING) &&
	       (home->wan_known || !engine_answers(home) ||
		!forwards_any(&home->forwards, FORWARD_OPENING));
}

/* "I have no usable WAN address" is a word about it as well. */
static bool has_no_wan(const struct engine *home)
{
	for (size_t i = 0; i < home->forwards.count; i++)
		if (home->forwards.list[i].state == FORWARD_FAILED &&
		    home->forwards.list[i].failure == UPNP_NETWORK_FAILURE)
			return true;
	return false;
}

static void start_look(struct upstream *upstream, const struct engine *home,
		       const struct config *config, int64_t now)
{
	struct upnp_request request = { .what = UPNP_LOOK_OUT, .generation = home->generation };

	upstream->look_until = now + LOOK_MS;
	upstream->look_at = 0;
	upstream->looked_tries = upstream->engine.tries;
	home->hooks->send(home->context, &request);
	request.what = UPNP_STUN;
	request.server = config->stun;
	if (config->stun.port)
		home->hooks->send(home->context, &request);
}

/* Another router, another WAN address of it, another server to ask: what was found is not true any more.
 * Where only this host has another address, the same is looked for again: nothing else has moved. */
static bool is_news(struct upstream *upstream, const struct engine *home,
		    const struct upnp_server *stun, bool told)
{
	struct in_addr wan = home->wan_known ? home->wan.address : (struct in_addr){ INADDR_ANY };
	bool other = upstream->looked_for.gateway.s_addr != home->network.gateway.s_addr ||
		     mac_differs(upstream->looked_for.mac, home->network.mac);
	bool moved = other || upstream->looked_for.address.s_addr != home->network.address.s_addr;
	bool same_wan =
		upstream->looked_for.told == told && upstream->looked_for.wan.s_addr == wan.s_addr;

	if (mac_is_known(home->network.mac))
		memcpy(upstream->looked_for.mac, home->network.mac, MAC_SIZE);
	if (!moved && same_wan &&
	    upstream->looked_for.stun.address.s_addr == stun->address.s_addr &&
	    upstream->looked_for.stun.port == stun->port &&
	    strcmp(upstream->looked_for.stun.lookup.name, stun->lookup.name) == 0)
		return false;
	upstream->looked_for.gateway = home->network.gateway;
	upstream->looked_for.address = home->network.address;
	upstream->looked_for.told = told;
	upstream->looked_for.stun = *stun;
	upstream->looked_for.wan = wan;
	upstream->stranger.s_addr = INADDR_ANY;
	upstream->mapped_as.s_addr = INADDR_ANY;
	if (other)
		upstream->hops = (struct upnp_hops){ 0 };
	if (!same_wan)
		memset(upstream->hops.wan, 0, sizeof(upstream->hops.wan));
	upstream->looked &= !moved;
	return true;
}

static void judge(struct upstream *upstream)
{
	struct line_evidence evidence = {
		.told = upstream->looked_for.told,
		.wan = upstream->looked_for.wan,
		.hops = upstream->hops,
		.mapped_as = upstream->mapped_as,
	};
	enum line_kind before = upstream->line.kind;
	char text[INET_ADDRSTRLEN];

	upstream->line = line_judge(&evidence);
	if (upstream->line.kind == before || !upstream->looked)
		return;
	inet_ntop(AF_INET, &upstream->line.next, text, sizeof(text));
	if (upstream->line.kind == LINE_TWO_ROUTERS)
		log_info("a second router is before the home router: %s", text);
	else if (upstream->line.kind == LINE_CGNAT)
		log_info("the provider's NAT is before the home router (next on the way: %s)",
			 upstream->line.next.s_addr ? text : "not known");
}

bool upstream_report(struct upstream *upstream, const struct upnp_report *report, int64_t now)
{
	struct upnp_hops before;

	switch (report->what) {
	case UPNP_FOUND_HOPS:
		if (report->hops.mtu &&
		    (report->hops.mtu < UPNP_MTU_MIN || report->hops.mtu >= UPNP_MTU_MAX))
			fatal("upnp sent an MTU that makes no sense (%u)", report->hops.mtu);
		before = upstream->hops;
		upstream->hops = report->hops;
		/* No answer this time is no sign that it went away. */
		if (!upstream->hops.router[1].s_addr) {
			upstream->hops.router[1] = before.router[1];
			upstream->hops.mtu = before.mtu;
		}
		/* Nor that it was another one: how often routers answer such packets is limited. */
		if (!upstream->hops.wan[0].s_addr &&
		    upstream->hops.router[1].s_addr == before.router[1].s_addr)
			memcpy(upstream->hops.wan, before.wan, sizeof(before.wan));
		upstream->looked = true;
		upstream->look_until = 0;
		upstream->look_at = now + LOOK_AGAIN_MS;
		return true;
	case UPNP_MAPPED_AS:
		upstream->mapped_as = report->mapped_as;
		upstream->mapped_at = now;
		return true;
	default: return false;
	}
}

/* ---- the second router ---- */

bool upstream_is_there(const struct upstream *upstream)
{
	return upstream->line.kind == LINE_TWO_ROUTERS ||
	       (upstream->line.kind == LINE_MAYBE_TWO && upstream->engine.has_router &&
		engine_answers(&upstream->engine));
}

bool upstream_is_asking(const struct upstream *upstream)
{
	/* Who claims to be on the internet is believed until something else shows. */
	bool doubtful = upstream->line.kind != LINE_CLEAR;

	return (upstream->look_until && !upstream->looked && doubtful) ||
	       (upstream->engine.has_router && !upstream->engine.tries &&
		(forwards_any(&upstream->engine.forwards, FORWARD_OPENING) ||
		 (engine_has_protocol(&upstream->engine, UPNP_ASKING) &&
		  !engine_answers(&upstream->engine))));
}

const struct forward *upstream_forward(const struct upstream *upstream,
				       const struct forward *forward)
{
	for (size_t i = 0; i < upstream->engine.forwards.count; i++) {
		const struct forward *outer = &upstream->engine.forwards.list[i];

		if (outer->state != FORWARD_CLOSING &&
		    outer->wanted.protocol == forward->wanted.protocol &&
		    outer->wanted.external == forward->wanted.external)
			return outer;
	}
	return NULL;
}

const struct forward *upstream_outermost(const struct upstream *upstream,
					 const struct forward *forward)
{
	const struct forward *outer = upstream_forward(upstream, forward);

	return outer && outer->state == FORWARD_OPEN && forward->state == FORWARD_OPEN ? outer
										       : forward;
}

/* A home router that cannot be asked, or that refuses because its WAN address is private (miniupnpd says
 * NO_RESOURCES then), can still be told by hand. */
static bool is_for_hands(const struct engine *home, uint8_t failure)
{
	bool no_wan = home->wan_known && home->wan.address.s_addr == INADDR_ANY;

	return failure == UPNP_NO_PROTOCOL || failure == UPNP_NETWORK_FAILURE ||
	       (no_wan && failure != UPNP_HOST_REFUSED && failure != UPNP_PORT_TAKEN);
}

/* Which port of the home router's the second one is to hand on to; 0: none. */
static uint16_t port_at_home(const struct upstream *upstream, const struct engine *home,
			     const struct forward *forward)
{
	const struct forward *outer = upstream_forward(upstream, forward);

	switch (forward->state) {
	case FORWARD_OPEN: return forward->external_port;
	case FORWARD_OPENING: return outer ? outer->wanted.port : 0;
	case FORWARD_FAILED:
		if (forward->failure == UPNP_NO_ANSWER)
			return outer ? outer->wanted.port : 0;
		return is_for_hands(home, forward->failure) ? forward->wanted.external : 0;
	default: return 0;
	}
}

static size_t wishes(const struct upstream *upstream, const struct engine *home,
		     struct config_forward list[UPNP_MAPPINGS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < home->forwards.count; i++) {
		const struct forward *forward = &home->forwards.list[i];
		uint16_t port = port_at_home(upstream, home, forward);

		if (!port)
			continue;
		list[count] = forward->wanted;
		list[count].port = port;
		list[count].ipv6 = false;
		count++;
	}
	return count;
}

/* Without the home router's WAN address, only NAT-PMP can be asked: it takes a packet's source for the
 * client, where PCP and UPnP want it named. */
static void take_config(struct upstream *upstream, const struct config *config, bool has_address)
{
	struct config *own = &upstream->config;

	own->lease = config->lease;
	own->order_count = 0;
	for (uint8_t i = 0; i < config->order_count; i++)
		if (has_address || config->order[i] == UPNP_NATPMP)
			own->order[own->order_count++] = config->order[i];
}

static struct upnp_network network_of(const struct upstream *upstream, const struct engine *home)
{
	struct upnp_network network = home->network;
	struct address wan = address_v4(upstream->line.wan);

	network.gateway = upstream->line.outer;
	network.source = home->network.address;
	network.address = (struct in_addr){ INADDR_ANY };
	if (address_kind(&wan) == ADDRESS_PRIVATE)
		network.address = upstream->line.wan;
	network.prefix = 24; /* nobody tells it: the usual */
	return network;
}

/* The home router has restarted, or seems to: after a power cut, so has the one before it. */
static void follow_round(struct upstream *upstream, const struct engine *home, int64_t now)
{
	bool again = upstream->home_round && upstream->home_round != home->generation;

	upstream->home_round = home->generation;
	if (again && upstream->engine.has_router && engine_answers(home))
		upstream->engine.afresh_at = now;
}

static void ask_outer(struct upstream *upstream, const struct engine *home,
		      const struct config *config, int64_t now)
{
	struct config_forward list[UPNP_MAPPINGS_MAX];
	struct upnp_network network = network_of(upstream, home);
	size_t count;

	if (!upstream->engine.has_router && forwards_any(&home->forwards, FORWARD_OPENING))
		return; /* soon it is known which ports */
	take_config(upstream, config, network.address.s_addr != INADDR_ANY);
	count = wishes(upstream, home, list);
	engine_want(&upstream->engine, &upstream->config, list, count, now);
	engine_network(&upstream->engine, &network, now);
	follow_round(upstream, home, now);
}

/* What it held for us ends with its lease; what one of another home holds is kept for when this host is
 * back there. */
static void leave_outer(struct upstream *upstream, const struct engine *home, int64_t now)
{
	struct engine *engine = &upstream->engine;
	struct upnp_request request = { .what = UPNP_USE };

	if (!engine->has_router && !engine->forwards.count && !engine->public_wan.s_addr)
		return;
	engine_network(engine, NULL, now);
	if (mac_is_known(home->network.mac))
		elsewhere_swap(&engine->elsewhere, &engine->forwards, home->network.mac);
	engine->forwards.count = 0;
	engine->forwards.dirty = true;
	engine->public_wan.s_addr = INADDR_ANY;
	request.generation = ++engine->generation;
	engine->hooks->send(engine->context, &request);
}

/* The second router refuses, or does not answer: perhaps the home router has another address there by now,
 * which it need not have told. */
static bool has_trouble(const struct upstream *upstream)
{
	return upstream->engine.has_router && upstream->engine.tries &&
	       upstream->engine.tries != upstream->looked_tries && !upstream->look_until;
}

static bool is_time_to_look(const struct upstream *upstream, int64_t now)
{
	return has_trouble(upstream) || (upstream->look_at && upstream->look_at <= now) ||
	       (upstream->look_until && upstream->look_until <= now);
}

void upstream_follow(struct upstream *upstream, const struct engine *home,
		     const struct config *config, int64_t now)
{
	const struct line *line = &upstream->line;

	if (!engine_asks(home) && upstream->engine.has_router)
		engine_network(&upstream->engine, NULL, now);
	/* A look at that moment saw nothing, whatever is there; and who pulls cables may have changed more. */
	if (!home->has_router)
		upstream->looked_for.address.s_addr = INADDR_ANY;
	upstream->waits = !has_answered(home);
	if (upstream->waits)
		return; /* what it says next leads here again */
	if (is_news(upstream, home, &config->stun, home->wan_known || has_no_wan(home)) ||
	    is_time_to_look(upstream, now))
		start_look(upstream, home, config, now);
	judge(upstream);
	if (!upstream->looked || upstream->look_until)
		return; /* soon it is known better */
	if (line->kind == LINE_CLEAR ||
	    (upstream_is_there(upstream) && engine_answers(&upstream->engine)))
		upstream->look_at = 0;
	if (line->kind == LINE_MAYBE_TWO && upstream->engine.has_router &&
	    upstream->engine.forwards.count &&
	    !engine_has_protocol(&upstream->engine, UPNP_ASKING) &&
	    !engine_answers(&upstream->engine))
		upstream->stranger = line->outer;
	if (line->outer.s_addr && line->outer.s_addr != upstream->stranger.s_addr)
		ask_outer(upstream, home, config, now);
	else
		leave_outer(upstream, home, now);
}

/* ---- asked by natctl doctor ---- */

void upstream_check(struct upstream *upstream, const struct engine *home,
		    const struct config *config, int64_t now)
{
	if (engine_asks(home) && !upstream->look_until)
		start_look(upstream, home, config, now);
	engine_check(&upstream->engine);
}

bool upstream_is_looking(const struct upstream *upstream, const struct config *config,
			 int64_t since)
{
	return upstream->look_until || (config->stun.port && upstream->mapped_at < since);
}

/* ---- time ---- */

/* Half of the hour is over: the look need not have a wake-up of its own. */
void upstream_gather(struct upstream *upstream, int64_t now)
{
	engine_gather(&upstream->engine, now);
	if (upstream->look_at > now && upstream->look_at - now <= LOOK_AGAIN_MS / 2)
		upstream->look_at = now;
}

void upstream_tick(struct upstream *upstream, int64_t now)
{
	engine_tick(&upstream->engine, now);
}

int64_t upstream_deadline(const struct upstream *upstream)
{
	int64_t look = clock_sooner(upstream->look_at, upstream->look_until);

	return clock_sooner(engine_deadline(&upstream->engine), upstream->waits ? 0 : look);
}
