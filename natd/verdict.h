/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verdict: what is wrong, in one code: the most upstream cause that explains the rest. */
#ifndef NATD_VERDICT_H
#define NATD_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <net/if.h>

#include "natd/address.h"
#include "natd/egress.h"
#include "natd/line.h"
#include "rules/rules.h"
#include "upnp/upnp.h"

#define VERDICT_TEXT_MAX   256
#define VERDICT_ADVICE_MAX 1024

/* What a verdict rests on. Texts may be empty. */
struct facts {
	bool has_route;
	bool has_router; /* the route goes by a gateway */
	char unplugged
		[32];  /* no route, but there would be one by this interface, were it connected */
	bool has_ipv6; /* a public IPv6 address and a way to the internet */
	char pinhole[ADDRESS_TEXT_MAX +
		     8];         /* "[2001:db8::10]:51820": open over IPv6; may be empty */
	char shared_service[32]; /* the line owns only some ports; empty: all, or not known */
	uint16_t shared_wanted;  /* not one of them; 0: all that are wanted are */
	uint16_t shared_instead; /* asked for in its place; 0: nothing */
	char shared_ports[512];  /* which it owns, in lines */
	bool asks_router;        /* natd.conf lets it */
	bool asking;             /* no answer is in yet */
	bool router_answers;     /* by at least one protocol */
	bool wan_known;
	enum address_kind wan_kind;
	enum address_kind host_kind; /* of this host's own address */
	char wan_address[ADDRESS_TEXT_MAX];
	char router_address[ADDRESS_TEXT_MAX];
	char host_address[ADDRESS_TEXT_MAX];
	char name[UPNP_HOST_MAX];            /* natd.conf's, where it leads elsewhere */
	char name_address[ADDRESS_TEXT_MAX]; /* where; empty: nowhere */
	char home_address[ADDRESS_TEXT_MAX]; /* where it ought to lead */
	bool name_stale6;                    /* only over IPv6 */
	const char *updater;                 /* the program that ought to mend that; NULL: none */
	bool updater_runs;
	bool has_no_wan; /* the router's own word */
	/* What is before the router. */
	enum line_kind line;
	bool two_routers;
	bool outer_asking;  /* it is still being found out, or asked */
	bool outer_answers; /* by at least one protocol */
	size_t outer_open;
	enum address_kind outer_wan_kind;
	char outer_wan[ADDRESS_TEXT_MAX];
	char outer_failed[32];  /* "udp 51820": the first that is not open there */
	char outer_reason[160]; /* why */
	char outer_rule[64];    /* "UDP 51820 -> 192.168.0.2:51820"; empty: not known */
	char home_rule[64];     /* the same for the home router */
	char next_address[ADDRESS_TEXT_MAX]; /* who comes after the router */
	char ds_lite[ADDRESS_TEXT_MAX];      /* an end of DS-Lite's tunnel; empty: no sign of one */
	char seen_as[ADDRESS_TEXT_MAX];      /* by a STUN server; empty: not known */
	size_t forwards;
	size_t open;
	bool by_hand; /* one of them was opened by hand: packets from outside come */
	bool host_refused;
	bool not_done; /* it said yes, but its table says otherwise */
	bool port_taken;
	bool no_usable_wan; /* the router says that it has no WAN address to forward from */
	char former[ADDRESS_TEXT_MAX]; /* an address that we had: it holds the wanted port */
	char failed[32];               /* "udp 51820": the first that is not open */
	char reason[160];              /* why */
	char wrong_port[64];           /* "udp 51820 is open as external port 1024" */
	char wrong_reason[160];        /* in the router's words; may be empty */
	bool not_listening;            /* nothing listens on an open port */
	char silent_port[32];          /* which */
	bool listens_otherwise;        /* by the other one of UDP and TCP somebody does */
	bool dropped;                  /* packets arrive and are not delivered */
	uint64_t arrived;
	uint8_t silent_protocol; /* of silent_port */
	uint16_t silent_number;
	const struct rules_firewall *port_dropper; /* who is suspected; NULL: nobody */
	uint64_t stopped; /* packets of clients that natd let through, and none of them went on */
	char stopped_tunnel[IF_NAMESIZE];
	const struct rules_firewall *tunnel_dropper; /* NULL: none that nftables shows */
	bool coexist;
	bool has_tunnels;
	bool forwarding_off;
	char not_forwarded[16];        /* a tunnel of which the kernel would forward nothing */
	char overlapping[IF_NAMESIZE]; /* a tunnel whose network another interface has as well */
	char overlapped[IF_NAMESIZE];  /* that one: what is for the clients goes there */
	bool rules_refused;            /* the kernel did not take them */
	char rules_reason[160];
	/* Another program keeps changing natd's tables. */
	uint32_t contest_repairs; /* how often they were put back lately; 0: no contest */
	bool contest_lost;        /* they are away just now */
	bool owned;               /* the kernel lets nobody else change them */
	char contestant[16];      /* the program's name */
	uint32_t contestant_pid;
	int32_t connections;     /* that the kernel follows */
	int32_t connections_max; /* 0: not known */
	/* The most connections from one address to one port of a server; each takes one of its ports. */
	uint32_t crowd;
	char crowd_address[ADDRESS_TEXT_MAX];
	char crowd_server[ADDRESS_TEXT_MAX];
	const char *crowd_protocol; /* "UDP" or "TCP" */
	uint16_t crowd_port;
	char lost_egress[EGRESS_TEXT_MAX]; /* an egress address that this host does not have */
	bool egress_closed;                /* its clients wait for it */
	char too_big[16]; /* a tunnel whose packets do not fit the line with what is around them */
	uint32_t fitting_mtu; /* those would */
	uint32_t line_mtu;
};

enum verdict_works { WORKS_YES, WORKS_NO, WORKS_UNKNOWN };

struct verdict {
	const char *code; /* "OK", "E10"; NULL: not known yet */
	enum verdict_works works;
	char text[VERDICT_TEXT_MAX];
	char advice[VERDICT_ADVICE_MAX]; /* lines; empty: nothing to do */
};

struct verdict verdict_of(const struct facts *facts);

extern const char *const verdict_works_names[];

#endif
