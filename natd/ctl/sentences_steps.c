/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The forms of what natctl doctor says, natd/doctor_router.c and natd/doctor_host.c, and of what stands beside it. */
#include <stddef.h>

#include "natd/ctl/sentences.h"
#include "natd/ctl/text.h"

/* clang-format off */
const char *const sentence_steps[] = {
	N_("this host (%s) goes by %s to the router %s"),
	N_("this host (%s) goes by %s to the internet, without a router"),
	N_("the router opens ports when asked by %s"),
	N_("the router answers, but with an error"),
	N_("the router does not tell its WAN address"),
	N_("the router's WAN address %s is public"),
	N_("the router's WAN address %s is shared by the provider's customers"),
	N_("the router's WAN address %s is private: there is a router before it"),
	N_("the router confirms: %s is open as external port %u"),
	N_("the router has not confirmed yet that %s is open"),
	N_("%s is open by hand: packets from outside come"),
	N_("%s has the network of %s as well: the clients get no answers"),
	N_("%s is handed on to a client of the VPN"),
	N_("the outer router forwards to the router as well"),
	N_("the outer router does not confirm that it still forwards to the router"),
	N_("a second router is before it and does not forward: %s"),
	N_("a second router is before it and does not forward"),
	N_("the provider shares an address among its customers"),
	N_("the internet sees this home as %s"),
	N_("the name %s leads to this home"),
	N_("it is not known where the name %s leads"),
	N_("the name %s does not lead to this home"),
	N_("a firewall of this host drops what comes for %s"),
	N_("another firewall drops what the clients of %s send"),
	N_("no other firewall of this host drops what is the VPN's"),
	N_("a program on this host listens on %s"),
	N_("the last packet from outside for %s came %lld s ago"),
	N_("only the home network has sent packets for %s, %lld s ago"),
	N_("no packet from outside has come for %s: natctl test waits for one"),
	N_("the tunnel %s is there"),
	N_("the tunnel %s does not exist: is the VPN started?"),
	N_("there is no tunnel (WireGuard, tun or tap): is the VPN started?"),
	N_("%s: clients that have shaken hands: %u of %u, the last %lld s ago"),
	N_("%s: clients that have shaken hands: none of %u yet"),
	N_("%s: only root may ask it for its handshakes: sudo natctl doctor"),
	N_("the kernel forwards the clients of %s to the internet by %s"),
	N_("the kernel does not forward what comes from %s: forwarding is off"),
	N_("the clients of %s have no route to the internet"),
	N_("the kernel refuses the sources of %s (rp_filter)"),
	N_("the kernel holds natd's rules"),
	N_("natd's rules are on their way to the kernel"),
	N_("packets of %s fit the line: %u + %u bytes of %u"),
	N_("packets of %s are too big for the line: %u + %u bytes of %u"),
	N_("IP forwarding is off for %s: its clients connect but reach nothing"),
	N_("packets of %s are too big for the line: web pages may hang"),
	N_("Set \"MTU = %u\" for %s and for its clients, and start both again:\n"
	   "the line takes %u bytes, and WireGuard needs some of them for itself."),
	NULL
};
/* clang-format on */
