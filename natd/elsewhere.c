/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/elsewhere.h"

#include <string.h>

#include "natd/log.h"

static void drop(struct elsewhere *elsewhere, size_t index)
{
	elsewhere->count--;
	memmove(&elsewhere->list[index], &elsewhere->list[index + 1],
		(elsewhere->count - index) * sizeof(elsewhere->list[0]));
}

/* The oldest whose lease ends by itself, else the oldest. */
static size_t dispensable(const struct elsewhere *elsewhere)
{
	for (size_t i = 0; i < elsewhere->count; i++)
		if (elsewhere->list[i].lifetime)
			return i;
	return 0;
}

void elsewhere_keep(struct elsewhere *elsewhere, const struct forward *forward)
{
	if (elsewhere->count == UPNP_MAPPINGS_MAX)
		drop(elsewhere, dispensable(elsewhere));
	elsewhere->list[elsewhere->count++] = *forward;
}

/* What of the list is another router's. */
static size_t leave(struct elsewhere *elsewhere, struct forwards *forwards,
		    const uint8_t router[MAC_SIZE])
{
	size_t left = 0;

	for (size_t i = forwards->count; i-- > 0;) {
		struct forward *forward = &forwards->list[i];

		if (!mac_differs(forward->router, router))
			continue;
		left++;
		if (forward->state != FORWARD_CLOSING || forward->via != UPNP_ANY)
			elsewhere_keep(elsewhere, forward);
		if (forward->state == FORWARD_CLOSING)
			forwards_forget(forwards, forward);
		else
			forward_renew_identity(forward);
	}
	return left;
}

static void come_back(struct forwards *forwards, const struct forward *kept)
{
	struct forward *forward = forwards_same(forwards, &kept->wanted);
	bool wanted = forward && forward->state != FORWARD_CLOSING;

	if (wanted && forward->via != UPNP_ANY)
		return; /* it was not known in time that this is that router */
	if (!forward && !(forward = forwards_add(forwards, &kept->wanted)))
		return;
	forward_take_mapping(forward, kept);
	if (!wanted)
		forward->state = FORWARD_CLOSING;
}

bool elsewhere_swap(struct elsewhere *elsewhere, struct forwards *forwards,
		    const uint8_t router[MAC_SIZE])
{
	size_t left = leave(elsewhere, forwards, router);
	size_t back = 0;

	for (size_t i = 0; i < elsewhere->count;) {
		if (memcmp(elsewhere->list[i].router, router, MAC_SIZE) != 0) {
			i++;
			continue;
		}
		come_back(forwards, &elsewhere->list[i]);
		drop(elsewhere, i);
		back++;
	}
	if (left)
		log_info("this is another router than before; what is open on the other one is "
			 "kept for when this host is back there");
	if (back)
		log_info("this router is known: it has %zu mappings of this host", back);
	forwards->dirty |= left || back;
	return left || back;
}
