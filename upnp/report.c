/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What natd is told, apart from the mappings. */
#include "upnp/client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "natd/log.h"
#include "natd/process.h"

void say(char to[UPNP_TEXT_MAX], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(to, UPNP_TEXT_MAX, format, arguments);
	va_end(arguments);
	log_clean(to);
}

void report_send(struct client *client, struct upnp_report *report)
{
	report->generation = client->generation;
	if (!process_send(client->natd, report, sizeof(*report)))
		fatal("natd does not listen: %s", strerror(errno));
}

void protocol_is(struct client *client, uint8_t protocol, enum upnp_state state, const char *said)
{
	struct upnp_report report = {
		.what = UPNP_PROTOCOL,
		.protocol = { .protocol = protocol, .state = (uint8_t)state },
	};

	if (asking_told(&client->asking, protocol, (uint8_t)state)) {
		say(report.protocol.said, "%s", said);
		if (state != UPNP_ASKING)
			report.protocol.took_us = (uint32_t)(now_us() - client->asked_us[protocol]);
		log_debug("%s: state %d after %u us: %s", protocols[protocol]->name, state,
			  report.protocol.took_us, report.protocol.said);
		report_send(client, &report);
	}
	if (state != UPNP_OK && state != UPNP_ASKING)
		tasks_give_back(client, protocol, state, said);
}

void wan_is(struct client *client, uint8_t via, struct in_addr address)
{
	struct upnp_report report = { .what = UPNP_WAN, .wan = { address, via } };

	if (client->wan_known[via] && client->wan[via].s_addr == address.s_addr)
		return;
	client->wan_known[via] = true;
	client->wan[via] = address;
	report_send(client, &report);
}
