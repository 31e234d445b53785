/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/clock.h"

#include <time.h>

int64_t natd_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_sooner(int64_t a, int64_t b)
{
	return !a || (b && b < a) ? b : a;
}
