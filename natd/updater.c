/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/updater.h"

#include <stddef.h>
#include <unistd.h>

/* A service of systemd has this folder as long as it runs; the others leave the number of their
 * process in a file. */
static const struct {
	const char *program;
	const char *installed[2];
	const char *runs[3];
} updaters[] = {
	{ "ddclient",
	  { "/usr/sbin/ddclient", "/usr/bin/ddclient" },
	  { "/sys/fs/cgroup/system.slice/ddclient.service", "/run/ddclient.pid",
	    "/run/ddclient/ddclient.pid" } },
	{ "inadyn",
	  { "/usr/sbin/inadyn", "/usr/local/sbin/inadyn" },
	  { "/sys/fs/cgroup/system.slice/inadyn.service", "/run/inadyn.pid",
	    "/run/inadyn/inadyn.pid" } },
};

static bool any_is_there(const char *const *paths, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (access(paths[i], F_OK) == 0)
			return true;
	return false;
}

struct updater updater_find(void)
{
	struct updater found = { UPDATER_NONE, NULL };

	for (size_t i = 0; i < sizeof(updaters) / sizeof(updaters[0]); i++) {
		if (any_is_there(updaters[i].runs, 3))
			return (struct updater){ UPDATER_RUNS, updaters[i].program };
		if (!found.program && any_is_there(updaters[i].installed, 2))
			found = (struct updater){ UPDATER_STOPPED, updaters[i].program };
	}
	return found;
}
