/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/tries.h"

void tries_start(struct tries *tries)
{
	*tries = (struct tries){ .active = true };
}

void tries_step(struct tries *tries, int64_t now)
{
	tries->next_us = now + (TRY_FIRST_US << tries->count);
	tries->count++;
}
