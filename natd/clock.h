/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NATD_CLOCK_H
#define NATD_CLOCK_H

#include <stdint.h>

/* CLOCK_BOOTTIME in milliseconds: goes on while the host sleeps, is never set. */
int64_t natd_now(void);

/* The earlier of two deadlines; 0 is none. */
int64_t clock_sooner(int64_t a, int64_t b);

/* The kernel's name of this boot, whose clock that is; "" where it tells none. To be called once before
 * the sandbox, which hides it. */
const char *natd_boot(void);

#endif
