/* SPDX-License-Identifier: GPL-2.0-or-later */
/* facts: what natd knows, gathered for the verdict. */
#ifndef NATD_FACTS_H
#define NATD_FACTS_H

#include "natd/listen.h"
#include "natd/natd.h"
#include "natd/verdict.h"

struct facts facts_gather(const struct natd *natd);

/* rules' counters for one of our ports; NULL where it has not told. */
const struct rules_port_count *facts_port_count(const struct natd *natd, uint8_t protocol,
						uint16_t port);

/* This host's stable public IPv6 address, never a temporary one; family 0 if it has none. */
struct address facts_public_v6(const struct natd *natd);

/* This home's public IPv4 address as it is known now: the router's, or this host's own; 0.0.0.0 where
 * there is none or nobody tells. */
struct in_addr facts_public_wan(const struct natd *natd);

#endif
