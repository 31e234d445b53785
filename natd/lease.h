/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lease: when to renew what a router granted for a time. `lifetime` is in seconds, 0: for ever. */
#ifndef NATD_LEASE_H
#define NATD_LEASE_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds after the grant. RFC 6887 11.2.1: at a random point from 1/2 to 5/8 of the lifetime, so
 * that the hosts of a house that began together do not stay together. */
int64_t lease_renew_after(uint32_t lifetime);

/* Is the half over? Where natd is awake for another renewal, this one need not wake it once more. */
bool lease_may_renew(int64_t granted_at, uint32_t lifetime, int64_t now);

#endif
