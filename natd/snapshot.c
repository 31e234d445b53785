/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/snapshot.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "natd/status.h"

static json_t *forward_json(const struct forward *forward)
{
	bool open = forward->state == FORWARD_OPEN;

	return json_pack("{s:s, s:s, s:i, s:i, s:b}", "name", forward->wanted.name, "protocol",
			 forward->wanted.protocol == IPPROTO_UDP ? "udp" : "tcp", "port",
			 (int)forward->wanted.port, "external_port",
			 (int)(open ? forward->external_port : forward->wanted.external), "open",
			 open);
}

static json_t *forwards_json(const struct forwards *forwards)
{
	json_t *list = json_array();

	for (size_t i = 0; i < forwards->count; i++)
		if (forwards->list[i].state != FORWARD_CLOSING)
			json_array_append_new(list, forward_json(&forwards->list[i]));
	return list;
}

/* NULL: there is none to be checked. */
static json_t *name_json(const struct name *name)
{
	json_t *addresses;
	char text[ADDRESS_TEXT_MAX];

	if (!name->name[0])
		return NULL;
	addresses = json_array();
	for (size_t i = 0; i < name->count; i++)
		json_array_append_new(addresses,
				      json_string(address_print(&name->addresses[i], text)));
	return json_pack("{s:s, s:b, s:o}", "name", name->name, "stale", name_is_stale(name),
			 "addresses", addresses);
}

char *snapshot_line(const struct natd *natd)
{
	const struct kernel *kernel = &natd->kernel;
	json_t *wan = status_wan_ip(natd, AF_INET);
	char host[ADDRESS_TEXT_MAX];
	json_t *snapshot = json_pack(
		"{s:O?, s:s?, s:o, s:i, s:s?, s:o*}", "wan_address",
		json_object_get(wan, "address"), "host_address",
		natd->uplink.known ? address_print(&natd->uplink.address.address, host) : NULL,
		"forwards", forwards_json(&natd->engine.forwards), "repairs", (int)kernel->repairs,
		"program", kernel->repairs ? kernel->last_repair.program : NULL, "name",
		name_json(&natd->name));
	char *text = snapshot ? json_dumps(snapshot, JSON_COMPACT) : NULL;
	char *line = NULL;

	if (text && asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	free(text);
	json_decref(snapshot);
	json_decref(wan);
	return line;
}
