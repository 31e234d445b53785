/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/seen.h"

#include <time.h>

#include "rules/rules.h"

int64_t seen_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t seen_ago(int64_t seen_ms)
{
	int64_t ago = seen_now() - seen_ms;

	if (!seen_ms || ago > RULES_SEEN_MS)
		return -1;
	return ago > 0 ? ago : 0;
}
