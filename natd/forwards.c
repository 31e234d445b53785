/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/forwards.h"

#include <stdio.h>
#include <string.h>

#include "natd/nonce.h"

const char *const forward_state_names[] = {
	[FORWARD_OFF] = "off",       [FORWARD_OPENING] = "opening", [FORWARD_OPEN] = "open",
	[FORWARD_FAILED] = "failed", [FORWARD_CLOSING] = "closing",
};

const char *forward_name(const struct config_forward *forward)
{
	static char name[16];

	snprintf(name, sizeof(name), "%s %u", forward->protocol == IPPROTO_UDP ? "udp" : "tcp",
		 forward->port);
	return name;
}

struct forward *forwards_add(struct forwards *forwards, const struct config_forward *wanted)
{
	struct forward *forward;

	if (forwards->count == UPNP_MAPPINGS_MAX)
		return NULL;
	forward = &forwards->list[forwards->count++];
	*forward =
		(struct forward){ .id = ++forwards->next_id, .wanted = *wanted, .via = UPNP_ANY };
	nonce_make(forward->nonce);
	forwards->dirty = true;
	return forward;
}

void forward_renew_identity(struct forward *forward)
{
	nonce_make(forward->nonce);
	forward->via = UPNP_ANY;
	forward->external_port = 0;
	forward->external_address.s_addr = 0;
	forward->host.s_addr = 0;
	forward->lifetime = 0;
	memset(forward->router, 0, sizeof(forward->router));
}

void forward_take_mapping(struct forward *forward, const struct forward *from)
{
	memcpy(forward->nonce, from->nonce, sizeof(forward->nonce));
	memcpy(forward->router, from->router, sizeof(forward->router));
	forward->via = from->via;
	forward->external_port = from->external_port;
	forward->host = from->host;
	forward->lifetime = from->lifetime;
}

void forwards_forget(struct forwards *forwards, struct forward *forward)
{
	size_t index = (size_t)(forward - forwards->list);

	forwards->count--;
	memmove(forward, forward + 1, (forwards->count - index) * sizeof(*forward));
	forwards->dirty = true;
}

bool forwards_any(const struct forwards *forwards, uint8_t state)
{
	for (size_t i = 0; i < forwards->count; i++)
		if (forwards->list[i].state == state)
			return true;
	return false;
}

struct forward *forwards_by_id(struct forwards *forwards, uint32_t id)
{
	for (size_t i = 0; i < forwards->count; i++)
		if (forwards->list[i].id == id)
			return &forwards->list[i];
	return NULL;
}

struct forward *forwards_by_port(struct forwards *forwards, uint8_t protocol, uint16_t port)
{
	for (size_t i = 0; i < forwards->count; i++) {
		struct forward *forward = &forwards->list[i];

		if (forward->wanted.protocol == protocol && forward->wanted.port == port &&
		    forward->state != FORWARD_CLOSING)
			return forward;
	}
	return NULL;
}

bool forward_claims(const struct forward *forward, const struct config_forward *wanted)
{
	bool has = forward->state == FORWARD_OPEN && forward->external_port == wanted->external;

	return forward->wanted.protocol == wanted->protocol &&
	       (has || forward->wanted.external == wanted->external);
}

bool forward_may_be_held(const struct forward *forward)
{
	return forward->via != UPNP_ANY || forward->state == FORWARD_OPENING ||
	       forward->state == FORWARD_CLOSING;
}

struct forward *forwards_in_the_way(struct forwards *forwards, const struct config_forward *wanted)
{
	for (size_t i = 0; i < forwards->count; i++) {
		struct forward *forward = &forwards->list[i];

		if (forward->wanted.port != wanted->port && forward->state != FORWARD_CLOSING &&
		    forward_claims(forward, wanted))
			return forward;
	}
	return NULL;
}

bool forward_wants_same(const struct config_forward *a, const struct config_forward *b)
{
	return a->protocol == b->protocol && a->port == b->port && a->external == b->external;
}

bool forward_is_among(const struct forward *forward, const struct config_forward *forwards,
		      size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (forward_wants_same(&forwards[i], &forward->wanted))
			return true;
	return false;
}

struct forward *forwards_same(struct forwards *forwards, const struct config_forward *wanted)
{
	for (size_t i = 0; i < forwards->count; i++)
		if (forward_wants_same(&forwards->list[i].wanted, wanted))
			return &forwards->list[i];
	return NULL;
}
