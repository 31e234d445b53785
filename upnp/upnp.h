/* SPDX-License-Identifier: GPL-2.0-or-later */
/* upnp: the only process that speaks to strangers. It asks the home router to forward ports.
 *
 * natd says which router and which mappings (upnp_request); upnp asks PCP (RFC 6887), NAT-PMP
 * (RFC 6886) and UPnP-IGD in the same millisecond, lets exactly one of them write, and says what
 * came of it (upnp_report). It holds no capability, opens no file and may block: natd never waits.
 *
 * One datagram of the socket pair is one struct. Everything that a router said is checked here,
 * its text is cleaned, and natd checks the report again. */
#ifndef UPNP_UPNP_H
#define UPNP_UPNP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum upnp_protocol {
	UPNP_PCP,
	UPNP_NATPMP,
	UPNP_IGD,
	UPNP_PROTOCOLS,
	UPNP_ANY = UPNP_PROTOCOLS, /* no protocol holds this mapping yet */
};

#define UPNP_MAPPINGS_MAX  64
#define UPNP_ROUTERS       2 /* the home router, and a second one before it */
#define UPNP_HOPS          3 /* routers on the way out that are looked for */
#define UPNP_NONCE_SIZE    12
#define UPNP_NAME_MAX      32
#define UPNP_TEXT_MAX      160
#define UPNP_HOST_MAX      254 /* of a DNS name, RFC 1035 2.3.4, without the root's dot */
#define UPNP_RESOLVERS_MAX 3   /* as many as the C library asks, resolv.conf(5) */
#define UPNP_ADDRESSES_MAX 8   /* of one name */

/* What a protocol on the router turned out to be. */
enum upnp_state {
	UPNP_OFF,         /* not to be asked (configuration) */
	UPNP_ASKING,      /* asked, no answer yet */
	UPNP_OK,          /* answers and does what it is asked */
	UPNP_SILENT,      /* no answer to any of the tries */
	UPNP_REFUSED,     /* ICMP port unreachable, or a TCP connection refused */
	UPNP_UNSUPPORTED, /* answers that it does not speak this (UNSUPP_VERSION, no such service) */
	UPNP_ERROR,       /* answers with an error; `said` holds it */
	UPNP_STATES
};

/* Why a mapping was not granted. The number is the cause, not the protocol's code. */
enum upnp_failure {
	UPNP_NO_PROTOCOL,  /* none of the protocols answered: ask a human */
	UPNP_NO_ANSWER,    /* the protocol that held it does not answer any more */
	UPNP_HOST_REFUSED, /* PCP/NAT-PMP NOT_AUTHORIZED, UPnP 606: this host may not */
	UPNP_PORT_TAKEN,   /* UPnP 718/729, PCP CANNOT_PROVIDE_EXTERNAL: another holds the port */
	UPNP_NO_RESOURCES, /* table or quota full */
	UPNP_NETWORK_FAILURE, /* the router has no usable WAN address (PCP 7, NAT-PMP 3, UPnP 501) */
	UPNP_OTHER_FAILURE,
	UPNP_NOT_DONE, /* it said yes, but its own table says otherwise */
	UPNP_FAILURES
};

/* ---- natd -> upnp ---- */

/* Where a router takes UPnP's requests. Kept by natd over restarts: a search less. */
struct upnp_service {
	char control[UPNP_TEXT_MAX];  /* URL; empty: not known */
	char type[UPNP_TEXT_MAX];     /* "urn:schemas-upnp-org:service:WANIPConnection:1" */
	char firewall[UPNP_TEXT_MAX]; /* URL of its WANIPv6FirewallControl:1; empty: it has none */
	char events[UPNP_TEXT_MAX];   /* URL for subscriptions to its events; empty: it has none */
};

/* PCP and NAT-PMP say with every answer how many seconds ago their table was empty. Kept by natd over
 * restarts: what a router has lost meanwhile shows with its first answer. */
struct upnp_epoch {
	bool known;
	bool undated;     /* heard before this host started: only going back shows anything */
	uint32_t server;  /* seconds, as the server said */
	int64_t heard_us; /* and when; CLOCK_BOOTTIME, because servers do not sleep with this host */
};

struct upnp_network {
	struct in_addr gateway; /* network byte order, as everywhere in struct in_addr */
	struct in_addr address; /* this host's, on the gateway's link */
	/* Where packets leave from, for a router behind the home router: `address` is then the home
	 * router's own, into which it translates ours, or 0.0.0.0 where that is not known (NAT-PMP
	 * alone works without). 0.0.0.0: from `address`. */
	struct in_addr source;
	uint32_t ifindex;
	uint8_t mac[6];                /* the gateway's; zeros: not known */
	struct in6_addr router6;       /* the gateway's link-local address; ::: not known */
	uint8_t prefix;                /* of the gateway's link, bits */
	uint8_t count;                 /* of `order`; 0 never asks the router */
	uint8_t order[UPNP_PROTOCOLS]; /* enum upnp_protocol, the preferred first */
	struct upnp_service service;   /* as the router's was last */
	struct upnp_epoch epochs[UPNP_PROTOCOLS]; /* the same; UPnP has none */
	uint16_t
		check; /* seconds without a word of the router until it is asked a little; 0: never */
};

static inline struct in_addr upnp_source(const struct upnp_network *network)
{
	return network->source.s_addr ? network->source : network->address;
}

struct upnp_mapping {
	uint32_t id;            /* natd's; reports bear it */
	uint8_t protocol;       /* IPPROTO_UDP or IPPROTO_TCP */
	uint8_t via;            /* the protocol that holds it, or UPNP_ANY */
	uint16_t port;          /* ours; host byte order, as every port here */
	uint16_t external_port; /* wanted; when renewing or removing: granted */
	uint16_t wanted_port;   /* where another was granted; 0: the same */
	struct in_addr former;  /* this host's address when it was granted; 0.0.0.0: as now */
	uint16_t former_port;   /* what it was granted then; 0: nothing */
	uint8_t former_via;     /* by which protocol, or UPNP_ANY */
	uint32_t lifetime;      /* seconds to ask for */
	uint8_t nonce[UPNP_NONCE_SIZE]; /* PCP mapping nonce, RFC 6887 11.1 */
	char name[UPNP_NAME_MAX];       /* [A-Za-z0-9._-], for the router's table: "natd NAME" */
};

/* A pinhole: the router lets in what comes for one port of one IPv6 address of this host. */
struct upnp_pinhole {
	uint32_t id;      /* natd's; never used again for another port or address */
	uint8_t protocol; /* IPPROTO_UDP or IPPROTO_TCP */
	uint8_t via;      /* UPNP_PCP or UPNP_IGD, which holds it; UPNP_ANY: none yet */
	uint8_t count;    /* of `order` */
	uint8_t order[UPNP_PROTOCOLS];  /* which may be asked, the preferred first */
	uint16_t port;                  /* host byte order */
	uint16_t unique_id;             /* UPNP_IGD: the router's number for it */
	struct in6_addr address;        /* this host's */
	struct in6_addr gateway;        /* the default route's, mostly link-local */
	uint32_t ifindex;               /* the link of both */
	uint32_t lifetime;              /* seconds to ask for */
	uint8_t nonce[UPNP_NONCE_SIZE]; /* PCP */
};

struct upnp_resolver {
	struct in6_addr address; /* IPv4 as ::ffff:a.b.c.d, as in upnp_resolved */
	uint32_t scope;          /* of a link-local address: the interface's index */
};

static inline struct in6_addr upnp_v4_mapped(struct in_addr address)
{
	struct in6_addr mapped = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	memcpy(mapped.s6_addr + 12, &address, sizeof(address));
	return mapped;
}

/* Which addresses has a name? Needs no router. */
struct upnp_lookup {
	uint32_t id; /* natd's; the answer bears it */
	char name[UPNP_HOST_MAX];
	uint8_t count;
	struct upnp_resolver resolvers[UPNP_RESOLVERS_MAX]; /* asked in turn */
};

/* A server of the internet, by natd.conf's word. */
struct upnp_server {
	struct in_addr address;
	uint16_t port;             /* host byte order */
	struct upnp_lookup lookup; /* of its name; empty: it is known by its address */
};

struct upnp_request {
	enum upnp_request_what {
		UPNP_USE, /* network: forget the old one and all mappings; later reports bear `generation` */
		UPNP_MAP,   /* mapping: create (via UPNP_ANY) or renew (via a protocol) */
		UPNP_UNMAP, /* mapping: remove it by the protocol that holds it */
		UPNP_ASK, /* the mappings since UPNP_USE are complete: ask now, all protocols at once */
		UPNP_PROBE,    /* like UPNP_ASK with no mapping: every protocol, changing nothing */
		UPNP_LIST,     /* read the router's whole table (UPnP) */
		UPNP_LOOK_OUT, /* find the routers on the way out: UPNP_FOUND_HOPS */
		UPNP_STUN,     /* server: ask it for this home's address: UPNP_MAPPED_AS */
		UPNP_LOOKUP,   /* lookup: ask the DNS; one at a time, the last */
		UPNP_KNOCK,    /* send the gateway an empty datagram: the kernel learns its MAC */
		UPNP_PIN,      /* pinhole: create (via UPNP_ANY) or renew; needs no UPNP_USE */
		UPNP_UNPIN,    /* pinhole: remove it */
		UPNP_PAGE,     /* fetch the router's web page: UPNP_PAGE_IS */
		UPNP_PROBE6,   /* pinhole: which protocols open such a one? UPNP_PROBED6 */
		UPNP_LEAVE,    /* natd ends: the router need not tell us anything any more */
		UPNP_REQUESTS
	} what;
	uint8_t hop;         /* which router it is for: 0 the home router, 1 the one before it */
	uint32_t generation; /* of the network; chosen by natd, echoed in every report */
	union {
		struct upnp_network network;
		struct upnp_mapping mapping;
		struct upnp_server server;
		struct upnp_lookup lookup;
		struct upnp_pinhole pinhole;
	};
};

/* ---- upnp -> natd ---- */

struct upnp_protocol_report {
	uint8_t protocol; /* enum upnp_protocol */
	uint8_t state;    /* enum upnp_state */
	uint32_t took_us; /* from the first question to the answer that decided */
	char said
		[UPNP_TEXT_MAX]; /* "PCP version 2, epoch 4711" or an error in the router's words */
};

struct upnp_router {
	char model[UPNP_TEXT_MAX];  /* "FRITZ!Box 7530 (AVM Berlin)"; empty: unknown */
	char url[UPNP_TEXT_MAX];    /* page for a human (presentationURL); empty: unknown */
	char server[UPNP_TEXT_MAX]; /* SSDP SERVER line */
	uint8_t igd_version;        /* 1 or 2; 0 unknown */
};

struct upnp_wan {
	struct in_addr address; /* 0.0.0.0: the router says that it has none */
	uint8_t via;            /* who says it */
};

struct upnp_granted {
	uint32_t id;
	uint8_t via;
	uint16_t external_port;
	struct in_addr external_address; /* 0.0.0.0: not told */
	uint32_t lifetime;               /* seconds granted; 0: for ever */
	uint32_t took_us;                /* from UPNP_ASK or UPNP_MAP to the grant */
	char said[UPNP_TEXT_MAX];        /* why it is another port than wanted; may be empty */
};

struct upnp_failed {
	uint32_t id;
	uint8_t via;              /* UPNP_ANY with UPNP_NO_PROTOCOL */
	uint8_t failure;          /* enum upnp_failure */
	char said[UPNP_TEXT_MAX]; /* "UPnP 606 Action not authorized" */
};

struct upnp_unmapped {
	uint32_t id;
	bool removed; /* false: `said` tells why not */
	char said[UPNP_TEXT_MAX];
};

struct upnp_entry {
	uint8_t protocol; /* IPPROTO_UDP or IPPROTO_TCP */
	uint16_t external_port;
	uint16_t port;
	struct in_addr client;
	uint32_t lease; /* seconds left; 0: for ever */
	bool enabled;
	char description[UPNP_TEXT_MAX];
};

struct upnp_listed {
	uint32_t count;
	bool complete; /* false: `said` tells why the table could not be read to its end */
	char said[UPNP_TEXT_MAX];
};

/* The router has lost the mappings, or seems to: it restarted, or went away. */
struct upnp_lost {
	uint8_t via; /* who says it */
	uint16_t
		delay_ms; /* to wait before asking afresh: every host on the link heard it as well */
	char said[UPNP_TEXT_MAX];
};

/* The epoch of a protocol, where it does not follow from what natd knows. */
struct upnp_told_epoch {
	uint8_t via;
	bool restarted; /* the router lost its state before UPNP_USE: what was asked since is not lost */
	struct upnp_epoch epoch;
	char said[UPNP_TEXT_MAX]; /* where it has restarted */
};

/* Who has the external port that is wanted for mapping `id`. */
struct upnp_holder {
	uint32_t id;
	struct in_addr address; /* on this network */
	bool removed;           /* it was ours, under an address of before, and is gone */
};

/* What came of UPNP_PIN or UPNP_UNPIN. */
struct upnp_pinned {
	uint32_t id;
	uint8_t via;
	uint8_t failure;        /* UPNP_PIN_FAILED: enum upnp_failure */
	bool removed;           /* UPNP_UNPINNED */
	uint16_t unique_id;     /* UPNP_IGD */
	uint16_t external_port; /* UPNP_PINNED; a router that translates may choose another */
	struct in6_addr external_address;
	uint32_t lifetime; /* seconds granted */
	uint32_t took_us;
	char said[UPNP_TEXT_MAX];
};

/* What the router can do for IPv6. */
struct upnp_probed6 {
	struct upnp_protocol_report pcp;      /* over IPv6 */
	struct upnp_protocol_report firewall; /* UPnP's control of it; UPNP_OK: */
	bool enabled;                         /* the firewall is on */
	bool allowed;                         /* this host may have a pinhole */
};

/* The routers on the way out, the home router first; 0.0.0.0: it did not answer. */
struct upnp_hops {
	struct in_addr router[UPNP_HOPS]; /* as they face us */
	struct in_addr
		wan[UPNP_HOPS - 1]; /* as the first ones face the internet, where that shows */
	uint16_t
		mtu; /* of the line, as a router on the way says; 0: none says that it is below 1500 */
};

/* What IPv4 has to carry whole, RFC 791 3.2, and what Ethernet does. */
#define UPNP_MTU_MIN 576
#define UPNP_MTU_MAX 1500

/* ms, from a loss to asking afresh: report.c and epoch.h have their own reasons to wait. */
#define UPNP_DELAY_MAX 40000

enum upnp_name_result {
	UPNP_NAME_KNOWN,
	UPNP_NAME_MISSING,    /* there is no such name, or it has no address */
	UPNP_NAME_UNANSWERED, /* no resolver gave an answer; `said` tells more */
	UPNP_NAME_RESULTS
};

struct upnp_resolved {
	uint32_t id;
	uint8_t result; /* enum upnp_name_result */
	uint8_t count;
	uint32_t ttl; /* seconds; 0: not told */
	struct in6_addr addresses[UPNP_ADDRESSES_MAX];
	char said[UPNP_TEXT_MAX];
};

struct upnp_report {
	enum upnp_report_what {
		UPNP_PROTOCOL,   /* protocol: it changed its state */
		UPNP_ROUTER,     /* router: what it is */
		UPNP_WAN,        /* wan: its external address */
		UPNP_MAPPED,     /* granted: created or renewed */
		UPNP_FAILED,     /* failed: not created, not renewed */
		UPNP_UNMAPPED,   /* unmapped */
		UPNP_ENTRY,      /* entry: one line of the router's table */
		UPNP_LISTED,     /* listed: the end of the table */
		UPNP_PROBED,     /* every protocol has answered or had its time */
		UPNP_LOST,       /* lost: ask afresh */
		UPNP_SERVICE,    /* service: found, and worth to be kept */
		UPNP_EPOCH,      /* told: worth to be kept */
		UPNP_FOUND_HOPS, /* hops: the end of UPNP_LOOK_OUT */
		UPNP_MAPPED_AS,  /* mapped_as: the end of UPNP_STUN; 0.0.0.0: no answer */
		UPNP_PAGE_IS,    /* title: the end of UPNP_PAGE */
		UPNP_RESOLVED, /* resolved: the answer to UPNP_LOOKUP; `generation` means nothing */
		UPNP_HOLDER,   /* holder: of a port that we want */
		UPNP_PINNED, /* pinned: the pinhole is open; bears no generation, as the next three */
		UPNP_PIN_FAILED, /* pinned: not created, not renewed; `said` tells why */
		UPNP_UNPINNED,   /* pinned: removed, or not, and why */
		UPNP_PINS_LOST,  /* lost: of the pinholes */
		UPNP_PROBED6,    /* probed6: the end of UPNP_PROBE6 */
		UPNP_REPORTS
	} what;
	uint8_t hop; /* of the request */
	uint32_t generation;
	union {
		struct upnp_protocol_report protocol;
		struct upnp_router router;
		struct upnp_wan wan;
		struct upnp_granted granted;
		struct upnp_failed failed;
		struct upnp_unmapped unmapped;
		struct upnp_entry entry;
		struct upnp_listed listed;
		struct upnp_lost lost;
		struct upnp_holder holder;
		struct upnp_service service;
		struct upnp_told_epoch told;
		struct upnp_hops hops;
		struct in_addr mapped_as;
		struct upnp_resolved resolved;
		struct upnp_pinned pinned;
		struct upnp_probed6 probed6;
		char title[UPNP_TEXT_MAX]; /* how the page calls itself; empty: there is none */
	};
};

/* The process: enters its sandbox, then serves natd at the other end of `socket` until that end is
 * closed. Mappings stay on the router then. */
_Noreturn void upnp_main(int socket);

#endif
