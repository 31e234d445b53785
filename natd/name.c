/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/name.h"

#include <stdio.h>
#include <string.h>

/* A name that is right is looked at once an hour; one that is not, after these, and then as after the
 * last. No more than six in the first hour. Seconds. */
#define CHECK_SECONDS 3600
static const uint32_t recheck_seconds[] = { 60, 300, 900 };

/* upnp gives up well before. What it forgot because the network changed is asked again. */
#define ANSWER_SECONDS 60

void name_want(struct name *name, const char *wanted, int64_t now)
{
	if (strcmp(name->name, wanted) != 0) {
		*name = (struct name){ .wan = name->wan,
				       .wan_known = name->wan_known,
				       .wan_changed_at = name->wan_changed_at,
				       .id = name->id };
		snprintf(name->name, sizeof(name->name), "%s", wanted);
	}
	name->checks = 0;
	name->check_at = wanted[0] ? now : 0;
}

void name_wan_is(struct name *name, struct in_addr wan, int64_t now)
{
	bool was_known = name->wan_known;
	bool moved = wan.s_addr && wan.s_addr != name->wan.s_addr;

	name->wan_known = wan.s_addr != 0;
	if (moved && name->wan.s_addr)
		name->wan_changed_at = now;
	if (moved)
		name->wan = wan;
	if (name->name[0] && name->wan_known && (moved || !was_known))
		name_want(name, name->name, now);
}

bool name_ask(struct name *name, struct upnp_lookup *lookup, int64_t now)
{
	if (name->asked_at && now - name->asked_at >= ANSWER_SECONDS * 1000)
		name->asked_at = 0;
	if (!name->check_at || name->check_at > now)
		return false;
	name->asked_at = now;
	name->check_at = now + ANSWER_SECONDS * 1000;
	*lookup = (struct upnp_lookup){ .id = ++name->id };
	memcpy(lookup->name, name->name, sizeof(lookup->name));
	return true;
}

bool name_answer_is_sound(const struct upnp_resolved *resolved)
{
	return resolved->result < UPNP_NAME_RESULTS && resolved->count <= UPNP_ADDRESSES_MAX &&
	       (resolved->result == UPNP_NAME_KNOWN) == (resolved->count > 0) &&
	       memchr(resolved->said, '\0', sizeof(resolved->said));
}

static struct address address_of(const struct in6_addr *mapped)
{
	struct in_addr v4;

	if (!IN6_IS_ADDR_V4MAPPED(mapped))
		return (struct address){ .family = AF_INET6, .v6 = *mapped };
	memcpy(&v4, mapped->s6_addr + 12, sizeof(v4));
	return address_v4(v4);
}

/* IPv4 only: which IPv6 addresses are ours may change any time. */
static bool is_wrong(const struct name *name)
{
	if (name->result == UPNP_NAME_MISSING)
		return true;
	for (size_t i = 0; i < name->count && name->wan_known; i++)
		if (name->addresses[i].family == AF_INET &&
		    name->addresses[i].v4.s_addr != name->wan.s_addr)
			return true;
	return false;
}

static uint32_t at_most(uint32_t value, uint32_t most)
{
	return value < most ? value : most;
}

static void plan_next(struct name *name, bool well, int64_t now)
{
	size_t last = sizeof(recheck_seconds) / sizeof(recheck_seconds[0]) - 1;
	uint32_t wait = recheck_seconds[name->checks < last ? name->checks : last];

	if (well) {
		name->checks = 0;
		wait = CHECK_SECONDS;
	} else {
		name->checks++;
		/* Until then the resolver says the same again. */
		if (wait < at_most(name->ttl, recheck_seconds[last]))
			wait = at_most(name->ttl, recheck_seconds[last]);
	}
	name->check_at = now + (int64_t)wait * 1000;
}

void name_answer(struct name *name, const struct upnp_resolved *resolved, int64_t now)
{
	if (resolved->id != name->id || !name->asked_at)
		return;
	name->asked_at = 0;
	memcpy(name->said, resolved->said, sizeof(name->said));
	if (resolved->result == UPNP_NAME_UNANSWERED) {
		plan_next(name, false, now); /* the last answer is still the best */
		return;
	}
	name->answered = true;
	name->answered_at = now;
	name->result = resolved->result;
	name->ttl = resolved->ttl;
	name->count = resolved->count;
	for (size_t i = 0; i < name->count; i++)
		name->addresses[i] = address_of(&resolved->addresses[i]);
	if (!is_wrong(name))
		name->wrong_since = 0;
	else if (!name->wrong_since)
		name->wrong_since = now;
	plan_next(name, !is_wrong(name), now);
}

int64_t name_deadline(const struct name *name)
{
	return name->check_at;
}

enum name_match name_matches(const struct name *name, const struct network *network)
{
	bool judged = false;
	bool elsewhere6 = false;

	if (!name->answered)
		return NAME_UNKNOWN;
	if (is_wrong(name))
		return name->result == UPNP_NAME_MISSING ? NAME_MISSING : NAME_ELSEWHERE;
	for (size_t i = 0; i < name->count; i++) {
		const struct address *address = &name->addresses[i];

		judged |= address->family == AF_INET6 || name->wan_known;
		elsewhere6 |= address->family == AF_INET6 && !network_is_local(network, address);
	}
	if (elsewhere6)
		return NAME_ELSEWHERE6;
	return judged ? NAME_RIGHT : NAME_UNKNOWN;
}

bool name_is_stale(const struct name *name)
{
	int64_t grace = (NAME_GRACE_SECONDS + (int64_t)at_most(name->ttl, NAME_TTL_MAX)) * 1000;

	return name->answered && is_wrong(name) &&
	       (!name->wan_changed_at || name->answered_at >= name->wan_changed_at + grace);
}
