/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPnP-IGD: finding the router's description and in it the service that opens ports. */
#include <errno.h>
#include <miniupnpc/miniwget.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natd/log.h"
#include "upnp/announce.h"
#include "upnp/client.h"
#include "upnp/deadline.h"
#include "upnp/description.h"
#include "upnp/igd.h"
#include "upnp/igd_soap.h"

#define DESCRIPTION_SIZE_MAX (512 * 1024) /* a real one has 3 to 30 KiB */
#define DESCRIPTION_TIME_MS  3000

static void igd_close(struct client *client)
{
	struct manners manners = client->igd.manners;

	if (client->igd.socket >= 0)
		close(client->igd.socket);
	memset(&client->igd, 0, sizeof(client->igd));
	client->igd.manners = manners;
	client->igd.socket = -1;
}

static int igd_socket(const struct client *client)
{
	return client->igd.socket;
}

void igd_find(struct client *client)
{
	if (!client->probes[UPNP_IGD].active)
		tries_start(&client->probes[UPNP_IGD]);
}

static void trouble(struct client *client, enum upnp_state state, const char *said)
{
	client->igd.trouble = (uint8_t)state;
	say(client->igd.said, "%s", said);
	if (state != UPNP_SILENT)
		log_debug("%s", client->igd.said);
}

static enum attempt igd_probe(struct client *client, unsigned int try)
{
	struct igd *igd = &client->igd;

	if (try == 0) {
		igd->ready = false;
		igd->location_count = igd->location_next = 0;
		trouble(client, UPNP_SILENT, "UPnP: nobody answers the search");
	}
	if (igd->socket < 0)
		igd->socket = ssdp_open(&client->network);
	if (igd->socket >= 0)
		ssdp_search(igd->socket, &client->network, try);
	else
		trouble(client, UPNP_ERROR, strerror(errno));
	return ATTEMPT_SENT;
}

/* Nothing to send any more; igd_step() sees whether that is the end of the search. */
static void igd_probe_over(struct client *client)
{
	(void)client;
}

bool igd_same_place(const struct url *a, const struct url *b)
{
	return a->port == b->port && strcmp(a->path, b->path) == 0;
}

static bool is_known(const struct igd *igd, const struct url *url)
{
	for (uint8_t i = 0; i < igd->location_count; i++)
		if (igd_same_place(&igd->locations[i].url, url))
			return true;
	return false;
}

/* A slot for one more: what others than the gateway say must not fill them all. */
static struct location *new_location(struct client *client, struct in_addr source)
{
	struct igd *igd = &client->igd;
	struct in_addr gateway = client->network.gateway;

	if (igd->location_count < LOCATIONS_MAX)
		return &igd->locations[igd->location_count++];
	for (uint8_t i = igd->location_next; i < igd->location_count; i++)
		if (source.s_addr == gateway.s_addr &&
		    igd->locations[i].source.s_addr != gateway.s_addr)
			return &igd->locations[i];
	return NULL;
}

bool igd_take_answer(struct client *client, const struct ssdp_answer *answer, struct in_addr source)
{
	struct location *location;
	struct url url;

	if (!ssdp_accept(&url, answer, &client->network)) {
		log_debug("SSDP: an answer that does not lead to the gateway");
		return false;
	}
	if (client->igd.ready || is_known(&client->igd, &url) ||
	    !(location = new_location(client, source)))
		return false;
	*location = (struct location){ .url = url, .source = source, .boot_id = answer->boot_id };
	memcpy(location->server, answer->server, sizeof(answer->server));
	memcpy(location->uuid, answer->uuid, sizeof(answer->uuid));
	return true;
}

static void on_answer(struct client *client, const char *bytes, size_t size, struct in_addr source)
{
	struct ssdp_answer answer;

	if (ssdp_parse(&answer, bytes, size) && answer.kind != SSDP_GOODBYE)
		igd_take_answer(client, &answer, source);
	else
		log_debug("SSDP: %zu bytes that are no answer", size);
}

static void igd_receive(struct client *client)
{
	char bytes[SSDP_DATAGRAM_MAX];
	struct sockaddr_in from = { 0 };
	socklen_t length = sizeof(from);
	ssize_t size;

	while ((size = recvfrom(client->igd.socket, bytes, sizeof(bytes), 0,
				(struct sockaddr *)&from, &length)) >= 0) {
		on_answer(client, bytes, (size_t)size, from.sin_addr);
		length = sizeof(from);
	}
}

/* Fetches a description; the caller frees it. NULL: `trouble` says why. */
static char *fetch(struct client *client, const struct url *location, int *size)
{
	char url[URL_TEXT_MAX];
	char said[UPNP_TEXT_MAX];
	int status = 0;
	int error;
	char *bytes;

	url_print(location, url);
	errno = 0;
	deadline_set(DESCRIPTION_TIME_MS);
	bytes = miniwget_getaddr(url, size, NULL, 0, 0, &status);
	error = errno;
	deadline_clear();
	if (bytes && status == 200 && *size <= DESCRIPTION_SIZE_MAX)
		return bytes;
	free(bytes);
	if (bytes && status == 200)
		say(said, "UPnP: the description at %s has no end", url);
	else if (bytes)
		say(said, "UPnP: HTTP %d at %s", status, url);
	else
		say(said, "UPnP: no description at %s%s%s", url, error ? ": " : "",
		    error ? strerror(error) : "");
	trouble(client, !bytes && error == ECONNREFUSED ? UPNP_REFUSED : UPNP_ERROR, said);
	return NULL;
}

static void report_router(struct client *client, const char *bytes, size_t size, uint8_t index)
{
	struct upnp_report report = { .what = UPNP_ROUTER };
	struct description description;

	description_read(&description, bytes, size);
	description_router(&report.router, &description, &client->igd.locations[index].url);
	memcpy(report.router.server, client->igd.locations[index].server,
	       sizeof(report.router.server));
	report_send(client, &report);
}

/* What the service is, for the next run. */
static void report_service(struct client *client)
{
	struct upnp_report report = { .what = UPNP_SERVICE };
	const struct igd *igd = &client->igd;

	if (strlen(igd->control) >= sizeof(report.service.control))
		return;
	strcpy(report.service.control, igd->control);
	strcpy(report.service.type, igd->service);
	if (strlen(igd->firewall) < sizeof(report.service.firewall))
		strcpy(report.service.firewall, igd->firewall);
	if (strlen(igd->events) < sizeof(report.service.events))
		strcpy(report.service.events, igd->events);
	report_send(client, &report);
}

void igd_remember(struct client *client)
{
	const struct upnp_service *service = &client->network.service;
	struct igd *igd = &client->igd;
	struct url url;

	if (client->network.count == 0 || client->network.order[0] != UPNP_IGD ||
	    !igd_is_service(service->type) || !url_parse(&url, service->control) ||
	    url.host.s_addr != client->network.gateway.s_addr)
		return;
	url_print(&url, igd->control);
	snprintf(igd->service, sizeof(igd->service), "%s", service->type);
	if (url_parse(&url, service->firewall) && url.host.s_addr == client->network.gateway.s_addr)
		url_print(&url, igd->firewall);
	if (url_parse(&url, service->events) && url.host.s_addr == client->network.gateway.s_addr)
		url_print(&url, igd->events);
	igd->ready = igd->remembered = true;
}

void igd_forget(struct client *client)
{
	log_debug("UPnP: %s is not the router's any more", client->igd.control);
	client->igd.ready = client->igd.remembered = false;
	igd_find(client);
}

/* A service at another place, or of another start, than the one that granted mappings: the router has
 * restarted while a request was under way, and nobody had the time to hear it say so. */
static bool has_restarted(const struct igd *igd, const struct location *found)
{
	const struct location *before = &igd->found;

	if (!igd->held.port || !before->url.port)
		return false;
	if (before->boot_id && found->boot_id)
		return before->boot_id != found->boot_id;
	/* Its second description, where that is known to be one, is no restart (field/routers.md 15). */
	return !igd_same_place(&before->url, &found->url) &&
	       (igd->wants_check || !igd_same_place(&igd->other, &found->url));
}

/* The router's own word is read first; what its neighbours say of themselves leads nowhere, or hangs
 * (field/routers.md 9, 10), unless one of them is the router as well (5): a moment later. */
static bool is_next_to_read(struct client *client)
{
	struct igd *igd = &client->igd;
	struct location *next = &igd->locations[igd->location_next];

	for (uint8_t i = igd->location_next; i < igd->location_count; i++) {
		struct location own = igd->locations[i];

		if (own.source.s_addr != client->network.gateway.s_addr)
			continue;
		igd->locations[i] = *next;
		*next = own;
		return true;
	}
	return igd->location_next < igd->location_count &&
	       (!client->probes[UPNP_IGD].active || client->probes[UPNP_IGD].count > 1);
}

/* Of several descriptions the first whose line has a public address counts; another one is read again
 * when the others were read, and counts then. */
static bool put_off(struct client *client, uint8_t index)
{
	struct igd *igd = &client->igd;
	struct location location = igd->locations[index];
	struct in_addr wan;

	if (location.put_off || !is_next_to_read(client))
		return false;
	if (igd_get_wan(igd, &wan) == IGD_DONE && igd_is_public(wan)) {
		wan_is(client, UPNP_IGD, wan);
		return false;
	}
	location.put_off = true;
	memmove(&igd->locations[index], &igd->locations[index + 1],
		(size_t)(igd->location_count - index - 1) * sizeof(location));
	igd->locations[igd->location_count - 1] = location;
	igd->location_next = index;
	return true;
}

static void on_description(struct client *client, const char *bytes, int size, uint8_t index)
{
	struct igd *igd = &client->igd;
	char said[UPNP_TEXT_MAX];

	report_router(client, bytes, (size_t)size, index);
	if (!igd_choose_service(igd, bytes, size, &igd->locations[index].url)) {
		trouble(client, UPNP_UNSUPPORTED, "UPnP: no service that opens ports");
		return;
	}
	if (put_off(client, index))
		return;
	if (has_restarted(igd, &igd->locations[index]))
		mappings_lost(client, UPNP_IGD, false, "UPnP: the router has restarted");
	igd->ready = true;
	igd->said_goodbye = false;
	igd->found = igd->locations[index];
	igd->other = (struct url){ 0 };
	announce_news(client);
	client->probes[UPNP_IGD].active = false;
	log_debug("UPnP: %s at %s", igd->service, igd->control);
	say(said, "UPnP %s", strrchr(igd->service, ':') - strlen("WANIPConnection"));
	protocol_is(client, UPNP_IGD, UPNP_OK, said);
	report_service(client);
	tasks_wake(client, UPNP_IGD);
}

/* While PCP or NAT-PMP is at work, the description can wait: reading it blocks. */
static bool may_read(struct client *client)
{
	uint8_t writer = client->asking.writer;

	return !client->igd.ready && is_next_to_read(client) &&
	       (writer == UPNP_ANY || writer == UPNP_IGD || !tasks_under_way(client, writer));
}

static void read_description(struct client *client)
{
	uint8_t index = client->igd.location_next++;
	int size = 0;
	char *bytes = fetch(client, &client->igd.locations[index].url, &size);

	if (bytes)
		on_description(client, bytes, size, index);
	free(bytes);
}

/* The search has ended and found nothing of use. */
static void give_up(struct client *client)
{
	struct igd *igd = &client->igd;
	bool waited_for = client->asking.state[UPNP_IGD] == UPNP_ASKING || igd->listing ||
			  tasks_under_way(client, UPNP_IGD);

	if (igd->ready || client->probes[UPNP_IGD].active || !waited_for ||
	    igd->location_next < igd->location_count)
		return;
	if (igd->listing)
		igd_listed(client, false, igd->said);
	protocol_is(client, UPNP_IGD, igd->trouble, igd->said);
}

bool igd_step(struct client *client)
{
	struct igd *igd = &client->igd;

	if (may_read(client))
		read_description(client);
	else if (igd->ready && igd->wants_check)
		igd_check(client);
	else if (igd->ready && igd->wants_wan)
		igd_ask_wan(client);
	else if (igd->ready && igd->displaced_count)
		igd_ask_holder(client);
	else if (igd->ready && igd->listing)
		igd_list_next(client);
	else {
		give_up(client);
		return false;
	}
	return true;
}

const struct protocol igd_protocol = {
	.name = "UPnP",
	.close = igd_close,
	.socket = igd_socket,
	.probe = igd_probe,
	.probe_over = igd_probe_over,
	.attempt = igd_attempt,
	.receive = igd_receive,
};
