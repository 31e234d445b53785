/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "natd/log.h"
#include "natd/state_json.h"

#define PATH_SIZE 512

/* ---- writing ---- */

static bool write_text(int file, const char *text)
{
	ssize_t written = write(file, text, strlen(text));

	if (written >= 0 && written < (ssize_t)strlen(text))
		errno = ENOSPC; /* what a second write() would have said */
	return written == (ssize_t)strlen(text);
}

/* In one write: jansson's own json_dumpfd() makes a system call of each token. */
static bool write_file(const char *path, json_t *state, bool lasting)
{
	char *text = state ? json_dumps(state, JSON_INDENT(1)) : NULL;
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool good = file >= 0 && text && write_text(file, text);

	if (good && lasting)
		good = fsync(file) == 0;
	if (file >= 0)
		good = close(file) == 0 && good;
	free(text);
	return good;
}

bool state_write(const char *directory, const struct engine *engine, const struct engine *outer,
		 const struct pinholes *pinholes, const struct sysctls *sysctls, bool lasting)
{
	static bool failing; /* each renewal tries again; the user has been told */
	json_t *state = state_to_json(engine, outer, pinholes, sysctls);
	char fresh[PATH_SIZE];
	char path[PATH_SIZE];
	bool good;

	snprintf(path, sizeof(path), "%s/state.json", directory);
	snprintf(fresh, sizeof(fresh), "%s/state.json.new", directory);
	good = write_file(fresh, state, lasting) && rename(fresh, path) == 0;
	if (!good && !failing)
		log_warning("%s cannot be written (%s): after a crash natd will not know what it "
			    "has opened",
			    path, strerror(errno));
	if (good && failing)
		log_info("%s can be written again", path);
	failing = !good;
	json_decref(state);
	return good;
}

/* ---- reading ---- */

static void set_aside(const char *path, const char *why)
{
	char aside[PATH_SIZE + sizeof(".broken")];

	snprintf(aside, sizeof(aside), "%s.broken", path);
	log_warning("%s is damaged (%s): natd goes on without what it cannot read and keeps the "
		    "file as "
		    "%s",
		    path, why, aside);
	if (rename(path, aside) < 0)
		log_warning("%s cannot be set aside: %s", path, strerror(errno));
}

/* Quotes what is not natd's; takes `bad` over, NULL if all is well. */
static void set_aside_for(const char *path, json_t *bad)
{
	char *text = bad ? json_dumps(bad, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	char why[160];

	if (!bad)
		return;
	snprintf(why, sizeof(why), "natd did not write %.120s", text ? text : "this");
	set_aside(path, why);
	free(text);
	json_decref(bad);
}

void state_read(const char *directory, struct engine *engine, struct engine *outer,
		struct pinholes *pinholes, struct sysctls *sysctls)
{
	char path[PATH_SIZE];
	json_error_t error;
	json_t *bad = NULL;
	json_t *state;

	snprintf(path, sizeof(path), "%s/state.json", directory);
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return;
	state = json_load_file(path, 0, &error);
	if (!state)
		set_aside(path, error.text);
	else
		bad = state_restore(state, engine, outer, pinholes, sysctls);
	/* What was read whole need not be written again. */
	if (state && !bad)
		engine->forwards.dirty = outer->forwards.dirty = pinholes->dirty = false;
	set_aside_for(path, bad);
	json_decref(state);
}
