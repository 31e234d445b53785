/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/crowd.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <string.h>

/* 200 000 connections are read in a second. */
#define LOOK_AGAIN_MS 30000

/* Fewer connections are no crowd that natd would warn of. */
#define CONNECTIONS_MIN (RULES_CROWD_PORTS / 100 * RULES_CROWD_PERCENT)

static bool same_line(const struct flow *a, const struct flow *b)
{
	return a->server_port == b->server_port && a->protocol == b->protocol &&
	       a->family == b->family && memcmp(a->as, b->as, sizeof(a->as)) == 0 &&
	       memcmp(a->server, b->server, sizeof(a->server)) == 0;
}

/* What occurs most often stays: where no line is free, each gives one up (Misra and Gries, 1982). */
void crowd_count(struct crowd *crowd, const struct flow *flow)
{
	struct crowd_line *free_line = NULL;

	for (size_t i = 0; i < CROWD_LINES; i++) {
		struct crowd_line *line = &crowd->lines[i];

		if (line->connections && same_line(&line->of, flow)) {
			line->connections++;
			return;
		}
		if (!line->connections && !free_line)
			free_line = line;
	}
	if (free_line)
		*free_line = (struct crowd_line){ *flow, 1 };
	for (size_t i = 0; !free_line && i < CROWD_LINES; i++)
		crowd->lines[i].connections--;
}

static struct rules_prefix host(uint8_t family, const uint8_t *address)
{
	struct rules_prefix prefix;

	memset(&prefix, 0, sizeof(prefix));
	prefix.family = family;
	prefix.length = family == AF_INET ? 32 : 128;
	memcpy(&prefix.v6, address, prefix.length / 8);
	return prefix;
}

struct rules_crowd crowd_fullest(const struct crowd *crowd)
{
	const struct crowd_line *fullest = &crowd->lines[0];

	for (size_t i = 1; i < CROWD_LINES; i++)
		if (crowd->lines[i].connections > fullest->connections)
			fullest = &crowd->lines[i];
	if (!fullest->connections)
		return (struct rules_crowd){ 0 };
	return (struct rules_crowd){
		.protocol = fullest->of.protocol,
		.port = fullest->of.server_port,
		.address = host(fullest->of.family, fullest->of.as),
		.server = host(fullest->of.family, fullest->of.server),
		.connections = fullest->connections,
	};
}

void crowd_look(struct crowd *crowd, int64_t now_ms, int64_t connections)
{
	const struct conntrack_filter translated = { .status = IPS_SRC_NAT,
						     .status_mask = IPS_SRC_NAT };

	if (crowd->runs)
		return;
	if (connections < CONNECTIONS_MIN) {
		crowd->fullest = (struct rules_crowd){ 0 };
		return;
	}
	if (now_ms < crowd->again_ms)
		return;
	memset(crowd->lines, 0, sizeof(crowd->lines));
	conntrack_open(&crowd->conntrack);
	conntrack_dump(&crowd->conntrack, &translated);
	crowd->runs = true;
	crowd->again_ms = now_ms + LOOK_AGAIN_MS;
}

int crowd_descriptor(const struct crowd *crowd)
{
	return conntrack_descriptor(&crowd->conntrack);
}

/* Other protocols have no ports, or are rare. */
static bool count_flow(const struct flow *flow, void *context)
{
	if (flow->protocol == IPPROTO_UDP || flow->protocol == IPPROTO_TCP)
		crowd_count(context, flow);
	return false; /* stays */
}

void crowd_step(struct crowd *crowd)
{
	conntrack_read(&crowd->conntrack, count_flow, crowd);
	if (crowd->conntrack.dumping)
		return;
	conntrack_close(&crowd->conntrack);
	crowd->runs = false;
	crowd->fullest = crowd_fullest(crowd);
}
