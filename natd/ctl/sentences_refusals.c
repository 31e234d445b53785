/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The forms of what natd says when it refuses: natd/control*.c and natd/engine.c. */
#include <stddef.h>

#include "natd/ctl/sentences.h"
#include "natd/ctl/text.h"

/* clang-format off */
const char *const sentence_refusals[] = {
	N_("%s is for root and the group of natd: try sudo natctl %s"),
	N_("%s is forwarded already: natd keeps it open by itself"),
	N_("%s is open already, from external port %u: natctl close it first"),
	N_("%s cannot have external port %u: it leads to %s already"),
	N_("%s is one too many: natd keeps at most %d ports open"),
	N_("%s is kept open by natd itself: natd.conf or the VPN says so"),
	N_("%s is not forwarded"),
	N_("%s needs udp or tcp and a port from 1 to 65535"),
	N_("it was closed again"),
	N_("the router has not answered within %d seconds"),
	N_("another natctl test or why waits for a packet: one at a time"),
	N_("%u s is too long to wait; allowed: at most %d s"),
	N_("the kernel does not follow packets: %s"),
	N_("why needs two addresses of IPv4, or two of IPv6"),
	N_("why needs two addresses; one of these is none"),
	N_("%d natctl watch run already; allowed: that many"),
	N_("this natctl is of another version than natd (%u, natd has %d)"),
	N_("natd does not know command %u; it knows 0 to %d"),
	N_("natd is stopping"),
	NULL
};
/* clang-format on */
