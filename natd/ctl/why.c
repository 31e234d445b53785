/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/why.h"

#include <string.h>

#include "natd/address.h"
#include "natd/ctl/members.h"
#include "natd/ctl/packet.h"
#include "natd/ctl/print.h"
#include "natd/ctl/text.h"

/* What natd says without a packet. */
static const struct outcome {
	const char *result;
	const char *text;
	int status;
} outcomes[] = {
	{ "none", N_("no packet came: let the client open it while this waits"), NATCTL_NOT_KNOWN },
	{ "forwarding-off", N_("not forwarded: IP forwarding is off (natctl doctor)"),
	  NATCTL_BROKEN },
	{ "no-route", N_("not forwarded: there is no route (natctl doctor)"), NATCTL_BROKEN },
	{ "source-refused", N_("not forwarded: the kernel refuses the source (rp_filter)"),
	  NATCTL_BROKEN },
};

int why_show(FILE *out, const json_t *result, const char *client, const char *destination)
{
	const char *what = text_of(result, "result");
	const json_t *packet = json_object_get(result, "packet");
	struct row row = row_start(out, "", 0);

	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		if (strcmp(outcomes[i].result, what) != 0)
			continue;
		if (out) {
			row_add(&row, "%s -> %s: %s", client, destination, _(outcomes[i].text));
			row_break(&row);
			if (json_is_null(json_object_get(result, "tunnel")))
				row_add(&row, _("natd knows no tunnel with the client %s"), client);
			row_end(&row);
		}
		return outcomes[i].status;
	}
	if (out)
		packet_show(out, packet);
	return packet_exit(packet);
}

static bool read_address(const char *text, uint8_t bytes[16], uint32_t *family)
{
	struct address address;

	if (!address_parse(&address, text))
		return false;
	*family = address.family;
	if (address.family == AF_INET)
		memcpy(bytes, &address.v4, sizeof(address.v4));
	else
		memcpy(bytes, &address.v6, sizeof(address.v6));
	return true;
}

/* Both are addresses of one family; else what is wrong has been said. */
static bool read_addresses(const struct invocation *typed, struct control_request *request)
{
	uint32_t family = 0;

	for (int i = 0; i < 2; i++) {
		uint32_t before = family;

		if (read_address(typed->arguments[i], i ? request->to : request->from, &family) &&
		    (!i || family == before))
			continue;
		say_error(typed->json, NATCTL_USAGE, _("'%.80s' is not allowed; allowed: %s"),
			  typed->arguments[i],
			  !i                  ? _("an address, for example 10.8.0.2")
			  : before == AF_INET ? _("an IPv4 address (look the name up first)")
					      : _("an IPv6 address (look the name up first)"));
		return false;
	}
	request->family = family;
	return true;
}

int command_why(const struct invocation *typed)
{
	struct control_request request = { .command = CONTROL_WHY };
	char waiting[256];
	json_t *result;
	int status;

	if (!read_addresses(typed, &request))
		return NATCTL_USAGE;
	snprintf(waiting, sizeof(waiting), _("waiting for a packet of %s to %s"),
		 typed->arguments[0], typed->arguments[1]);
	result = packet_wait(typed, request, waiting, &status);
	if (!result)
		return status;
	if (typed->json)
		say_json(result);
	status = why_show(typed->json ? NULL : stdout, result, typed->arguments[0],
			  typed->arguments[1]);
	json_decref(result);
	return status;
}
