/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPnP-IGD: what the router says without being asked (UDA 1.1, 1.2). */
#include <stdio.h>
#include <string.h>

#include "natd/log.h"
#include "upnp/announce.h"
#include "upnp/igd.h"

/* Its restart would be heard that much later, and is asked about up to five seconds after that;
 * field/routers.md 6 allows ten in all. */
#define NAP_US 2000000

/* Some answer a search this way only, and seconds later (field/routers.md 6). */
static void on_late_answer(struct client *client, const struct ssdp_answer *notice,
			   struct in_addr source)
{
	if (!client->asking.began || !igd_take_answer(client, notice, source) ||
	    !asking_over(&client->asking))
		return;
	log_debug("UPnP: the router announces itself");
	protocol_is(client, UPNP_IGD, UPNP_ASKING, "");
}

/* Of a service that natd remembers it is not known yet where it is described: there, is what the router
 * says first. */
static void complete(struct location *found, const struct ssdp_answer *notice,
		     const struct url *place)
{
	if (found->url.port)
		return;
	found->url = *place;
	memcpy(found->uuid, notice->uuid, sizeof(found->uuid));
}

/* UDA 1.0 has no BOOTID; a new place may be a new start (field/routers.md 14), or one of two descriptions
 * of the same service (15): the table tells, and is asked once. */
static void look_at_place(struct igd *igd, const struct url *place)
{
	if (igd_same_place(place, &igd->found.url) || igd_same_place(place, &igd->other))
		return;
	log_debug("UPnP: the router is at another place as well, or has moved");
	igd->other = *place;
	igd->wants_check = true;
}

/* What the notice says about the mappings; NULL: nothing, or nothing yet. */
static const char *meaning(struct client *client, const struct ssdp_answer *notice)
{
	struct igd *igd = &client->igd;
	uint32_t before = igd->found.boot_id;
	bool was_away = igd->said_goodbye;
	struct url place;
	bool placed;

	igd->said_goodbye = notice->kind == SSDP_GOODBYE;
	if (igd->said_goodbye)
		return was_away ? NULL : "UPnP: the router says goodbye";
	placed = ssdp_accept(&place, notice, &client->network);
	if (placed)
		complete(&igd->found, notice, &place);
	if (notice->boot_id)
		igd->found.boot_id = notice->boot_id;
	if (notice->boot_id && before && notice->boot_id != before)
		return "UPnP: the router has restarted";
	if (was_away)
		return "UPnP: the router is back";
	if (!notice->boot_id && placed)
		look_at_place(igd, &place);
	return NULL;
}

/* The router says so a dozen times in a row, once for each of its services: the rest is read together. */
static void nothing_new(struct client *client, const char *bytes, size_t size)
{
	announce_boring(client, (const uint8_t *)bytes, size);
	if (!client->nap_us)
		client->nap_us = now_us() + NAP_US;
}

/* What a notice of the router whose service is known says; NULL: nothing new. */
static const char *news(struct client *client, const struct ssdp_answer *notice)
{
	const struct location *found = &client->igd.found;

	/* The box may bear other devices. */
	if (!ssdp_is_router(notice) ||
	    (found->uuid[0] && notice->uuid[0] && strcmp(found->uuid, notice->uuid) != 0))
		return NULL;
	return meaning(client, notice);
}

void igd_announced(struct client *client, const char *bytes, size_t size, struct in_addr source)
{
	const struct location *found = &client->igd.found;
	struct ssdp_answer notice;
	const char *said;

	/* Of a pair, the one that answered the search counts as well (field/routers.md 5). */
	if (source.s_addr != client->network.gateway.s_addr &&
	    !(client->igd.ready && source.s_addr == found->source.s_addr))
		return;
	if (!ssdp_parse(&notice, bytes, size) || notice.kind == SSDP_ANSWER)
		return;
	if (!client->igd.ready) {
		if (notice.kind == SSDP_ALIVE && ssdp_is_router(&notice))
			on_late_answer(client, &notice, source);
		return;
	}
	said = news(client, &notice);
	if (said) {
		announce_news(client);
		mappings_lost(client, UPNP_IGD, true, said);
	} else {
		nothing_new(client, bytes, size);
	}
}
