/* SPDX-License-Identifier: GPL-2.0-or-later */
/* contest: how often a table is repaired that another program keeps changing.
 *
 * The first repairs are immediate: somebody loads his firewall again, and once more. Each next one that
 * follows soon waits twice as long, so that two programs which undo each other's work do not keep a
 * processor busy. */
#ifndef RULES_CONTEST_H
#define RULES_CONTEST_H

#include <stdint.h>

#define CONTEST_AT_ONCE  3 /* repairs with no wait, until there is calm */
#define CONTEST_FIRST_MS 100
#define CONTEST_MAX_MS   30000
#define CONTEST_CALM_MS  10000 /* after this long without a repair it is over */

struct contest {
	int64_t repaired_ms; /* monotonic; when the table was last repaired */
	int64_t wait_ms;     /* before the next one */
	uint32_t repairs;    /* since there was calm */
};

/* When the table may be repaired that was found changed at `now_ms`: then or later. */
int64_t contest_when(const struct contest *contest, int64_t now_ms);
void contest_repaired(struct contest *contest, int64_t now_ms);

#endif
