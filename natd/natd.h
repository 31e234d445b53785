/* SPDX-License-Identifier: GPL-2.0-or-later */
/* natd: decides. It knows what is wanted (natd.conf, natctl), what is so (rtnetlink, upnp, rules), and
 * closes the gap. upnp and rules do.
 *
 * It holds no capability and speaks to nobody outside this host. The parts: config reads the file,
 * network reads rtnetlink, engine keeps the router's mappings, pinholes those of IPv6, kernel keeps the rules, state survives a
 * crash, control answers natctl, status and verdict say how it stands, loop joins them. */
#ifndef NATD_NATD_H
#define NATD_NATD_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "natd/clock.h"
#include "natd/config.h"
#include "natd/control.h"
#include "natd/engine.h"
#include "natd/firewalld.h"
#include "natd/kernel.h"
#include "natd/name.h"
#include "natd/network.h"
#include "natd/pinholes.h"
#include "natd/process.h"
#include "natd/shared_line.h"
#include "natd/vpn.h"
#include "natd/upstream.h"

struct control;

struct natd {
	/* The command line. */
	const char *config_path;
	bool config_optional; /* the default path may be missing */
	const char *socket_path;
	const char *state_directory;
	struct identity identity;

	struct config config;
	struct network network;
	struct uplink uplink; /* IPv4 */
	struct pinhole_network ipv6;
	struct engine engine;     /* the home router */
	struct upstream upstream; /* and what is before it */
	struct pinholes pinholes; /* IPv6 */
	struct shared_line shared_line;
	bool holds_back; /* forwards that wait until the router has removed what they replace */
	struct kernel kernel;
	struct firewalld firewalld;
	struct name name;
	struct upnp_resolver resolvers[UPNP_RESOLVERS_MAX]; /* as they could be read last */
	size_t resolver_count;
	struct control *control;
	struct process upnp;
	struct process rules;

	/* Where the forwards come from when natd.conf names none. */
	const char *forwards_origin;
	struct vpn vpn; /* its own settings */
	struct wireguards {
		uint16_t ports[VPN_FORWARDS_MAX];
		size_t count;
	} wireguards, asked_wireguards; /* where the kernel's listen; and the answers so far */
	unsigned int wireguard_pending; /* interfaces that rules was asked about */

	struct event_base *base;
	struct event *upnp_event;
	struct event *rules_event;
	struct event *upnp_writable; /* while messages wait for it */
	struct event *rules_writable;
	struct event *network_event;
	struct event *single_event;
	struct event *settle_timer;  /* several rtnetlink events are one change */
	struct event *refused_timer; /* the rules are sent again */
	struct event *engine_timer;
	struct event *stop_timer;
	struct event *name_timer;
	struct event *signals[4];
	int watch;  /* rtnetlink events */
	int single; /* who asks for natd's name in this network; -1: somebody else has it */
	struct {
		struct in_addr gateway; /* 0.0.0.0: nobody */
		unsigned int link;
		uint8_t mac[MAC_SIZE];
	} watched; /* the neighbour that natd hears of */
	int64_t started_at;
	bool stopping;
	int exit_status;
};

#endif
