/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verdict_shared: what the verdict says of a line that owns only some ports (MAP-E): E22. */
#ifndef NATD_VERDICT_SHARED_H
#define NATD_VERDICT_SHARED_H

#include <stdbool.h>

#include "natd/verdict.h"

/* A port is wanted that this home does not own, and nothing is open in its place. */
bool verdict_shared_is_closed(const struct facts *facts);
void verdict_say_shared_closed(const struct facts *facts, struct verdict *verdict);

/* An owned one is open instead. */
bool verdict_shared_is_moved(const struct facts *facts);
void verdict_say_shared_moved(const struct facts *facts, struct verdict *verdict);

#endif
