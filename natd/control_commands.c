/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What natctl may ask, who may, and the answers that come later. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natd/control_client.h"
#include "natd/control_doctor.h"
#include "natd/control_trace.h"
#include "natd/control_server.h"
#include "natd/log.h"
#include "natd/loop.h"
#include "natd/snapshot.h"
#include "natd/status.h"

#define GROUPS_MAX 256

/* Watchers stay; the others must find a place as well. Of each kind, who may change and who may not. */
#define WATCHERS_MAX 8

static void do_status(struct client *client)
{
	kernel_count(&client->control->natd->kernel);
	client_wait_for(client, WAITING_COUNTERS);
}

static void do_list(struct client *client)
{
	struct control *control = client->control;
	struct natd *natd = control->natd;
	struct upnp_request request = { .what = UPNP_LIST, .generation = natd->engine.generation };

	if (!engine_asks(&natd->engine)) {
		client_refuse(client, "%s",
			      natd->engine.has_router
				      ? "natd.conf says that no router is to be asked"
				      : "there is no router to ask");
		return;
	}
	if (!control->list || control->list_generation != request.generation) {
		/* A question from before the network changed is not answered any more. */
		json_decref(control->list);
		control->list = json_array();
		control->list_generation = request.generation;
		loop_engine_hooks.send(natd, &request);
	}
	client_wait_for(client, WAITING_LIST);
}

static void do_wan_ip(struct client *client)
{
	client_answer(client, status_wan_ip(client->control->natd, (int)client->request.family));
}

static void do_open(struct client *client)
{
	struct natd *natd = client->control->natd;
	const struct control_request *request = &client->request;
	struct config_forward wanted = {
		.protocol = (uint8_t)request->protocol,
		.port = request->port,
		.external = request->external ? request->external : request->port,
	};
	const struct forward *forward;
	char error[UPNP_TEXT_MAX];

	snprintf(wanted.name, sizeof(wanted.name), "natctl-%u", request->port);
	forward = engine_open(&natd->engine, &wanted, request->seconds, natd_now(), error);
	if (!forward) {
		client_refuse(client, "%s", error);
		return;
	}
	log_info("%s: asked for by natctl", forward_name(&wanted));
	client->forward = forward->id;
	client_wait_for(client, WAITING_FORWARD);
	loop_look_afresh(natd);
}

static void do_close(struct client *client)
{
	struct natd *natd = client->control->natd;
	const struct control_request *request = &client->request;
	struct config_forward closed = { .protocol = (uint8_t)request->protocol,
					 .port = request->port };
	char error[UPNP_TEXT_MAX];

	if (!engine_close(&natd->engine, closed.protocol, closed.port, error)) {
		client_refuse(client, "%s", error);
		return;
	}
	client_answer(client, json_pack("{s:s}", "closed", forward_name(&closed)));
	loop_look_afresh(natd);
}

/* A watcher that does not read is cut off: natctl watch comes back. */
static void tell_change(struct client *client)
{
	char *line = snapshot_line(client->control->natd);
	size_t size = line ? strlen(line) : 0;

	if (line && client->told && strcmp(line, client->told) == 0) {
		free(line);
		return;
	}
	free(client->told);
	client->told = line;
	if (send(client->socket, line, size, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)size || !line)
		client_drop(client);
}

/* What changes is told at once: control_forwards_changed(). */
static void do_watch(struct client *client)
{
	size_t watchers = 0;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		watchers += client->control->clients[i].socket >= 0 &&
			    client->control->clients[i].stranger == client->stranger &&
			    client->control->clients[i].waiting == WAITING_CHANGE;
	if (watchers >= WATCHERS_MAX) {
		client_refuse(client, "%d natctl watch run already; allowed: that many",
			      WATCHERS_MAX);
		return;
	}
	client->waiting = WAITING_CHANGE;
	event_del(client->event);
	event_add(client->event, NULL); /* for as long as it likes */
	tell_change(client);
}

static void do_reload(struct client *client)
{
	struct natd *natd = client->control->natd;
	char error[CONFIG_ERROR_MAX];
	bool exists;

	if (!loop_reload(natd, "as natctl asked", &exists, error)) {
		client_refuse(client, "%s", error);
		return;
	}
	snprintf(error, sizeof(error), "%s", natd->config_path);
	log_clean(error);
	client_answer(client, json_pack("{s:s, s:b}", "reloaded", error, "exists", exists));
}

/* What each command needs: whether it changes anything, and which fields must be sound. */
static const struct command {
	const char *name;
	void (*run)(struct client *client);
	bool changes;
	bool names_port;
} commands[CONTROL_COMMANDS] = {
	[CONTROL_STATUS] = { "status", do_status, false, false },
	[CONTROL_LIST] = { "list", do_list, false, false },
	[CONTROL_WAN_IP] = { "wan-ip", do_wan_ip, false, false },
	[CONTROL_OPEN] = { "open", do_open, true, true },
	[CONTROL_CLOSE] = { "close", do_close, true, true },
	[CONTROL_RELOAD] = { "reload", do_reload, true, false },
	[CONTROL_DOCTOR] = { "doctor", control_do_doctor, false, false },
	[CONTROL_TEST] = { "test", control_do_test, true, false },
	[CONTROL_WHY] = { "why", control_do_why, true, false },
	[CONTROL_WATCH] = { "watch", do_watch, false, false },
};

/* ---- who may ---- */

static bool in_our_group(int socket, gid_t gid)
{
	gid_t groups[GROUPS_MAX];
	socklen_t size = sizeof(groups);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
		return false;
	for (size_t i = 0; i < size / sizeof(groups[0]); i++)
		if (groups[i] == gid)
			return true;
	return false;
}

bool client_is_stranger(int socket)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return true;
	return peer.uid != 0 && peer.uid != getuid() && peer.gid != getgid() &&
	       !in_our_group(socket, getgid());
}

static bool protocol_is_sound(uint32_t protocol)
{
	return protocol == IPPROTO_UDP || protocol == IPPROTO_TCP;
}

void client_obey(struct client *client)
{
	const struct control_request *request = &client->request;
	const struct command *command;

	if (request->version != CONTROL_VERSION) {
		client_refuse(client,
			      "this natctl is of another version than natd (%u, natd has %d)",
			      request->version, CONTROL_VERSION);
		return;
	}
	if (request->command >= CONTROL_COMMANDS) {
		client_refuse(client, "natd does not know command %u; it knows 0 to %d",
			      request->command, CONTROL_COMMANDS - 1);
		return;
	}
	command = &commands[request->command];
	if (command->names_port && (!protocol_is_sound(request->protocol) || !request->port))
		client_refuse(client, "%s needs udp or tcp and a port from 1 to 65535",
			      command->name);
	else if (command->changes && client->stranger)
		client_refuse(client, "%s is for root and the group of natd: try sudo natctl %s",
			      command->name, command->name);
	else if (client->control->natd->stopping)
		client_refuse(client, "natd is stopping");
	else
		command->run(client);
}

/* ---- what they wait for ---- */

void control_counted(struct control *control)
{
	control_doctor_counted(control);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i].socket >= 0 &&
		    control->clients[i].waiting == WAITING_COUNTERS)
			client_answer(&control->clients[i], status_json(control->natd));
}

/* NULL: it is no more. */
static const struct forward *forward_of(const struct client *client)
{
	return forwards_by_id(&client->control->natd->engine.forwards, client->forward);
}

/* Also where the router says nothing: "opening" is an answer too. */
static void answer_forward(struct client *client, const struct forward *forward)
{
	if (forward)
		client_answer(client, json_pack("{s:o}", "forward",
						status_forward(client->control->natd, forward)));
	else
		client_refuse(client, "it was closed again");
}

void control_forwards_changed(struct control *control)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];
		const struct forward *forward;

		if (client->socket >= 0 && client->waiting == WAITING_CHANGE)
			tell_change(client);
		if (client->socket < 0 || client->waiting != WAITING_FORWARD)
			continue;
		forward = forward_of(client);
		if (!forward || forward->state != FORWARD_OPENING)
			answer_forward(client, forward);
	}
}

static void on_listed(struct control *control, const struct upnp_listed *listed)
{
	status_add_own_entries(control->natd, control->list);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];

		if (client->socket < 0 || client->waiting != WAITING_LIST)
			continue;
		client_answer(client, json_pack("{s:O, s:b, s:s?}", "mappings", control->list,
						"complete", listed->complete, "reason",
						listed->complete ? NULL : listed->said));
	}
	json_decref(control->list);
	control->list = NULL;
}

void control_router_report(struct control *control, const struct upnp_report *report)
{
	if (control && report->what == UPNP_PROBED)
		control_doctor_probed(control);
	if (!control || !control->list)
		return;
	if (report->what == UPNP_ENTRY)
		json_array_append_new(control->list, status_entry(control->natd, &report->entry));
	if (report->what == UPNP_LISTED)
		on_listed(control, &report->listed);
}

void client_limit(struct client *client)
{
	if (client->waiting == WAITING_REQUEST)
		client_drop(client);
	else if (client->waiting == WAITING_DOCTOR)
		control_doctor_tell(client);
	else if (client->waiting == WAITING_TRACE)
		control_trace_tick(client);
	else if (client->waiting == WAITING_COUNTERS)
		client_answer(client, status_json(client->control->natd));
	else if (client->waiting == WAITING_FORWARD)
		answer_forward(client, forward_of(client));
	else
		client_refuse(client, "the router has not answered within %d seconds",
			      ANSWER_SECONDS);
}
