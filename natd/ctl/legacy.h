/* SPDX-License-Identifier: GPL-2.0-or-later */
/* legacy: the tables of iptables-legacy, through which nobody can follow a packet. */
#ifndef NATD_CTL_LEGACY_H
#define NATD_CTL_LEGACY_H

#include <jansson.h>
#include <stdbool.h>

/* Names of those that this network has, ["filter", "nat"], a new reference; null where only root may
 * know, and the caller is not root. */
json_t *legacy_tables(bool ipv6);

#endif
