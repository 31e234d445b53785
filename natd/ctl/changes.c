/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/changes.h"

#include <stdbool.h>
#include <string.h>

#include "natd/ctl/members.h"

static const struct {
	const char *event;
	const char *member;
	const char *old;
} addresses[] = {
	{ "wan-changed", "wan_address", "old_wan_address" },
	{ "host-changed", "host_address", "old_host_address" },
};

/* An address that is not known for a while is no change: the last one is still true. */
static void compare_address(json_t *events, const json_t *before, const json_t *after, size_t which)
{
	const char *member = addresses[which].member;
	const char *address = text_of(after, member);

	if (*address && strcmp(address, text_of(before, member)) != 0)
		json_array_append_new(events,
				      json_pack("{s:s, s:s, s:o}", "event", addresses[which].event,
						member, address, addresses[which].old,
						copy_of(before, member)));
}

/* The forward that `like` is, in `snapshot`; NULL where there is none. */
static const json_t *find_forward(const json_t *snapshot, const json_t *like)
{
	const json_t *forward;
	size_t i;

	json_array_foreach(json_object_get(snapshot, "forwards"), i, forward)
		if (strcmp(text_of(forward, "protocol"), text_of(like, "protocol")) == 0 &&
		    json_equal(json_object_get(forward, "port"), json_object_get(like, "port")))
			return forward;
	return NULL;
}

static bool is_open(const json_t *forward)
{
	return json_is_true(json_object_get(forward, "open"));
}

static json_t *forward_event(const char *name, const json_t *forward)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "event", name, "name",
			 copy_of(forward, "name"), "protocol", copy_of(forward, "protocol"), "port",
			 copy_of(forward, "port"), "external_port",
			 copy_of(forward, "external_port"));
}

static void compare_lost(json_t *events, const json_t *before, const json_t *after)
{
	const json_t *forward;
	size_t i;

	json_array_foreach(json_object_get(before, "forwards"), i, forward)
		if (is_open(forward) && !is_open(find_forward(after, forward)))
			json_array_append_new(events, forward_event("mapping-lost", forward));
}

static void compare_opened(json_t *events, const json_t *before, const json_t *after)
{
	const json_t *forward;
	size_t i;

	json_array_foreach(json_object_get(after, "forwards"), i, forward) {
		const json_t *old = find_forward(before, forward);
		json_t *event;

		if (is_open(forward) && !is_open(old))
			json_array_append_new(events, forward_event("mapping-opened", forward));
		if (!is_open(forward) || !is_open(old) ||
		    json_equal(json_object_get(forward, "external_port"),
			       json_object_get(old, "external_port")))
			continue;
		event = forward_event("port-changed", forward);
		json_object_set_new(event, "old_external_port", copy_of(old, "external_port"));
		json_array_append_new(events, event);
	}
}

static void compare_repairs(json_t *events, const json_t *before, const json_t *after)
{
	json_int_t was = 0;
	json_int_t is = 0;

	number_of(before, "repairs", &was);
	number_of(after, "repairs", &is);
	if (is > was)
		json_array_append_new(events, json_pack("{s:s, s:I, s:o}", "event",
							"rules-repaired", "repairs", is, "program",
							copy_of(after, "program")));
}

/* A natd that has just started does not know yet: that is no change. */
static void compare_name(json_t *events, const json_t *before, const json_t *after)
{
	const json_t *was = json_object_get(before, "name");
	const json_t *is = json_object_get(after, "name");
	bool stale = json_is_true(json_object_get(is, "stale"));

	if (json_is_object(is) && json_is_true(json_object_get(was, "stale")) != stale &&
	    (stale || json_array_size(json_object_get(is, "addresses")) > 0))
		json_array_append_new(events, json_pack("{s:s, s:o, s:o, s:o}", "event",
							stale ? "name-stale" : "name-right", "name",
							copy_of(is, "name"), "addresses",
							copy_of(is, "addresses"), "wan_address",
							copy_of(after, "wan_address")));
}

void changes_remember(const json_t *before, json_t *after)
{
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		if (!*text_of(after, addresses[i].member))
			json_object_set_new(after, addresses[i].member,
					    copy_of(before, addresses[i].member));
}

json_t *changes_between(const json_t *before, const json_t *after)
{
	json_t *events = json_array();

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		compare_address(events, before, after, i);
	compare_lost(events, before, after);
	compare_opened(events, before, after);
	compare_repairs(events, before, after);
	compare_name(events, before, after);
	return events;
}
