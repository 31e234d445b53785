/* SPDX-License-Identifier: GPL-2.0-or-later */
/* remedy: what to type so that another firewall lets the VPN pass. Commands, one a line, for a shell;
 * "" where only that program knows. */
#ifndef NATD_REMEDY_H
#define NATD_REMEDY_H

#include <stdint.h>

#include "rules/rules.h"

#define REMEDY_MAX 512

/* For a port of this host; `protocol` is IPPROTO_UDP or IPPROTO_TCP, `port` in host byte order. */
const char *remedy_port(const struct rules_firewall *firewall, uint8_t protocol, uint16_t port,
			char text[REMEDY_MAX]);

/* For what a tunnel's clients send and get. No firewall: it is iptables-legacy, which nftables does
 * not show. */
const char *remedy_tunnel(const struct rules_firewall *firewall, const char *interface,
			  char text[REMEDY_MAX]);

#endif
