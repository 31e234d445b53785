/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/asking.h"

#include <string.h>

/* SSDP answers within MX (1 s), then six round trips: a UPnP that is preferred gets this long before
 * a lesser protocol writes. PCP and NAT-PMP answer in one round trip or not at all. */
#define ASKING_PREFERRED_UPNP_US 1500000

void asking_reset(struct asking *asking, const uint8_t *order, uint8_t count)
{
	memset(asking, 0, sizeof(*asking));
	memcpy(asking->order, order, count);
	asking->count = count;
	asking->writer = UPNP_ANY;
}

void asking_begin(struct asking *asking, bool all, int64_t now_us)
{
	for (uint8_t i = 0; i < asking->count; i++) {
		uint8_t *state = &asking->state[asking->order[i]];

		if (*state == UPNP_ASKING || (*state == UPNP_OK && !all))
			continue;
		*state = UPNP_ASKING;
		asking->began_us = now_us;
	}
	asking->began = true;
}

/* One that is known to work writes; there is nothing to presume then. */
static bool any_works(const struct asking *asking)
{
	return memchr(asking->state, UPNP_OK, sizeof(asking->state)) != NULL;
}

uint8_t asking_presumed(const struct asking *asking)
{
	if (asking->writer != UPNP_ANY || asking->count == 0 || asking->order[0] == UPNP_IGD ||
	    asking->state[asking->order[0]] != UPNP_ASKING || any_works(asking))
		return UPNP_ANY;
	return asking->order[0];
}

bool asking_told(struct asking *asking, uint8_t protocol, uint8_t state)
{
	if (asking->state[protocol] == state)
		return false;
	asking->state[protocol] = state;
	if (protocol == asking->writer && state != UPNP_OK && state != UPNP_ASKING)
		asking->writer = UPNP_ANY;
	return true;
}

/* Is this one worth waiting for before one that is less preferred writes? */
static bool worth_waiting(const struct asking *asking, uint8_t protocol)
{
	return protocol == UPNP_IGD && asking->state[protocol] == UPNP_ASKING;
}

uint8_t asking_choose(struct asking *asking, int64_t now_us)
{
	bool patient = now_us < asking->began_us + ASKING_PREFERRED_UPNP_US;

	if (!asking->began)
		return UPNP_ANY;
	for (uint8_t i = 0; asking->writer == UPNP_ANY && i < asking->count; i++) {
		if (asking->state[asking->order[i]] == UPNP_OK)
			asking->writer = asking->order[i];
		else if (patient && worth_waiting(asking, asking->order[i]))
			break;
	}
	return asking->writer;
}

int64_t asking_wakes_us(const struct asking *asking)
{
	bool waiting = false;

	if (!asking->began || asking->writer != UPNP_ANY)
		return ASKING_NEVER;
	for (uint8_t i = 0; i < asking->count; i++) {
		if (asking->state[asking->order[i]] == UPNP_OK && waiting)
			return asking->began_us + ASKING_PREFERRED_UPNP_US;
		waiting = waiting || worth_waiting(asking, asking->order[i]);
	}
	return ASKING_NEVER;
}

void asking_drop(struct asking *asking, uint8_t protocol)
{
	uint8_t *at = memchr(asking->order, protocol, asking->count);

	if (at)
		memmove(at, at + 1, (size_t)(asking->order + asking->count-- - (at + 1)));
}

bool asking_over(const struct asking *asking)
{
	for (uint8_t i = 0; i < asking->count; i++)
		if (asking->state[asking->order[i]] == UPNP_ASKING)
			return false;
	return asking->began;
}
