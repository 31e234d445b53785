/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/recognise.h"

#include <stdbool.h>
#include <string.h>

#include "natd/ctl/members.h"

static bool holds_part(const char *text, const char *part)
{
	return strcasestr(text, part) != NULL;
}

static bool begins_with(const char *text, const char *part)
{
	return strncasecmp(text, part, strlen(part)) == 0;
}

static bool is_the_same(const char *text, const char *part)
{
	return strcmp(text, part) == 0;
}

/* The most reliable first. Many makers use the same few addresses, and those who build routers for
 * others put their own network cards into them: where several fit, only the address may decide. */
static const struct sign {
	const char *by;   /* the key in routers.conf */
	const char *fact; /* the member of "router" */
	bool (*fits)(const char *text, const char *part);
	bool alone; /* says something only if no other router has it */
} signs[] = {
	{ "model", "model", holds_part, false }, { "server", "server", holds_part, false },
	{ "dns", "dns", is_the_same, false },    { "title", "title", holds_part, false },
	{ "mac", "mac", begins_with, false },    { "address", "address", is_the_same, true },
};

static bool fits(const struct sign *sign, const json_t *facts, const json_t *router)
{
	const char *text = text_of(json_object_get(facts, "router"), sign->fact);
	const json_t *part;
	size_t i;

	json_array_foreach(json_object_get(router, sign->by), i, part)
		if (*text && json_is_string(part) && sign->fits(text, json_string_value(part)))
			return true;
	return false;
}

static const json_t *find(const struct sign *sign, const json_t *facts, const json_t *routers)
{
	const struct sign *address = &signs[sizeof(signs) / sizeof(signs[0]) - 1];
	const json_t *first = NULL;
	const json_t *router;
	size_t found = 0;
	size_t i;

	json_array_foreach(routers, i, router) {
		if (!fits(sign, facts, router))
			continue;
		if (!sign->alone && fits(address, facts, router))
			return router;
		if (found++ == 0)
			first = router;
	}
	return sign->alone && found > 1 ? NULL : first;
}

void recognise_router(json_t *facts, const json_t *routers)
{
	json_t *recognised = json_null();

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		const json_t *router = find(&signs[i], facts, routers);

		if (!router)
			continue;
		recognised = json_deep_copy(router);
		json_object_set_new(recognised, "by", json_string(signs[i].by));
		break;
	}
	json_object_set_new(facts, "recognised", recognised);
}
