/* SPDX-License-Identifier: GPL-2.0-or-later */
/* firewalld_zone: names the tunnels' interfaces in firewalld's default zone.
 *
 * An interface that nobody has put into a zone is in the default zone, and treated alike whether it is named
 * there or not. But firewalld 2 leads no packet into a policy from ANY to ANY, as natd's is, where both
 * interfaces are only in that zone by default (fw_policy.py, _ingress_egress_zone(), seen in 2.3.1). */
#ifndef NATD_FIREWALLD_ZONE_H
#define NATD_FIREWALLD_ZONE_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "natd/bus.h"
#include "natd/config.h"

struct firewalld_zone {
	struct firewalld_link {
		char name[IF_NAMESIZE]; /* "": a free slot */
		bool asked;             /* to be named, since firewalld has loaded its state */
		bool waiting;           /* for the answer to that */
		bool ours;              /* natd has named it, nobody before */
		const struct bus_calls *sd;
	} links[CONFIG_TUNNELS_MAX];
};

struct firewalld_bus {
	const struct bus_calls *sd;
	sd_bus *bus;
};

/* The tunnels that there are. What natd has named of others is taken back; `to.bus` NULL: not connected. */
void firewalld_zone_set(struct firewalld_zone *zone, struct firewalld_bus to,
			const char (*names)[IF_NAMESIZE], size_t count);

/* Has firewalld name those that it was not asked for yet. */
void firewalld_zone_bind(struct firewalld_zone *zone, struct firewalld_bus to);

/* It has loaded its state again. `started`: and knows nothing of what it was told. */
void firewalld_zone_again(struct firewalld_zone *zone, bool started);

/* The bus is gone, and no answer comes any more: all is to be asked for again. */
void firewalld_zone_forget(struct firewalld_zone *zone);

/* Takes back what natd has named; nobody waits for the answers. */
void firewalld_zone_leave(struct firewalld_zone *zone, struct firewalld_bus to);

#endif
