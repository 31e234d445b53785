/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status_ipv6: the pinholes of IPv6 on the screen of natctl status. */
#ifndef NATD_CTL_STATUS_IPV6_H
#define NATD_CTL_STATUS_IPV6_H

#include <jansson.h>
#include <stdio.h>

#include "natd/ctl/print.h"

/* Adds the address that clients may use as well, where the forward's pinhole is open. */
void status_ipv6_add(struct row *row, const json_t *forward);

/* What became of each pinhole. */
void status_ipv6_show(FILE *out, const json_t *status);

#endif
