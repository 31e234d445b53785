/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rules: the only process that may change the kernel.
 *
 * It owns two nftables tables, inet natd and inet natd-guard, and writes them whole, in one transaction. natd says what is
 * wanted (rules_request): RULES_BEGIN, any number of items, RULES_COMMIT. rules checks every field,
 * because natd reads the network and rules holds CAP_NET_ADMIN, and says what came of it
 * (rules_report). It has no internet socket, and of the file system only /proc/sys/net.
 *
 * When natd goes away without RULES_REMOVE, rules exits and the table stays in force. */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define RULES_TEXT_MAX   160
#define RULES_NAME_MAX   64 /* of a table or a chain of another program */
#define RULES_SYSCTL_MAX 64
/* accept_ra: 2 accepts router advertisements while forwarding; every other switch is 0 or 1. */
#define RULES_SYSCTL_VALUE_MAX 2
#define RULES_CROWD_PORTS      64512 /* 1024 to 65535: what the kernel gives to unprivileged ports */
#define RULES_CROWD_PERCENT    80    /* fewer connections in all are not looked at for a crowd */
#define RULES_SEEN_MS          ((int64_t)7 * 24 * 3600 * 1000) /* so long a last packet is remembered */

enum rules_reach {
	RULES_REACH_INTERNET = 1,
	RULES_REACH_LAN = 2,     /* the networks given by RULES_LAN */
	RULES_REACH_CLIENTS = 4, /* clients of this and the other tunnels */
};

enum rules_egress {
	RULES_EGRESS_NONE, /* routed: leaves with the client's own address */
	RULES_EGRESS_MASQUERADE,
	RULES_EGRESS_ADDRESS, /* SNAT to one address */
	RULES_EGRESS_POOL,    /* SNAT to several; a client keeps the one it got */
	RULES_EGRESS_PREFIX,  /* IPv6: another prefix, the same rest of the address (NPTv6) */
	RULES_EGRESS_CLOSED,  /* does not leave: its address is gone */
	RULES_EGRESSES
};

/* Who wrote a chain. */
enum rules_owner {
	RULES_OWNER_NFTABLES, /* a ruleset of the user's own, mostly /etc/nftables.conf */
	RULES_OWNER_IPTABLES, /* iptables-nft */
	RULES_OWNER_UFW,
	RULES_OWNER_DOCKER,
	RULES_OWNER_FIREWALLD,
	RULES_OWNER_OTHER, /* another program */
	RULES_OWNERS
};

enum rules_hook {
	RULES_HOOK_INPUT,
	RULES_HOOK_FORWARD,
	RULES_HOOK_OUTPUT,
	RULES_HOOK_POST,
	RULES_HOOKS
};

/* An IPv4 or IPv6 address or prefix. */
struct rules_prefix {
	uint8_t family; /* AF_INET or AF_INET6 */
	uint8_t length; /* bits */
	union {
		struct in_addr v4; /* network byte order; bits beyond `length` are 0 */
		struct in6_addr v6;
	};
};

/* Which of our two tables no other program may change. */
enum rules_owned {
	RULES_OWNED_NONE,
	RULES_OWNED_GUARD, /* the guard; it goes with rules (owner: Linux 5.12) */
	RULES_OWNED_ALL,   /* both; they outlive rules (owner and persist: Linux 6.9) */
	RULES_OWNED_WAYS
};

/* ---- natd -> rules ---- */

struct rules_begin {
	uint8_t owned; /* enum rules_owned: the most that is wanted */
};

struct rules_tunnel {
	char interface[IF_NAMESIZE];
	uint8_t reach; /* enum rules_reach, or-ed */
};

struct rules_network {
	char interface[IF_NAMESIZE]; /* the tunnel it is behind */
	struct rules_prefix network;
	uint8_t egress;              /* enum rules_egress */
	struct rules_prefix address; /* of the network's family; _ADDRESS, _POOL: host prefix, of
					the pool the first; _PREFIX: IPv6 */
	struct rules_prefix last;    /* RULES_EGRESS_POOL */
};

struct rules_port {
	uint8_t protocol; /* IPPROTO_UDP or IPPROTO_TCP */
	uint16_t port;    /* host byte order; counted when it arrives and when it is delivered */
};

/* A port of this host, or several, handed on to a client of a tunnel. */
struct rules_publish {
	uint8_t protocol;       /* IPPROTO_UDP or IPPROTO_TCP */
	uint8_t keep_source;    /* 0: the client sees this host instead of who calls */
	uint16_t port;          /* host byte order, as the other two */
	uint16_t last;          /* of the range; equal to `port` for one */
	uint16_t to_port;       /* what `port` becomes; those after it follow */
	struct rules_prefix to; /* host prefix; its family is that of the packets */
};

struct rules_sysctl {
	char name[RULES_SYSCTL_MAX]; /* below /proc/sys/net: "ipv4/ip_forward" */
	int32_t value;
};

/* Packets that are followed through every table: those of one host to another, or with family 0 in
 * both whatever comes from anywhere for the ports of RULES_PORT. */
struct rules_trace {
	struct rules_prefix from; /* host prefixes of one family */
	struct rules_prefix to;
};

struct rules_request {
	enum rules_request_what {
		RULES_BEGIN,   /* begin: starts a new set; forgets one that was not committed */
		RULES_TUNNEL,  /* tunnel */
		RULES_NETWORK, /* network */
		RULES_LAN,     /* prefix: a network of the home, for RULES_REACH_LAN */
		RULES_PORT,    /* port: count what comes in for it */
		RULES_PUBLISH, /* publish */
		RULES_COMMIT,  /* write the set */
		RULES_REMOVE,  /* delete the tables */
		RULES_SYSCTL,  /* sysctl: write it, where it differs */
		RULES_COUNT,   /* read the counters */
		RULES_WIREGUARD, /* tunnel.interface: which UDP port does the kernel's WireGuard listen on? */
		RULES_PEERS,     /* tunnel.interface: with whom has its WireGuard shaken hands? */
		RULES_COEXIST,   /* coexist */
		RULES_GONE,      /* prefix: an address that this host had: end what left with it */
		RULES_TRACE,     /* trace: follow some packets, until RULES_TRACE_END */
		RULES_TRACE_END, /* take every trace of that away */
		RULES_REQUESTS
	} what;
	uint32_t generation; /* of the set, in each of its items too; echoed */
	union {
		struct rules_begin begin;
		struct rules_tunnel tunnel;
		struct rules_network network;
		struct rules_prefix prefix;
		struct rules_port port;
		struct rules_publish publish;
		struct rules_sysctl sysctl;
		uint8_t coexist; /* 1: get the tunnels' packets past other firewalls; 0: only look */
		struct rules_trace trace;
	};
};

/* ---- rules -> natd ---- */

struct rules_written {
	int32_t error; /* errno; 0: the kernel has the whole set */
	uint32_t took_us;
	uint8_t owned;             /* enum rules_owned: as far as the kernel lets us */
	char what[RULES_TEXT_MAX]; /* with an error: the item that the kernel refused */
};

struct rules_sysctl_is {
	char name[RULES_SYSCTL_MAX];
	int32_t before; /* the value that was read before the write; -1: it could not be read */
	int32_t error;  /* errno; 0: it now has the value asked for */
};

struct rules_port_count {
	uint8_t protocol;
	uint16_t port;
	uint64_t arrived;     /* packets seen in prerouting */
	uint64_t arrived_lan; /* those of them that came from the home's own networks */
	uint64_t delivered;   /* packets that came through every input chain */
	int64_t seen_ago;     /* ms since the last one from outside; -1: none in RULES_SEEN_MS */
	int64_t seen_lan_ago; /* ms since the last one from the home */
};

struct rules_network_count {
	struct rules_prefix network;
	uint64_t
		packets; /* of new connections translated: SNAT and masquerade see the first packet only */
};

struct rules_tunnel_count {
	char interface[IF_NAMESIZE];
	uint64_t in;      /* packets from its clients into the forward hook */
	uint64_t out;     /* packets that left the forward hook towards its clients */
	uint64_t spoofed; /* packets with a source that is not behind it: dropped */
	uint64_t allowed; /* packets of new connections from its clients that natd lets through */
	uint64_t passed;  /* those of them that every other firewall let through as well */
};

struct rules_publish_count {
	uint8_t family;
	uint8_t protocol;
	uint16_t port;        /* the first of the publish */
	uint64_t connections; /* handed on: DNAT sees the first packet only */
};

/* The most connections that leave with one address to one port of one server. */
struct rules_crowd {
	uint8_t protocol;            /* IPPROTO_UDP or IPPROTO_TCP */
	uint16_t port;               /* host byte order: the server's */
	struct rules_prefix address; /* host prefixes of one family */
	struct rules_prefix server;
	uint32_t
		connections; /* 0: there are so few of all that nobody looked, and no other field */
};

/* A base chain of another program. */
struct rules_firewall {
	uint8_t family; /* AF_INET, AF_INET6, AF_UNSPEC: both */
	uint8_t hook;   /* enum rules_hook */
	uint8_t owner;  /* enum rules_owner */
	uint8_t policy_drop;
	uint8_t closes; /* 1: what none of its rules decides is dropped */
	uint8_t passed; /* 1: natd's accepts for the tunnels stand in it */
	uint8_t owned;  /* 1: only the program that made the table may change it */
	uint8_t counts; /* 1: `dropped` is counted */
	char table[RULES_NAME_MAX];
	char chain[RULES_NAME_MAX];
	uint64_t dropped; /* packets */
};

/* A rule of another program that masquerades. */
struct rules_way_out {
	uint8_t family;              /* of its table: AF_INET, AF_INET6, AF_UNSPEC: both */
	char interface[IF_NAMESIZE]; /* "eth+": all that begin so; "": by any, or unknown */
	struct rules_prefix from;    /* family 0: of any source, or unknown */
	char table[RULES_NAME_MAX];
	char chain[RULES_NAME_MAX];
};

struct rules_touched {
	uint32_t pid;
	char program[16];
	uint32_t took_us; /* from the event to the tables whole again */
	uint32_t wait_ms; /* they are not yet: so long until they are, because of a contest */
	int32_t error;    /* errno of the repair */
};

struct rules_wireguard {
	char interface[IF_NAMESIZE];
	uint16_t port; /* host byte order; 0: no such device, or it is a client */
};

struct rules_peers {
	char interface[IF_NAMESIZE];
	uint8_t known; /* 0: no WireGuard answers for it that rules may ask, or has peers */
	uint32_t peers;
	uint32_t shaken; /* how many of them have ever shaken hands */
	int64_t ago;     /* seconds since the last handshake; -1: there was none */
};

enum rules_fate {
	RULES_FATE_LEFT,      /* by `out`, with `source` */
	RULES_FATE_DELIVERED, /* to a program of this host */
	RULES_FATE_DROPPED,   /* by `table`, `chain` and `handle` */
	RULES_FATE_VANISHED,  /* after `table` and `chain`; no rule of nftables did it */
	RULES_FATES
};

/* NFPROTO_INET, NFPROTO_IPV4 and NFPROTO_IPV6 of linux/netfilter.h: the family of a table. */
enum rules_table_family { RULES_TABLE_INET = 1, RULES_TABLE_IPV4 = 2, RULES_TABLE_IPV6 = 10 };

/* One packet that was followed. Names are cut where they are longer, and hold no control characters. */
struct rules_traced {
	uint8_t fate;     /* enum rules_fate */
	uint8_t protocol; /* IPPROTO_* */
	uint8_t home;     /* it came from the home's own networks */
	uint8_t family;   /* enum rules_table_family */
	uint16_t port;    /* host byte order: the destination's, 0: it has none */
	struct rules_prefix from;
	struct rules_prefix to;
	struct rules_prefix source; /* RULES_FATE_LEFT: as translated */
	uint32_t in;                /* index of the interface by which it came */
	uint32_t out;               /* 0: it was not led anywhere yet */
	char table[RULES_NAME_MAX];
	char chain[RULES_NAME_MAX];
	uint64_t handle; /* of the rule; 0: the policy of the chain */
	char comment[RULES_TEXT_MAX];
};

struct rules_report {
	enum rules_report_what {
		RULES_WRITTEN,       /* written */
		RULES_REMOVED,       /* written.error */
		RULES_SYSCTL_IS,     /* sysctl */
		RULES_PORT_COUNT,    /* port */
		RULES_NETWORK_COUNT, /* network */
		RULES_TUNNEL_COUNT,  /* tunnel */
		RULES_PUBLISH_COUNT, /* publish */
		RULES_CROWD,         /* crowd */
		RULES_COUNTED,       /* the end of the counters */
		RULES_TOUCHED,       /* touched: another program changed our tables */
		RULES_WIREGUARD_IS,  /* wireguard */
		RULES_PEERS_ARE,     /* peers */
		RULES_PURGED,        /* purged: connections that would have gone on wrongly */
		RULES_FIREWALL,      /* firewall: one of those that there are */
		RULES_WAY_OUT,       /* way_out: one of those that there are */
		RULES_SCANNED,       /* the end of the firewalls and ways out */
		RULES_TRACING,       /* written: the trace began, or cannot */
		RULES_TRACED,        /* traced */
		RULES_REPORTS
	} what;
	uint32_t generation;
	union {
		struct rules_written written;
		struct rules_sysctl_is sysctl;
		struct rules_port_count port;
		struct rules_network_count network;
		struct rules_tunnel_count tunnel;
		struct rules_publish_count publish;
		struct rules_crowd crowd;
		struct rules_touched touched;
		struct rules_wireguard wireguard;
		struct rules_peers peers;
		struct rules_firewall firewall;
		struct rules_way_out way_out;
		struct rules_traced traced;
		uint32_t purged;
	};
};

/* Connects to the WireGuards in user space that let this process, which mostly is root's alone; the
 * process inherits the connections. And closes them. */
void rules_open(void);
void rules_close(void);

/* Adds the peers of the device `interface`, by such a connection. False, with none added, where nobody
 * answers for it. */
bool rules_userspace_peers(const char *interface, struct rules_peers *peers);

/* Is it a switch that the process sets, to a value that it may have? RULES_SYSCTL with another is not from
 * our own build. */
bool rules_may_set(const struct rules_sysctl *sysctl);

/* The process: enters its sandbox, then serves natd at the other end of `socket` until that end is
 * closed. */
_Noreturn void rules_main(int socket);

#endif
