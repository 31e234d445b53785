/* SPDX-License-Identifier: GPL-2.0-or-later */
/* updater: the dynamic DNS program on this host that ought to keep the name right. */
#ifndef NATD_UPDATER_H
#define NATD_UPDATER_H

#include <stdbool.h>

enum updater_state { UPDATER_NONE, UPDATER_STOPPED, UPDATER_RUNS };

struct updater {
	enum updater_state state; /* UPDATER_NONE: no known one is installed */
	const char *program;      /* "ddclient"; a static string */
};

/* Looks for the signs of each: no process list, which a service does not see (ProtectProc). */
struct updater updater_find(void);

#endif
