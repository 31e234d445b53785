/* SPDX-License-Identifier: GPL-2.0-or-later */
/* control: the socket on which natctl asks natd.
 *
 * A Unix stream socket: the client sends one struct control_request, natd answers with one JSON
 * object and closes. Anybody may ask; root, natd's own user and natd's group may change. A request
 * that is refused is answered by {"error": "one line for the user"}. */
#ifndef NATD_CONTROL_H
#define NATD_CONTROL_H

#include <stdint.h>

#define CONTROL_SOCKET  "/run/natd/natd.sock"
#define CONTROL_VERSION 2

/* How long CONTROL_TEST and CONTROL_WHY may wait for their packet. */
#define CONTROL_WAIT_SECONDS_MAX 600

/* The refusal of either while another waits. It says nothing about the VPN. */
#define CONTROL_BUSY "another natctl test or why waits for a packet: one at a time"

enum control_command {
	CONTROL_STATUS, /* the object of `natctl -j status` */
	CONTROL_LIST,   /* {"mappings": [...], "complete": bool, "reason"} */
	CONTROL_WAN_IP, /* {"address": "..."|null} */
	CONTROL_OPEN,   /* protocol, port, external, seconds: {"forward": {...}} */
	CONTROL_CLOSE,  /* protocol, port: {"closed": "udp 51820"} */
	CONTROL_RELOAD, /* {"reloaded": "/etc/natd/natd.conf", "exists": bool} */
	CONTROL_WATCH,  /* a line for each change until either end closes: snapshot.h */
	CONTROL_DOCTOR, /* a line {"step": {...}} for each, then {"steps": [...], "verdict", "took_ms"} */
	CONTROL_TEST, /* seconds: waits for a packet from outside: control_trace.h */
	CONTROL_WHY,  /* seconds, family, from, to: follows a packet of `from` to `to`: the same */
	CONTROL_COMMANDS
};

struct control_request {
	uint32_t version;  /* CONTROL_VERSION */
	uint32_t command;  /* enum control_command */
	uint32_t protocol; /* IPPROTO_UDP or IPPROTO_TCP */
	uint16_t port;     /* host byte order */
	uint16_t external; /* 0: the same as port */
	uint32_t seconds;  /* how long; 0: until natd restarts (CONTROL_OPEN), or the usual */
	uint32_t family;   /* CONTROL_WAN_IP, CONTROL_WHY: AF_INET or AF_INET6 */
	uint8_t from[16];  /* an address of `family`, network byte order */
	uint8_t to[16];
};

#endif
