/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshots: natd's snapshots (natd/snapshot.h), one at the start and one for each change. */
#ifndef NATD_CTL_SNAPSHOTS_H
#define NATD_CTL_SNAPSHOTS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "natd/ctl/client.h"

struct snapshots {
	int socket;
	char *buffer; /* what has come of the line that is not complete yet */
	size_t used;
	int64_t silent_at; /* natd_now(): the first, which natd has at hand, must be here; 0: it was */
};

enum snapshots_end {
	SNAPSHOTS_ONE,     /* one has come */
	SNAPSHOTS_NONE,    /* none, until the time was over */
	SNAPSHOTS_OVER,    /* natd has gone, or is going */
	SNAPSHOTS_REFUSED, /* it will not; why stands in `answer` */
	SNAPSHOTS_SILENT,  /* it hangs: not even the first has come; `answer` says so */
};

/* Asks for snapshots. False with `answer` filled where natd cannot be reached. */
bool snapshots_open(struct snapshots *from, const char *path, struct answer *answer);

/* Waits for the next one until `deadline` (natd_now(), 0: for ever); the caller releases it. */
enum snapshots_end snapshots_next(struct snapshots *from, int64_t deadline, json_t **snapshot,
				  struct answer *answer);

void snapshots_close(struct snapshots *from);

#endif
