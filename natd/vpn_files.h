/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vpn_files: the settings of VPNs, line by line: foreign text, of which only what is sound is taken. */
#ifndef NATD_VPN_FILES_H
#define NATD_VPN_FILES_H

#include <stdbool.h>
#include <stdio.h>

#include "natd/vpn.h"

/* PiVPN's setupVars.conf. True if it names a port. */
bool vpn_read_pivpn(FILE *file, struct config_forward *forward, struct vpn *vpn);

/* A configuration of wg-quick(8). True if it is a server's and names a port. */
bool vpn_read_wg_quick(FILE *file, struct config_forward *forward, struct vpn *vpn);

/* OpenVPN's. True if it is a server's; 1194 is its usual port. */
bool vpn_read_openvpn(FILE *file, struct config_forward *forward, struct vpn *vpn);

/* iptables-save's. Never true: only the way out is taken. */
bool vpn_read_iptables(FILE *file, struct config_forward *forward, struct vpn *vpn);

#endif
