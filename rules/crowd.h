/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crowd: how many of an egress address's ports are taken, as one server sees them.
 *
 * Two connections from one address to one port of a server need two source ports, and there are not
 * more than RULES_CROWD_PORTS of them; what comes then is dropped. Only the kernel's list of
 * connections tells, and it is long when it matters. So it is read where there are connections enough
 * for a crowd, not often, a part at a time, and without those that are not translated. */
#ifndef RULES_CROWD_H
#define RULES_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/conntrack.h"
#include "rules/rules.h"

/* So many connections are counted apart. A crowd among N connections is counted N / CROWD_LINES too
 * low at worst. */
#define CROWD_LINES 64

/* Connections of one protocol from one address to one port of one server. */
struct crowd_line {
	struct flow of; /* as, server, server_port, protocol and family count */
	uint32_t connections;
};

struct crowd {
	struct conntrack conntrack;
	bool runs;
	int64_t again_ms; /* CLOCK_MONOTONIC: not looked at before */
	struct crowd_line lines[CROWD_LINES];
	struct rules_crowd fullest; /* as it was found last */
};

/* Begins to look, where it is time and there are so many `connections` in the kernel. */
void crowd_look(struct crowd *crowd, int64_t now_ms, int64_t connections);

/* Meaningful while crowd->runs. */
int crowd_descriptor(const struct crowd *crowd);

/* One part of the work, when the descriptor can be read; at the end crowd->runs is false and
 * crowd->fullest is what was found. */
void crowd_step(struct crowd *crowd);

/* Counts one connection; crowd_fullest() says which line is the longest. */
void crowd_count(struct crowd *crowd, const struct flow *flow);
struct rules_crowd crowd_fullest(const struct crowd *crowd);

#endif
