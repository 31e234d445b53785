/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/networks.h"

#include <stdlib.h>
#include <string.h>

#include "natd/log.h"

static const uint8_t *address_of(const struct network_behind *network)
{
	return (const uint8_t *)&network->prefix.v6;
}

bool networks_add(struct networks *networks, const struct rules_network *network, uint8_t tunnel)
{
	uint32_t count = networks->count;

	if (count >= NETWORKS_MAX)
		return false;
	if ((count & (count - 1)) == 0) {
		networks->items = realloc(networks->items, (count ? (size_t)count * 2 : 1) *
								   sizeof(*networks->items));
		if (!networks->items)
			fatal("no memory for %u networks", count);
	}
	networks->items[networks->count++] = (struct network_behind){
		.prefix = network->network,
		.tunnel = tunnel,
		.way = ways_add(&networks->ways, network) & 0x7fffff,
	};
	return true;
}

static int compare_addresses(uint8_t family, const uint8_t *address,
			     const struct network_behind *network)
{
	if (family != network->prefix.family)
		return family < network->prefix.family ? -1 : 1;
	return memcmp(address, address_of(network), range_bytes(family));
}

static int compare(const void *left, const void *right)
{
	const struct network_behind *a = left;
	const struct network_behind *b = right;
	int order = compare_addresses(a->prefix.family, address_of(a), b);

	if (order != 0)
		return order;
	if (a->prefix.length != b->prefix.length)
		return a->prefix.length < b->prefix.length ? -1 : 1;
	return a->tunnel < b->tunnel ? -1 : a->tunnel > b->tunnel;
}

/* qsort(3) wants as much memory again: not where natd has sorted already. */
static void sort(struct networks *networks)
{
	uint32_t i = 1;

	while (i < networks->count && compare(&networks->items[i - 1], &networks->items[i]) <= 0)
		i++;
	if (i < networks->count)
		qsort(networks->items, networks->count, sizeof(*networks->items), compare);
}

const struct way *networks_way(const struct networks *networks,
			       const struct network_behind *network)
{
	return &networks->ways.items[network->way];
}

struct ranges *networks_ranges(struct networks *networks, uint8_t family)
{
	return family == AF_INET ? &networks->ranges4 : &networks->ranges6;
}

bool networks_repeats(const struct networks *networks, uint32_t index)
{
	const struct network_behind *network = &networks->items[index];

	return index > 0 && network[-1].prefix.family == network->prefix.family &&
	       range_same_prefix(&network[-1].prefix, &network->prefix);
}

static const struct network_behind *find_clash(const struct networks *networks)
{
	for (uint32_t i = 1; i < networks->count; i++)
		if (networks_repeats(networks, i) &&
		    !way_same(networks_way(networks, &networks->items[i - 1]),
			      networks_way(networks, &networks->items[i])))
			return &networks->items[i - 1];
	return NULL;
}

/* A pool or a prefix has no hash: nft 1.0.6 cannot load its own listing of one. What is routed is
 * only left out of the ranges around it. */
static bool may_be_hashed(const struct networks *networks, const struct network_behind *network)
{
	uint8_t egress = networks_way(networks, network)->egress;

	return network->prefix.length == range_bytes(network->prefix.family) * 8 &&
	       (egress == RULES_EGRESS_ADDRESS || egress == RULES_EGRESS_MASQUERADE ||
		egress == RULES_EGRESS_CLOSED);
}

static void make_ranges(struct networks *networks, uint8_t family)
{
	struct range_prefix *prefixes = NULL;
	size_t count = 0;

	for (uint32_t i = 0; i < networks->count; i++)
		count += !networks->items[i].hashed;
	prefixes = calloc(count ? count : 1, sizeof(*prefixes));
	if (!prefixes)
		fatal("no memory for %zu networks", count);
	count = 0;
	for (uint32_t i = 0; i < networks->count; i++)
		if (networks->items[i].prefix.family == family && !networks->items[i].hashed)
			prefixes[count++] = (struct range_prefix){ networks->items[i].prefix, i };
	ranges_free(networks_ranges(networks, family));
	ranges_make(networks_ranges(networks, family), family, prefixes, count);
	free(prefixes);
}

/* A closed range drops before any hash could save an address of it: such an address has to be a range
 * of its own. True where there was one. */
static bool open_closed_ranges(struct networks *networks, uint8_t family)
{
	bool found = false;

	for (uint32_t i = 0; i < networks->count; i++) {
		struct network_behind *network = &networks->items[i];
		const struct range *around;

		if (!network->hashed || network->prefix.family != family ||
		    networks_way(networks, network)->egress == RULES_EGRESS_CLOSED)
			continue;
		around = ranges_around(networks_ranges(networks, family), address_of(network));
		if (!around || networks_way(networks, &networks->items[around->item])->egress !=
				       RULES_EGRESS_CLOSED)
			continue;
		network->hashed = false;
		found = true;
	}
	return found;
}

const struct network_behind *networks_finish(struct networks *networks)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	const struct network_behind *clash;

	sort(networks);
	clash = find_clash(networks);
	if (clash)
		return clash;
	for (uint32_t i = 0; i < networks->count; i++)
		networks->items[i].hashed = may_be_hashed(networks, &networks->items[i]);
	for (size_t f = 0; f < sizeof(families); f++) {
		make_ranges(networks, families[f]);
		if (open_closed_ranges(networks, families[f]))
			make_ranges(networks, families[f]);
	}
	return NULL;
}

void networks_free(struct networks *networks)
{
	free(networks->items);
	ways_free(&networks->ways);
	ranges_free(&networks->ranges4);
	ranges_free(&networks->ranges6);
	*networks = (struct networks){ 0 };
}

struct network_behind *networks_host(const struct networks *networks, uint8_t family,
				     const uint8_t *address)
{
	uint32_t low = 0;
	uint32_t high = networks->count;

	/* The first network that begins beyond the address: the longest of those that begin at it is
	 * the one before, or repeats it. */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (compare_addresses(family, address, &networks->items[middle]) < 0)
			high = middle;
		else
			low = middle + 1;
	}
	while (low > 0 && networks_repeats(networks, low - 1))
		low--;
	if (low == 0 || !networks->items[low - 1].hashed ||
	    compare_addresses(family, address, &networks->items[low - 1]) != 0)
		return NULL;
	return &networks->items[low - 1];
}

const struct way *networks_way_from(const struct networks *networks, uint8_t family,
				    const uint8_t *address)
{
	const struct ranges *ranges = family == AF_INET ? &networks->ranges4 : &networks->ranges6;
	const struct network_behind *network = networks_host(networks, family, address);

	if (!network) {
		const struct range *range = ranges_around(ranges, address);

		network = range ? &networks->items[range->item] : NULL;
	}
	return network ? networks_way(networks, network) : NULL;
}

/* The next network of a family that does not repeat the one before, from *index on; NULL: no more. */
static const struct network_behind *next_of(const struct networks *networks, uint8_t family,
					    uint32_t *index)
{
	for (; *index < networks->count; ++*index)
		if (networks->items[*index].prefix.family == family &&
		    !networks_repeats(networks, *index))
			return &networks->items[(*index)++];
	return NULL;
}

bool networks_same(const struct networks *a, const struct networks *b, uint8_t family)
{
	uint32_t in_a = 0;
	uint32_t in_b = 0;

	for (;;) {
		const struct network_behind *left = next_of(a, family, &in_a);
		const struct network_behind *right = next_of(b, family, &in_b);

		if (!left || !right)
			return !left && !right;
		if (!range_same_prefix(&left->prefix, &right->prefix) ||
		    !way_same(networks_way(a, left), networks_way(b, right)))
			return false;
	}
}

static bool same_network(const struct networks *a, uint32_t in_a, const struct networks *b,
			 uint32_t in_b)
{
	const struct network_behind *left = &a->items[in_a];
	const struct network_behind *right = &b->items[in_b];

	return left->prefix.family == right->prefix.family &&
	       range_same_prefix(&left->prefix, &right->prefix) &&
	       way_same(networks_way(a, left), networks_way(b, right));
}

const struct rules_prefix *networks_difference(const struct networks *a, const struct networks *b)
{
	uint32_t first = 0;
	uint32_t end_a = a->count;
	uint32_t end_b = b->count;
	const struct rules_prefix *in_a;
	const struct rules_prefix *in_b;

	while (first < end_a && first < end_b && same_network(a, first, b, first))
		first++;
	while (end_a > first && end_b > first && same_network(a, end_a - 1, b, end_b - 1)) {
		end_a--;
		end_b--;
	}
	if (end_a > first + 1 || end_b > first + 1)
		return NULL;
	in_a = end_a > first ? &a->items[first].prefix : NULL;
	in_b = end_b > first ? &b->items[first].prefix : NULL;
	if (in_a && in_b && (in_a->family != in_b->family || !range_same_prefix(in_a, in_b)))
		return NULL;
	return in_b ? in_b : in_a;
}

/* The counter of the element that begins at an address, hashed or not. */
static const struct count *count_at(struct networks *networks, uint8_t family,
				    const uint8_t *address)
{
	const struct network_behind *host = networks_host(networks, family, address);
	const struct range *range =
		host ? NULL : ranges_find(networks_ranges(networks, family), address);

	return host ? &host->count : range ? &range->count : NULL;
}

static void carry_ranges(struct ranges *ranges, struct networks *from)
{
	for (size_t i = 0; i < ranges->count; i++) {
		const struct count *known = count_at(from, ranges->family, ranges->items[i].first);

		if (known)
			ranges->items[i].count = *known;
	}
}

void networks_carry(struct networks *networks, struct networks *from)
{
	for (uint32_t i = 0; i < networks->count; i++) {
		struct network_behind *network = &networks->items[i];
		const struct count *known = network->hashed ? count_at(from, network->prefix.family,
								       address_of(network))
							    : NULL;

		if (known)
			network->count = *known;
	}
	carry_ranges(&networks->ranges4, from);
	carry_ranges(&networks->ranges6, from);
}

void networks_sum(struct networks *networks)
{
	const struct ranges *families[] = { &networks->ranges4, &networks->ranges6 };

	for (uint32_t i = 0; i < networks->count; i++)
		if (!networks->items[i].hashed)
			networks->items[i].count = (struct count){ 0 };
	for (size_t f = 0; f < 2; f++)
		for (size_t i = 0; i < families[f]->count; i++)
			networks->items[families[f]->items[i].item].count.packets +=
				families[f]->items[i].count.packets;
	for (uint32_t i = 1; i < networks->count; i++)
		if (networks_repeats(networks, i))
			networks->items[i].count = networks->items[i - 1].count;
}
