/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define BOOT_PATH "/proc/sys/kernel/random/boot_id" /* random(4) */

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

const char *natd_boot(void)
{
	static char boot[64];
	FILE *file = boot[0] ? NULL : fopen(BOOT_PATH, "re");

	if (!file)
		return boot;
	if (!fgets(boot, sizeof(boot), file))
		boot[0] = '\0';
	boot[strcspn(boot, "\n")] = '\0';
	fclose(file);
	return boot;
}
