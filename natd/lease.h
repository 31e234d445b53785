/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lease: when to renew what a router granted for a time. */
#ifndef NATD_LEASE_H
#define NATD_LEASE_H

#include <stdint.h>

/* Milliseconds after the grant. RFC 6887 11.2.1: at a random point from 1/2 to 5/8 of the lifetime
 * (seconds), so that the hosts of a house that began together do not stay together. */
int64_t lease_renew_after(uint32_t lifetime);

#endif
