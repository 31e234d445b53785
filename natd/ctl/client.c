/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "natd/clock.h"
#include "natd/ctl/print.h"
#include "natd/ctl/sentences.h"
#include "natd/ctl/text.h"
#include "natd/log.h"

/* A router's table of a thousand entries is below 300 kB; more than this is not from natd. */
#define ANSWER_BYTES_MAX (4u << 20)

struct stream {
	int socket;
	int64_t deadline; /* natd_now() */
	size_t bytes;
	int error; /* errno of what stopped the reading; 0: the end was reached */
};

static void fail(struct answer *answer, int status, const char *format, ...) LOG_FORMAT(3);

static void fail(struct answer *answer, int status, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(answer->error, sizeof(answer->error), format, arguments);
	va_end(arguments);
	print_clean(answer->error);
	answer->status = status;
}

int client_connect(const char *path, struct answer *answer)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int client;

	if (!*path) {
		fail(answer, NATCTL_USAGE, _("'%.80s' is not allowed; allowed: %s"), path,
		     _("a socket's path"));
		return -1;
	}
	if (strlen(path) >= sizeof(address.sun_path)) {
		fail(answer, NATCTL_USAGE,
		     _("'%.60s...' is too long for a socket: at most %zu bytes"), path,
		     sizeof(address.sun_path) - 1);
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client >= 0 && connect(client, (struct sockaddr *)&address, sizeof(address)) == 0)
		return client;
	if (errno == ENOENT) /* natd may run all the same, and "start" would do nothing then */
		fail(answer, NATCTL_NOT_RUNNING,
		     _("natd is not running, or its socket %s is gone; start it afresh with: "
		       "sudo systemctl restart natd"),
		     path);
	else if (errno == ECONNREFUSED)
		fail(answer, NATCTL_NOT_RUNNING,
		     _("natd is not running (nobody listens at %s); start it with: sudo systemctl "
		       "start natd"),
		     path);
	else
		fail(answer, NATCTL_BROKEN, _("cannot reach natd at %s: %s"), path,
		     strerror(errno));
	if (client >= 0)
		close(client);
	return -1;
}

/* jansson's json_load_callback_t. */
static size_t read_some(void *buffer, size_t size, void *data)
{
	struct stream *stream = data;
	struct pollfd wait = { .fd = stream->socket, .events = POLLIN };
	int64_t left;
	ssize_t got;

	do {
		left = stream->deadline - natd_now();
		if (left <= 0 || poll(&wait, 1, (int)left) == 0) {
			stream->error = ETIMEDOUT;
			return 0;
		}
		got = recv(stream->socket, buffer, size, MSG_DONTWAIT);
	} while (got < 0 && (errno == EINTR || errno == EAGAIN));
	if (got < 0)
		stream->error = errno;
	if (got <= 0)
		return 0;
	stream->bytes += (size_t)got;
	if (stream->bytes > ANSWER_BYTES_MAX) {
		stream->error = EMSGSIZE;
		return 0;
	}
	return (size_t)got;
}

static json_t *read_answer(int client, struct answer *answer)
{
	struct stream stream = { .socket = client, .deadline = natd_now() + CLIENT_SECONDS * 1000 };
	json_error_t error;
	json_t *json = json_load_callback(read_some, &stream, 0, &error);

	if (stream.error == ETIMEDOUT)
		fail(answer, NATCTL_BROKEN, _(CLIENT_SILENCE), CLIENT_SECONDS);
	else if (stream.error)
		fail(answer, NATCTL_BROKEN, _("natd's answer broke off: %s"),
		     strerror(stream.error));
	else if (stream.bytes == 0)
		fail(answer, NATCTL_BROKEN,
		     _("natd closed the connection without an answer: it is busy or ending, try "
		       "again"));
	else if (!json_is_object(json))
		fail(answer, NATCTL_BROKEN, _("natd's answer is not a JSON object: %s"),
		     json ? _("another type") : error.text);
	else
		return json;
	json_decref(json);
	return NULL;
}

struct answer ask_natd(const char *socket, struct control_request request)
{
	struct answer answer = { .status = NATCTL_WELL };
	int client = client_connect(socket, &answer);
	char translated[SENTENCE_MAX];
	const char *refused;

	if (client < 0)
		return answer;
	request.version = CONTROL_VERSION;
	if (send(client, &request, sizeof(request), MSG_NOSIGNAL) != (ssize_t)sizeof(request))
		fail(&answer, NATCTL_BROKEN, _("cannot ask natd: %s"), strerror(errno));
	else
		answer.json = read_answer(client, &answer);
	close(client);
	refused = json_string_value(json_object_get(answer.json, "error"));
	if (refused) {
		fail(&answer, NATCTL_BROKEN, "%s", sentence(refused, translated));
		json_decref(answer.json);
		answer.json = NULL;
	}
	print_clean_json(answer.json);
	return answer;
}

json_t *must_ask_natd(const struct invocation *typed, const struct control_request *request,
		      int *status)
{
	struct answer answer = ask_natd(typed->socket, *request);

	*status = answer.status;
	if (!answer.json)
		say_error(typed->json, answer.status, "%s", answer.error);
	return answer.json;
}
