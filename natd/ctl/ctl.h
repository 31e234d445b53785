/* SPDX-License-Identifier: GPL-2.0-or-later */
/* natctl: says in one screen whether the home VPN is reachable, and what to do if it is not.
 *
 * natctl.c holds the table of commands; each command is a function of what was typed that returns
 * natctl's exit status. Commands that show something split in two: the function that gets the facts
 * (from natd, or where natd does not run from this host and its router) and one that prints them,
 * which takes a FILE and JSON. */
#ifndef NATD_CTL_CTL_H
#define NATD_CTL_CTL_H

#include <stdbool.h>

/* Exit status, natctl(8). */
enum natctl_exit {
	NATCTL_WELL = 0,
	NATCTL_WARNING = 1,     /* works, but there is something to know */
	NATCTL_BROKEN = 2,      /* does not work */
	NATCTL_NOT_RUNNING = 3, /* natd is not running */
	NATCTL_NOT_KNOWN = 4,   /* not known yet */
	NATCTL_USAGE = 64,      /* wrong usage, EX_USAGE of sysexits.h */
};

/* What was typed. */
struct invocation {
	const char *socket;   /* -s */
	const char *time;     /* --for, NULL if not given */
	const char *hooks;    /* --exec, NULL if not given */
	const char *language; /* --lang, NULL if not given */
	char **arguments;     /* `count` of them, the table of commands has checked how many */
	int count;
	bool json; /* -j */
	bool ipv6; /* -6 */
	bool wait; /* --wait */
};

int command_status(const struct invocation *typed);
int command_probe(const struct invocation *typed);
int command_list(const struct invocation *typed);
int command_wan_ip(const struct invocation *typed);
int command_open(const struct invocation *typed);
int command_close(const struct invocation *typed);
int command_manual(const struct invocation *typed);
int command_metrics(const struct invocation *typed);
int command_doctor(const struct invocation *typed);
int command_test(const struct invocation *typed);
int command_why(const struct invocation *typed);
int command_watch(const struct invocation *typed);
int command_reload(const struct invocation *typed);

#endif
