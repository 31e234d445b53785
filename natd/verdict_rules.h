/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verdict_rules: what the verdict says of the kernel's tables: natd's rules, which another program keeps
 * changing, and the connections and ports, which run out. A pair per cause: does it hold, and what to say. */
#ifndef NATD_VERDICT_RULES_H
#define NATD_VERDICT_RULES_H

#include <stdbool.h>

#include "natd/verdict.h"

/* The rules are out of force until natd's next turn. */
bool verdict_is_suppressed(const struct facts *facts);
void verdict_say_suppressed(const struct facts *facts, struct verdict *verdict);

bool verdict_is_contested(const struct facts *facts);
void verdict_say_contested(const struct facts *facts, struct verdict *verdict);

/* The kernel's table of connections is nearly full: new ones will be dropped. */
bool verdict_is_crowded(const struct facts *facts);
void verdict_say_crowded(const struct facts *facts, struct verdict *verdict);

/* Hardly a port of an egress address is left towards one server. */
bool verdict_is_exhausted(const struct facts *facts);
void verdict_say_exhausted(const struct facts *facts, struct verdict *verdict);

#endif
