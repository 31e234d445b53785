/* SPDX-License-Identifier: GPL-2.0-or-later */
/* uapi: WireGuards in user space (wireguard-go, boringtun), asked over their socket:
 * https://www.wireguard.com/xplatform/#configuration-protocol
 *
 * Only root may connect to it. So natd connects to those that there are as it starts, while it still is
 * root, and rules inherits the connections, alone: they let it read keys and set them, as CAP_NET_ADMIN
 * lets it with the kernel's own WireGuard. Root's own natctl connects itself. Both only ever ask; of the
 * answer they keep numbers, and wipe the rest. rules/rules.h has the functions. */
#ifndef RULES_UAPI_H
#define RULES_UAPI_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/rules.h"

/* What is kept of an answer, which comes in pieces. */
struct uapi_answer {
	char line[128]; /* the one that is not complete yet; cut where it is longer */
	uint32_t length;
	bool over; /* the last line has come */
	bool refused;
	struct rules_peers *peers;
};

/* Takes some bytes of an answer; `now` is CLOCK_REALTIME, seconds. */
void uapi_take(struct uapi_answer *answer, const char *bytes, uint32_t size, int64_t now);

#endif
