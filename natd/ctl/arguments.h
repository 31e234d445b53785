/* SPDX-License-Identifier: GPL-2.0-or-later */
/* arguments: what a person types, read strictly. Each function leaves its results untouched and
 * returns false where `text` is anything but what is described. Ports alone: config_parse_port(). */
#ifndef NATD_CTL_ARGUMENTS_H
#define NATD_CTL_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "natd/ctl/text.h"

#define ARGUMENT_PORT N_("a port from 1 to 65535")
#define ARGUMENT_PORT_PROTOCOL                                                                     \
	N_("a port from 1 to 65535, a slash and udp or tcp, for example 51820/udp")
#define ARGUMENT_TIME N_("a time from 1s to 365d, for example 90s, 30m, 2h or 1d")
#define ARGUMENT_WAIT N_("a time from 1s to 10m, for example 90s or 5m")

/* "51820/udp". `port` is in host byte order, `protocol` IPPROTO_UDP or IPPROTO_TCP. */
bool argument_port_protocol(const char *text, uint16_t *port, uint32_t *protocol);

/* "90s", "30m", "2h", "1d", in seconds: at least one, at most 365 days. */
bool argument_time(const char *text, uint32_t *seconds);

/* The same for natctl test and why: at most CONTROL_WAIT_SECONDS_MAX. */
bool argument_wait(const char *text, uint32_t *seconds);

#endif
