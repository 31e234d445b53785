/* SPDX-License-Identifier: GPL-2.0-or-later */
/* publish: the ports of this host that are handed on to clients, as the elements of a map. */
#ifndef RULES_PUBLISH_H
#define RULES_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/range.h"
#include "rules/rules.h"

#define PUBLISHED_PORTS_MAX 131072 /* of all publishes together: each is an element */

struct publish {
	struct rules_publish is;
	uint32_t first; /* its ports count in publishes->counts from here on */
};

/* Ascending by family, protocol and port after publishes_finish(). */
struct publishes {
	struct publish *items;
	struct count *counts; /* one for each port */
	uint32_t count;
	uint32_t ports;
};

/* Sorts, and makes the counters. NULL, or one of two publishes that want the same port; the other is
 * the one after it. */
const struct publish *publishes_finish(struct publishes *publishes);
void publishes_free(struct publishes *publishes);

/* How many ports a publish hands on: at least one. */
uint32_t publish_ports(const struct rules_publish *publish);

/* The publish of a port (host byte order), or NULL; its counter. */
const struct publish *publishes_find(const struct publishes *publishes, uint8_t family,
				     uint8_t protocol, uint16_t port);
struct count *publishes_count(struct publishes *publishes, uint8_t family, uint8_t protocol,
			      uint16_t port);

/* Gives every port the count that `from` has for it. */
void publishes_carry(struct publishes *publishes, struct publishes *from);

bool publishes_same(const struct publishes *a, const struct publishes *b);

/* The only publish that one of them has not, or that leads elsewhere; NULL: there is none, or more. */
const struct rules_publish *publishes_difference(const struct publishes *a,
						 const struct publishes *b);

/* The connections to every port of a publish. */
uint64_t publish_connections(const struct publishes *publishes, const struct publish *publish);

#endif
