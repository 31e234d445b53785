/* SPDX-License-Identifier: GPL-2.0-or-later */
/* name_watch: has the name of natd.conf looked up by upnp, when name.h says that it is time. */
#ifndef NATD_NAME_WATCH_H
#define NATD_NAME_WATCH_H

#include "natd/natd.h"

/* Before the loop: takes over the address of the run before, and makes its timer. */
void name_watch_start(struct natd *natd);

/* The configuration is (again) what it is: the name is asked afresh. */
void name_watch_configured(struct natd *natd);

/* The router, or this host's address, may be another. */
void name_watch_touched(struct natd *natd);

/* Who is to be asked for a name. Where resolv.conf cannot be read any more, those of the last time; if
 * there never were any, the router, which answers for the names of the whole world in nearly every home. */
void name_watch_resolvers(struct natd *natd, struct upnp_lookup *lookup);

/* Takes upnp's answer. Fatal on one that our own build cannot send. */
void name_watch_answered(struct natd *natd, const struct upnp_resolved *resolved);

#endif
