/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verdict_ipv6: what the verdict says of lines on which IPv6 is the way in. */
#ifndef NATD_VERDICT_IPV6_H
#define NATD_VERDICT_IPV6_H

#include <stdbool.h>

#include "natd/verdict.h"

/* E23: DS-Lite (RFC 6333), or a router without an IPv4 address. */
bool verdict_has_no_ipv4(const struct facts *facts);
void verdict_say_no_ipv4(const struct facts *facts, struct verdict *verdict);

/* Where the line brings no IPv4 in and IPv6 is open, the advice names that way. */
void verdict_add_ipv6(const struct facts *facts, struct verdict *verdict);

#endif
