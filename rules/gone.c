/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/gone.h"

#include <string.h>

struct judge {
	const struct rules_prefix *address;
	const struct set *set;
};

/* What leaves with the address, and is a client's. */
static bool is_wrong(const struct flow *flow, void *context)
{
	const struct judge *judge = context;
	size_t bytes = range_bytes(flow->family);

	return flow->family == judge->address->family &&
	       memcmp(flow->as, &judge->address->v6, bytes) == 0 &&
	       memcmp(flow->from, flow->as, bytes) != 0 &&
	       networks_way_from(&judge->set->networks, flow->family, flow->from);
}

static void begin(struct gone *gone)
{
	const struct rules_prefix *address = &gone->addresses[0];
	struct conntrack_filter filter = { .family = address->family };

	if (address->family == AF_INET)
		filter.as = address->v4;
	conntrack_dump(&gone->conntrack, &filter);
}

static bool is_waiting(const struct gone *gone, const struct rules_prefix *address)
{
	for (uint32_t i = 0; i < gone->count; i++)
		if (gone->addresses[i].family == address->family &&
		    range_same_prefix(&gone->addresses[i], address))
			return true;
	return false;
}

void gone_add(struct gone *gone, const struct rules_prefix *address)
{
	if (gone->count == GONE_MAX || is_waiting(gone, address))
		return;
	gone->addresses[gone->count++] = *address;
	if (gone->runs)
		return;
	gone->runs = true;
	gone->deleted = 0;
	conntrack_open(&gone->conntrack);
	begin(gone);
}

int gone_descriptor(const struct gone *gone)
{
	return conntrack_descriptor(&gone->conntrack);
}

bool gone_step(struct gone *gone, const struct set *set)
{
	struct judge judge = { &gone->addresses[0], set };

	gone->deleted += conntrack_read(&gone->conntrack, is_wrong, &judge);
	if (gone->conntrack.dumping)
		return false;
	memmove(gone->addresses, gone->addresses + 1, --gone->count * sizeof(gone->addresses[0]));
	if (gone->count) {
		begin(gone);
		return false;
	}
	conntrack_close(&gone->conntrack);
	gone->runs = false;
	return true;
}
