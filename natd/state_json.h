/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state_json: between what natd knows and what stands in the state file; only for state.c. */
#ifndef NATD_STATE_JSON_H
#define NATD_STATE_JSON_H

#include <jansson.h>

#include "natd/state.h"

#define STATE_VERSION 1

/* A new reference; NULL: no memory. */
json_t *state_to_json(const struct engine *engine, const struct engine *outer,
		      const struct pinholes *pinholes, const struct sysctls *sysctls);

/* Keeps what is sound. NULL, or a new reference to the first thing that is not. */
json_t *state_restore(json_t *state, struct engine *engine, struct engine *outer,
		      struct pinholes *pinholes, struct sysctls *sysctls);

#endif
