/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/way.h"

#include <stdlib.h>
#include <string.h>

#include "natd/log.h"

#define LATELY 8

static struct way way_of(const struct rules_network *network)
{
	struct way way = { .family = network->network.family, .egress = network->egress };
	size_t bytes = range_bytes(way.family);

	if (!way_is_fixed(&way))
		return way;
	memcpy(way.first, &network->address.v6, bytes);
	if (way.egress == RULES_EGRESS_POOL)
		memcpy(way.last, &network->last.v6, bytes);
	else
		range_last(way.last, &network->address);
	return way;
}

uint32_t ways_add(struct ways *ways, const struct rules_network *network)
{
	struct way way = way_of(network);

	for (uint32_t i = 1; i <= LATELY && i <= ways->count; i++)
		if (way_same(&ways->items[ways->count - i], &way))
			return ways->count - i;
	if ((ways->count & (ways->count - 1)) == 0) {
		ways->items = realloc(ways->items,
				      (ways->count ? (size_t)ways->count * 2 : 1) * sizeof(way));
		if (!ways->items)
			fatal("no memory for %u ways out", ways->count);
	}
	ways->items[ways->count] = way;
	return ways->count++;
}

void ways_free(struct ways *ways)
{
	free(ways->items);
	*ways = (struct ways){ 0 };
}

bool way_same(const struct way *a, const struct way *b)
{
	size_t bytes = range_bytes(a->family);

	return a->family == b->family && a->egress == b->egress &&
	       memcmp(a->first, b->first, bytes) == 0 && memcmp(a->last, b->last, bytes) == 0;
}

bool way_is_fixed(const struct way *way)
{
	return way->egress == RULES_EGRESS_ADDRESS || way->egress == RULES_EGRESS_POOL ||
	       way->egress == RULES_EGRESS_PREFIX;
}

/* RFC 6296 3.1 in short: the prefix changes, the rest stays. The kernel tells the one from the other
 * by where first and last differ; nft_nat.c nft_nat_setup_netmap(). */
static bool maps_to(const struct way *way, const uint8_t *from, const uint8_t *as)
{
	for (size_t i = 0; i < range_bytes(way->family); i++) {
		uint8_t rest = way->first[i] ^ way->last[i];

		if (as[i] != (way->first[i] | (from[i] & rest)))
			return false;
	}
	return true;
}

bool way_gives(const struct way *way, const uint8_t *from, const uint8_t *as)
{
	size_t bytes = range_bytes(way->family);

	if (!way_is_fixed(way))
		return false;
	if (way->egress == RULES_EGRESS_PREFIX)
		return maps_to(way, from, as);
	return memcmp(way->first, as, bytes) <= 0 && memcmp(as, way->last, bytes) <= 0;
}
