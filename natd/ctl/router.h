/* SPDX-License-Identifier: GPL-2.0-or-later */
/* router: natctl asks the router itself, changing nothing, through a upnp process of its own. */
#ifndef NATD_CTL_ROUTER_H
#define NATD_CTL_ROUTER_H

#include "natd/ctl/identify.h"
#include "natd/network.h"
#include "natd/process.h"
#include "upnp/upnp.h"

struct router_answers {
	struct upnp_protocol_report protocols[UPNP_PROTOCOLS]; /* by enum upnp_protocol */
	struct upnp_wan wans[UPNP_PROTOCOLS]; /* by who says it; .via is UPNP_ANY where none does */
	struct upnp_router router;
	struct upnp_hops hops;
	/* Asked only of a thorough look. */
	struct upnp_listed table; /* its size */
	bool table_asked;         /* UPnP answers */
	int64_t table_ms;         /* that took so long */
	struct upnp_probed6 six;
	bool six_told;
};

/* Where a router is asked for IPv6: at the default route's gateway, from a public address of this host. */
struct router6 {
	bool known;
	struct upnp_pinhole at;
};

/* Probes the gateway of `uplink`, which must have one, looks who is on the way to the internet, and waits
 * until everything has been answered or has had its time. Protocols that did not get that far stay
 * UPNP_ASKING. With `six` the look is thorough: IPv6, where it is known, and the size of the table as well.
 * `beside` goes on meanwhile, if it runs. False if upnp ended early. */
bool router_ask(const struct uplink *uplink, const struct router6 *six,
		struct router_answers *answers, struct identify *beside);

/* The internet address that the preferred protocol told; 0.0.0.0 if the router says that it has
 * none. False if nobody said anything. */
bool router_wan(const struct router_answers *answers, struct in_addr *wan);

/* A upnp process of natctl's own, which holds nothing of root; and its end. */
void router_start(struct process *upnp);
void router_end(struct process *upnp);

#endif
