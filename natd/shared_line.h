/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shared_line: is this home's line one of MAP-E, and which external port does a forward take on it?
 *
 * That the IPv6 prefix fits is a guess; the router's WAN address, if it is the one that MAP-E gives this
 * home, is the evidence. A WAN address that is another one speaks against it. */
#ifndef NATD_SHARED_LINE_H
#define NATD_SHARED_LINE_H

#include <jansson.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "natd/config.h"
#include "natd/map_e.h"

struct shared_line {
	bool fits;    /* the prefix is that of such a service, and nothing speaks against it */
	bool certain; /* the WAN address is the computed one */
	struct map_e_line map;
};

/* `ours`: this host's public IPv6 address, family 0 for none. `wans`: what routers have told of theirs;
 * 0.0.0.0 where they did not. */
struct shared_line shared_line_judge(const struct address *ours, const struct in_addr *wans,
				     size_t count);

/* Gives forwards whose external port is not this home's another one that is, each its own. */
void shared_line_move(const struct shared_line *line, struct config_forward *forwards,
		      size_t count);

/* {"service", "certain", "address", "count", "ports": ["5472-5487", ...], "suggested"}: the last is what
 * would take the place of 51820. null where the line is not such a one. A new reference. */
json_t *shared_line_json(const struct shared_line *line);

#endif
