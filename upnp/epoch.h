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

/* The losses that epochs have shown. An epoch that is never right must not have everything asked at the
 * speed of the wire. */
struct epoch_losses {
	bool any;
	int64_t told_us;   /* the last */
	uint16_t delay_ms; /* what it was given */
};

/* How long one that is seen at `now_us` waits: not at all, as RFC 6887 8.5 wants it ("promptly"), unless
 * the last was a moment ago; then twice as long as that, up to UPNP_DELAY_MAX. */
uint16_t epoch_loss_delay(struct epoch_losses *losses, int64_t now_us);

int64_t epoch_now_us(void);

#endif
