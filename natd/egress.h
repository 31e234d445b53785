/* SPDX-License-Identifier: GPL-2.0-or-later */
/* egress: how the clients of a tunnel leave: natd.conf's `egress`, and whether this host can do it. */
#ifndef NATD_EGRESS_H
#define NATD_EGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "natd/address.h"
#include "natd/network.h"
#include "rules/rules.h"

#define EGRESS_POOL_MAX 256 /* addresses */
#define EGRESS_TEXT_MAX (2 * ADDRESS_TEXT_MAX)

struct egress {
	uint8_t kind;           /* enum rules_egress */
	uint8_t length;         /* RULES_EGRESS_PREFIX: bits */
	struct address address; /* the first of a pool, or of a prefix */
	struct address last;    /* RULES_EGRESS_POOL */
	bool masquerade_gone;   /* while this host does not have it; otherwise nothing leaves */
};

/* Parses "masquerade", "none", an address, "FIRST-LAST", or an IPv6 prefix. False leaves
 * `egress` half filled. */
bool egress_parse(struct egress *egress, const char *text);

/* Prints the address, pool or prefix into `text` and returns it; "" where it names none. */
const char *egress_print(const struct egress *egress, char text[EGRESS_TEXT_MAX]);

/* Does it name its addresses? Then it serves their family alone. */
bool egress_is_fixed(const struct egress *egress);

/* Does it name an address that this host does not have? Of a pool it has to have every one, of a prefix
 * any one. */
bool egress_is_gone(const struct egress *egress, const struct network *network);

#endif
