/* SPDX-License-Identifier: GPL-2.0-or-later */
/* epoch: has a server lost its mappings? PCP and NAT-PMP say with every answer how many seconds ago
 * their table was empty; a client that keeps time itself sees from that when it became empty again. */
#ifndef UPNP_EPOCH_H
#define UPNP_EPOCH_H

#include "upnp/upnp.h"

/* So few seconds are a server that has just started: why else would it announce itself (RFC 6887 14.1.1)? */
#define EPOCH_JUST_STARTED 2

/* Takes over what a server says at `now_us`. False: it has lost its state since it spoke last. The
 * first word of a server is always good. */
bool epoch_take_pcp(struct upnp_epoch *epoch, uint32_t server, int64_t now_us); /* RFC 6887 8.5 */
bool epoch_take_natpmp(struct upnp_epoch *epoch, uint32_t server,
		       int64_t now_us); /* RFC 6886 3.6 */

int64_t epoch_now_us(void);

#endif
