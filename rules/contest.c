/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/contest.h"

#include <stdbool.h>

static bool calm(const struct contest *contest, int64_t now_ms)
{
	return contest->repairs == 0 ||
	       now_ms - contest->repaired_ms > contest->wait_ms + CONTEST_CALM_MS;
}

int64_t contest_when(const struct contest *contest, int64_t now_ms)
{
	int64_t earliest = contest->repaired_ms + contest->wait_ms;

	return calm(contest, now_ms) || earliest < now_ms ? now_ms : earliest;
}

void contest_repaired(struct contest *contest, int64_t now_ms)
{
	contest->repairs = calm(contest, now_ms) ? 1 : contest->repairs + 1;
	if (contest->repairs < CONTEST_AT_ONCE)
		contest->wait_ms = 0;
	else if (contest->repairs == CONTEST_AT_ONCE)
		contest->wait_ms = CONTEST_FIRST_MS;
	else if (contest->wait_ms < CONTEST_MAX_MS / 2)
		contest->wait_ms *= 2;
	else
		contest->wait_ms = CONTEST_MAX_MS;
	contest->repaired_ms = now_ms;
}
