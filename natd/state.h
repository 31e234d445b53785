/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state: what must survive a crash: nonces and mappings on the router, sysctls before natd.
 *
 * One JSON file, replaced by rename(2). A file that cannot be read is set aside as state.json.broken
 * and said, never fatal and never lost. */
#ifndef NATD_STATE_H
#define NATD_STATE_H

#include <stdbool.h>

#include "natd/engine.h"
#include "natd/pinholes.h"
#include "natd/sysctl.h"

#define STATE_DIRECTORY "/var/lib/natd"

/* Reads `directory`/state.json; what is missing or wrong is left out. Nothing is dirty where it was sound. `outer` is the engine of a second
 * router before the home router. */
void state_read(const char *directory, struct engine *engine, struct engine *outer,
		struct pinholes *pinholes, struct sysctls *sysctls);

/* Replaces the file. `lasting` also waits until the disk has it (a power cut; a crash of natd alone
 * loses nothing either way). False with a logged reason. */
bool state_write(const char *directory, const struct engine *engine, const struct engine *outer,
		 const struct pinholes *pinholes, const struct sysctls *sysctls, bool lasting);

#endif
