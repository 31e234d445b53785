/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPnP-IGD: the requests to the service. */
#include <arpa/inet.h>
#include <errno.h>
#include <miniupnpc/upnperrors.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "natd/log.h"
#include "upnp/deadline.h"
#include "upnp/igd.h"
#include "upnp/igd_soap.h"

#define REMEMBERED_TIME_MS 1500 /* then it is searched for */
#define SOAP_TIME_MS       5000 /* old routers write their flash for a second or two */

static const struct {
	int code;
	enum upnp_failure failure;
} failures[] = {
	{ IGD_NO_ANSWER, UPNP_NO_ANSWER },     { IGD_NOT_AUTHORIZED, UPNP_HOST_REFUSED },
	{ IGD_CONFLICT, UPNP_PORT_TAKEN },     { IGD_OTHER_MECHANISM, UPNP_PORT_TAKEN },
	{ IGD_TABLE_FULL, UPNP_NO_RESOURCES },
};

enum upnp_failure igd_failure(int code)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		if (failures[i].code == code)
			return failures[i].failure;
	return UPNP_OTHER_FAILURE;
}

void igd_say(char said[UPNP_TEXT_MAX], int code)
{
	const char *text = strupnperror(code);

	if (code == IGD_NO_ANSWER)
		say(said, "UPnP: the router does not answer");
	else if (!igd_is_answer(code))
		say(said, "UPnP: an answer that cannot be read");
	else
		say(said, "UPnP %d %s", code, text ? text : "");
}

bool igd_is_answer(int code)
{
	return code >= 0 || code < UPNPCOMMAND_MEM_ALLOC_ERROR;
}

bool igd_is_out_of_time(const struct igd *igd)
{
	return igd->until_us && now_us() >= igd->until_us;
}

/* False: a request more would take too long. */
static bool begin(const struct igd *igd)
{
	int64_t time_ms = igd->remembered ? REMEMBERED_TIME_MS : SOAP_TIME_MS;
	int64_t left_ms = (igd->until_us - now_us()) / 1000 + 1;

	errno = ETIMEDOUT;
	if (igd_is_out_of_time(igd))
		return false;
	errno = 0;
	deadline_set((unsigned int)(igd->until_us && left_ms < time_ms ? left_ms : time_ms));
	return true;
}

static int end(const char *action, int code)
{
	int error = errno;

	deadline_clear();
	log_debug("UPnP %s: %d", action, code);
	errno = error;
	return code;
}

static uint16_t port_of(const char *text)
{
	unsigned long port = strtoul(text, NULL, 10);

	return port <= UINT16_MAX ? (uint16_t)port : 0;
}

static bool is_connected(const struct igd *igd)
{
	char status[64] = "";
	unsigned int uptime;

	if (!begin(igd))
		return false;
	UPNP_GetStatusInfo(igd->control, igd->service, status, &uptime, NULL);
	end("GetStatusInfo", 0);
	return strcasecmp(status, "Connected") == 0 || strcasecmp(status, "Up") == 0;
}

int igd_get_wan(const struct igd *igd, struct in_addr *address)
{
	char text[16] = "";
	int code;

	address->s_addr = INADDR_ANY;
	if (!begin(igd))
		return IGD_NO_ANSWER;
	code = end("GetExternalIPAddress",
		   UPNP_GetExternalIPAddress(igd->control, igd->service, text));
	/* Empty is legal in IGD:2, while the line is down (field/routers.md 52). */
	if (code == IGD_DONE && inet_pton(AF_INET, text, address) != 1)
		address->s_addr = INADDR_ANY;
	return code;
}

bool igd_is_public(struct in_addr address)
{
	static const struct {
		uint32_t network;
		uint32_t mask;
	} others[] = {
		{ 0x00000000, 0xff000000 }, { 0x0a000000, 0xff000000 }, /* none, RFC 1918 */
		{ 0xac100000, 0xfff00000 }, { 0xc0a80000, 0xffff0000 },
		{ 0x64400000, 0xffc00000 }, { 0x7f000000, 0xff000000 }, /* RFC 6598, loopback */
		{ 0xa9fe0000, 0xffff0000 }, { 0xc0000000, 0xffffff00 }, /* link-local, RFC 6890 */
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if ((ntohl(address.s_addr) & others[i].mask) == others[i].network)
			return false;
	return true;
}

enum igd_line igd_rate(const struct igd *igd)
{
	struct in_addr address;

	if (!is_connected(igd))
		return IGD_LINE_DOWN;
	return igd_get_wan(igd, &address) == IGD_DONE && igd_is_public(address) ? IGD_LINE_PUBLIC
										: IGD_LINE_PRIVATE;
}

int igd_add(const struct igd *igd, const struct igd_entry *entry, uint32_t lease)
{
	char seconds[12];

	snprintf(seconds, sizeof(seconds), "%u", lease);
	if (!begin(igd))
		return IGD_NO_ANSWER;
	/* No remote host is "", not "0.0.0.0" (field/routers.md 29): NULL becomes an empty element. */
	return end("AddPortMapping",
		   UPNP_AddPortMapping(igd->control, igd->service, entry->external_port,
				       entry->port, entry->client, entry->description,
				       entry->protocol, NULL, seconds));
}

int igd_add_any(const struct igd *igd, struct igd_entry *entry, uint32_t lease)
{
	char seconds[12];
	char port[6] = "";
	int code;

	snprintf(seconds, sizeof(seconds), "%u", lease);
	if (!begin(igd))
		return IGD_NO_ANSWER;
	code = end("AddAnyPortMapping",
		   UPNP_AddAnyPortMapping(igd->control, igd->service, entry->external_port,
					  entry->port, entry->client, entry->description,
					  entry->protocol, NULL, seconds, port));
	if (code != IGD_DONE)
		return code;
	if (!port_of(port))
		return IGD_UNREADABLE;
	memcpy(entry->external_port, port, sizeof(port));
	return IGD_DONE;
}

int igd_delete(const struct igd *igd, const struct igd_entry *entry)
{
	if (!begin(igd))
		return IGD_NO_ANSWER;
	return end("DeletePortMapping",
		   UPNP_DeletePortMapping(igd->control, igd->service, entry->external_port,
					  entry->protocol, NULL));
}

int igd_get(const struct igd *igd, const struct igd_entry *entry, struct igd_holder *holder)
{
	memset(holder, 0, sizeof(*holder));
	if (!begin(igd))
		return IGD_NO_ANSWER;
	return end("GetSpecificPortMappingEntry",
		   UPNP_GetSpecificPortMappingEntry(
			   igd->control, igd->service, entry->external_port, entry->protocol, NULL,
			   holder->client, holder->port, holder->description, holder->enabled,
			   holder->lease));
}

void igd_ask_wan(struct client *client)
{
	struct in_addr address;
	int code = igd_get_wan(&client->igd, &address);

	client->igd.wants_wan = false;
	/* Of the errors, 501 is what miniupnpd says while the line is down (GetExternalIPAddress in its
	 * upnpsoap.c); a refusal says nothing of the address. */
	if (code == IGD_DONE || code == IGD_ACTION_FAILED)
		wan_is(client, UPNP_IGD, address);
}

void igd_listed(struct client *client, bool complete, const char *said)
{
	struct upnp_report report = { .what = UPNP_LISTED,
				      .listed = { client->igd.list_next, complete, "" } };

	client->igd.listing = false;
	say(report.listed.said, "%s", said);
	report_send(client, &report);
}

void igd_list_next(struct client *client)
{
	struct igd *igd = &client->igd;
	struct upnp_report report = { .what = UPNP_ENTRY };
	struct igd_holder at = { 0 };
	char index[12], external_port[6] = "", protocol[4] = "", remote[64] = "";
	char said[UPNP_TEXT_MAX];
	int code;

	snprintf(index, sizeof(index), "%u", igd->list_next);
	if (!begin(igd)) /* no task is at work */
		return;
	code = end("GetGenericPortMappingEntry",
		   UPNP_GetGenericPortMappingEntry(igd->control, igd->service, index, external_port,
						   at.client, at.port, protocol, at.description,
						   at.enabled, remote, at.lease));
	if (code != IGD_DONE) {
		bool is_end = code == IGD_END_OF_TABLE ||
			      (code == IGD_INVALID_ARGS && igd->list_next > 0);

		igd_say(said, code);
		igd_listed(client, is_end, is_end ? "" : said);
		return;
	}
	report.entry.protocol = strcasecmp(protocol, "TCP") == 0 ? IPPROTO_TCP : IPPROTO_UDP;
	report.entry.external_port = port_of(external_port);
	report.entry.port = port_of(at.port);
	inet_pton(AF_INET, at.client, &report.entry.client);
	report.entry.lease = (uint32_t)strtoul(at.lease, NULL, 10);
	report.entry.enabled = strcmp(at.enabled, "0") != 0;
	say(report.entry.description, "%s", at.description);
	report_send(client, &report);
	if (++igd->list_next == LIST_ENTRIES_MAX)
		igd_listed(client, false, "UPnP: the table has no end");
}
