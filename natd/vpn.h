/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vpn: which port the VPN on this host uses, where natd.conf does not say. */
#ifndef NATD_VPN_H
#define NATD_VPN_H

#include <stdbool.h>

#include "natd/config.h"

#define VPN_PIVPN_DIRECTORY "/etc/pivpn"

/* The forward that holds without any: PiVPN's port and protocol (WireGuard's before OpenVPN's, from
 * `pivpn`/{wireguard,openvpn}/setupVars.conf), else WireGuard's usual UDP 51820.
 * Returns where it comes from, for the user: a static string. */
const char *vpn_find_forward(struct config_forward *forward, const char *pivpn);

#endif
