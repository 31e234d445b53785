/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verdict_line: what the verdict says of what is before the home router: the provider's NAT, or a
 * second router. A pair per cause: does it hold, and what to say. */
#ifndef NATD_VERDICT_LINE_H
#define NATD_VERDICT_LINE_H

#include <stdbool.h>

#include "natd/verdict.h"

bool verdict_is_cgnat(const struct facts *facts);
void verdict_say_cgnat(const struct facts *facts, struct verdict *verdict);

/* The home router does not say its WAN address; the next on the way looks like it. */
bool verdict_may_be_cgnat(const struct facts *facts);
void verdict_say_maybe_cgnat(const struct facts *facts, struct verdict *verdict);

/* The outer router forwards, the home router has to be told by hand. */
bool verdict_is_half_open(const struct facts *facts);
void verdict_say_half_open(const struct facts *facts, struct verdict *verdict);

bool verdict_is_second_router(const struct facts *facts);
void verdict_say_second_router(const struct facts *facts, struct verdict *verdict);

#endif
