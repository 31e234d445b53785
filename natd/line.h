/* SPDX-License-Identifier: GPL-2.0-or-later */
/* line: what is between the home router and the internet: nothing, the provider's NAT, or a second
 * router of this home. Pure: it judges what upnp found out. */
#ifndef NATD_LINE_H
#define NATD_LINE_H

#include <netinet/in.h>
#include <stdbool.h>

#include "upnp/upnp.h"

struct line_evidence {
	bool told;          /* the router has said what its WAN address is */
	struct in_addr wan; /* as it says; 0.0.0.0: it has none */
	struct upnp_hops hops;
	struct in_addr mapped_as; /* as the STUN server sees this home; 0.0.0.0: not known */
};

enum line_kind {
	LINE_UNKNOWN,     /* nothing shows it */
	LINE_CLEAR,       /* nothing is in between, as far as that shows */
	LINE_CGNAT,       /* the provider shares an address among its customers */
	LINE_MAYBE_CGNAT, /* likely so; the router does not say its address */
	LINE_TWO_ROUTERS, /* a second router of this home: `outer` */
	LINE_MAYBE_TWO,   /* `outer` may be one: a home router would answer when asked */
	LINE_DS_LITE, /* no IPv4 address at all: IPv4 goes through a tunnel to the provider's NAT */
	LINE_KINDS
};

struct line {
	enum line_kind kind;
	struct in_addr wan;   /* the home router's, as far as it is known; 0.0.0.0: not */
	struct in_addr next;  /* who is on the way after the home router; 0.0.0.0: nobody says */
	struct in_addr outer; /* the second router, as it faces the home router */
	struct in_addr outer_wan; /* and as it faces the internet, where that shows */
	/* The end of DS-Lite's tunnel, of this router's or the second one's, or the address that this
	 * router has in it; 0.0.0.0: there is no sign of one. */
	struct in_addr ds_lite;
};

struct line line_judge(const struct line_evidence *evidence);

extern const char *const line_kind_names[LINE_KINDS]; /* in JSON */

#endif
