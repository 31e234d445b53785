/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/control_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "natd/control_client.h"
#include "natd/control_trace.h"
#include "natd/doctor.h"
#include "natd/log.h"

void client_drop(struct client *client)
{
	if (client->waiting == WAITING_TRACE)
		control_trace_over(client->control);
	event_free(client->event);
	close(client->socket);
	client->socket = -1;
	free(client->told);
	client->told = NULL;
	event_add(client->control->event, NULL); /* there is room again */
}

/* A Unix socket's buffer holds any answer of ours, so a client that does not read is cut off, not
 * waited for. */
void client_answer(struct client *client, json_t *reply)
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
	client_drop(client);
}

bool client_tell(struct client *client, json_t *line)
{
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	size_t size = text ? strlen(text) : 0;
	bool took;

	if (text)
		text[size++] = '\n'; /* in place of its end */
	took = text &&
	       send(client->socket, text, size, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)size;
	free(text);
	json_decref(line);
	if (!took)
		client_drop(client);
	return took;
}

__attribute__((format(printf, 2, 3))) void client_refuse(struct client *client, const char *format,
							 ...)
{
	char text[CONFIG_ERROR_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	log_clean(text);
	client_answer(client, json_pack("{s:s}", "error", text));
}

void client_wait_for(struct client *client, enum waiting what)
{
	struct timeval limit = { .tv_sec = what == WAITING_COUNTERS ? COUNT_SECONDS
								    : ANSWER_SECONDS };

	client->waiting = what;
	event_add(client->event, &limit);
}

/* ---- conversation ---- */

static void on_client(evutil_socket_t socket, short what, void *context)
{
	struct client *client = context;
	size_t room = sizeof(client->request) - client->received;
	ssize_t got;

	if (what & EV_TIMEOUT) {
		client_limit(client);
		return;
	}
	if (client->waiting != WAITING_REQUEST) {
		client_drop(client); /* gone, or talking out of turn */
		return;
	}
	got = recv(socket, (char *)&client->request + client->received, room, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		client_drop(client);
		return;
	}
	client->received += (size_t)got;
	if (client->received == sizeof(client->request))
		client_obey(client);
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
			client_refuse(&control->clients[i], "natd is stopping");
	event_free(control->event);
	close(control->socket);
	unlink(control->natd->socket_path);
	json_decref(control->list);
	doctor_free(control->doctor);
	free(control);
}
