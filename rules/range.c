/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/range.h"

#include <stdlib.h>
#include <string.h>

#include "natd/log.h"

#define DEPTH_MAX 129 /* prefixes around one address: lengths 0 to 128 */

/* The walk over sorted prefixes: those that are open form a stack, each inside the one below. */
struct walk {
	struct ranges *ranges;
	struct range open[DEPTH_MAX];
	size_t depth;
	uint8_t next[RANGE_BYTES_MAX]; /* the first address that no range holds yet */
	bool ended;                    /* there is no such address */
};

static const uint8_t *address_of(const struct rules_prefix *prefix)
{
	return (const uint8_t *)&prefix->v6;
}

size_t range_bytes(uint8_t family)
{
	return family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

void range_last(uint8_t last[RANGE_BYTES_MAX], const struct rules_prefix *prefix)
{
	size_t bytes = range_bytes(prefix->family);

	memcpy(last, address_of(prefix), bytes);
	for (size_t bit = prefix->length; bit < bytes * 8; bit++)
		last[bit / 8] |= (uint8_t)(0x80 >> (bit % 8));
}

bool range_same_prefix(const struct rules_prefix *a, const struct rules_prefix *b)
{
	return a->length == b->length &&
	       memcmp(address_of(a), address_of(b), range_bytes(a->family)) == 0;
}

static int compare_prefixes(const void *left, const void *right)
{
	const struct range_prefix *a = left;
	const struct range_prefix *b = right;
	size_t bytes = range_bytes(a->prefix.family);
	int order = memcmp(address_of(&a->prefix), address_of(&b->prefix), bytes);

	if (order != 0)
		return order;
	if (a->prefix.length != b->prefix.length)
		return a->prefix.length < b->prefix.length ? -1 : 1;
	return a->item < b->item ? -1 : a->item > b->item;
}

static struct range range_of(const struct range_prefix *from, size_t bytes)
{
	struct range range = { .item = from->item };

	memcpy(range.first, address_of(&from->prefix), bytes);
	range_last(range.last, &from->prefix);
	return range;
}

bool range_next(uint8_t *address, size_t bytes)
{
	for (size_t i = bytes; i-- > 0;)
		if (++address[i] != 0)
			return true;
	return false;
}

static void range_before(uint8_t *address, size_t bytes)
{
	for (size_t i = bytes; i-- > 0;)
		if (address[i]-- != 0)
			return;
}

/* What of the innermost open prefix lies from `next` to `last` is a range of its own. */
static void emit_to(struct walk *walk, const uint8_t *last)
{
	size_t bytes = walk->ranges->bytes;
	struct range *range = &walk->ranges->items[walk->ranges->count];

	if (walk->ended || memcmp(walk->next, last, bytes) > 0)
		return;
	*range = (struct range){ .item = walk->open[walk->depth - 1].item };
	memcpy(range->first, walk->next, bytes);
	memcpy(range->last, last, bytes);
	walk->ranges->count++;
	memcpy(walk->next, last, bytes);
	walk->ended = !range_next(walk->next, bytes);
}

static void close_innermost(struct walk *walk)
{
	emit_to(walk, walk->open[walk->depth - 1].last);
	walk->depth--;
}

static void open_prefix(struct walk *walk, const struct range *range)
{
	size_t bytes = walk->ranges->bytes;
	uint8_t before[RANGE_BYTES_MAX];

	while (walk->depth > 0 && memcmp(walk->open[walk->depth - 1].last, range->first, bytes) < 0)
		close_innermost(walk);
	if (walk->depth > 0 && memcmp(walk->next, range->first, bytes) < 0) {
		memcpy(before, range->first, bytes);
		range_before(before, bytes);
		emit_to(walk, before);
	}
	walk->open[walk->depth++] = *range;
	memcpy(walk->next, range->first, bytes);
}

void ranges_make(struct ranges *ranges, uint8_t family, struct range_prefix *prefixes, size_t count)
{
	struct walk walk = { .ranges = ranges };

	*ranges = (struct ranges){ .family = family, .bytes = range_bytes(family) };
	if (count == 0)
		return;
	/* Each prefix adds one range and cuts at most one other in two. */
	ranges->items = calloc(count * 2, sizeof(*ranges->items));
	if (!ranges->items)
		fatal("no memory for %zu networks", count);
	qsort(prefixes, count, sizeof(*prefixes), compare_prefixes);
	for (size_t i = 0; i < count; i++) {
		struct range range = range_of(&prefixes[i], ranges->bytes);

		if (i == 0 || !range_same_prefix(&prefixes[i - 1].prefix, &prefixes[i].prefix))
			open_prefix(&walk, &range);
	}
	while (walk.depth > 0)
		close_innermost(&walk);
}

void ranges_free(struct ranges *ranges)
{
	free(ranges->items);
	*ranges = (struct ranges){ 0 };
}

struct range *ranges_find(const struct ranges *ranges, const uint8_t *first)
{
	size_t low = 0;
	size_t high = ranges->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = memcmp(ranges->items[middle].first, first, ranges->bytes);

		if (order == 0)
			return &ranges->items[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct range *ranges_around(const struct ranges *ranges, const uint8_t *address)
{
	size_t low = 0;
	size_t high = ranges->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct range *range = &ranges->items[middle];

		if (memcmp(address, range->first, ranges->bytes) < 0)
			high = middle;
		else if (memcmp(address, range->last, ranges->bytes) > 0)
			low = middle + 1;
		else
			return range;
	}
	return NULL;
}

bool range_prefix_holds(const struct rules_prefix *network, const struct rules_prefix *host)
{
	const uint8_t *a = (const uint8_t *)&network->v6;
	const uint8_t *b = (const uint8_t *)&host->v6;
	size_t bytes = network->length / 8;
	unsigned int bits = network->length % 8;

	return network->family == host->family && memcmp(a, b, bytes) == 0 &&
	       (!bits || (a[bytes] ^ b[bytes]) >> (8 - bits) == 0);
}
