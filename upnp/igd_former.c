/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPnP-IGD: what this host left in the router's table under an address that it had before. A router in
 * secure mode lets only that address remove it (606 or 714); many are not. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "natd/log.h"
#include "upnp/igd.h"
#include "upnp/igd_soap.h"

void igd_set_port(struct igd_entry *entry, uint16_t port)
{
	snprintf(entry->external_port, sizeof(entry->external_port), "%u", port);
}

struct igd_entry igd_entry_of(const struct client *client, const struct upnp_mapping *mapping)
{
	struct igd_entry entry;

	igd_set_port(&entry, mapping->external_port);
	snprintf(entry.port, sizeof(entry.port), "%u", mapping->port);
	inet_ntop(AF_INET, &client->network.address, entry.client, sizeof(entry.client));
	snprintf(entry.protocol, sizeof(entry.protocol), "%s",
		 mapping->protocol == IPPROTO_TCP ? "TCP" : "UDP");
	snprintf(entry.description, sizeof(entry.description), "natd %s", mapping->name);
	return entry;
}

bool igd_is_ours(const struct igd_holder *holder, const struct igd_entry *entry)
{
	return strcmp(holder->client, entry->client) == 0 && strcmp(holder->port, entry->port) == 0;
}

/* By its name in the table, or because it was granted to us: what PCP made bears the router's words. */
bool igd_is_former(const struct igd_holder *holder, const struct igd_entry *entry,
		   const struct upnp_mapping *mapping)
{
	char address[INET_ADDRSTRLEN];
	bool granted = mapping->former_port &&
		       mapping->former_port == (uint16_t)atoi(entry->external_port);

	return mapping->former.s_addr &&
	       strcmp(holder->client,
		      inet_ntop(AF_INET, &mapping->former, address, sizeof(address))) == 0 &&
	       strcmp(holder->port, entry->port) == 0 &&
	       (granted || strcmp(holder->description, entry->description) == 0);
}

static bool remove_former(const struct igd *igd, const struct igd_entry *entry,
			  const struct upnp_mapping *mapping, struct igd_holder *holder)
{
	return igd_get(igd, entry, holder) == IGD_DONE && igd_is_former(holder, entry, mapping) &&
	       igd_delete(igd, entry) == IGD_DONE;
}

void igd_leave_former(const struct client *client, const struct upnp_mapping *mapping,
		      uint16_t granted)
{
	struct igd_entry entry = igd_entry_of(client, mapping);
	struct igd_holder holder;

	if (!mapping->former.s_addr || !mapping->former_port || mapping->former_port == granted)
		return;
	igd_set_port(&entry, mapping->former_port);
	if (remove_former(&client->igd, &entry, mapping, &holder))
		log_debug("UPnP: the mapping of this host's former address is removed");
}

void igd_displaced(struct client *client, const struct upnp_mapping *mapping, uint8_t via,
		   uint16_t granted)
{
	struct igd *igd = &client->igd;

	bool displaced = mapping->wanted_port && mapping->wanted_port != granted;
	/* A first yes of NAT-PMP may be none (field/routers.md 50). */
	bool doubtful = via == UPNP_NATPMP && mapping->via == UPNP_ANY && !displaced;

	if (via == UPNP_IGD || !(displaced || doubtful) || igd->displaced_count == DISPLACED_MAX)
		return;
	igd->displaced[igd->displaced_count] = *mapping;
	igd->displaced[igd->displaced_count].external_port = granted;
	igd->displaced[igd->displaced_count++].via = via;
}

/* The port that was granted is another host's: UPnP is asked to do it. */
static void doubt(struct client *client, const struct upnp_mapping *mapping,
		  const struct igd_entry *entry, const struct igd_holder *holder)
{
	char said[UPNP_TEXT_MAX];

	say(said, "%s: the router said yes, but %s %s is held by %s port %s",
	    protocols[mapping->via]->name, entry->protocol, entry->external_port, holder->client,
	    holder->port);
	task_was_not_done(client, mapping, said);
}

void igd_ask_holder(struct client *client)
{
	struct igd *igd = &client->igd;
	const struct upnp_mapping *mapping = &igd->displaced[--igd->displaced_count];
	struct igd_entry entry = igd_entry_of(client, mapping);
	struct igd_holder holder = { 0 };
	struct in_addr address;
	bool removed, granted;

	if (mapping->wanted_port)
		igd_set_port(&entry, mapping->wanted_port);
	granted = (uint16_t)atoi(entry.external_port) == mapping->external_port;
	removed = remove_former(igd, &entry, mapping, &holder);
	if (inet_pton(AF_INET, holder.client, &address) != 1 ||
	    (granted && igd_is_ours(&holder, &entry)))
		return;
	holder_is(client, mapping->id, address, removed);
	if (granted && !removed)
		doubt(client, mapping, &entry, &holder);
}
