/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ways_out.h"

#include <string.h>

#include "natd/log.h"

#define TERMINATED(array) (memchr(array, '\0', sizeof(array)) != NULL)

bool ways_out_is_sound(const struct rules_way_out *way)
{
	const struct rules_prefix *from = &way->from;

	return TERMINATED(way->interface) && TERMINATED(way->table) && TERMINATED(way->chain) &&
	       (from->family == AF_UNSPEC || (from->family == AF_INET && from->length <= 32) ||
		(from->family == AF_INET6 && from->length <= 128));
}

void ways_out_add(struct ways_out *ways, const struct rules_way_out *way)
{
	struct rules_way_out *fresh;

	if (ways->fresh_count == WAYS_OUT_MAX)
		return;
	fresh = &ways->fresh[ways->fresh_count++];
	*fresh = *way;
	log_clean(fresh->interface);
	log_clean(fresh->table);
	log_clean(fresh->chain);
}

void ways_out_scanned(struct ways_out *ways)
{
	memcpy(ways->list, ways->fresh, sizeof(ways->list));
	ways->count = ways->fresh_count;
	ways->fresh_count = 0;
}

bool way_out_is(const char *pattern, const char *interface)
{
	size_t length = strlen(pattern);

	if (length && pattern[length - 1] == '+')
		return strncmp(pattern, interface, length - 1) == 0;
	return strcmp(pattern, interface) == 0;
}

static bool overlap(const struct prefix *a, const struct prefix *b)
{
	return prefix_contains(a, &b->address) || prefix_contains(b, &a->address);
}

/* Is it about clients of a tunnel, by IPv4? The way out that natd holds it against is that of IPv4. */
static bool concerns(const struct rules_way_out *way, const struct tunnel *tunnels, size_t count)
{
	struct prefix from = { { .family = AF_INET, .v4 = way->from.v4 }, way->from.length };

	if (way->family == AF_INET6 || way->from.family == AF_INET6)
		return false;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < tunnels[i].network_count; j++)
			if (way->from.family == AF_UNSPEC ||
			    overlap(&from, &tunnels[i].networks[j]))
				return true;
	return false;
}

/* Nobody's packets leave there now. */
static bool leads_nowhere(const struct rules_way_out *way, const struct network *network)
{
	for (size_t i = 0; i < network->link_count; i++) {
		const struct network_link *link = &network->links[i];

		if (way_out_is(way->interface, link->name) &&
		    ((link->up && link->running) || network_is_tunnel(link)))
			return false;
	}
	return true;
}

const struct rules_way_out *ways_out_frozen(const struct ways_out *ways,
					    const struct network *network, const char *uplink,
					    const struct tunnel *tunnels, size_t tunnel_count)
{
	const struct rules_way_out *frozen = NULL;

	for (size_t i = 0; *uplink && i < ways->count; i++) {
		const struct rules_way_out *way = &ways->list[i];

		if (!concerns(way, tunnels, tunnel_count))
			continue;
		if (!way->interface[0] || way_out_is(way->interface, uplink))
			return NULL;
		if (!frozen && leads_nowhere(way, network))
			frozen = way;
	}
	return frozen;
}
