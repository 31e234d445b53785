/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vpn: what the VPN on this host says of itself in its settings: PiVPN's, wg-quick's and OpenVPN's. For
 * what natd.conf leaves open, and to tell where they do not fit what is so. */
#ifndef NATD_VPN_H
#define NATD_VPN_H

#include <stdbool.h>

#include "natd/config.h"

#define VPN_PIVPN_DIRECTORY     "/etc/pivpn"
#define VPN_WIREGUARD_DIRECTORY "/etc/wireguard"
#define VPN_OPENVPN_DIRECTORY   "/etc/openvpn"
#define VPN_IPTABLES_DIRECTORY  "/etc/iptables"

#define VPN_FORWARDS_MAX 8
#define VPN_FILE_MAX     96

struct vpn {
	struct config_forward forwards[VPN_FORWARDS_MAX]; /* WireGuard's first; never none */
	size_t count;
	bool found;         /* settings, or a running WireGuard, name them: natd does not guess */
	const char *origin; /* of the first one, for the user: a static string */

	/* What PiVPN writes into its clients' settings. */
	char host[UPNP_HOST_MAX]; /* a name or an address; empty: not known */
	uint8_t protocol;
	uint16_t port; /* 0: not known */

	/* By which a rule of old lets the clients out; empty: no rule names one. */
	char way_out[IF_NAMESIZE];
	char way_out_file[VPN_FILE_MAX];

	char unreadable[VPN_FILE_MAX]; /* the first place that natd may not read; empty: none */
};

/* Reads the settings below `root`, "" but for tests. Where none names a port it is WireGuard's usual
 * one, UDP 51820. */
void vpn_read(struct vpn *vpn, const char *root);

/* A UDP port on which the kernel's WireGuard listens goes before what files say. Of several that run, the
 * one that files name is the VPN's; the others may be anything. */
void vpn_runs_wireguard(struct vpn *vpn, const uint16_t *ports, size_t count);

#endif
