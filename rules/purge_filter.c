/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/purge_filter.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <string.h>

static uint8_t family_of(unsigned int families)
{
	static const uint8_t dumps[] = { [1] = AF_INET, [2] = AF_INET6, [3] = AF_UNSPEC };

	return dumps[families];
}

static const struct way *way_of(const struct networks *networks, const struct rules_prefix *network)
{
	for (uint32_t i = 0; i < networks->count; i++)
		if (networks->items[i].prefix.family == network->family &&
		    range_same_prefix(&networks->items[i].prefix, network))
			return networks_way(networks, &networks->items[i]);
	return NULL;
}

/* One client's connections have its address; those of a network the address with which all left. */
static void narrow_to_network(struct conntrack_filter *filter, const struct set *before,
			      const struct rules_prefix *network)
{
	const struct way *way = way_of(&before->networks, network);

	filter->family = network->family;
	if (network->family != AF_INET)
		return; /* conntrack.h */
	if (network->length == 32)
		filter->from = network->v4;
	else if (way && way->egress == RULES_EGRESS_ADDRESS)
		memcpy(&filter->as, way->first, sizeof(filter->as));
}

static void narrow_to_publish(struct conntrack_filter *filter, const struct rules_publish *publish)
{
	filter->family = publish->to.family;
	filter->protocol = publish->protocol;
	if (publish->port == publish->last)
		filter->port = publish->port;
}

static void narrow(struct conntrack_filter *filter, const struct set *before, const struct set *now)
{
	bool same_networks = networks_same(&before->networks, &now->networks, AF_INET) &&
			     networks_same(&before->networks, &now->networks, AF_INET6);
	bool same_published = publishes_same(&before->published, &now->published);
	const struct rules_prefix *network = networks_difference(&before->networks, &now->networks);
	const struct rules_publish *publish =
		publishes_difference(&before->published, &now->published);

	if (network && same_published)
		narrow_to_network(filter, before, network);
	if (publish && same_networks)
		narrow_to_publish(filter, publish);
}

struct conntrack_filter purge_filter(const struct set *before, size_t count, const struct set *now,
				     unsigned int families)
{
	struct conntrack_filter filter = { .family = family_of(families) };

	if (count == 1)
		narrow(&filter, before, now);
	return filter;
}

static bool has_fixed_way(const struct networks *networks)
{
	uint32_t i = 0;

	while (i < networks->ways.count && !way_is_fixed(&networks->ways.items[i]))
		i++;
	return i < networks->ways.count;
}

struct conntrack_filter purge_filter_gap(const struct set *now, unsigned int families)
{
	struct conntrack_filter filter = { .family = family_of(families) };

	if (!has_fixed_way(&now->networks))
		filter.status_mask = IPS_SRC_NAT | (now->published.count ? 0 : IPS_DST_NAT);
	return filter;
}
