/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPnP-IGD: the requests to the service, and what their answers are worth. */
#include <arpa/inet.h>
#include <errno.h>
#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>
#include <miniupnpc/upnperrors.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "natd/log.h"
#include "upnp/deadline.h"
#include "upnp/igd.h"

#define SOAP_TIME_MS 5000 /* old routers write their flash for a second or two */

/* UPnP error codes (WANIPConnection:2, 2.5). */
enum {
	IGD_INVALID_ARGS = 402,
	IGD_ACTION_FAILED = 501,
	IGD_NOT_AUTHORIZED = 606,
	IGD_END_OF_TABLE = 713,
	IGD_NO_SUCH_ENTRY = 714,
	IGD_CONFLICT = 718,
	IGD_ONLY_PERMANENT = 725,
	IGD_TABLE_FULL = 728,
	IGD_OTHER_MECHANISM = 729,
};

static const struct {
	int code;
	enum upnp_failure failure;
} failures[] = {
	{ UPNPCOMMAND_HTTP_ERROR, UPNP_NO_ANSWER }, { IGD_NOT_AUTHORIZED, UPNP_HOST_REFUSED },
	{ IGD_CONFLICT, UPNP_PORT_TAKEN },          { IGD_OTHER_MECHANISM, UPNP_PORT_TAKEN },
	{ IGD_TABLE_FULL, UPNP_NO_RESOURCES },
};

/* A mapping as the library takes it: text. */
struct entry {
	char external_port[6];
	char port[6];
	char client[INET_ADDRSTRLEN];
	char protocol[4]; /* upper case: some refuse "udp" (field/routers.md 3) */
	char description[UPNP_NAME_MAX + 8];
};

/* What GetSpecificPortMappingEntry says; sizes as upnpcommands.h asks. */
struct holder {
	char client[40];
	char port[6];
	char description[80];
	char enabled[4];
	char lease[16];
};

static enum upnp_failure failure_of(int code)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		if (failures[i].code == code)
			return failures[i].failure;
	return UPNP_OTHER_FAILURE;
}

static void say_code(char said[UPNP_TEXT_MAX], int code)
{
	const char *text = strupnperror(code);

	if (code == UPNPCOMMAND_HTTP_ERROR)
		say(said, "UPnP: the router does not answer");
	else if (code < 0)
		say(said, "UPnP: an answer that cannot be read");
	else
		say(said, "UPnP %d %s", code, text ? text : "");
}

static void begin(void)
{
	errno = 0;
	deadline_set(SOAP_TIME_MS);
}

static int end(const char *action, int code)
{
	int error = errno;

	deadline_clear();
	log_debug("UPnP %s: %d", action, code);
	errno = error;
	return code;
}

bool igd_is_connected(const struct igd *igd)
{
	char status[64] = "";
	unsigned int uptime;

	begin();
	UPNP_GetStatusInfo(igd->control, igd->service, status, &uptime, NULL);
	end("GetStatusInfo", 0);
	return strcasecmp(status, "Connected") == 0 || strcasecmp(status, "Up") == 0;
}

static int get_wan(const struct igd *igd, struct in_addr *address)
{
	char text[16] = "";
	int code;

	address->s_addr = INADDR_ANY;
	begin();
	code = end("GetExternalIPAddress",
		   UPNP_GetExternalIPAddress(igd->control, igd->service, text));
	/* Empty is legal in IGD:2, while the line is down (field/routers.md 52). */
	if (code == UPNPCOMMAND_SUCCESS && inet_pton(AF_INET, text, address) != 1)
		address->s_addr = INADDR_ANY;
	return code;
}

static int add(const struct igd *igd, const struct entry *entry, uint32_t lease)
{
	char seconds[12];

	snprintf(seconds, sizeof(seconds), "%u", lease);
	begin();
	/* No remote host is "", not "0.0.0.0" (field/routers.md 29): NULL becomes an empty element. */
	return end("AddPortMapping",
		   UPNP_AddPortMapping(igd->control, igd->service, entry->external_port,
				       entry->port, entry->client, entry->description,
				       entry->protocol, NULL, seconds));
}

static int delete (const struct igd *igd, const struct entry *entry)
{
	begin();
	return end("DeletePortMapping",
		   UPNP_DeletePortMapping(igd->control, igd->service, entry->external_port,
					  entry->protocol, NULL));
}

static int get(const struct igd *igd, const struct entry *entry, struct holder *holder)
{
	memset(holder, 0, sizeof(*holder));
	begin();
	return end("GetSpecificPortMappingEntry",
		   UPNP_GetSpecificPortMappingEntry(
			   igd->control, igd->service, entry->external_port, entry->protocol, NULL,
			   holder->client, holder->port, holder->description, holder->enabled,
			   holder->lease));
}

static bool is_ours(const struct holder *holder, const struct entry *entry)
{
	return strcmp(holder->client, entry->client) == 0 && strcmp(holder->port, entry->port) == 0;
}

static struct entry entry_of(const struct client *client, const struct upnp_mapping *mapping)
{
	struct entry entry;

	snprintf(entry.external_port, sizeof(entry.external_port), "%u", mapping->external_port);
	snprintf(entry.port, sizeof(entry.port), "%u", mapping->port);
	inet_ntop(AF_INET, &client->network.address, entry.client, sizeof(entry.client));
	snprintf(entry.protocol, sizeof(entry.protocol), "%s",
		 mapping->protocol == IPPROTO_TCP ? "TCP" : "UDP");
	snprintf(entry.description, sizeof(entry.description), "natd %s", mapping->name);
	return entry;
}

/* Asks for a lease, and for none where the router takes none: 725, or 402 of some (field/routers.md
 * 30, 31). `lease` becomes what was agreed. */
static int add_with_lease(struct igd *igd, const struct entry *entry, uint32_t *lease)
{
	int code;

	if (igd->permanent_only)
		*lease = 0;
	code = add(igd, entry, *lease);
	if ((code == IGD_ONLY_PERMANENT || code == IGD_INVALID_ARGS) && *lease > 0 &&
	    add(igd, entry, 0) == UPNPCOMMAND_SUCCESS) {
		igd->permanent_only = true;
		*lease = 0;
		return UPNPCOMMAND_SUCCESS;
	}
	return code;
}

/* The port is taken. If by ourselves, out of the way with it; else `said` tells who. */
static int settle_conflict(struct igd *igd, const struct entry *entry, uint32_t *lease, int code,
			   char said[UPNP_TEXT_MAX])
{
	struct holder holder;

	if (get(igd, entry, &holder) != UPNPCOMMAND_SUCCESS) {
		say(said, "UPnP %d %s %s is taken, the router does not say by whom", code,
		    entry->protocol, entry->external_port);
		return code;
	}
	if (is_ours(&holder, entry) && delete (igd, entry) == UPNPCOMMAND_SUCCESS)
		return add_with_lease(igd, entry, lease);
	say(said, "UPnP %d %s %s is held by %s port %s (%s)", code, entry->protocol,
	    entry->external_port, holder.client, holder.port, holder.description);
	return code;
}

/* Is it true? Some say yes and do nothing (field/routers.md 46, 49), and the library takes any answer
 * without an error code for a yes. */
static int verify(const struct igd *igd, const struct entry *entry, char said[UPNP_TEXT_MAX])
{
	struct holder holder;
	struct in_addr wan;
	int code = get(igd, entry, &holder);

	if (code == UPNPCOMMAND_SUCCESS && !is_ours(&holder, entry)) {
		say(said, "UPnP: the router said yes, but %s %s is held by %s port %s",
		    entry->protocol, entry->external_port, holder.client, holder.port);
		return IGD_CONFLICT;
	}
	if (code == IGD_NO_SUCH_ENTRY) {
		say(said, "UPnP: the router said yes, but its table does not have it");
		return IGD_NO_SUCH_ENTRY;
	}
	/* Not every router knows that question; one that does not know its address speaks no SOAP. */
	if (code == UPNPCOMMAND_HTTP_ERROR)
		return code;
	if (code == UPNPCOMMAND_UNKNOWN_ERROR)
		return get_wan(igd, &wan) == UPNPCOMMAND_UNKNOWN_ERROR ? code : UPNPCOMMAND_SUCCESS;
	return UPNPCOMMAND_SUCCESS;
}

/* The control URL does not answer: found again when it is needed next (field/routers.md 14). */
static void lose(struct client *client, bool refused, const char *said)
{
	client->igd.ready = false;
	went_away(client, UPNP_IGD, refused ? UPNP_REFUSED : UPNP_SILENT, said);
}

static void on_failure(struct client *client, struct task *task, int code, char said[UPNP_TEXT_MAX])
{
	bool refused = errno == ECONNREFUSED;
	enum upnp_failure failure = failure_of(code);
	struct in_addr wan;

	if (!*said)
		say_code(said, code);
	if (failure == UPNP_NO_ANSWER) {
		lose(client, refused, said);
		return;
	}
	if (code == IGD_ACTION_FAILED && get_wan(&client->igd, &wan) == UPNPCOMMAND_SUCCESS &&
	    wan.s_addr == INADDR_ANY)
		failure = UPNP_NETWORK_FAILURE;
	task_failed(client, task, failure, said);
}

static void map(struct client *client, struct task *task)
{
	struct igd *igd = &client->igd;
	struct entry entry = entry_of(client, &task->mapping);
	uint32_t lease = task->mapping.lifetime;
	char said[UPNP_TEXT_MAX] = "";
	int code = add_with_lease(igd, &entry, &lease);

	if (code == IGD_CONFLICT || code == IGD_OTHER_MECHANISM)
		code = settle_conflict(igd, &entry, &lease, code, said);
	if (code == UPNPCOMMAND_SUCCESS)
		code = verify(igd, &entry, said);
	if (code != UPNPCOMMAND_SUCCESS) {
		on_failure(client, task, code, said);
		return;
	}
	igd->held = task->mapping;
	if (client->wan_known[UPNP_IGD])
		task_granted(client, task,
			     (struct upnp_granted){ .external_port = task->mapping.external_port,
						    .external_address = client->wan[UPNP_IGD],
						    .lifetime = lease });
	else
		task_granted(client, task,
			     (struct upnp_granted){ .external_port = task->mapping.external_port,
						    .lifetime = lease });
	igd->wants_wan = igd->wants_wan || !client->wan_known[UPNP_IGD];
}

static void unmap(struct client *client, struct task *task)
{
	struct entry entry = entry_of(client, &task->mapping);
	char said[UPNP_TEXT_MAX] = "";
	int code = delete (&client->igd, &entry);

	if (code == UPNPCOMMAND_SUCCESS || code == IGD_NO_SUCH_ENTRY)
		task_removed(client, task);
	else
		on_failure(client, task, code, said);
}

enum attempt igd_attempt(struct client *client, struct task *task)
{
	if (!client->igd.ready) {
		igd_find(client);
		return ATTEMPT_BUSY;
	}
	if (task->what == TASK_UNMAP)
		unmap(client, task);
	else
		map(client, task);
	return ATTEMPT_SENT;
}

void igd_ask_wan(struct client *client)
{
	struct in_addr address;
	int code = get_wan(&client->igd, &address);

	client->igd.wants_wan = false;
	if (code >= 0)
		wan_is(client, UPNP_IGD, address);
}

/* A table that has lost the entry was emptied; a router that cannot tell is asked for its address,
 * which shows at least that it is there. */
void igd_check(struct client *client)
{
	struct igd *igd = &client->igd;
	struct entry entry = entry_of(client, &igd->held);
	char said[UPNP_TEXT_MAX] = "";
	int code = UPNPCOMMAND_SUCCESS;

	igd->wants_check = false;
	if (igd->held.port)
		code = verify(igd, &entry, said);
	if (code == UPNPCOMMAND_HTTP_ERROR)
		lose(client, errno == ECONNREFUSED, "UPnP: the router does not answer any more");
	else if (code != UPNPCOMMAND_SUCCESS)
		mappings_lost(client, UPNP_IGD, false, said[0] ? said : "UPnP: no answer of use");
}

void igd_listed(struct client *client, bool complete, const char *said)
{
	struct upnp_report report = { .what = UPNP_LISTED,
				      .listed = { client->igd.list_next, complete, "" } };

	client->igd.listing = false;
	say(report.listed.said, "%s", said);
	report_send(client, &report);
}

static uint16_t port_of(const char *text)
{
	unsigned long port = strtoul(text, NULL, 10);

	return port <= UINT16_MAX ? (uint16_t)port : 0;
}

void igd_list_next(struct client *client)
{
	struct igd *igd = &client->igd;
	struct upnp_report report = { .what = UPNP_ENTRY };
	struct holder at = { 0 };
	char index[12], external_port[6] = "", protocol[4] = "", remote[64] = "";
	char said[UPNP_TEXT_MAX];
	int code;

	snprintf(index, sizeof(index), "%u", igd->list_next);
	begin();
	code = end("GetGenericPortMappingEntry",
		   UPNP_GetGenericPortMappingEntry(igd->control, igd->service, index, external_port,
						   at.client, at.port, protocol, at.description,
						   at.enabled, remote, at.lease));
	if (code != UPNPCOMMAND_SUCCESS) {
		bool is_end = code == IGD_END_OF_TABLE ||
			      (code == IGD_INVALID_ARGS && igd->list_next > 0);

		say_code(said, code);
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
