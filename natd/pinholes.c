/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/pinholes.h"

#include <stdio.h>
#include <string.h>

#include "natd/lease.h"
#include "natd/nonce.h"

void pinholes_init(struct pinholes *pinholes, const struct engine_hooks *hooks, void *context)
{
	memset(pinholes, 0, sizeof(*pinholes));
	pinholes->hooks = hooks;
	pinholes->context = context;
}

/* ---- the list ---- */

struct pinhole *pinholes_add(struct pinholes *pinholes, uint8_t protocol, uint16_t port,
			     const struct address *address)
{
	struct pinhole *pinhole;

	if (pinholes->count == PINHOLES_LIST_MAX)
		return NULL;
	pinhole = &pinholes->list[pinholes->count++];
	*pinhole = (struct pinhole){
		.id = ++pinholes->next_id,
		.protocol = protocol,
		.port = port,
		.address = *address,
		.via = UPNP_ANY,
	};
	nonce_make(pinhole->nonce);
	pinholes->dirty = true;
	return pinhole;
}

void pinholes_forget(struct pinholes *pinholes, struct pinhole *pinhole)
{
	size_t index = (size_t)(pinhole - pinholes->list);

	pinholes->count--;
	memmove(pinhole, pinhole + 1, (pinholes->count - index) * sizeof(*pinhole));
	pinholes->dirty = true;
}

static struct pinhole *by_port(struct pinholes *pinholes, const struct config_forward *forward,
			       const struct address *address)
{
	for (size_t i = 0; i < pinholes->count; i++) {
		struct pinhole *pinhole = &pinholes->list[i];

		if (pinhole->protocol == forward->protocol && pinhole->port == forward->port &&
		    address_equal(&pinhole->address, address))
			return pinhole;
	}
	return NULL;
}

const struct pinhole *pinholes_of(const struct pinholes *pinholes,
				  const struct config_forward *forward)
{
	for (size_t i = 0; i < pinholes->count; i++) {
		const struct pinhole *pinhole = &pinholes->list[i];

		if (pinhole->protocol == forward->protocol && pinhole->port == forward->port &&
		    pinhole->state != FORWARD_CLOSING)
			return pinhole;
	}
	return NULL;
}

/* ---- what goes to upnp ---- */

void pinholes_ask(struct pinholes *pinholes, enum upnp_request_what what,
		  const struct pinhole *pinhole)
{
	struct upnp_request request = { .what = what };
	struct upnp_pinhole *asked = &request.pinhole;

	asked->id = pinhole->id;
	asked->protocol = pinhole->protocol;
	asked->port = pinhole->port;
	asked->via = pinhole->via;
	asked->unique_id = pinhole->unique_id;
	asked->count = pinholes->order_count;
	memcpy(asked->order, pinholes->order, sizeof(asked->order));
	asked->address = pinhole->address.v6;
	asked->gateway = pinholes->network.gateway.v6;
	asked->ifindex = pinholes->network.index;
	asked->lifetime = pinholes->lease;
	memcpy(asked->nonce, pinhole->nonce, sizeof(asked->nonce));
	if (pinholes->dirty)
		pinholes->hooks->save(pinholes->context);
	pinholes->hooks->send(pinholes->context, &request);
}

static void ask(struct pinholes *pinholes, struct pinhole *pinhole)
{
	pinhole->renew_at = 0;
	pinhole->again = false;
	if (pinhole->state != FORWARD_OPEN)
		pinhole->state = FORWARD_OPENING;
	pinholes_ask(pinholes, UPNP_PIN, pinhole);
}

static bool has_router(const struct pinholes *pinholes)
{
	return pinholes->network.gateway.family == AF_INET6;
}

/* Of one that the router never held, nothing is left. */
static void start_closing(struct pinholes *pinholes, struct pinhole *pinhole)
{
	if (pinhole->via == UPNP_ANY && pinhole->state != FORWARD_OPENING) {
		pinholes_forget(pinholes, pinhole);
		return;
	}
	pinhole->state = FORWARD_CLOSING;
	pinhole->renew_at = 0;
	if (has_router(pinholes))
		pinholes_ask(pinholes, UPNP_UNPIN, pinhole);
}

/* ---- what is wanted ---- */

struct pinhole_network pinholes_see(const struct network *network, const struct address *present)
{
	struct uplink uplink = network_uplink(network, AF_INET6);
	struct pinhole_network seen = { .index = uplink.index };

	if (uplink.known)
		seen.address = network_public_v6(network, uplink.index, present);
	if (!uplink.known || !seen.address.family)
		seen.why = "this host has no public IPv6 address";
	else if (uplink.gateway.family != AF_INET6)
		seen.why = "the IPv6 internet is reached without a router";
	else
		seen.gateway = uplink.gateway;
	return seen;
}

/* NAT-PMP knows no IPv6. */
static bool asks_any(const struct pinholes *pinholes)
{
	return memchr(pinholes->order, UPNP_PCP, pinholes->order_count) ||
	       memchr(pinholes->order, UPNP_IGD, pinholes->order_count);
}

const char *pinholes_why_none(const struct pinholes *pinholes, const struct forward *forward)
{
	if (!forward->wanted.ipv6)
		return forward->temporary ? "natctl open opens a port for IPv4 only"
					  : "natd.conf says ipv6 = false";
	if (!asks_any(pinholes))
		return "natd.conf says that no router is to be asked";
	return has_router(pinholes) ? "" : pinholes->network.why ? pinholes->network.why : "";
}

static bool is_wanted(const struct pinholes *pinholes, const struct forwards *forwards,
		      const struct pinhole *pinhole)
{
	if (!asks_any(pinholes) || !has_router(pinholes) ||
	    !address_equal(&pinhole->address, &pinholes->network.address))
		return false;
	for (size_t i = 0; i < forwards->count; i++) {
		const struct forward *forward = &forwards->list[i];

		if (forward->state != FORWARD_CLOSING && forward->wanted.ipv6 &&
		    forward->wanted.protocol == pinhole->protocol &&
		    forward->wanted.port == pinhole->port)
			return true;
	}
	return false;
}

static void want_one(struct pinholes *pinholes, const struct config_forward *wanted)
{
	const struct address *ours = &pinholes->network.address;
	struct pinhole *pinhole = by_port(pinholes, wanted, ours);

	if (pinhole && pinhole->state != FORWARD_CLOSING)
		return;
	if (!pinhole)
		pinhole = pinholes_add(pinholes, wanted->protocol, wanted->port, ours);
	if (!pinhole)
		return;
	snprintf(pinhole->name, sizeof(pinhole->name), "%s", wanted->name);
	pinhole->state = FORWARD_OPENING;
	ask(pinholes, pinhole);
}

/* Another router, or another link to it, knows nothing of what was granted. */
static void ask_afresh(struct pinholes *pinholes, const struct forwards *forwards)
{
	for (size_t i = 0; i < pinholes->count; i++) {
		struct pinhole *pinhole = &pinholes->list[i];

		pinhole->tries = 0;
		if (pinhole->state == FORWARD_CLOSING) {
			if (!is_wanted(pinholes, forwards, pinhole))
				pinholes_ask(pinholes, UPNP_UNPIN, pinhole);
			continue;
		}
		pinhole->state = FORWARD_OPENING;
		ask(pinholes, pinhole);
	}
}

void pinholes_want(struct pinholes *pinholes, const struct config *config,
		   const struct forwards *forwards, const struct pinhole_network *network)
{
	const struct pinhole_network before = pinholes->network;

	memcpy(pinholes->order, config->order, sizeof(pinholes->order));
	pinholes->order_count = config->order_count;
	pinholes->lease = config->lease;
	pinholes->network = *network;
	for (size_t i = pinholes->count; i-- > 0;)
		if (pinholes->list[i].state != FORWARD_CLOSING &&
		    !is_wanted(pinholes, forwards, &pinholes->list[i]))
			start_closing(pinholes, &pinholes->list[i]);
	if (has_router(pinholes) &&
	    (!address_equal(&before.gateway, &network->gateway) || before.index != network->index))
		ask_afresh(pinholes, forwards);
	if (!asks_any(pinholes) || !has_router(pinholes))
		return;
	for (size_t i = 0; i < forwards->count; i++)
		if (forwards->list[i].state != FORWARD_CLOSING && forwards->list[i].wanted.ipv6)
			want_one(pinholes, &forwards->list[i].wanted);
}

void pinholes_follow(struct pinholes *pinholes, const struct config *config,
		     const struct forwards *forwards)
{
	const struct pinhole_network network = pinholes->network;

	pinholes_want(pinholes, config, forwards, &network);
}

/* ---- time ---- */

void pinholes_lost(struct pinholes *pinholes, int64_t now, uint16_t delay_ms)
{
	for (size_t i = 0; i < pinholes->count; i++) {
		struct pinhole *pinhole = &pinholes->list[i];

		pinhole->again = !pinhole->renew_at;
		if (pinhole->state == FORWARD_OPEN || pinhole->state == FORWARD_FAILED) {
			pinhole->renew_at = now + delay_ms;
			pinhole->tries = 0;
		}
	}
}

/* What failed may be asked again when half of its rest is over. */
static bool may_be_asked(const struct pinhole *pinhole, int64_t now)
{
	if (pinhole->state == FORWARD_FAILED)
		return now - pinhole->failed_at >= pinhole->renew_at - now;
	return pinhole->state == FORWARD_OPEN &&
	       lease_may_renew(pinhole->granted_at, pinhole->lifetime, now);
}

void pinholes_gather(struct pinholes *pinholes, int64_t now)
{
	for (size_t i = 0; i < pinholes->count; i++)
		if (pinholes->list[i].renew_at > now && may_be_asked(&pinholes->list[i], now))
			pinholes->list[i].renew_at = now;
}

void pinholes_tick(struct pinholes *pinholes, int64_t now)
{
	for (size_t i = 0; i < pinholes->count; i++)
		if (pinholes->list[i].renew_at && pinholes->list[i].renew_at <= now)
			ask(pinholes, &pinholes->list[i]);
}

int64_t pinholes_deadline(const struct pinholes *pinholes)
{
	int64_t deadline = 0;

	for (size_t i = 0; i < pinholes->count; i++) {
		int64_t at = pinholes->list[i].renew_at;

		if (at && (!deadline || at < deadline))
			deadline = at;
	}
	return deadline;
}

void pinholes_stop(struct pinholes *pinholes)
{
	for (size_t i = pinholes->count; i-- > 0;)
		start_closing(pinholes, &pinholes->list[i]);
}

bool pinholes_are_idle(const struct pinholes *pinholes)
{
	for (size_t i = 0; i < pinholes->count; i++)
		if (pinholes->list[i].state == FORWARD_CLOSING)
			return !has_router(pinholes);
	return true;
}
