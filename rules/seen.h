/* SPDX-License-Identifier: GPL-2.0-or-later */
/* seen: when a port's last packet came, without looking all the time.
 *
 * A rule puts the port into a set whose elements live RULES_SEEN_MS and begin anew with each packet:
 * what is left of that time says how long ago the last one was. nft 1.0.6 lists and loads such a set;
 * the expression `last` it does not. */
#ifndef RULES_SEEN_H
#define RULES_SEEN_H

#include <stdint.h>

/* CLOCK_MONOTONIC in milliseconds: like the kernel's own timeouts, it stands still in suspend. */
int64_t seen_now(void);

/* Milliseconds since `seen_ms`; -1 where none was seen, or not in RULES_SEEN_MS. */
int64_t seen_ago(int64_t seen_ms);

#endif
