/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/control_server.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "natd/log.h"
#include "natd/loop.h"
#include "natd/snapshot.h"
#include "natd/status.h"

#define CLIENTS_MAX 32
#define GROUPS_MAX  256

/* How long a client may take to ask, rules to count, and the router to answer. */
#define ASK_SECONDS    2
#define COUNT_SECONDS  1
#define ANSWER_SECONDS 10

/* Watchers stay; the others must find a place as well. */
#define WATCHERS_MAX  16
#define WATCH_LOOK_MS 500

enum waiting { WAITING_REQUEST, WAITING_COUNTERS, WAITING_LIST, WAITING_FORWARD, WAITING_CHANGE };

struct client {
	struct control *control;
	int socket; /* -1: free */
	struct event *event;
	enum waiting waiting;
	struct control_request request;
	size_t received;  /* bytes of it */
	uint32_t forward; /* WAITING_FORWARD: its id */
	char *told;       /* WAITING_CHANGE: the last line that it got */
};

struct control {
	struct natd *natd;
	int socket;
	struct event *event;
	struct client clients[CLIENTS_MAX];
	json_t *list;             /* the table while upnp reads it; NULL: nobody asked */
	uint32_t list_generation; /* of the network whose router was asked */
};

static void drop(struct client *client)
{
	event_free(client->event);
	close(client->socket);
	client->socket = -1;
	free(client->told);
	client->told = NULL;
	event_add(client->control->event, NULL); /* there is room again */
}

/* Sends the whole answer, takes it over and ends the conversation. A Unix socket's buffer holds any
 * answer of ours, so a client that does not read is cut off, not waited for. */
static void answer(struct client *client, json_t *reply)
{
	/* jansson refuses what is not UTF-8: then there is no reply. */
	static const char wordless[] = "{\"error\": \"natd cannot put its answer into words\"}";
	char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
	const char *said = text ? text : wordless;
	ssize_t size = (ssize_t)strlen(said);

	if (send(client->socket, said, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT) != size)
		log_debug("a client of the control socket did not take its answer");
	free(text);
	json_decref(reply);
	drop(client);
}

__attribute__((format(printf, 2, 3))) static void refuse(struct client *client, const char *format,
							 ...)
{
	char text[CONFIG_ERROR_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	log_clean(text);
	answer(client, json_pack("{s:s}", "error", text));
}

static void wait_for(struct client *client, enum waiting what)
{
	struct timeval limit = { .tv_sec = what == WAITING_COUNTERS ? COUNT_SECONDS
								    : ANSWER_SECONDS };

	client->waiting = what;
	event_add(client->event, &limit);
}

/* ---- the commands ---- */

static void do_status(struct client *client)
{
	kernel_count(&client->control->natd->kernel);
	wait_for(client, WAITING_COUNTERS);
}

static void do_list(struct client *client)
{
	struct control *control = client->control;
	struct natd *natd = control->natd;
	struct upnp_request request = { .what = UPNP_LIST, .generation = natd->engine.generation };

	if (!natd->engine.has_router || !natd->engine.order_count) {
		refuse(client, "%s",
		       natd->engine.has_router ? "natd.conf says that no router is to be asked"
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
	wait_for(client, WAITING_LIST);
}

static void do_wan_ip(struct client *client)
{
	answer(client, status_wan_ip(client->control->natd, (int)client->request.family));
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
		refuse(client, "%s", error);
		return;
	}
	log_info("%s: asked for by natctl", forward_name(&wanted));
	client->forward = forward->id;
	wait_for(client, WAITING_FORWARD);
	loop_configure(natd, &natd->config);
}

static void do_close(struct client *client)
{
	struct natd *natd = client->control->natd;
	const struct control_request *request = &client->request;
	struct config_forward closed = { .protocol = (uint8_t)request->protocol,
					 .port = request->port };
	char error[UPNP_TEXT_MAX];

	if (!engine_close(&natd->engine, closed.protocol, closed.port, error)) {
		refuse(client, "%s", error);
		return;
	}
	answer(client, json_pack("{s:s}", "closed", forward_name(&closed)));
	loop_configure(natd, &natd->config);
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
		drop(client);
}

/* What the router does is told at once, control_forwards_changed(); repairs are looked for. */
static void do_watch(struct client *client)
{
	struct timeval look = { .tv_usec = WATCH_LOOK_MS * 1000 };
	size_t watchers = 0;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		watchers += client->control->clients[i].socket >= 0 &&
			    client->control->clients[i].waiting == WAITING_CHANGE;
	if (watchers >= WATCHERS_MAX) {
		refuse(client, "%d natctl watch run already; allowed: that many", WATCHERS_MAX);
		return;
	}
	client->waiting = WAITING_CHANGE;
	event_add(client->event, &look);
	tell_change(client);
}

static void do_reload(struct client *client)
{
	struct natd *natd = client->control->natd;
	char error[CONFIG_ERROR_MAX];
	struct config config;

	if (!config_read(&config, natd->config_path, natd->config_optional, error)) {
		refuse(client, "%s", error);
		return;
	}
	loop_configure(natd, &config);
	log_info("%s is read again, asked for by natctl", natd->config_path);
	snprintf(error, sizeof(error), "%s", natd->config_path);
	log_clean(error);
	answer(client, json_pack("{s:s}", "reloaded", error));
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

static bool may_change(const struct client *client)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(client->socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	return peer.uid == 0 || peer.uid == getuid() || peer.gid == getgid() ||
	       in_our_group(client->socket, getgid());
}

static bool protocol_is_sound(uint32_t protocol)
{
	return protocol == IPPROTO_UDP || protocol == IPPROTO_TCP;
}

static void obey(struct client *client)
{
	const struct control_request *request = &client->request;
	const struct command *command;

	if (request->version != CONTROL_VERSION) {
		refuse(client, "this natctl is of another version than natd (%u, natd has %d)",
		       request->version, CONTROL_VERSION);
		return;
	}
	if (request->command >= CONTROL_COMMANDS) {
		refuse(client, "natd does not know command %u; it knows 0 to %d", request->command,
		       CONTROL_COMMANDS - 1);
		return;
	}
	command = &commands[request->command];
	if (command->names_port && (!protocol_is_sound(request->protocol) || !request->port))
		refuse(client, "%s needs udp or tcp and a port from 1 to 65535", command->name);
	else if (command->changes && !may_change(client))
		refuse(client, "%s is for root and the group of natd: try sudo natctl %s",
		       command->name, command->name);
	else if (client->control->natd->stopping)
		refuse(client, "natd is stopping");
	else
		command->run(client);
}

/* ---- conversation ---- */

static void on_limit(struct client *client)
{
	if (client->waiting == WAITING_REQUEST)
		drop(client);
	else if (client->waiting == WAITING_CHANGE)
		tell_change(client);
	else if (client->waiting == WAITING_COUNTERS)
		answer(client, status_json(client->control->natd));
	else
		refuse(client, "the router has not answered within %d seconds", ANSWER_SECONDS);
}

static void on_client(evutil_socket_t socket, short what, void *context)
{
	struct client *client = context;
	size_t room = sizeof(client->request) - client->received;
	ssize_t got;

	if (what & EV_TIMEOUT) {
		on_limit(client);
		return;
	}
	if (client->waiting != WAITING_REQUEST) {
		drop(client); /* gone, or talking out of turn */
		return;
	}
	got = recv(socket, (char *)&client->request + client->received, room, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		drop(client);
		return;
	}
	client->received += (size_t)got;
	if (client->received == sizeof(client->request))
		obey(client);
}

static struct client *free_client(struct control *control)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i].socket < 0)
			return &control->clients[i];
	return NULL;
}

/* Without room nobody is let in: they wait before the door, in the order in which they came. */
static void close_door_if_full(struct control *control)
{
	if (!free_client(control))
		event_del(control->event);
}

static void on_connection(evutil_socket_t listener, short what, void *context)
{
	struct control *control = context;
	struct timeval limit = { .tv_sec = ASK_SECONDS };
	struct client *client = free_client(control); /* or the door would be closed */
	int socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (socket < 0)
		return;
	*client = (struct client){ .control = control, .socket = socket };
	client->event =
		event_new(control->natd->base, socket, EV_READ | EV_PERSIST, on_client, client);
	if (!client->event || event_add(client->event, &limit) < 0)
		fatal("no memory for a client of the control socket");
	close_door_if_full(control);
}

/* ---- what they wait for ---- */

void control_counted(struct control *control)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i].socket >= 0 &&
		    control->clients[i].waiting == WAITING_COUNTERS)
			answer(&control->clients[i], status_json(control->natd));
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
		forward = forwards_by_id(&control->natd->engine.forwards, client->forward);
		if (!forward)
			refuse(client, "it was closed again");
		else if (forward->state != FORWARD_OPENING)
			answer(client, json_pack("{s:o}", "forward",
						 status_forward(control->natd, forward)));
	}
}

static void on_listed(struct control *control, const struct upnp_listed *listed)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];

		if (client->socket < 0 || client->waiting != WAITING_LIST)
			continue;
		answer(client, json_pack("{s:O, s:b, s:s?}", "mappings", control->list, "complete",
					 listed->complete, "reason",
					 listed->complete ? NULL : listed->said));
	}
	json_decref(control->list);
	control->list = NULL;
}

void control_router_report(struct control *control, const struct upnp_report *report)
{
	if (!control || !control->list)
		return;
	if (report->what == UPNP_ENTRY)
		json_array_append_new(control->list, status_entry(control->natd, &report->entry));
	if (report->what == UPNP_LISTED)
		on_listed(control, &report->listed);
}

/* ---- the socket ---- */

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		fatal("the path %s is too long for a socket: at most %zu bytes", path,
		      sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path));
	return address;
}

void control_require_free(const char *path)
{
	struct sockaddr_un address = address_of(path);
	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (client >= 0 && connect(client, (struct sockaddr *)&address, sizeof(address)) == 0)
		fatal("another natd answers at %s: stop it first", path);
	close(client);
}

/* Removes the socket of a natd that was killed; nothing that is no socket. */
static void remove_socket(const char *path)
{
	struct stat status;

	if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode))
		unlink(path);
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = address_of(path);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	remove_socket(path);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(path, 0666) < 0 || listen(listener, SOMAXCONN) < 0)
		fatal("cannot listen at %s: %s", path, strerror(errno));
	return listener;
}

struct control *control_open(struct natd *natd)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control)
		fatal("no memory for the control socket");
	control->natd = natd;
	control->socket = listen_at(natd->socket_path);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		control->clients[i].socket = -1;
	control->event = event_new(natd->base, control->socket, EV_READ | EV_PERSIST, on_connection,
				   control);
	if (!control->event || event_add(control->event, NULL) < 0)
		fatal("no memory for the control socket");
	return control;
}

void control_close(struct control *control)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (control->clients[i].socket >= 0)
			refuse(&control->clients[i], "natd is stopping");
	event_free(control->event);
	close(control->socket);
	unlink(control->natd->socket_path);
	json_decref(control->list);
	free(control);
}
