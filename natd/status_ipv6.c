/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The IPv6 side of a forward, as `natctl -j status` says it. */
#include <string.h>

#include "natd/status.h"
#include "natd/status_values.h"

/* No pinhole is wanted, and why. */
static json_t *none(const char *reason)
{
	return json_pack("{s:s, s:n, s:n, s:n, s:n, s:n, s:o}", "state",
			 forward_state_names[FORWARD_OFF], "address", "port", "via", "expires_in",
			 "renew_in", "reason", text_or_null(reason));
}

json_t *status_pinhole(const struct natd *natd, const struct forward *forward)
{
	const struct pinhole *pinhole = pinholes_of(&natd->pinholes, &forward->wanted);
	const struct address *address;
	char text[ADDRESS_TEXT_MAX];
	int64_t now = natd_now();
	int64_t expires;
	bool open;

	if (!pinhole)
		return none(pinholes_why_none(&natd->pinholes, forward));
	open = pinhole->state == FORWARD_OPEN;
	address = open ? &pinhole->external_address : &pinhole->address;
	expires = open ? pinhole->granted_at + (int64_t)pinhole->lifetime * 1000 : 0;
	return json_pack("{s:s, s:s, s:i, s:s?, s:o, s:o, s:o}", "state",
			 forward_state_names[pinhole->state], "address",
			 address_print(address, text), "port",
			 (int)(open ? pinhole->external_port : pinhole->port), "via",
			 open ? upnp_protocol_names[pinhole->via] : NULL, "expires_in",
			 seconds_until(expires, now), "renew_in",
			 seconds_until(open ? pinhole->renew_at : 0, now), "reason",
			 text_or_null(pinhole->reason));
}
