/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/lease.h"

#include <sys/random.h>

#include "natd/log.h"

/* A mapping for ever does not survive the router's own reboot everywhere: ask again now and then. */
#define PERMANENT_SECONDS 3600

static int64_t half_of(uint32_t lifetime)
{
	return (int64_t)(lifetime ? lifetime : PERMANENT_SECONDS) * 1000 / 2;
}

int64_t lease_renew_after(uint32_t lifetime)
{
	int64_t half = half_of(lifetime);
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		log_debug("no random number: renewed at half the lifetime");
	return half + half / 4 * (random % 1024) / 1024;
}

bool lease_may_renew(int64_t granted_at, uint32_t lifetime, int64_t now)
{
	return now - granted_at >= half_of(lifetime);
}
