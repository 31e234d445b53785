/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What natd is told, apart from the mappings. */
#include "upnp/client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

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
	report->hop = client->hop;
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

/* RFC 6887 14.1.3: not every host of the link at once, up to five seconds; a port is open again within
 * five, with the time of asking. */
#define ANNOUNCED_DELAY_MAX_MS 4900

static uint16_t random_delay(void)
{
	uint16_t number = 0;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		log_debug("no random number: no delay");
	return (uint16_t)(number % (ANNOUNCED_DELAY_MAX_MS + 1));
}

static void report_lost(struct client *client, uint8_t via, uint16_t delay_ms, const char *said)
{
	struct upnp_report report = { .what = UPNP_LOST,
				      .lost = { .via = via, .delay_ms = delay_ms } };

	say(report.lost.said, "%s", said);
	log_debug("lost: %s, to ask in %u ms", report.lost.said, report.lost.delay_ms);
	report_send(client, &report);
}

bool announced_waits(const struct client *client)
{
	return epoch_now_us() < client->announced.due_us;
}

/* At most one question waits that everybody asks, however often the router says why. */
static void lost_to_all(struct client *client, uint8_t via, const char *said)
{
	uint16_t delay_ms = random_delay();
	int64_t now = epoch_now_us();

	if (announced_waits(client))
		return;
	client->announced.told_us = now;
	client->announced.due_us = now + (int64_t)delay_ms * 1000;
	report_lost(client, via, delay_ms, said);
}

void mappings_lost(struct client *client, uint8_t via, bool to_all, const char *said)
{
	if (to_all)
		lost_to_all(client, via, said);
	else
		report_lost(client, via, 0, said);
}

/* RFC 6887 14.1.1 has a server that starts say so ten times; the first is news. */
static bool has_just_started(const struct client *client, uint32_t epoch, int64_t now)
{
	return epoch <= EPOCH_JUST_STARTED &&
	       (!client->announced.told_us ||
		now - client->announced.told_us > ((int64_t)epoch + 1) * 1000000);
}

/* Did the table begin before natd asked for all of it? A second more, because epochs are cut to whole
 * ones. */
static bool began_before_use(const struct client *client, const struct upnp_epoch *epoch)
{
	return epoch->heard_us - client->used_us <= ((int64_t)epoch->server + 1) * 1000000;
}

static void epoch_report(struct client *client, uint8_t via, bool restarted, const char *said)
{
	struct upnp_report report = { .what = UPNP_EPOCH };

	report.told = (struct upnp_told_epoch){ .via = via,
						.restarted = restarted,
						.epoch = client->epochs[via] };
	if (restarted)
		say(report.told.said, "%s", said);
	report_send(client, &report);
}

void epoch_is(struct client *client, uint8_t via, uint32_t seconds, bool to_all)
{
	struct upnp_epoch *epoch = &client->epochs[via];
	struct upnp_epoch before = *epoch;
	int64_t now = epoch_now_us();
	bool same = via == UPNP_PCP ? epoch_take_pcp(epoch, seconds, now)
				    : epoch_take_natpmp(epoch, seconds, now);
	bool lost_before_use =
		!same && !to_all && client->inherited[via] && began_before_use(client, epoch);
	char said[UPNP_TEXT_MAX];

	client->inherited[via] = false;
	say(said, "%s: the router has restarted (epoch %u, before %u)", protocols[via]->name,
	    seconds, before.server);
	if (!before.known || before.undated || !same)
		epoch_report(client, via, lost_before_use, said);
	if (lost_before_use)
		return;
	if (!to_all && !same)
		report_lost(client, via, epoch_loss_delay(&client->losses, now), said);
	else if (to_all && (!same || has_just_started(client, seconds, now)))
		lost_to_all(client, via, said);
}

void holder_is(struct client *client, uint32_t id, struct in_addr address, bool removed)
{
	struct upnp_report report = { .what = UPNP_HOLDER, .holder = { id, address, removed } };

	report_send(client, &report);
}

void router_heard(struct client *client)
{
	client->check_us = client->network.check
				   ? now_us() + (int64_t)client->network.check * 1000000
				   : ASKING_NEVER;
	gena_tend(client);
}

void went_away(struct client *client, uint8_t protocol, enum upnp_state state, const char *said)
{
	if (client->asking.writer == protocol && !tasks_under_way(client, protocol))
		mappings_lost(client, protocol, false, said);
	protocol_is(client, protocol, state, said);
}
