/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hooks: the programs of a directory, run for each event. They run as whoever runs natctl, never in
 * natd. */
#ifndef NATD_CTL_HOOKS_H
#define NATD_CTL_HOOKS_H

#include <jansson.h>
#include <stdbool.h>

/* Is it a directory whose programs may be run: nobody but its owner can write into it? If not, `error`
 * says why. */
bool hooks_are_safe(const char *directory, const char **error);

/* Runs every program in `directory` for `event`, one after the other by name, each at most a minute,
 * with NATD_EVENT, NATD_WAN4, NATD_OLD_WAN4 and NATD_EXT_PORT; `snapshot` tells what the event does
 * not. What fails is said on standard error. */
void hooks_run(const char *directory, const json_t *event, const json_t *snapshot);

#endif
