/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vpn_notes: where the VPN's settings do not fit what is so. */
#ifndef NATD_VPN_NOTES_H
#define NATD_VPN_NOTES_H

#include <stdbool.h>
#include <stddef.h>

#include "natd/vpn.h"
#include "natd/ways_out.h"

#define VPN_NOTES_MAX 6
#define VPN_NOTE_MAX  480

/* What the settings are held against. */
struct vpn_truth {
	struct in_addr wan;    /* this home's public address; 0.0.0.0: not known */
	const char *name;      /* natd.conf's; empty: none */
	const char *interface; /* this host's way out; empty: none now */
	uint16_t external;     /* the port that the router passes on to the VPN; 0: none */
	bool configured;       /* natd.conf names the ports itself */
	const struct rules_way_out *frozen; /* ways_out_frozen() */
	const char *absent;                 /* a tunnel of natd.conf that does not exist, */
	const char *unnamed; /* while this one does, which natd.conf does not name; NULL: none */
};

/* Sentences for the user, in English. Returns how many. */
size_t vpn_notes(const struct vpn *vpn, const struct vpn_truth *truth,
		 char notes[VPN_NOTES_MAX][VPN_NOTE_MAX]);

#endif
