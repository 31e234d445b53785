/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPnP-IGD: getting a mapping from a router that may want another lease or another port, and that may
 * say yes without doing it (field/routers.md, "Leases", "Conflicts and errors", "Lies about success"). */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "upnp/igd.h"
#include "upnp/igd_soap.h"

/* Everything else waits for a task that is at work: the ladders below, climbed slowly, are minutes. */
#define TASK_TIME_US 20000000

#define PORT_TRIES 5     /* of the series, where the wanted port is taken */
#define PORT_FIRST 49152 /* RFC 6335 6: ports that nobody has registered */

/* A granted lease below this is one that did not grow. */
#define LEASE_LEAST 120
#define LEASE_SLACK 10

/* Mappings in a row that were not answered, until it may be because of the lease. */
#define UNANSWERED_MAX 2

static const uint32_t leases[] = { 0, 604800, 7200 };

/* ---- the lease ladder ---- */

/* Some take no lease (725), some say 402 for it, some take nothing but one (field/routers.md 30-32). */
static bool is_about_lease(int code)
{
	return code == IGD_ONLY_PERMANENT || code == IGD_INVALID_ARGS;
}

/* `lease` becomes what was agreed; the router is not asked for another one again. */
static int add_with_lease(struct igd *igd, const struct igd_entry *entry, uint32_t *lease)
{
	uint32_t asked = igd->manners.lease_known ? igd->manners.lease : *lease;
	int code = igd_add(igd, entry, asked);
	int first = code;

	*lease = asked;
	for (size_t i = 0; i < sizeof(leases) / sizeof(leases[0]) && is_about_lease(code); i++) {
		if (leases[i] == asked)
			continue;
		code = igd_add(igd, entry, leases[i]);
		if (code != IGD_DONE)
			continue;
		igd->manners.lease_known = true;
		igd->manners.lease = *lease = leases[i];
	}
	/* Refused whatever the lease: it was about something else. */
	return is_about_lease(code) ? first : code;
}

/* ---- is it true? ---- */

/* Some say yes and do nothing (field/routers.md 46, 49), and the library takes any answer without an
 * error code for a yes. `lease` becomes what the table says, where that is less. False: `said` tells. */
static int look(const struct igd *igd, const struct igd_entry *entry, uint32_t *lease,
		char said[UPNP_TEXT_MAX])
{
	struct igd_holder holder;
	struct in_addr wan;
	uint32_t left;
	int code = igd_get(igd, entry, &holder);

	if (code == IGD_NO_ANSWER)
		return code;
	if (code == IGD_NO_SUCH_ENTRY) {
		say(said, "UPnP: the router said yes, but its table does not have it");
		return IGD_NO_SUCH_ENTRY;
	}
	/* Not every router knows that question; one that does not know its address speaks no SOAP. */
	if (code == IGD_UNREADABLE)
		return igd_get_wan(igd, &wan) == IGD_UNREADABLE ? code : IGD_DONE;
	if (code != IGD_DONE)
		return IGD_DONE;
	if (!igd_is_ours(&holder, entry)) {
		say(said, "UPnP: the router said yes, but %s %s is held by %s port %s",
		    entry->protocol, entry->external_port, holder.client, holder.port);
		return IGD_NO_SUCH_ENTRY;
	}
	left = (uint32_t)strtoul(holder.lease, NULL, 10);
	/* A second or two are the way here. */
	if (left && left + LEASE_SLACK < *lease)
		*lease = left;
	return IGD_DONE;
}

/* Renewing does not make it longer everywhere (field/routers.md 35): then it is made anew, and what
 * that gives is what this router gives. */
static int verify(struct igd *igd, const struct igd_entry *entry, uint32_t *lease,
		  char said[UPNP_TEXT_MAX])
{
	uint32_t asked = *lease;
	int code = look(igd, entry, lease, said);

	if (code != IGD_DONE || *lease >= asked / 2 || igd_delete(igd, entry) != IGD_DONE)
		return code;
	*lease = asked;
	code = igd_add(igd, entry, asked);
	if (code == IGD_DONE)
		code = look(igd, entry, lease, said);
	if (code != IGD_DONE)
		return code;
	if (asked && *lease < LEASE_LEAST) {
		say(said, "UPnP: the router said yes, but for %u s and not for %u s", *lease,
		    asked);
		return IGD_NO_SUCH_ENTRY;
	}
	if (*lease < asked / 2) {
		igd->manners.lease_known = true;
		igd->manners.lease = *lease;
	}
	return IGD_DONE;
}

/* ---- the port ladder ---- */

/* 501 is the answer of some to a port that is taken (field/routers.md 42); an unprivileged port may be
 * allowed where a privileged one is not (WANIPConnection:2 2.3.16, 606). */
static bool is_about_port(int code, const struct igd_entry *entry)
{
	return code == IGD_CONFLICT || code == IGD_OTHER_MECHANISM || code == IGD_SAME_PORTS ||
	       (code == IGD_NOT_AUTHORIZED && atoi(entry->external_port) < 1024);
}

/* Out of the way with what is ours. Else `said` tells who holds the port, and the code stays. */
static int replace_own(struct igd *igd, const struct igd_entry *entry,
		       const struct upnp_mapping *mapping, uint32_t *lease, int code,
		       char said[UPNP_TEXT_MAX])
{
	struct igd_holder holder;
	bool known = igd_get(igd, entry, &holder) == IGD_DONE;

	if (known && (igd_is_ours(&holder, entry) || igd_is_former(&holder, entry, mapping)) &&
	    igd_delete(igd, entry) == IGD_DONE)
		return add_with_lease(igd, entry, lease);
	if (known && inet_pton(AF_INET, holder.client, &igd->holder) != 1)
		igd->holder.s_addr = 0;
	if (known)
		say(said, "UPnP %d %s %s is held by %s port %s (%s)", code, entry->protocol,
		    entry->external_port, holder.client, holder.port, holder.description);
	else if (code == IGD_ACTION_FAILED)
		igd_say(said, code);
	else if (code == IGD_NOT_AUTHORIZED)
		say(said, "UPnP %d %s %s is not allowed; many routers open no port below 1024",
		    code, entry->protocol, entry->external_port);
	else
		say(said, "UPnP %d %s %s is taken, the router does not say by whom", code,
		    entry->protocol, entry->external_port);
	return known && code == IGD_ACTION_FAILED ? IGD_CONFLICT : code;
}

/* The same ports in the same order each time: a client that has learnt one finds it again. The nonce is
 * what this mapping has of its own, kept over restarts (FNV-1a). */
static uint16_t port_of_series(const struct upnp_mapping *mapping, unsigned int index)
{
	uint32_t hash = 2166136261U + index;

	for (size_t i = 0; i < UPNP_NONCE_SIZE; i++)
		hash = (hash ^ mapping->nonce[i]) * 16777619U;
	return (uint16_t)(PORT_FIRST + (hash ^ hash >> 16) % (65536 - PORT_FIRST));
}

static int add_elsewhere(struct igd *igd, struct igd_entry *entry,
			 const struct upnp_mapping *mapping, uint32_t *lease, int code)
{
	int next = code;

	if (code == IGD_SAME_PORTS) {
		igd_set_port(entry, mapping->port);
		return add_with_lease(igd, entry, lease);
	}
	if (strstr(igd->service, ":WANIPConnection:2") &&
	    igd_add_any(igd, entry, *lease) == IGD_DONE)
		return IGD_DONE;
	for (unsigned int i = 0; i < PORT_TRIES && is_about_port(next, entry); i++) {
		igd_set_port(entry, port_of_series(mapping, i));
		next = add_with_lease(igd, entry, lease);
		if (next == IGD_DONE)
			return IGD_DONE;
	}
	return code; /* the first word says more */
}

/* The wanted port first, whichever was granted before. */
static int add_somewhere(struct igd *igd, struct igd_entry *entry,
			 const struct upnp_mapping *mapping, uint32_t *lease,
			 char said[UPNP_TEXT_MAX])
{
	struct igd_entry wanted = *entry;
	int code = add_with_lease(igd, entry, lease);

	if (is_about_port(code, entry) || code == IGD_ACTION_FAILED)
		code = replace_own(igd, entry, mapping, lease, code, said);
	if (is_about_port(code, entry))
		code = add_elsewhere(igd, entry, mapping, lease, code);
	if (code == IGD_DONE && strcmp(entry->external_port, wanted.external_port) == 0)
		said[0] = '\0';
	return code;
}

/* ---- the tasks ---- */

/* The control URL does not answer: found again when it is needed next (field/routers.md 14). */
static void lose(struct client *client, bool refused, const char *said)
{
	client->igd.ready = false;
	went_away(client, UPNP_IGD, refused ? UPNP_REFUSED : UPNP_SILENT, said);
}

/* Some crash at a lease (field/routers.md 34): one that has just described itself and twice gives no
 * answer is not asked for a lease again. */
static void suspect_lease(struct igd *igd, const struct task *task)
{
	if (task->what != TASK_MAP || ++igd->manners.unanswered < UNANSWERED_MAX)
		return;
	igd->manners.lease_known = true;
	igd->manners.lease = 0;
}

static void on_failure(struct client *client, struct task *task, int code, char said[UPNP_TEXT_MAX])
{
	bool refused = errno == ECONNREFUSED;
	bool late = igd_is_out_of_time(&client->igd);
	enum upnp_failure failure = late ? UPNP_NO_ANSWER : igd_failure(code);
	struct in_addr wan;

	if (late)
		say(said, "UPnP: the router takes too long to answer");
	else if (!*said)
		igd_say(said, code);
	if (failure == UPNP_NO_ANSWER) {
		if (!refused && !late)
			suspect_lease(&client->igd, task);
		lose(client, refused, said);
		return;
	}
	if (code == IGD_ACTION_FAILED && igd_get_wan(&client->igd, &wan) == IGD_DONE &&
	    wan.s_addr == INADDR_ANY)
		failure = UPNP_NETWORK_FAILURE;
	task_failed(client, task, failure, said);
}

/* What the state file remembers has answered: no search is needed. */
static void still_there(struct client *client)
{
	if (!client->igd.remembered)
		return;
	client->igd.remembered = false;
	protocol_is(client, UPNP_IGD, UPNP_OK, "UPnP, where it was before");
}

static void grant(struct client *client, struct task *task, const struct igd_entry *entry,
		  uint32_t lease, const char *said)
{
	struct igd *igd = &client->igd;
	struct upnp_granted granted = {
		.external_port = (uint16_t)atoi(entry->external_port),
		.lifetime = lease,
	};

	if (client->wan_known[UPNP_IGD])
		granted.external_address = client->wan[UPNP_IGD];
	say(granted.said, "%s", said);
	still_there(client);
	igd->manners.unanswered = 0;
	igd->held = task->mapping;
	igd->held.external_port = granted.external_port;
	igd->wants_wan = igd->wants_wan || !client->wan_known[UPNP_IGD];
	igd_own(igd, &task->mapping, granted.external_port, lease);
	igd_leave_former(client, &task->mapping, granted.external_port);
	task_granted(client, task, granted);
}

/* A mapping on another port than wanted: is the wanted one free by now? The old one goes only after the
 * new one is there. */
static bool go_back(struct client *client, struct task *task)
{
	struct igd *igd = &client->igd;
	struct igd_entry wanted = igd_entry_of(client, &task->mapping);
	uint32_t lease = task->mapping.lifetime;
	char said[UPNP_TEXT_MAX] = "";

	if (task->mapping.via != UPNP_IGD || !task->mapping.wanted_port ||
	    task->mapping.wanted_port == task->mapping.external_port)
		return false;
	igd_set_port(&wanted, task->mapping.wanted_port);
	if (add_with_lease(igd, &wanted, &lease) != IGD_DONE ||
	    verify(igd, &wanted, &lease, said) != IGD_DONE)
		return false;
	igd_remove(client, &task->mapping);
	grant(client, task, &wanted, lease, "");
	return true;
}

/* Nobody, or no UPnP, is where the service was before. */
static bool is_outdated(const struct igd *igd, int code)
{
	return igd->remembered && !igd_is_answer(code);
}

static enum attempt map(struct client *client, struct task *task)
{
	struct igd *igd = &client->igd;
	struct igd_entry entry = igd_entry_of(client, &task->mapping);
	uint32_t lease = task->mapping.lifetime;
	char said[UPNP_TEXT_MAX] = "";
	int code;

	if (go_back(client, task))
		return ATTEMPT_SENT;
	igd->holder.s_addr = 0;
	code = add_somewhere(igd, &entry, &task->mapping, &lease, said);
	if (code == IGD_DONE)
		code = verify(igd, &entry, &lease, said);
	if (is_outdated(igd, code)) {
		igd_forget(client);
		return ATTEMPT_BUSY;
	}
	if (igd->holder.s_addr)
		holder_is(client, task->mapping.id, igd->holder, false);
	if (code == IGD_DONE)
		grant(client, task, &entry, lease, said);
	else if (code == IGD_NO_SUCH_ENTRY)
		task_failed(client, task, UPNP_NOT_DONE, said);
	else
		on_failure(client, task, code, said);
	return ATTEMPT_SENT;
}

static enum attempt unmap(struct client *client, struct task *task)
{
	char said[UPNP_TEXT_MAX] = "";
	int code = igd_remove(client, &task->mapping);

	if (client->igd.held.id == task->mapping.id)
		client->igd.held.port = 0;
	if (is_outdated(&client->igd, code)) {
		igd_forget(client);
		return ATTEMPT_BUSY;
	}
	still_there(client);
	if (code == IGD_DONE || code == IGD_NO_SUCH_ENTRY)
		task_removed(client, task);
	else
		on_failure(client, task, code, said);
	return ATTEMPT_SENT;
}

enum attempt igd_attempt(struct client *client, struct task *task)
{
	enum attempt attempt;

	if (!client->igd.ready) {
		igd_find(client);
		return ATTEMPT_BUSY;
	}
	client->igd.until_us = now_us() + TASK_TIME_US;
	attempt = task->what == TASK_UNMAP ? unmap(client, task) : map(client, task);
	client->igd.until_us = 0;
	return attempt;
}

/* A table that has lost the entry was emptied; a router that cannot tell is asked for its address
 * afterwards, which shows at least that it is there; one that speaks no SOAP has its service elsewhere by
 * now (field/routers.md 14). */
void igd_check(struct client *client)
{
	struct igd *igd = &client->igd;
	struct igd_entry entry = igd_entry_of(client, &igd->held);
	uint32_t lease = 0;
	char said[UPNP_TEXT_MAX] = "";
	int code = IGD_DONE;

	igd->wants_check = false;
	if (igd->held.port)
		code = look(igd, &entry, &lease, said);
	if (code != IGD_DONE)
		igd->other = (struct url){ 0 };
	if (code == IGD_NO_ANSWER)
		lose(client, errno == ECONNREFUSED, "UPnP: the router does not answer any more");
	else if (code == IGD_UNREADABLE)
		lose(client, false, "UPnP: the service is not where it was");
	else if (code == IGD_NO_SUCH_ENTRY)
		mappings_lost(client, UPNP_IGD, false, "UPnP: the router has lost the mapping");
}
