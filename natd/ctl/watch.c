/* SPDX-License-Identifier: GPL-2.0-or-later */
/* natctl watch: events as they happen, one JSON object a line. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "natd/clock.h"
#include "natd/ctl/changes.h"
#include "natd/ctl/client.h"
#include "natd/ctl/snapshots.h"
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
static void take_snapshot(struct hooks *hooks, json_t **last, json_t *snapshot)
{
	json_t *events = *last ? changes_between(*last, snapshot) : json_array();
	json_t *event;
	size_t i;

	json_array_foreach(events, i, event) {
		say_event(event);
		hooks_event(hooks, event, snapshot, natd_now());
	}
	json_decref(events);
	changes_remember(*last, snapshot);
	json_decref(*last);
	*last = snapshot;
}

/* One conversation, until natd goes. False where there is no sense in another; `answer` says why. */
static bool watch_once(const struct invocation *typed, struct hooks *hooks, json_t **last,
		       struct answer *answer)
{
	enum snapshots_end end = SNAPSHOTS_NONE;
	struct snapshots from;
	json_t *snapshot;

	/* A natd that restarts is waited for; one that never ran is not. */
	if (!snapshots_open(&from, typed->socket, answer))
		return *last != NULL;
	while (end == SNAPSHOTS_NONE || end == SNAPSHOTS_ONE) {
		end = snapshots_next(&from, hooks_deadline(hooks), &snapshot, answer);
		if (end == SNAPSHOTS_ONE)
			take_snapshot(hooks, last, snapshot);
		hooks_run_due(hooks, natd_now());
	}
	snapshots_close(&from);
	return end == SNAPSHOTS_OVER;
}

int command_watch(const struct invocation *typed)
{
	struct hooks hooks = { .directory = typed->hooks };
	struct answer answer = { 0 };
	json_t *last = NULL;
	const char *error;

	if (typed->hooks && !hooks_are_safe(typed->hooks, &error))
		return say_error(typed->json, NATCTL_USAGE, _("'%.80s' is not allowed: %s"),
				 typed->hooks, error);
	while (watch_once(typed, &hooks, &last, &answer))
		sleep(1);
	json_decref(last);
	if (answer.error[0])
		say_error(typed->json, answer.status, "%s", answer.error);
	return answer.status;
}
