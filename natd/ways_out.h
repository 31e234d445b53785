/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ways_out: by which interfaces the rules of other programs masquerade, as rules sees them, and whether
 * one was right on the day it was written only. */
#ifndef NATD_WAYS_OUT_H
#define NATD_WAYS_OUT_H

#include <stdbool.h>
#include <stddef.h>

#include "natd/network.h"
#include "natd/tunnels.h"
#include "rules/rules.h"

#define WAYS_OUT_MAX 16

struct ways_out {
	struct rules_way_out list[WAYS_OUT_MAX];
	size_t count;
	struct rules_way_out fresh[WAYS_OUT_MAX]; /* while rules tells them */
	size_t fresh_count;
};

bool ways_out_is_sound(const struct rules_way_out *way);

/* RULES_WAY_OUT; RULES_SCANNED. */
void ways_out_add(struct ways_out *ways, const struct rules_way_out *way);
void ways_out_scanned(struct ways_out *ways);

/* Does an interface of a rule mean this one? "eth+" is any that begins so. */
bool way_out_is(const char *pattern, const char *interface);

/* A rule for the tunnels' clients whose interface is not there, or not connected, while this host goes
 * out by `uplink` and none of the rules masquerades there. NULL: there is none. */
const struct rules_way_out *ways_out_frozen(const struct ways_out *ways,
					    const struct network *network, const char *uplink,
					    const struct tunnel *tunnels, size_t tunnel_count);

#endif
