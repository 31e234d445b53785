/* SPDX-License-Identifier: GPL-2.0-or-later */
/* natctl watch: events as they happen, one JSON object a line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "natd/ctl/changes.h"
#include "natd/ctl/client.h"
#include "natd/ctl/hooks.h"
#include "natd/ctl/print.h"
#include "natd/ctl/text.h"

static void say_event(json_t *event)
{
	struct tm utc;
	char text[sizeof("2026-01-01T00:00:00Z")];
	time_t now = time(NULL);

	gmtime_r(&now, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	json_object_set_new(event, "time", json_string(text));
	json_dumpf(event, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout); /* a pipe's reader waits for it */
}

/* Says what changed since `*last` and keeps `snapshot`, which it takes over. */
static void take_snapshot(const struct invocation *typed, json_t **last, json_t *snapshot)
{
	json_t *events = *last ? changes_between(*last, snapshot) : json_array();
	json_t *event;
	size_t i;

	json_array_foreach(events, i, event) {
		say_event(event);
		if (typed->hooks)
			hooks_run(typed->hooks, event, snapshot);
	}
	json_decref(events);
	json_decref(*last);
	*last = snapshot;
}

/* Reads until natd closes. False if it refused, with one line said. */
static bool follow(const struct invocation *typed, FILE *stream, json_t **last)
{
	char *line = NULL;
	size_t size = 0;
	bool refused = false;

	while (!refused && getline(&line, &size, stream) > 0) {
		json_t *snapshot = json_loads(line, 0, NULL);
		const char *error;

		print_clean_json(snapshot);
		error = json_string_value(json_object_get(snapshot, "error"));
		refused = error && strcmp(error, "natd is stopping") != 0;
		if (refused)
			say_error(typed->json, NATCTL_BROKEN, "%s", error);
		if (json_is_object(snapshot) && !error)
			take_snapshot(typed, last, snapshot);
		else
			json_decref(snapshot);
	}
	free(line);
	return !refused;
}

/* One conversation. False where there is no sense in another; `answer` says why. */
static bool watch_once(const struct invocation *typed, json_t **last, struct answer *answer)
{
	const struct control_request request = { .version = CONTROL_VERSION,
						 .command = CONTROL_WATCH };
	int client = client_connect(typed->socket, answer);
	FILE *stream;
	bool good = true;

	/* A natd that restarts is waited for; one that never ran is not. */
	if (client < 0)
		return *last != NULL;
	stream = fdopen(client, "re");
	if (!stream)
		fatal("no memory");
	if (send(client, &request, sizeof(request), MSG_NOSIGNAL) == (ssize_t)sizeof(request))
		good = follow(typed, stream, last);
	fclose(stream);
	if (!good)
		answer->status = NATCTL_BROKEN;
	return good;
}

int command_watch(const struct invocation *typed)
{
	struct answer answer = { 0 };
	json_t *last = NULL;
	const char *error;

	if (typed->hooks && !hooks_are_safe(typed->hooks, &error))
		return say_error(typed->json, NATCTL_USAGE, _("'%.80s' is not allowed: %s"),
				 typed->hooks, error);
	while (watch_once(typed, &last, &answer))
		sleep(1);
	json_decref(last);
	if (answer.error[0])
		say_error(typed->json, answer.status, "%s", answer.error);
	return answer.status;
}
