/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/peers.h"

#include <stdio.h>

bool peers_print(const struct rules_peers *peers, char text[PEERS_TEXT_MAX])
{
	text[0] = '\0';
	if (peers->ago >= 0)
		snprintf(text, PEERS_TEXT_MAX,
			 "%s: clients that have shaken hands: %u of %u, the last %lld s ago",
			 peers->interface, peers->shaken, peers->peers, (long long)peers->ago);
	else if (peers->peers)
		snprintf(text, PEERS_TEXT_MAX, "%s: clients that have shaken hands: none of %u yet",
			 peers->interface, peers->peers);
	return peers->ago >= 0;
}
