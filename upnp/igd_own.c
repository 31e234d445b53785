/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPnP-IGD: what of the router's table is ours to remove. DeletePortMapping takes whatever is there: what
 * a former run was granted may be another device's by now, and many routers let us remove that. */
#include <string.h>

#include "natd/log.h"
#include "upnp/igd.h"
#include "upnp/igd_soap.h"

/* NULL: it is not known, by this run, to be ours. */
static struct igd_own *find(struct igd *igd, uint8_t protocol, uint16_t external_port)
{
	for (size_t i = 0; i < UPNP_MAPPINGS_MAX; i++)
		if (igd->own[i].external_port == external_port && igd->own[i].protocol == protocol)
			return &igd->own[i];
	return NULL;
}

void igd_own(struct igd *igd, const struct upnp_mapping *mapping, uint16_t external_port,
	     uint32_t lease)
{
	struct igd_own *own = find(igd, mapping->protocol, external_port);

	if (!own)
		own = find(igd, 0, 0);
	if (!own)
		return; /* it is looked at, then, before it is removed */
	*own = (struct igd_own){
		.protocol = mapping->protocol,
		.external_port = external_port,
		.until_us = lease ? epoch_now_us() + (int64_t)lease * 1000000 : INT64_MAX,
	};
}

static bool is_surely_ours(struct igd *igd, const struct upnp_mapping *mapping)
{
	const struct igd_own *own = find(igd, mapping->protocol, mapping->external_port);

	return own && epoch_now_us() < own->until_us;
}

int igd_remove(struct client *client, const struct upnp_mapping *mapping)
{
	struct igd *igd = &client->igd;
	struct igd_entry entry = igd_entry_of(client, mapping);
	struct igd_own *own = find(igd, mapping->protocol, mapping->external_port);
	bool sure = is_surely_ours(igd, mapping);
	struct igd_holder holder;
	int code;

	if (own)
		*own = (struct igd_own){ 0 };
	if (sure)
		return igd_delete(igd, &entry);
	code = igd_get(igd, &entry, &holder);
	if (code == IGD_NO_ANSWER || code == IGD_NO_SUCH_ENTRY)
		return code;
	/* Not every router knows that question. */
	if (code != IGD_DONE || igd_is_ours(&holder, &entry) ||
	    igd_is_former(&holder, &entry, mapping))
		return igd_delete(igd, &entry);
	log_debug("UPnP: %s %s is %s's by now, and stays", entry.protocol, entry.external_port,
		  holder.client);
	return IGD_NO_SUCH_ENTRY;
}
