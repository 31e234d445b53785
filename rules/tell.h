/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tell: what rules says to natd. */
#ifndef RULES_TELL_H
#define RULES_TELL_H

#include "rules/rules.h"
#include "rules/set.h"

/* A report without what the stack held before. */
struct rules_report tell_new(enum rules_report_what what, uint32_t generation);

/* Sends it to `natd`, a socket; ends the process where natd has gone. */
void tell(int natd, const struct rules_report *said);

/* The counters that `set` holds, each a report. */
void tell_counts(int natd, const struct set *set, uint32_t generation);

/* The last counter, and that it was the last. */
void tell_counted(int natd, const struct rules_crowd *fullest, uint32_t generation);

_Noreturn void tell_is_over(void);

#endif
