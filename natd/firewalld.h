/* SPDX-License-Identifier: GPL-2.0-or-later */
/* firewalld: gets the tunnels' packets past firewalld, through its own interface.
 *
 * firewalld keeps its table to itself, and takes orders over D-Bus from whom polkit allows:
 * natd/service has a polkit rule for natd's user, and a policy "natd" of firewalld's, which does
 * nothing by itself. natd writes rules into that policy, of firewalld's running state only, which
 * accept what comes from the tunnels' networks and is forwarded; zones and their ports stay as they
 * are. */
#ifndef NATD_FIREWALLD_H
#define NATD_FIREWALLD_H

#include <event2/event.h>
#include <stdbool.h>

#include "natd/address.h"
#include "natd/bus.h"
#include "natd/config.h"
#include "natd/firewalld_zone.h"

#define FIREWALLD_NAME "org.fedoraproject.FirewallD1"
#define FIREWALLD_PATH "/org/fedoraproject/FirewallD1"

#define FIREWALLD_NETWORKS_MAX (CONFIG_TUNNELS_MAX * CONFIG_NETWORKS_MAX)

/* The D-Bus specification: a name has at most 255 bytes. */
#define FIREWALLD_OWNER_MAX 256

struct firewalld {
	struct event_base *base;
	const struct bus_calls *sd; /* NULL: not loaded */
	struct event *event;        /* of the bus; NULL: not connected */
	sd_bus *bus;
	bool wanted; /* natd.conf: coexist */
	struct prefix networks[FIREWALLD_NETWORKS_MAX];
	size_t network_count;
	struct firewalld_zone zone;
	bool lets_through;               /* firewalld has taken the last order */
	bool said;                       /* why it has not, in the log */
	bool ordered;                    /* it has an order to do */
	bool outdated;                   /* that order: another has to follow */
	char owner[FIREWALLD_OWNER_MAX]; /* firewalld's own name on the bus; "": not known */
	int64_t asked_at;                /* natd_now() of the last order */
};

/* Once, before the sandbox closes: makes ready what speaks D-Bus, if this host has firewalld. */
void firewalld_prepare(struct firewalld *firewalld);

/* The tunnels whose packets it shall let through, by name. */
void firewalld_tunnels(struct firewalld *firewalld, const char (*names)[IF_NAMESIZE], size_t count);

/* What it shall let through. Orders it where it is known to run. */
void firewalld_want(struct firewalld *firewalld, bool coexist, const struct prefix *networks,
		    size_t count);

/* Its table was seen: from now on natd speaks with it, and hears when it reloads. An order that it
 * refused is given again, now and then. */
void firewalld_seen(struct firewalld *firewalld);

/* natd stops: takes its rules back, and waits for that a little. */
void firewalld_leave(struct firewalld *firewalld);

#endif
