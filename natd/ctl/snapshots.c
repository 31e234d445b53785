/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/snapshots.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "natd/clock.h"
#include "natd/ctl/members.h"
#include "natd/ctl/print.h"
#include "natd/ctl/sentences.h"
#include "natd/log.h"

/* A snapshot of as many ports as natd can hold is far below this. */
#define LINE_BYTES_MAX 65536

bool snapshots_open(struct snapshots *from, const char *path, struct answer *answer)
{
	const struct control_request request = { .version = CONTROL_VERSION,
						 .command = CONTROL_WATCH };

	*from = (struct snapshots){ .socket = client_connect(path, answer),
				    .silent_at = natd_now() + CLIENT_SECONDS * 1000 };
	if (from->socket < 0)
		return false;
	from->buffer = malloc(LINE_BYTES_MAX);
	if (!from->buffer)
		fatal("no memory");
	/* If natd has gone meanwhile, the first reading tells. */
	if (send(from->socket, &request, sizeof(request), MSG_NOSIGNAL) < 0)
		log_debug("natd takes no request: %s", strerror(errno));
	return true;
}

void snapshots_close(struct snapshots *from)
{
	close(from->socket);
	free(from->buffer);
	*from = (struct snapshots){ .socket = -1 };
}

/* Takes the first whole line out of the buffer; NULL: there is none, or it is no object. */
static json_t *take_line(struct snapshots *from)
{
	char *end = memchr(from->buffer, '\n', from->used);
	size_t length = end ? (size_t)(end - from->buffer) + 1 : 0;
	json_t *line = end ? json_loadb(from->buffer, length, 0, NULL) : NULL;

	from->used -= length;
	memmove(from->buffer, from->buffer + length, from->used);
	print_clean_json(line);
	return line;
}

/* Adds what has come to the buffer. False: the end. */
static bool read_more(struct snapshots *from)
{
	ssize_t got;

	if (from->used == LINE_BYTES_MAX)
		return false; /* that is not natd */
	got = recv(from->socket, from->buffer + from->used, LINE_BYTES_MAX - from->used,
		   MSG_DONTWAIT);
	if (got > 0)
		from->used += (size_t)got;
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

/* A refusal has no newline: it is what natd said last. */
static enum snapshots_end on_end(struct snapshots *from, struct answer *answer)
{
	json_t *last = json_loadb(from->buffer, from->used, 0, NULL);
	char translated[SENTENCE_MAX];
	const char *error;
	enum snapshots_end end = SNAPSHOTS_OVER;

	print_clean_json(last);
	error = text_of(last, "error");
	if (*error && strcmp(error, "natd is stopping") != 0) {
		snprintf(answer->error, sizeof(answer->error), "%s", sentence(error, translated));
		answer->status = NATCTL_BROKEN;
		end = SNAPSHOTS_REFUSED;
	}
	json_decref(last);
	return end;
}

static enum snapshots_end on_silence(struct answer *answer)
{
	snprintf(answer->error, sizeof(answer->error), _(CLIENT_SILENCE), CLIENT_SECONDS);
	answer->status = NATCTL_BROKEN;
	return SNAPSHOTS_SILENT;
}

/* The earlier of the two that are not 0. */
static int64_t earlier(int64_t one, int64_t other)
{
	return !one || (other && other < one) ? other : one;
}

enum snapshots_end snapshots_next(struct snapshots *from, int64_t deadline, json_t **snapshot,
				  struct answer *answer)
{
	for (;;) {
		struct pollfd wait = { .fd = from->socket, .events = POLLIN };
		int64_t until = earlier(deadline, from->silent_at);
		int64_t left = until ? until - natd_now() : -1;
		int ready;

		*snapshot = take_line(from);
		if (json_is_object(*snapshot)) {
			from->silent_at = 0;
			return SNAPSHOTS_ONE;
		}
		json_decref(*snapshot);
		if (until && left <= 0)
			return until == deadline ? SNAPSHOTS_NONE : on_silence(answer);
		ready = poll(&wait, 1, (int)left);
		if (ready > 0 && !read_more(from))
			return on_end(from, answer);
	}
}
