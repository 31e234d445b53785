/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/control_server.h"

#include <errno.h>
#include <malloc.h>
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

#define LARGE_ANSWER (1 << 20)

/* What was begun for it is over. */
static void stop_waiting(struct client *client, enum waiting now)
{
	if (client->waiting == WAITING_TRACE)
		control_trace_over(client->control);
	client->waiting = now;
}

void client_drop(struct client *client)
{
	stop_waiting(client, WAITING_REQUEST);
	event_free(client->event);
	close(client->socket);
	client->socket = -1;
	free(client->told);
	free(client->rest);
	client->told = client->rest = NULL;
	event_add(client->control->event, NULL); /* there is room again */
}

/* A client that does not read is cut off after a while. */
static void send_rest(struct client *client)
{
	struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	ssize_t sent = send(client->socket, client->rest + client->rest_sent,
			    client->rest_size - client->rest_sent, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent > 0)
		client->rest_sent += (size_t)sent;
	if (client->rest_sent == client->rest_size ||
	    (sent < 0 && errno != EAGAIN && errno != EINTR))
		client_drop(client);
	else
		event_add(client->event, &limit);
}

static void on_reader(evutil_socket_t socket, short what, void *context)
{
	struct client *client = context;

	(void)socket;
	if (what & EV_TIMEOUT) {
		log_debug("a client of the control socket did not take its answer");
		client_drop(client);
	} else {
		send_rest(client);
	}
}

/* Thousands of clients and publishes make an answer that no socket's buffer holds. */
void client_answer(struct client *client, json_t *reply)
{
	/* jansson refuses what is not UTF-8: then there is no reply. */
	static const char wordless[] = "{\"error\": \"natd cannot put its answer into words\"}";
	char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;

	json_decref(reply);
	client->rest = text ? text : strdup(wordless);
	if (!client->rest)
		fatal("no memory for an answer");
	client->rest_size = strlen(client->rest);
	if (client->rest_size > LARGE_ANSWER)
		malloc_trim(0); /* jansson took ten times as much */
	stop_waiting(client, WAITING_READER);
	event_free(client->event);
	client->event =
		event_new(client->control->natd->base, client->socket, EV_WRITE, on_reader, client);
	if (!client->event)
		fatal("no memory for a client of the control socket");
	send_rest(client);
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

/* One too many is sent away at once: those behind it wait for less. */
static bool is_one_too_many(const struct control *control, bool stranger)
{
	size_t strangers = 0;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		strangers += control->clients[i].socket >= 0 && control->clients[i].stranger;
	return stranger && strangers >= STRANGERS_MAX;
}

static void on_connection(evutil_socket_t listener, short what, void *context)
{
	struct control *control = context;
	struct timeval limit = { .tv_sec = ASK_SECONDS };
	struct client *client = free_client(control); /* or the door would be closed */
	int socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	bool stranger;

	(void)what;
	if (socket < 0)
		return;
	stranger = client_is_stranger(socket);
	if (is_one_too_many(control, stranger)) {
		close(socket);
		return;
	}
	*client = (struct client){ .control = control, .socket = socket, .stranger = stranger };
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
		if (control->clients[i].socket >= 0 &&
		    control->clients[i].waiting == WAITING_READER)
			client_drop(&control->clients[i]);
		else if (control->clients[i].socket >= 0)
			client_refuse(&control->clients[i], "natd is stopping");
	event_free(control->event);
	close(control->socket);
	unlink(control->natd->socket_path);
	json_decref(control->list);
	doctor_free(control->doctor);
	free(control);
}
