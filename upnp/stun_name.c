/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/stun_name.h"

#include <string.h>
#include <unistd.h>

#include "natd/log.h"
#include "upnp/client.h"

void stun_name_init(struct stun_name *name)
{
	*name = (struct stun_name){ .lookup.socket = -1 };
}

void stun_name_close(struct stun_name *name)
{
	if (name->lookup.socket >= 0)
		close(name->lookup.socket);
	stun_name_init(name);
}

void stun_name_start(struct client *client, const struct upnp_server *server)
{
	stun_name_close(&client->stun_name);
	stun_close(&client->stun);
	if (!server->lookup.name[0]) {
		stun_start(&client->stun, &client->network, server);
		return;
	}
	client->stun_name.port = server->port;
	lookup_start(&client->stun_name.lookup, &server->lookup, now_us());
}

/* The first that is IPv4. False: there is none. */
static bool address_in(struct in_addr *address, const struct upnp_resolved *resolved)
{
	for (uint8_t i = 0; i < resolved->count; i++) {
		if (!IN6_IS_ADDR_V4MAPPED(&resolved->addresses[i]))
			continue;
		memcpy(address, resolved->addresses[i].s6_addr + 12, sizeof(*address));
		return true;
	}
	return false;
}

bool stun_name_run(struct client *client, int64_t now)
{
	struct upnp_server server = { .port = client->stun_name.port };
	struct upnp_resolved resolved;

	lookup_receive(&client->stun_name.lookup, now);
	lookup_run(&client->stun_name.lookup, now);
	if (!lookup_take(&client->stun_name.lookup, &resolved))
		return false;
	if (!address_in(&server.address, &resolved)) {
		log_debug("STUN: %s has no IPv4 address", client->stun_name.lookup.wanted.name);
		return true;
	}
	stun_start(&client->stun, &client->network, &server);
	return false;
}
