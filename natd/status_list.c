/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The router's table, as `natctl -j list` says it: whose each entry is, by what this host knows. */
#include <stdio.h>
#include <string.h>

#include "natd/neighbour.h"
#include "natd/status.h"
#include "natd/status_values.h"

static const struct forward *holder_of(const struct natd *natd, const struct upnp_entry *entry)
{
	for (size_t i = 0; i < natd->engine.forwards.count; i++) {
		const struct forward *forward = &natd->engine.forwards.list[i];

		if (forward->wanted.protocol == entry->protocol &&
		    forward->wanted.port == entry->port &&
		    forward->external_port == entry->external_port)
			return forward;
	}
	return NULL;
}

/* An address that this host had, and what natd wrote beside it: another host may have it now. */
static bool is_former(const struct natd *natd, const struct upnp_entry *entry)
{
	if (strncmp(entry->description, "natd ", strlen("natd ")) != 0)
		return false;
	for (size_t i = 0; i < ENGINE_ADDRESSES_MAX; i++)
		if (entry->client.s_addr &&
		    natd->engine.addresses[i].s_addr == entry->client.s_addr)
			return true;
	return false;
}

static const char *owner_of(const struct natd *natd, const struct upnp_entry *entry)
{
	if (entry->client.s_addr != natd->uplink.address.address.v4.s_addr)
		return is_former(natd, entry) ? "us before" : "other";
	return holder_of(natd, entry) ? "us" : "us before";
}

/* Of the host that an entry leads to; null where the neighbour table does not know it. */
static json_t *mac_json(const struct natd *natd, struct in_addr client)
{
	uint8_t mac[MAC_SIZE];
	char text[MAC_TEXT_MAX];

	if (!neighbour_find(client, natd->uplink.index, mac))
		return json_null();
	return json_string(mac_print(mac, text));
}

json_t *status_entry(const struct natd *natd, const struct upnp_entry *entry)
{
	return json_pack("{s:s, s:i, s:o, s:i, s:s, s:o, s:b, s:s, s:o}", "protocol",
			 entry->protocol == IPPROTO_UDP ? "udp" : "tcp", "external_port",
			 (int)entry->external_port, "client", v4_or_null(entry->client), "port",
			 (int)entry->port, "description", entry->description, "expires_in",
			 entry->lease ? json_integer(entry->lease) : json_null(), "enabled",
			 entry->enabled, "owner", owner_of(natd, entry), "mac",
			 mac_json(natd, entry->client));
}

static bool is_listed(json_t *list, const struct forward *forward)
{
	const char *protocol = forward->wanted.protocol == IPPROTO_UDP ? "udp" : "tcp";
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
		if (strcmp(json_string_value(json_object_get(entry, "protocol")), protocol) == 0 &&
		    json_integer_value(json_object_get(entry, "external_port")) ==
			    forward->external_port)
			return true;
	return false;
}

void status_add_own_entries(const struct natd *natd, json_t *list)
{
	for (size_t i = 0; i < natd->engine.forwards.count; i++) {
		const struct forward *forward = &natd->engine.forwards.list[i];
		struct upnp_entry entry = {
			.protocol = forward->wanted.protocol,
			.external_port = forward->external_port,
			.port = forward->wanted.port,
			.client = natd->uplink.address.address.v4,
			.enabled = true,
		};
		int64_t left = (status_expires_at(forward) - natd_now()) / 1000;

		if (forward->state != FORWARD_OPEN || is_listed(list, forward))
			continue;
		entry.lease = left > 0 ? (uint32_t)left : 0;
		snprintf(entry.description, sizeof(entry.description), "natd %s",
			 forward->wanted.name);
		json_array_append_new(list, status_entry(natd, &entry));
	}
}
