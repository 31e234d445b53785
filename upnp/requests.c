/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/requests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natd/log.h"
#include "natd/process.h"
#include "upnp/announce.h"
#include "upnp/igd.h"
#include "upnp/page.h"

#define DISCARD_PORT 9

/* What was asked beside the router stays under way where only the router is asked afresh. */
static void leave_place(struct client *client, const struct upnp_network *next)
{
	bool same = client->network.gateway.s_addr == next->gateway.s_addr &&
		    client->network.address.s_addr == next->address.s_addr &&
		    client->network.ifindex == next->ifindex;

	if (same && memchr(next->order, UPNP_IGD, next->count))
		gena_again(&client->gena);
	else
		gena_close(&client->gena);
	if (same)
		return;
	hops_close(&client->hops);
	stun_close(&client->stun);
	stun_name_close(&client->stun_name);
	client->losses = (struct epoch_losses){ 0 };
	client->announced = (struct announced){ 0 };
	client->igd.manners = (struct manners){ 0 };
	former_close(&client->former);
}

static void use(struct client *client, const struct upnp_request *request)
{
	for (uint8_t p = 0; p < UPNP_PROTOCOLS; p++)
		protocols[p]->close(client);
	leave_place(client, &request->network);
	tasks_forget(client);
	client->in_use = true;
	client->generation = request->generation;
	client->network = request->network;
	asking_reset(&client->asking, request->network.order, request->network.count);
	if (client->igd.manners.natpmp_lies)
		asking_drop(&client->asking, UPNP_NATPMP);
	memset(client->probes, 0, sizeof(client->probes));
	memset(client->asked_us, 0, sizeof(client->asked_us));
	memset(client->proven, 0, sizeof(client->proven));
	memset(client->wan_known, 0, sizeof(client->wan_known));
	memcpy(client->epochs, request->network.epochs, sizeof(client->epochs));
	for (uint8_t p = 0; p < UPNP_PROTOCOLS; p++)
		client->inherited[p] = client->epochs[p].known;
	client->used_us = epoch_now_us();
	client->probing = false;
	client->check_us = ASKING_NEVER;
	client->nap_us = 0;
	announce_close(client);
	igd_remember(client);
}

void probes_run(struct client *client, int64_t now)
{
	for (uint8_t p = 0; p < UPNP_PROTOCOLS; p++) {
		struct tries *tries = &client->probes[p];
		struct tries before = *tries;

		if (!tries->active || tries->next_us > now)
			continue;
		if (tries->count == TRIES) {
			tries->active = false;
			protocols[p]->probe_over(client);
			continue;
		}
		tries_step(tries, now);
		if (protocols[p]->probe(client, before.count) == ATTEMPT_BUSY) {
			*tries = before;
			tries->next_us = ASKING_NEVER;
		}
	}
}

static void report_asking(struct client *client, const struct asking *before)
{
	for (uint8_t p = 0; p < UPNP_PROTOCOLS; p++) {
		struct upnp_report report = {
			.what = UPNP_PROTOCOL,
			.protocol = { .protocol = p, .state = UPNP_ASKING },
		};

		if (client->asking.state[p] == UPNP_ASKING && before->state[p] != UPNP_ASKING)
			report_send(client, &report);
	}
}

/* Starts the questions to one that is asked from now on. */
static void ask_protocol(struct client *client, uint8_t protocol, int64_t now)
{
	bool at_work = (protocol == UPNP_PCP || (protocol == UPNP_IGD && client->igd.remembered)) &&
		       tasks_under_way(client, protocol);

	client->asked_us[protocol] = now;
	/* A MAP of PCP is its own probe, and so is a request to a service that is known; a MAP of NAT-PMP does not tell the WAN address. */
	if (!at_work)
		tries_start(&client->probes[protocol]);
}

/* The first burst leaves before anything else is done. */
static void ask(struct client *client, bool all)
{
	int64_t now = now_us();
	struct asking before = client->asking;
	struct task *first = tasks_asked(client);
	uint8_t presumed;

	asking_begin(&client->asking, all, now);
	presumed = asking_presumed(&client->asking);
	if (client->igd.remembered)
		presumed = UPNP_IGD;
	if (first && !all && presumed != UPNP_ANY && !tasks_under_way(client, presumed))
		task_start(first, TASK_MAP, presumed);
	for (uint8_t p = 0; p < UPNP_PROTOCOLS; p++)
		if (client->asking.state[p] == UPNP_ASKING &&
		    (all || before.state[p] != UPNP_ASKING))
			ask_protocol(client, p, now);
	if (client->igd.remembered)
		probes_run(client, now); /* a request of UPnP blocks; what is quick goes first */
	tasks_run(client, now);
	probes_run(client, now);
	announce_open(client);
	report_asking(client, &before);
}

static void probe(struct client *client)
{
	client->probing = true;
	memset(client->wan_known, 0, sizeof(client->wan_known));
	client->igd.wants_wan = true;
	ask(client, true);
}

static void list(struct client *client)
{
	client->igd.listing = true;
	client->igd.list_next = 0;
	if (!memchr(client->network.order, UPNP_IGD, client->network.count))
		igd_listed(client, false, "UPnP is not to be asked (router protocols)");
	else if (!client->igd.ready)
		igd_find(client);
}

/* To the port that throws everything away (RFC 863): what counts is that the kernel has to find out who
 * the gateway is. */
static void knock(const struct client *client)
{
	struct sockaddr_in gateway = { .sin_family = AF_INET,
				       .sin_port = htons(DISCARD_PORT),
				       .sin_addr = client->network.gateway };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    sendto(fd, "", 0, MSG_DONTWAIT, (struct sockaddr *)&gateway, sizeof(gateway)) < 0)
		log_debug("the gateway cannot be knocked at: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* natctl asks for it, in a upnp of its own, and waits. */
static void fetch_page(struct client *client)
{
	struct upnp_report report = { .what = UPNP_PAGE_IS };

	page_fetch(report.title, client->network.gateway);
	report_send(client, &report);
}

bool requests_order_is_valid(const uint8_t order[UPNP_PROTOCOLS], uint8_t count)
{
	if (count > UPNP_PROTOCOLS)
		return false;
	for (uint8_t i = 0; i < count; i++)
		if (order[i] >= UPNP_PROTOCOLS)
			return false;
	return true;
}

static bool network_is_valid(const struct upnp_network *network)
{
	return network->prefix <= 32 && requests_order_is_valid(network->order, network->count);
}

static bool mapping_is_valid(const struct upnp_mapping *mapping)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";

	return (mapping->protocol == IPPROTO_UDP || mapping->protocol == IPPROTO_TCP) &&
	       mapping->via <= UPNP_ANY && mapping->former_via <= UPNP_ANY && mapping->port != 0 &&
	       memchr(mapping->name, '\0', sizeof(mapping->name)) &&
	       mapping->name[strspn(mapping->name, allowed)] == '\0';
}

static bool server_is_valid(const struct upnp_server *server)
{
	return server->port != 0 && (!server->lookup.name[0] || lookup_is_valid(&server->lookup));
}

static bool request_is_valid(const struct client *client, const struct upnp_request *request)
{
	switch (request->what) {
	case UPNP_USE: return network_is_valid(&request->network);
	case UPNP_MAP:
	case UPNP_UNMAP: return client->in_use && mapping_is_valid(&request->mapping);
	case UPNP_ASK:
	case UPNP_PROBE:
	case UPNP_LIST:
	case UPNP_PAGE:
	case UPNP_KNOCK: return client->in_use;
	case UPNP_LEAVE: return true;
	case UPNP_LOOK_OUT: return client->in_use && client->hop == 0;
	case UPNP_STUN:
		return client->in_use && client->hop == 0 && server_is_valid(&request->server);
	case UPNP_LOOKUP: return client->hop == 0 && lookup_is_valid(&request->lookup);
	case UPNP_PIN:
	case UPNP_UNPIN: return client->hop == 0 && pinhole_is_valid(&request->pinhole);
	case UPNP_PROBE6: return client->in_use;
	case UPNP_REQUESTS: break;
	}
	return false;
}

static void serve(struct client clients[UPNP_ROUTERS], const struct upnp_request *request)
{
	struct client *client = &clients[request->hop < UPNP_ROUTERS ? request->hop : 0];

	if (request->hop >= UPNP_ROUTERS || !request_is_valid(client, request))
		fatal("natd asks what makes no sense (request %d)", request->what);
	switch (request->what) {
	case UPNP_USE: use(client, request); break;
	case UPNP_MAP: task_map(client, &request->mapping); break;
	case UPNP_UNMAP: task_unmap(client, &request->mapping); break;
	case UPNP_ASK: ask(client, false); break;
	case UPNP_PROBE: probe(client); break;
	case UPNP_LIST: list(client); break;
	case UPNP_LOOK_OUT: hops_start(&client->hops, &client->network); break;
	case UPNP_STUN: stun_name_start(client, &request->server); break;
	case UPNP_PAGE: fetch_page(client); break;
	case UPNP_LOOKUP: lookup_start(&client->lookup, &request->lookup, now_us()); break;
	case UPNP_KNOCK: knock(client); break;
	case UPNP_PIN: pinhole_open(client, &request->pinhole); break;
	case UPNP_UNPIN: pinhole_close(client, &request->pinhole); break;
	case UPNP_PROBE6: probe6_start(client, &request->pinhole); break;
	case UPNP_LEAVE: gena_leave(client); break;
	case UPNP_REQUESTS: break;
	}
}

bool requests_receive(struct client clients[UPNP_ROUTERS])
{
	struct upnp_request request;
	bool any = false;
	int received;

	while ((received = process_receive(clients->natd, &request, sizeof(request), false)) > 0) {
		serve(clients, &request);
		any = true;
	}
	if (received < 0)
		_exit(EXIT_SUCCESS);
	return any;
}
