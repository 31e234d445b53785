/* SPDX-License-Identifier: GPL-2.0-or-later */
/* follow: a question to natd whose answer comes line by line, as it becomes known. */
#ifndef NATD_CTL_FOLLOW_H
#define NATD_CTL_FOLLOW_H

#include <jansson.h>

#include "natd/control.h"
#include "natd/ctl/ctl.h"

/* Asks, and hands each line that natd sends to `on_line`: a JSON object whose strings are safe to print,
 * borrowed. The last one is the caller's to release. NULL, with the error said and `status` set, where
 * natd refuses, or is silent for `seconds`. */
json_t *follow_natd(const struct invocation *typed, struct control_request request, int seconds,
		    void (*on_line)(const json_t *line, void *data), void *data, int *status);

#endif
