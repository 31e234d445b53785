/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hooks: the programs of a directory, run for each event. They run as whoever runs natctl, never in
 * natd. */
#ifndef NATD_CTL_HOOKS_H
#define NATD_CTL_HOOKS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* A line that comes and goes (PPPoE) must not make an updater tell the provider of the name each time:
 * it would be banned. The first change is told at once, the next not before. ddclient does not tell
 * twice within 30 s either, and then sleeps for minutes: a little more than that. */
#define HOOKS_REST_MS 40000

struct hooks {
	const char *directory; /* NULL: there are none */
	int64_t told_at; /* milliseconds, when the last change of address was told; 0: never */
	char told[64];   /* the address that was told */
	json_t *event;   /* a change that waits, and what stood when it came; NULL: none */
	json_t *snapshot;
};

/* Is it a directory whose programs may be run: nobody but its owner can write into it? If not, `error`
 * says why. */
bool hooks_are_safe(const char *directory, const char **error);

/* Runs every program of the directory for `event`, one after the other by name, each at most a minute,
 * with NATD_EVENT, NATD_WAN4, NATD_OLD_WAN4 and NATD_EXT_PORT; `snapshot` tells what the event does
 * not. What fails is said on standard error. A change of address that comes too soon waits. `now` is
 * any clock's, in milliseconds, but not 0. */
void hooks_event(struct hooks *hooks, json_t *event, json_t *snapshot, int64_t now);

/* When something that waits is due; 0: nothing waits. */
int64_t hooks_deadline(const struct hooks *hooks);

/* Runs them for what is due. */
void hooks_run_due(struct hooks *hooks, int64_t now);

#endif
