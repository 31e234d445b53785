/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NATD_CLOCK_H
#define NATD_CLOCK_H

#include <stdint.h>

/* CLOCK_BOOTTIME in milliseconds: goes on while the host sleeps, is never set. */
int64_t natd_now(void);

/* The earlier of two deadlines; 0 is none. */
int64_t clock_sooner(int64_t a, int64_t b);

#endif
