/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/epoch.h"

#include <time.h>

#define SECOND_US 1000000

/* So long after what a loss had asked for, another one is by itself again. */
#define LOSSES_APART_US (60 * SECOND_US)
#define SECOND_DELAY_MS 5000

int64_t epoch_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

static struct upnp_epoch replace(struct upnp_epoch *epoch, uint32_t server, int64_t now_us)
{
	struct upnp_epoch before = *epoch;

	*epoch = (struct upnp_epoch){ .known = true, .server = server, .heard_us = now_us };
	return before;
}

/* Microseconds until the comparison: whole seconds would add an error of one to each side. */
bool epoch_take_pcp(struct upnp_epoch *epoch, uint32_t server, int64_t now_us)
{
	struct upnp_epoch before = replace(epoch, server, now_us);
	int64_t server_delta = ((int64_t)server - before.server) * SECOND_US;
	int64_t client_delta = now_us - before.heard_us;

	if (!before.known)
		return true;
	/* One second back may be two answers that met on the way. */
	if (server_delta < -SECOND_US)
		return false;
	if (before.undated)
		return true;
	return client_delta + 2 * SECOND_US >= server_delta - server_delta / 16 &&
	       server_delta + 2 * SECOND_US >= client_delta - client_delta / 16;
}

bool epoch_take_natpmp(struct upnp_epoch *epoch, uint32_t server, int64_t now_us)
{
	struct upnp_epoch before = replace(epoch, server, now_us);
	int64_t passed = before.undated ? 0 : now_us - before.heard_us;
	int64_t least = (int64_t)before.server * SECOND_US + passed / 8 * 7;

	return !before.known || (int64_t)server * SECOND_US >= least - 2 * SECOND_US;
}

static uint16_t longer(uint16_t delay_ms)
{
	unsigned int longer_ms = delay_ms ? 2U * delay_ms : SECOND_DELAY_MS;

	return (uint16_t)(longer_ms < UPNP_DELAY_MAX ? longer_ms : UPNP_DELAY_MAX);
}

uint16_t epoch_loss_delay(struct epoch_losses *losses, int64_t now_us)
{
	int64_t due_us = losses->told_us + (int64_t)losses->delay_ms * 1000;

	/* What the last one waits for serves this one as well. */
	if (losses->any && now_us < due_us)
		return (uint16_t)((due_us - now_us + 999) / 1000);
	*losses = (struct epoch_losses){
		.any = true,
		.told_us = now_us,
		.delay_ms = losses->any && now_us - due_us < LOSSES_APART_US
				    ? longer(losses->delay_ms)
				    : 0,
	};
	return losses->delay_ms;
}
