/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loop: what happens when something happens. One function per source of events. */
#ifndef NATD_LOOP_H
#define NATD_LOOP_H

#include "natd/natd.h"

/* The engine's hooks: questions go to upnp, forwards to the state file. Context: struct natd. */
extern const struct engine_hooks loop_engine_hooks; /* the home router's */
extern const struct engine_hooks loop_outer_hooks;  /* the one before it */

/* Reads the network and asks the router, if there is one. Called once before the loop, so that the
 * first question leaves before anything that can wait. */
void loop_first_look(struct natd *natd);

/* libevent's part of it. Fatal without memory. */
struct event_base *loop_base(void);

/* Registers every source of events. Fatal without memory. */
void loop_start(struct natd *natd);

/* Runs until natd is to stop; the mappings and rules are then removed. Returns the exit status. */
int loop_run(struct natd *natd);

/* Looks at the network again and does what follows. */
void loop_look(struct natd *natd);

/* The same, and whether a port that another had is free. */
void loop_look_afresh(struct natd *natd);

/* Takes over a configuration that config_read() has made, and acts on it. */
void loop_configure(struct natd *natd, const struct config *config);

/* Reads natd.conf again and acts on it. `asked` ends the log's line: who wanted it. Stores whether
 * there is such a file. False: nothing changes, `error` is one line for the person who asked. */
bool loop_reload(struct natd *natd, const char *asked, bool *exists, char error[CONFIG_ERROR_MAX]);

/* Writes the state file, and waits for the disk. Context: struct natd. */
void loop_save(void *context);

/* Starts a timer, or starts it anew; it ends at once where `ms` is not above 0. */
void loop_timer(struct event *timer, int64_t ms);

/* After the engine was given something to do from outside the loop (natctl). */
void loop_engine_touched(struct natd *natd);

#endif
