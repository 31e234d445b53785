/* SPDX-License-Identifier: GPL-2.0-or-later */
/* look: what is wanted and what is so: the network is read, and engine and kernel are told. */
#ifndef NATD_LOOK_H
#define NATD_LOOK_H

#include "natd/natd.h"

/* Reads the network, says what changed, and acts on it; where the kernel's WireGuard must be asked for
 * its port first, look_act() is due when it has answered. False where rtnetlink does not answer:
 * nothing has changed then, and natd should look again. */
bool look_around(struct natd *natd);

/* Tells engine and kernel what is wanted now. */
void look_act(struct natd *natd);

/* Tells the engine which router the uplink leads to, as the kernel knows it now. */
void look_at_router(struct natd *natd);

/* The router may have told its WAN address: on a line that owns only some ports, other ports are then
 * asked for. */
void look_at_line(struct natd *natd);

#endif
