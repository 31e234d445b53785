/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/map_e.h"

#include <stdio.h>
#include <stdlib.h>

/* Of services in Japan, whose lines do not tell their rule: as those measured them who use them
 * (field/failures.md 8; https://ipv4.web.fc2.com/map-e.html). */
static const struct map_e_rule rules[] = {
	{ "v6 Plus", "240b:10::/31", "106.72.0.0/15", 25, 4 },
	{ "v6 Plus", "240b:12::/31", "14.8.0.0/15", 25, 4 },
	{ "v6 Plus", "240b:250::/31", "14.10.0.0/15", 25, 4 },
	{ "v6 Plus", "240b:252::/31", "14.12.0.0/15", 25, 4 },
	{ "OCN Virtual Connect", "2400:4050::/34", "153.240.0.0/16", 22, 6 },
	{ "OCN Virtual Connect", "2400:4050:4000::/35", "153.241.0.0/17", 21, 6 },
	{ "OCN Virtual Connect", "2400:4050:6000::/35", "153.241.128.0/17", 21, 6 },
	{ "OCN Virtual Connect", "2400:4050:8000::/33", "153.242.0.0/15", 23, 6 },
};

/* `count` bits of an IPv6 address, at most 32, from bit `start` on. */
static uint32_t bits_of(const struct in6_addr *address, unsigned int start, unsigned int count)
{
	uint32_t value = 0;

	for (unsigned int bit = start; bit < start + count; bit++)
		value = value << 1 | (address->s6_addr[bit / 8] >> (7 - bit % 8) & 1);
	return value;
}

bool map_e_apply(struct map_e_line *line, const struct map_e_rule *rule, const struct address *ours)
{
	struct prefix ipv6;
	struct prefix ipv4;
	uint8_t suffix_bits; /* of the IPv4 address */
	uint32_t suffix;

	if (!prefix_parse(&ipv6, rule->ipv6) || !prefix_parse(&ipv4, rule->ipv4) ||
	    !prefix_contains(&ipv6, ours))
		return false;
	suffix_bits = (uint8_t)(32 - ipv4.length);
	suffix = bits_of(&ours->v6, ipv6.length, suffix_bits);
	line->service = rule->service;
	line->address.s_addr = ipv4.address.v4.s_addr | htonl(suffix);
	line->psid_offset = rule->psid_offset;
	line->psid_bits = (uint8_t)(rule->ea_bits - suffix_bits);
	line->psid = (uint16_t)bits_of(&ours->v6, ipv6.length + suffix_bits, line->psid_bits);
	return true;
}

bool map_e_find(struct map_e_line *line, const struct address *ours)
{
	*line = (struct map_e_line){ 0 };
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (map_e_apply(line, &rules[i], ours))
			return true;
	return false;
}

/* RFC 7597 5.1: a port is A, the PSID, and j. A is not 0, so that nobody owns the well-known ports,
 * unless the rule leaves no bits for it. */
static unsigned int j_bits(const struct map_e_line *line)
{
	return 16u - line->psid_offset - line->psid_bits;
}

size_t map_e_range_count(const struct map_e_line *line)
{
	return line->psid_offset ? ((size_t)1 << line->psid_offset) - 1 : 1;
}

struct map_e_range map_e_range(const struct map_e_line *line, size_t index)
{
	unsigned int a = line->psid_offset ? (unsigned int)index + 1 : 0;
	unsigned int first = a << (16 - line->psid_offset) | (unsigned int)line->psid
								     << j_bits(line);

	return (struct map_e_range){ (uint16_t)first,
				     (uint16_t)(first + (1u << j_bits(line)) - 1) };
}

size_t map_e_port_count(const struct map_e_line *line)
{
	return map_e_range_count(line) << j_bits(line);
}

bool map_e_owns(const struct map_e_line *line, uint16_t port)
{
	for (size_t i = 0; i < map_e_range_count(line); i++) {
		struct map_e_range range = map_e_range(line, i);

		if (range.first <= port && port <= range.last)
			return true;
	}
	return false;
}

static int distance(struct map_e_range range, uint16_t port)
{
	return port < range.first ? range.first - port : port > range.last ? port - range.last : 0;
}

uint16_t map_e_pick(const struct map_e_line *line, uint16_t wanted, size_t nth)
{
	struct map_e_range best = map_e_range(line, 0);

	for (size_t i = 1; i < map_e_range_count(line); i++)
		if (distance(map_e_range(line, i), wanted) < distance(best, wanted))
			best = map_e_range(line, i);
	return (uint16_t)(best.first + nth % ((size_t)best.last - best.first + 1));
}

const char *map_e_print(const struct map_e_line *line, char *text, size_t size)
{
	static const char more[] = ", ...";
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < map_e_range_count(line); i++) {
		struct map_e_range range = map_e_range(line, i);
		char one[24];
		int length = snprintf(one, sizeof(one), "%s%u-%u", i ? ", " : "", range.first,
				      range.last);

		if (used + (size_t)length + sizeof(more) > size) {
			snprintf(text + used, size - used, "%s", more);
			break;
		}
		used += (size_t)snprintf(text + used, size - used, "%s", one);
	}
	return text;
}
