/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/lease.h"

#include <sys/random.h>

#include "natd/log.h"

int64_t lease_renew_after(uint32_t lifetime)
{
	int64_t half = (int64_t)lifetime * 1000 / 2;
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		log_debug("no random number: renewed at half the lifetime");
	return half + half / 4 * (random % 1024) / 1024;
}
