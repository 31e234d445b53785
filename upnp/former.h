/* SPDX-License-Identifier: GPL-2.0-or-later */
/* former: PCP and NAT-PMP let only the address that made a mapping remove it. While this host still has
 * its former address, on whatever interface, that is done. */
#ifndef UPNP_FORMER_H
#define UPNP_FORMER_H

#include "upnp/client.h"

/* Removes what was granted to the former address of the mapping, where there is one and it still is
 * this host's. One datagram, which goes before the question for the new mapping; no answer is awaited: a
 * lost one costs the wanted port until the lease of the old mapping ends. */
void former_leave(const struct client *client, const struct upnp_mapping *mapping);

#endif
