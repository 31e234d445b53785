/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/follow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natd/ctl/client.h"
#include "natd/ctl/print.h"
#include "natd/ctl/sentences.h"
#include "natd/ctl/text.h"

/* Opens the conversation; NULL with `answer` saying why not. */
static FILE *start(const char *socket, struct control_request *request, int seconds,
		   struct answer *answer)
{
	const struct timeval silence = { .tv_sec = seconds };
	int client = client_connect(socket, answer);
	FILE *stream;

	if (client < 0)
		return NULL;
	request->version = CONTROL_VERSION;
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof(silence));
	stream = fdopen(client, "re");
	if (!stream)
		fatal("no memory");
	if (send(client, request, sizeof(*request), MSG_NOSIGNAL) == (ssize_t)sizeof(*request))
		return stream;
	snprintf(answer->error, sizeof(answer->error), _("cannot ask natd: %s"), strerror(errno));
	answer->status = NATCTL_BROKEN;
	fclose(stream);
	return NULL;
}

/* The last line that natd sends; NULL where there was none. */
static json_t *read_lines(FILE *stream, void (*on_line)(const json_t *line, void *data), void *data)
{
	json_t *last = NULL;
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stream) > 0) {
		json_t *json = json_loads(line, 0, NULL);

		if (!json_is_object(json)) {
			json_decref(json);
			continue;
		}
		print_clean_json(json);
		on_line(json, data);
		json_decref(last);
		last = json;
	}
	free(line);
	return last;
}

json_t *follow_natd(const struct invocation *typed, struct control_request request, int seconds,
		    void (*on_line)(const json_t *line, void *data), void *data, int *status)
{
	struct answer answer = { .status = NATCTL_WELL };
	FILE *stream = start(typed->socket, &request, seconds, &answer);
	json_t *last = NULL;
	char translated[SENTENCE_MAX];
	const char *error;
	int silent = 0;

	if (stream) {
		errno = 0;
		last = read_lines(stream, on_line, data);
		silent = ferror(stream) ? errno : 0;
		fclose(stream);
	}
	*status = answer.status;
	error = json_string_value(json_object_get(last, "error"));
	if (!stream)
		say_error(typed->json, *status, "%s", answer.error);
	else if (error)
		*status = say_error(typed->json,
				    strcmp(error, CONTROL_BUSY) == 0 ? NATCTL_NOT_KNOWN
								     : NATCTL_BROKEN,
				    "%s", sentence(error, translated));
	else if (silent == EAGAIN)
		*status = say_error(typed->json, NATCTL_BROKEN, _(CLIENT_SILENCE), seconds);
	else if (!last)
		*status = say_error(typed->json, NATCTL_BROKEN,
				    _("natd closed the connection without an answer: it is busy or "
				      "ending, try again"));
	else
		return last;
	json_decref(last);
	return NULL;
}
