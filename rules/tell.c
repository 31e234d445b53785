/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/tell.h"

#include <stdlib.h>
#include <string.h>

#include "natd/log.h"
#include "natd/process.h"
#include "rules/seen.h"

_Noreturn void tell_is_over(void)
{
	log_debug("natd has gone; the rules stay in force");
	exit(EXIT_SUCCESS);
}

struct rules_report tell_new(enum rules_report_what what, uint32_t generation)
{
	struct rules_report new;

	memset(&new, 0, sizeof(new));
	new.what = what;
	new.generation = generation;
	return new;
}

void tell(int natd, const struct rules_report *said)
{
	if (!process_send(natd, said, sizeof(*said)))
		tell_is_over();
}

static void tell_ports(int natd, const struct set *set, uint32_t generation)
{
	for (uint32_t i = 0; i < set->port_count; i++) {
		const struct set_port *port = &set->ports[i];
		struct rules_report said = tell_new(RULES_PORT_COUNT, generation);

		said.port.protocol = port->is.protocol;
		said.port.port = port->is.port;
		said.port.arrived = port->outside.packets + port->lan.packets;
		said.port.arrived_lan = port->lan.packets;
		said.port.delivered = port->delivered.packets;
		said.port.seen_ago = seen_ago(port->seen_ms);
		said.port.seen_lan_ago = seen_ago(port->seen_lan_ms);
		tell(natd, &said);
	}
}

static void tell_networks(int natd, const struct set *set, uint32_t generation)
{
	for (uint32_t i = 0; i < set->networks.count; i++) {
		struct rules_report said = tell_new(RULES_NETWORK_COUNT, generation);

		said.network.network = set->networks.items[i].prefix;
		said.network.packets = set->networks.items[i].count.packets;
		tell(natd, &said);
	}
}

static void tell_tunnels(int natd, const struct set *set, uint32_t generation)
{
	for (uint32_t i = 0; i < set->tunnel_count; i++) {
		const struct set_tunnel *tunnel = &set->tunnels[i];
		struct rules_report said = tell_new(RULES_TUNNEL_COUNT, generation);

		memcpy(said.tunnel.interface, tunnel->is.interface, sizeof(said.tunnel.interface));
		said.tunnel.in = tunnel->in.packets;
		said.tunnel.out = tunnel->out.packets;
		said.tunnel.spoofed = tunnel->spoofed.packets;
		said.tunnel.allowed = tunnel->allowed.packets;
		said.tunnel.passed = tunnel->passed.packets;
		tell(natd, &said);
	}
}

static void tell_published(int natd, const struct set *set, uint32_t generation)
{
	for (uint32_t i = 0; i < set->published.count; i++) {
		const struct publish *publish = &set->published.items[i];
		struct rules_report said = tell_new(RULES_PUBLISH_COUNT, generation);

		said.publish.family = publish->is.to.family;
		said.publish.protocol = publish->is.protocol;
		said.publish.port = publish->is.port;
		said.publish.connections = publish_connections(&set->published, publish);
		tell(natd, &said);
	}
}

void tell_counts(int natd, const struct set *set, uint32_t generation)
{
	tell_ports(natd, set, generation);
	tell_networks(natd, set, generation);
	tell_tunnels(natd, set, generation);
	tell_published(natd, set, generation);
}

void tell_counted(int natd, const struct rules_crowd *fullest, uint32_t generation)
{
	struct rules_report said = tell_new(RULES_CROWD, generation);

	said.crowd = *fullest;
	tell(natd, &said);
	said = tell_new(RULES_COUNTED, generation);
	tell(natd, &said);
}
