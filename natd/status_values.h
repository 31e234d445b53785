/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status_values: single values of the status as JSON; each returns a new reference. */
#ifndef NATD_STATUS_VALUES_H
#define NATD_STATUS_VALUES_H

#include <jansson.h>
#include <stdint.h>

#include "natd/address.h"

/* A string, or null for an empty one. */
static inline json_t *text_or_null(const char *text)
{
	return text[0] ? json_string(text) : json_null();
}

static inline json_t *address_or_null(const struct address *address)
{
	char text[ADDRESS_TEXT_MAX];

	return text_or_null(address_print(address, text));
}

static inline json_t *v4_or_null(struct in_addr v4)
{
	struct address address = address_v4(v4);

	return address_or_null(&address);
}

static inline json_t *port_or_null(uint16_t port)
{
	return port ? json_integer(port) : json_null();
}

/* Whole seconds from now until `at`, null where there is no such time. */
static inline json_t *seconds_until(int64_t at, int64_t now)
{
	return at ? json_integer(at > now ? (at - now) / 1000 : 0) : json_null();
}

/* Whole seconds; null: never, as far as anybody remembers. */
static inline json_t *ago_or_null(int64_t ms)
{
	return ms >= 0 ? json_integer(ms / 1000) : json_null();
}

#endif
