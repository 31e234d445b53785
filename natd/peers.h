/* SPDX-License-Identifier: GPL-2.0-or-later */
/* peers: the handshakes of a WireGuard, as natctl doctor says them. */
#ifndef NATD_PEERS_H
#define NATD_PEERS_H

#include <stdbool.h>

#include "rules/rules.h"

#define PEERS_TEXT_MAX 128

/* Prints how many of its clients have shaken hands, in one of the forms of natd/ctl/sentences_steps.c;
 * "" where it has no clients. True if any has. */
bool peers_print(const struct rules_peers *peers, char text[PEERS_TEXT_MAX]);

#endif
