/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/publish.h"

#include <stdlib.h>
#include <string.h>

#include "natd/log.h"

uint32_t publish_ports(const struct rules_publish *publish)
{
	return (uint32_t)publish->last - publish->port + 1;
}

/* Where a port stands among all: family, then protocol, then port. */
static uint32_t place(uint8_t family, uint8_t protocol, uint16_t port)
{
	return (uint32_t)(family == AF_INET6) << 24 | (uint32_t)protocol << 16 | port;
}

static uint32_t place_of(const struct publish *publish)
{
	return place(publish->is.to.family, publish->is.protocol, publish->is.port);
}

static int compare(const void *left, const void *right)
{
	uint32_t a = place_of(left);
	uint32_t b = place_of(right);

	return a < b ? -1 : a > b;
}

/* qsort(3) wants as much memory again: not where they are sorted already. */
static void sort(struct publishes *publishes)
{
	uint32_t i = 1;

	while (i < publishes->count && compare(&publishes->items[i - 1], &publishes->items[i]) <= 0)
		i++;
	if (i < publishes->count)
		qsort(publishes->items, publishes->count, sizeof(*publishes->items), compare);
}

const struct publish *publishes_finish(struct publishes *publishes)
{
	uint32_t count = publishes->count;

	if (count == 0)
		return NULL;
	sort(publishes);
	publishes->ports = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct publish *publish = &publishes->items[i];

		if (i > 0 &&
		    place_of(publish) <= place_of(publish - 1) + publish_ports(&publish[-1].is) - 1)
			return publish - 1;
		publish->first = publishes->ports;
		publishes->ports += publish_ports(&publish->is);
	}
	publishes->counts = calloc(publishes->ports, sizeof(*publishes->counts));
	if (!publishes->counts)
		fatal("no memory for %u published ports", publishes->ports);
	return NULL;
}

void publishes_free(struct publishes *publishes)
{
	free(publishes->items);
	free(publishes->counts);
	*publishes = (struct publishes){ 0 };
}

const struct publish *publishes_find(const struct publishes *publishes, uint8_t family,
				     uint8_t protocol, uint16_t port)
{
	uint32_t wanted = place(family, protocol, port);
	uint32_t low = 0;
	uint32_t high = publishes->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct publish *publish = &publishes->items[middle];

		if (wanted < place_of(publish))
			high = middle;
		else if (wanted >= place_of(publish) + publish_ports(&publish->is))
			low = middle + 1;
		else
			return publish;
	}
	return NULL;
}

struct count *publishes_count(struct publishes *publishes, uint8_t family, uint8_t protocol,
			      uint16_t port)
{
	const struct publish *publish = publishes_find(publishes, family, protocol, port);

	return publish ? &publishes->counts[publish->first + port - publish->is.port] : NULL;
}

void publishes_carry(struct publishes *publishes, struct publishes *from)
{
	for (uint32_t i = 0; i < publishes->count; i++) {
		const struct publish *publish = &publishes->items[i];

		for (uint32_t port = publish->is.port; port <= publish->is.last; port++) {
			const struct count *known = publishes_count(
				from, publish->is.to.family, publish->is.protocol, (uint16_t)port);

			if (known)
				publishes->counts[publish->first + port - publish->is.port] =
					*known;
		}
	}
}

uint64_t publish_connections(const struct publishes *publishes, const struct publish *publish)
{
	uint64_t connections = 0;

	for (uint32_t port = 0; port < publish_ports(&publish->is); port++)
		connections += publishes->counts[publish->first + port].packets;
	return connections;
}

static bool same(const struct rules_publish *a, const struct rules_publish *b)
{
	size_t bytes = range_bytes(a->to.family);

	return a->protocol == b->protocol && a->port == b->port && a->last == b->last &&
	       a->to_port == b->to_port && a->keep_source == b->keep_source &&
	       a->to.family == b->to.family && memcmp(&a->to.v6, &b->to.v6, bytes) == 0;
}

bool publishes_same(const struct publishes *a, const struct publishes *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!same(&a->items[i].is, &b->items[i].is))
			return false;
	return true;
}

const struct rules_publish *publishes_difference(const struct publishes *a,
						 const struct publishes *b)
{
	const struct rules_publish *in_a;
	const struct rules_publish *in_b;
	uint32_t first = 0;
	uint32_t end_a = a->count;
	uint32_t end_b = b->count;

	while (first < end_a && first < end_b && same(&a->items[first].is, &b->items[first].is))
		first++;
	while (end_a > first && end_b > first &&
	       same(&a->items[end_a - 1].is, &b->items[end_b - 1].is)) {
		end_a--;
		end_b--;
	}
	if (end_a > first + 1 || end_b > first + 1)
		return NULL;
	in_a = end_a > first ? &a->items[first].is : NULL;
	in_b = end_b > first ? &b->items[first].is : NULL;
	if (in_a && in_b &&
	    (in_a->to.family != in_b->to.family || in_a->protocol != in_b->protocol ||
	     in_a->port != in_b->port || in_a->last != in_b->last))
		return NULL;
	return in_b ? in_b : in_a;
}
