/* SPDX-License-Identifier: GPL-2.0-or-later */
/* map_e: lines on which many homes share one IPv4 address and each owns some of its ports (MAP-E,
 * RFC 7597). Which address and which ports follows from the home's IPv6 prefix and the provider's rule.
 *
 * Pure arithmetic. That a prefix fits a rule does not prove that the line is such a one: the router's
 * own WAN address does, if it is the computed one. */
#ifndef NATD_MAP_E_H
#define NATD_MAP_E_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "natd/address.h"

/* RFC 7597 5: a mapping rule. The EA bits follow the IPv6 prefix: first what is missing of the IPv4
 * address, then the PSID. */
struct map_e_rule {
	const char *service; /* as it is sold; or whose rule it is */
	const char *ipv6;
	const char *ipv4;
	uint8_t ea_bits;
	uint8_t psid_offset; /* bits of the port before the PSID */
};

struct map_e_line {
	const char *service; /* NULL: no such line */
	struct in_addr address;
	uint16_t psid;
	uint8_t psid_bits;
	uint8_t psid_offset;
};

/* Ports from `first` to `last`, host byte order. */
struct map_e_range {
	uint16_t first;
	uint16_t last;
};

/* The line of a home that has the IPv6 address `ours`, by the rule that fits. False: none does. */
bool map_e_find(struct map_e_line *line, const struct address *ours);

/* The same by one rule. */
bool map_e_apply(struct map_e_line *line, const struct map_e_rule *rule,
		 const struct address *ours);

/* The ranges of ports that it owns, and how many ports they are. */
size_t map_e_range_count(const struct map_e_line *line);
struct map_e_range map_e_range(const struct map_e_line *line, size_t index);
size_t map_e_port_count(const struct map_e_line *line);

bool map_e_owns(const struct map_e_line *line, uint16_t port);

/* An owned port in place of `wanted`: of the range that is nearest to it, the one number `nth` (counted
 * from 0; it goes round). */
uint16_t map_e_pick(const struct map_e_line *line, uint16_t wanted, size_t nth);

/* "5472-5487, 9568-9583, ..." of as many ranges as fit. */
const char *map_e_print(const struct map_e_line *line, char *text, size_t size);

#endif
