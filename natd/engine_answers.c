/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What upnp says, and what follows from it. */
#include "natd/engine.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "natd/lease.h"
#include "natd/log.h"

/* After a power cut the router needs minutes longer than a Raspberry Pi: often at first, then rarely
 * (field/boot-and-ddns.md 5). Seconds. */
static const unsigned int retry_seconds[] = { 2, 4, 8, 16, 32, 60, 600 };

static void retry_later(struct engine *engine, int64_t now)
{
	size_t last = sizeof(retry_seconds) / sizeof(retry_seconds[0]) - 1;

	if (engine->retry_at)
		return; /* another forward of the same round has failed before */
	engine->retry_at = now + retry_seconds[engine->tries < last ? engine->tries : last] * 1000;
	engine->tries++;
}

static const char *for_how_long(uint32_t lifetime, char text[32])
{
	if (!lifetime)
		return "for ever";
	snprintf(text, 32, "for %u s", lifetime);
	return text;
}

/* Another port than wanted: it is still held for an address of ours if that was where we had it. */
static void note_holder(const struct engine *engine, struct forward *forward,
			const struct forward *before)
{
	if (forward->external_port == forward->wanted.external)
		forward->holder.s_addr = 0;
	else if (before->external_port == forward->wanted.external &&
		 before->host.s_addr != engine->network.address.s_addr)
		forward->holder = before->host;
}

static void on_granted(struct engine *engine, const struct upnp_granted *granted, int64_t now)
{
	struct forward *forward = forwards_by_id(&engine->forwards, granted->id);
	struct forward before;
	char text[32];

	if (!forward)
		return; /* it was forgotten while the router answered */
	before = *forward;
	forward->via = granted->via;
	forward->external_port = granted->external_port;
	forward->host = engine->network.address;
	forward->trial_won =
		forward->trial_of && forward->external_port == forward->wanted.external;
	if (granted->external_address.s_addr)
		forward->external_address = granted->external_address;
	forward->lifetime = granted->lifetime;
	forward->granted_at = now;
	forward->failed_at = 0;
	engine->forwards.dirty |= before.via != forward->via ||
				  before.external_port != forward->external_port ||
				  before.host.s_addr != forward->host.s_addr;
	if (forward->state == FORWARD_CLOSING) {
		/* Closed while the grant was on its way: what was granted must go. */
		engine_send_mapping(engine, UPNP_UNMAP, forward, forward->via);
		return;
	}
	forward->state = FORWARD_OPEN;
	forward->renew_at = now + lease_renew_after(granted->lifetime);
	note_holder(engine, forward, &before);
	if (forward->external_port != forward->wanted.external && !engine->trial_at)
		engine_plan_trial(engine, now + (int64_t)ENGINE_TRIAL_SECONDS * 1000);
	/* A renewal does not say again why it is another port. */
	if (granted->said[0] || granted->external_port == forward->wanted.external)
		memcpy(forward->reason, granted->said, sizeof(forward->reason));
	if (!engine->retry_at)
		engine->tries = 0;
	if (before.state == FORWARD_OPEN && before.external_port == forward->external_port &&
	    before.via == forward->via) {
		log_debug("%s renewed %s", forward_name(&forward->wanted),
			  for_how_long(granted->lifetime, text));
		return;
	}
	log_info("%s is open on the %s as external port %u (%s, %s, after %u.%u ms)",
		 forward_name(&forward->wanted), engine->called, forward->external_port,
		 upnp_protocol_names[forward->via], for_how_long(granted->lifetime, text),
		 granted->took_us / 1000, granted->took_us % 1000 / 100);
}

/* Where the router gave no words of its own. */
static const char *const failure_texts[UPNP_FAILURES] = {
	[UPNP_NO_PROTOCOL] = "the router does not answer PCP, NAT-PMP or UPnP",
	[UPNP_NO_ANSWER] = "the router does not answer any more",
	[UPNP_HOST_REFUSED] = "the router does not allow this host to open ports",
	[UPNP_PORT_TAKEN] = "another device has this port on the router",
	[UPNP_NO_RESOURCES] = "the router's table is full",
	[UPNP_NETWORK_FAILURE] = "the router has no usable WAN address",
	[UPNP_OTHER_FAILURE] = "the router gives no reason",
	[UPNP_NOT_DONE] = "the router said yes but did not do it",
};

static void on_failed(struct engine *engine, const struct upnp_failed *failed, int64_t now)
{
	struct forward *forward = forwards_by_id(&engine->forwards, failed->id);
	const char *said = failed->said[0] ? failed->said : failure_texts[failed->failure];
	bool was_open = forward && forward->state == FORWARD_OPEN;
	bool news;

	if (forward && forward->trial_of) {
		forwards_forget(&engine->forwards, forward);
		return;
	}
	if (!forward || forward->state == FORWARD_CLOSING)
		return;
	news = forward->state != FORWARD_FAILED && strcmp(forward->reason, said) != 0;
	forward->state = FORWARD_FAILED;
	forward->failed_at = forward->failed_at ? forward->failed_at : now;
	forward->failure = failed->failure;
	forward->renew_at = 0;
	snprintf(forward->reason, sizeof(forward->reason), "%s", said);
	if (news)
		log_warning("%s is not open on the %s: %s", forward_name(&forward->wanted),
			    engine->called, said);
	if (was_open && failed->failure == UPNP_NO_ANSWER && engine->tries == 0) {
		/* It held this mapping a moment ago: perhaps it has only rebooted. Look at once. */
		engine->tries = 1;
		engine_ask_all(engine);
		return;
	}
	retry_later(engine, now);
}

static void on_unmapped(struct engine *engine, const struct upnp_unmapped *unmapped)
{
	struct forward *forward = forwards_by_id(&engine->forwards, unmapped->id);

	if (!forward || engine_trial_unmapped(engine, forward, unmapped->removed) ||
	    forward->state != FORWARD_CLOSING)
		return;
	if (forward->trial_of)
		log_debug("the trial of external port %u has ended", forward->wanted.external);
	else if (unmapped->removed)
		log_info("%s is removed from the %s", forward_name(&forward->wanted),
			 engine->called);
	else
		log_warning("%s could not be removed from the %s: %s",
			    forward_name(&forward->wanted), engine->called, unmapped->said);
	forwards_forget(&engine->forwards, forward);
}

static bool holds_open(const struct engine *engine, uint8_t protocol)
{
	for (size_t i = 0; i < engine->forwards.count; i++)
		if (engine->forwards.list[i].state == FORWARD_OPEN &&
		    engine->forwards.list[i].via == protocol)
			return true;
	return false;
}

static void on_protocol(struct engine *engine, const struct upnp_protocol_report *report)
{
	struct protocol_status *status = &engine->protocols[report->protocol];

	status->was_silent |= report->state == UPNP_SILENT;
	/* It was gone and is back: perhaps the router has restarted and what is open is so no more. */
	if (report->state == UPNP_OK && status->was_silent &&
	    holds_open(engine, report->protocol)) {
		engine_ask_all(engine);
		return;
	}
	/* A protocol turns up after the questions had failed: a late answer to the search. */
	if (report->state == UPNP_OK && engine->retry_at && engine->has_router)
		engine_ask_again(engine);
	status->state = report->state;
	status->took_us = report->took_us;
	memcpy(status->said, report->said, sizeof(status->said));
	if (report->state != UPNP_ASKING)
		log_debug("%s: %s after %u.%u ms: %s", upnp_protocol_names[report->protocol],
			  upnp_state_names[report->state], report->took_us / 1000,
			  report->took_us % 1000 / 100, report->said);
}

static void on_wan(struct engine *engine, const struct upnp_wan *wan)
{
	struct address address = address_v4(wan->address);
	struct in_addr public;
	char text[INET_ADDRSTRLEN];

	if (engine->wan_known && engine->wan.address.s_addr == wan->address.s_addr)
		return;
	engine->wan = *wan;
	engine->wan_known = true;
	public = address_kind(&address) == ADDRESS_PUBLIC ? wan->address : (struct in_addr){ 0 };
	engine->forwards.dirty |= public.s_addr != engine->public_wan.s_addr;
	engine->public_wan = public;
	log_info("the %s's WAN address is %s", engine->called,
		 inet_ntop(AF_INET, &wan->address, text, sizeof(text)));
}

/* Many signs of one restart are one round of questions. */
static void on_lost(struct engine *engine, const struct upnp_lost *lost, int64_t now)
{
	int64_t at = now + lost->delay_ms;

	for (uint8_t i = 0; i < UPNP_PROTOCOLS; i++)
		engine->epochs[i].known &= i == lost->via; /* of the start before */
	if (engine->afresh_at && engine->afresh_at <= at)
		return;
	log_info("%s: everything is asked afresh", lost->said);
	engine->afresh_at = at;
	engine->tries = 0;
}

static void on_holder(struct engine *engine, const struct upnp_holder *holder, int64_t now)
{
	struct forward *forward = forwards_by_id(&engine->forwards, holder->id);

	if (!forward)
		return;
	forward->holder = holder->removed ? (struct in_addr){ 0 } : holder->address;
	if (holder->removed)
		engine_plan_trial(engine, now);
}

static void on_service(struct engine *engine, const struct upnp_service *service)
{
	engine->forwards.dirty |= memcmp(&engine->service, service, sizeof(*service)) != 0;
	engine->service = *service;
	engine->service_of = engine->network.gateway;
}

static void on_epoch(struct engine *engine, const struct upnp_told_epoch *told)
{
	engine->epochs[told->via] = told->epoch;
	engine->service_of = engine->network.gateway;
	engine->forwards.dirty = true;
	if (!told->restarted || engine->restarted_in == engine->generation)
		return; /* what one protocol shows, the other one does as well */
	engine->restarted_in = engine->generation;
	log_info("%s since natd heard of it", told->said);
}

static bool is_terminated(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

#define TERMINATED(array) is_terminated(array, sizeof(array))

/* upnp speaks with strangers; what it says is believed only in its own alphabet. */
static bool report_is_sound(const struct upnp_report *report)
{
	const struct upnp_told_epoch *told = &report->told;

	switch (report->what) {
	case UPNP_PROTOCOL:
		return report->protocol.protocol < UPNP_PROTOCOLS &&
		       report->protocol.state < UPNP_STATES && TERMINATED(report->protocol.said);
	case UPNP_ROUTER:
		return TERMINATED(report->router.model) && TERMINATED(report->router.url) &&
		       TERMINATED(report->router.server);
	case UPNP_WAN: return report->wan.via < UPNP_PROTOCOLS;
	case UPNP_MAPPED:
		return report->granted.via < UPNP_PROTOCOLS && report->granted.external_port &&
		       TERMINATED(report->granted.said);
	case UPNP_FAILED:
		return report->failed.via <= UPNP_ANY && report->failed.failure < UPNP_FAILURES &&
		       TERMINATED(report->failed.said);
	case UPNP_UNMAPPED: return TERMINATED(report->unmapped.said);
	case UPNP_ENTRY: return TERMINATED(report->entry.description);
	case UPNP_LISTED: return TERMINATED(report->listed.said);
	case UPNP_EPOCH:
		return told->via < UPNP_IGD && told->epoch.known && told->epoch.heard_us >= 0 &&
		       TERMINATED(told->said);
	case UPNP_HOLDER:
	case UPNP_PROBED: return true;
	case UPNP_LOST:
		return report->lost.via < UPNP_PROTOCOLS &&
		       report->lost.delay_ms <= UPNP_DELAY_MAX && TERMINATED(report->lost.said);
	case UPNP_FOUND_HOPS:
	case UPNP_MAPPED_AS: return true;
	case UPNP_SERVICE:
		return TERMINATED(report->service.control) && TERMINATED(report->service.type) &&
		       TERMINATED(report->service.firewall) && TERMINATED(report->service.events);
	default: return false;
	}
}

bool engine_report(struct engine *engine, const struct upnp_report *report, int64_t now)
{
	if (!report_is_sound(report))
		fatal("upnp sent a report that makes no sense (%d)", report->what);
	if (report->generation != engine->generation)
		return true; /* about a network that we have left */
	switch (report->what) {
	case UPNP_PROTOCOL: on_protocol(engine, &report->protocol); return true;
	case UPNP_ROUTER: engine->router = report->router; return true;
	case UPNP_WAN: on_wan(engine, &report->wan); return true;
	case UPNP_MAPPED: on_granted(engine, &report->granted, now); return true;
	case UPNP_FAILED: on_failed(engine, &report->failed, now); return true;
	case UPNP_UNMAPPED: on_unmapped(engine, &report->unmapped); return true;
	case UPNP_LOST: on_lost(engine, &report->lost, now); return true;
	case UPNP_SERVICE: on_service(engine, &report->service); return true;
	case UPNP_EPOCH: on_epoch(engine, &report->told); return true;
	case UPNP_HOLDER: on_holder(engine, &report->holder, now); return true;
	default: return false;
	}
}
