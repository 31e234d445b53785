/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What natctl doctor looks at outside of this host: the way to the router, what it is, what it says. */
#include <stdio.h>
#include <string.h>

#include "natd/doctor_steps.h"
#include "natd/facts.h"

/* With a port open, a protocol that says nothing for so long is not waited for any more: SSDP answers
 * come within a second (UPnP Device Architecture 2.0 1.3.3, MX 1). */
#define PATIENCE_MS 2000

/* A router that renews takes some round trips, and UPnP some requests more; so does the DNS. */
#define CONFIRM_MS 8000

static int64_t took(const struct doctor *doctor)
{
	return natd_now() - doctor->began;
}

/* ---- the way to the router ---- */

void look_route(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct uplink *uplink = &doctor->natd->uplink;
	char gateway[ADDRESS_TEXT_MAX];
	char address[ADDRESS_TEXT_MAX];

	(void)item;
	finding->result = uplink->known ? FOUND_OK : FOUND_FAIL;
	address_print(&uplink->gateway, gateway);
	address_print(&uplink->address.address, address);
	if (!uplink->known && uplink->interface[0])
		finding_say(finding, "%s is not connected: this host has no way to the internet",
			    uplink->interface);
	else if (!uplink->known)
		finding_say(finding, "this host has no way to the internet: no default route");
	else if (gateway[0])
		finding_say(finding, "this host (%s) goes by %s to the router %s", address,
			    uplink->interface, gateway);
	else
		finding_say(finding, "this host (%s) goes by %s to the internet, without a router",
			    address, uplink->interface);
}

/* ---- the router ---- */

bool has_probed(const struct doctor *doctor)
{
	const struct engine *engine = &doctor->natd->engine;

	return !doctor->asked || doctor->probed ||
	       (took(doctor) > PATIENCE_MS && forwards_any(&engine->forwards, FORWARD_OPEN) &&
		engine_has_protocol(engine, UPNP_OK));
}

size_t if_asked(const struct doctor *doctor)
{
	return doctor->asked ? 1 : 0;
}

/* "PCP, UPnP" */
static void list_protocols(const struct engine *engine, char *text, size_t room)
{
	static const char *const names[UPNP_PROTOCOLS] = { "PCP", "NAT-PMP", "UPnP" };
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < UPNP_PROTOCOLS && used < room; i++)
		if (engine->protocols[i].state == UPNP_OK)
			used += (size_t)snprintf(text + used, room - used, "%s%s", used ? ", " : "",
						 names[i]);
}

void look_router(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct engine *engine = &doctor->natd->engine;
	char names[64];

	(void)item;
	list_protocols(engine, names, sizeof(names));
	if (names[0]) {
		finding_say(finding, "the router opens ports when asked by %s", names);
	} else if (engine_has_protocol(engine, UPNP_ERROR)) {
		finding->result = FOUND_FAIL;
		finding_say(finding, "the router answers, but with an error");
	} else {
		finding->result = engine_has_protocol(engine, UPNP_ASKING) ? FOUND_UNKNOWN
				  : facts_gather(doctor->natd).by_hand     ? FOUND_INFO
									   : FOUND_FAIL;
		finding_say(finding, "the router does not answer PCP, NAT-PMP or UPnP");
	}
}

void look_wan(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct engine *engine = &doctor->natd->engine;
	struct address wan = address_v4(engine->wan.address);
	enum address_kind kind = address_kind(&wan);
	char text[ADDRESS_TEXT_MAX];

	(void)item;
	address_print(&wan, text);
	finding->result = FOUND_FAIL;
	if (!engine->wan_known || !engine_answers(engine)) { /* what it said once is past */
		finding->result = facts_gather(doctor->natd).by_hand ? FOUND_INFO : FOUND_UNKNOWN;
		finding_say(finding, "the router does not tell its WAN address");
	} else if (kind == ADDRESS_PUBLIC) {
		finding->result = FOUND_OK;
		finding_say(finding, "the router's WAN address %s is public", text);
	} else if (kind == ADDRESS_CGNAT) {
		finding_say(finding,
			    "the router's WAN address %s is shared by the provider's customers",
			    text);
	} else if (kind == ADDRESS_PRIVATE) {
		finding_say(finding,
			    "the router's WAN address %s is private: there is a router before it",
			    text);
	} else {
		finding_say(finding, "the router has no usable WAN address");
	}
}

/* ---- what is before it ---- */

static bool is_confirmed(const struct doctor *doctor, const struct forward *forward)
{
	return forward->state == FORWARD_OPEN && forward->granted_at >= doctor->began;
}

/* Has the second router granted anew what it forwards, in so far as it forwards? */
static bool outer_has_confirmed(const struct doctor *doctor)
{
	const struct engine *outer = &doctor->natd->upstream.engine;

	for (size_t i = 0; i < outer->forwards.count; i++) {
		const struct forward *forward = &outer->forwards.list[i];

		if (forward->state == FORWARD_OPENING ||
		    (forward->state == FORWARD_OPEN && !is_confirmed(doctor, forward)))
			return false;
	}
	return true;
}

bool has_looked_out(const struct doctor *doctor)
{
	const struct natd *natd = doctor->natd;
	const struct engine *outer = &natd->upstream.engine;

	if (!doctor->asked || took(doctor) > CONFIRM_MS)
		return true;
	if (!has_probed(doctor) ||
	    upstream_is_looking(&natd->upstream, &natd->config, doctor->began))
		return false;
	return !outer->has_router ||
	       (outer_has_confirmed(doctor) &&
		(engine_answers(outer) || !engine_has_protocol(outer, UPNP_ASKING)));
}

static void say_outer(const struct doctor *doctor, const struct facts *facts,
		      struct finding *finding)
{
	bool open = facts->forwards && facts->outer_open >= facts->forwards;

	if (open && outer_has_confirmed(doctor)) {
		finding_say(finding, "the outer router forwards to the router as well");
		return;
	}
	finding->result = open || facts->outer_asking ? FOUND_UNKNOWN : FOUND_FAIL;
	if (open)
		finding_say(
			finding,
			"the outer router does not confirm that it still forwards to the router");
	else if (facts->outer_reason[0] && !facts->outer_asking)
		finding_say(finding, "a second router is before it and does not forward: %s",
			    facts->outer_reason);
	else
		finding_say(finding, "a second router is before it and does not forward");
}

void look_upstream(const struct doctor *doctor, size_t item, struct finding *finding)
{
	struct facts facts = facts_gather(doctor->natd);

	(void)item;
	if (facts.two_routers) {
		say_outer(doctor, &facts, finding);
	} else if (facts.line == LINE_CGNAT) {
		finding->result = FOUND_FAIL;
		finding_say(finding, "the provider shares an address among its customers");
	} else if (facts.seen_as[0]) {
		finding_say(finding, "the internet sees this home as %s", facts.seen_as);
	}
}

/* ---- the name ---- */

static bool name_was_asked(const struct doctor *doctor)
{
	return doctor->natd->name.answered && doctor->natd->name.answered_at >= doctor->began;
}

bool has_name(const struct doctor *doctor)
{
	return !if_named(doctor) || name_was_asked(doctor) || !doctor->natd->uplink.known ||
	       took(doctor) > CONFIRM_MS;
}

size_t if_named(const struct doctor *doctor)
{
	return doctor->natd->name.name[0] ? 1 : 0;
}

void look_name(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct name *name = &doctor->natd->name;
	enum name_match match = name_matches(name, &doctor->natd->network);

	(void)item;
	if (match == NAME_RIGHT) {
		finding_say(finding, "the name %s leads to this home", name->name);
		return;
	}
	finding->result =
		match == NAME_UNKNOWN || !name_was_asked(doctor) ? FOUND_UNKNOWN : FOUND_FAIL;
	if (match == NAME_UNKNOWN)
		finding_say(finding, "it is not known where the name %s leads", name->name);
	else
		finding_say(finding, "the name %s does not lead to this home", name->name);
}

/* ---- the ports ---- */

bool has_confirmed(const struct doctor *doctor)
{
	if (!doctor->asked || took(doctor) > CONFIRM_MS)
		return true;
	for (size_t i = 0; i < each_forward(doctor); i++) {
		const struct forward *forward = doctor_forward(doctor, i);

		if (forward && !is_confirmed(doctor, forward) &&
		    (forward->state == FORWARD_OPEN || forward->state == FORWARD_OPENING))
			return false;
	}
	return true;
}

/* As it was wanted, or another one? */
static bool is_as_wanted(const struct doctor *doctor, const struct forward *forward)
{
	struct facts facts = facts_gather(doctor->natd);

	return forward->external_port == forward->wanted.external &&
	       forward->external_port != facts.shared_instead;
}

void look_mapping(const struct doctor *doctor, size_t item, struct finding *finding)
{
	const struct forward *forward = doctor_forward(doctor, item);
	const char *name = forward ? forward_name(&forward->wanted) : "";

	if (!forward || forward->state == FORWARD_OFF)
		return;
	if (is_confirmed(doctor, forward)) {
		finding->result = is_as_wanted(doctor, forward) ? FOUND_OK : FOUND_WARN;
		finding_say(finding, "the router confirms: %s is open as external port %u", name,
			    forward->external_port);
	} else if (facts_by_hand(doctor->natd, forward)) {
		finding_say(finding, "%s is open by hand: packets from outside come", name);
	} else if (forward->state == FORWARD_FAILED) {
		finding->result = forward->temporary ? FOUND_INFO : FOUND_FAIL;
		finding_say(finding, "the router did not open %s: %s", name, forward->reason);
	} else {
		finding->result = FOUND_UNKNOWN;
		finding_say(finding, "the router has not confirmed yet that %s is open", name);
	}
}
