/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config: natd.conf(5), read whole into one struct or refused whole. */
#ifndef NATD_CONFIG_H
#define NATD_CONFIG_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "natd/address.h"
#include "natd/egress.h"
#include "rules/rules.h"
#include "upnp/upnp.h"

#define CONFIG_PATH         "/etc/natd/natd.conf"
#define CONFIG_FORWARDS_MAX 32
#define CONFIG_TUNNELS_MAX  16
#define CONFIG_NETWORKS_MAX 16
/* libConfuse compares each section's title with all before it: 10 000 take it half a second, ten times
 * as many a hundred times as long. */
#define CONFIG_CLIENTS_MAX 10000
#define CONFIG_PUBLISH_MAX 10000
#define CONFIG_ERROR_MAX   512

struct config_forward {
	char name[UPNP_NAME_MAX];
	uint8_t protocol;  /* IPPROTO_UDP or IPPROTO_TCP */
	uint16_t port;     /* host byte order */
	uint16_t external; /* what the router is asked for */
	bool ipv6;
};

struct config_tunnel {
	char interface[IF_NAMESIZE];
	struct prefix networks[CONFIG_NETWORKS_MAX];
	size_t network_count; /* 0: the interface's own */
	struct egress egress;
	uint8_t reach; /* enum rules_reach, or-ed */
};

/* One client, or a part of a tunnel's clients, with an egress of its own. */
struct config_client {
	struct prefix network;
	struct egress egress;
};

/* A port of this host, or several, handed on to a client. */
struct config_publish {
	char name[UPNP_NAME_MAX];
	uint8_t protocol;  /* IPPROTO_TCP or IPPROTO_UDP */
	uint16_t port;     /* host byte order */
	uint16_t last;     /* equal to `port` for one */
	uint16_t to_port;  /* what `port` becomes; those after it follow */
	struct address to; /* the client */
	bool keep_source;  /* the client sees who calls; otherwise it sees this host */
};

struct config {
	uint8_t order[UPNP_PROTOCOLS]; /* enum upnp_protocol, the preferred first */
	uint8_t order_count;           /* 0: never ask a router */
	uint32_t lease;                /* seconds */
	bool keep;                     /* leave mappings in place on stop */
	struct upnp_server stun;       /* port 0: nobody is asked */
	bool coexist;                  /* get the tunnels' packets past other firewalls */
	bool owned;                    /* no other program may change our tables */
	struct config_forward forwards[CONFIG_FORWARDS_MAX];
	size_t forward_count; /* 0: natd finds the VPN's port by itself */
	struct config_tunnel tunnels[CONFIG_TUNNELS_MAX];
	size_t tunnel_count;           /* 0: every tunnel interface there is */
	struct config_client *clients; /* ascending by network; see config_free() */
	size_t client_count;
	struct config_publish *publishes; /* ascending by family, protocol and port */
	size_t publish_count;
	char name[UPNP_HOST_MAX]; /* by which clients find this home; empty: not checked */
};

/* What holds where the file says nothing, also without a file. */
void config_defaults(struct config *config);
void config_tunnel_defaults(struct config_tunnel *tunnel, const char *interface);

/* Reads `path` into `config`, whatever it held; config_free() frees what was allocated. With `optional`,
 * a file that does not exist is an empty one. False leaves `config` untouched and puts "file:line: what
 * is wrong and what is allowed" into `error`. */
bool config_read(struct config *config, const char *path, bool optional,
		 char error[CONFIG_ERROR_MAX]);
void config_free(struct config *config);

/* The orders of clients and publishes. */
int config_compare_clients(const void *client, const void *other);
int config_compare_publishes(const void *publish, const void *other);

/* The parsers of single values, shared with natctl: true only if the whole text is one. */
bool config_parse_port(const char *text, uint16_t *port);
bool config_parse_protocol(const char *text, uint8_t *protocol);

/* Is it a whole DNS name: two labels or more (RFC 1035 2.3.1), and no address? */
bool config_is_name(const char *text);

#endif
