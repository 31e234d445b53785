/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/purge.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "natd/log.h"
#include "rules/purge_filter.h"

/* What a connection is held against. */
struct judge {
	struct purge *purge;
	struct set *now;
};

void purge_open(struct purge *purge)
{
	*purge = (struct purge){ 0 };
	conntrack_open(&purge->conntrack);
	purge->routes = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!purge->routes || mnl_socket_bind(purge->routes, 0, MNL_SOCKET_AUTOPID) < 0)
		fatal("no netlink socket for routes: %s", strerror(errno));
}

/* The kind of the route to an address, RTN_*. */
static uint8_t route_to(const struct purge *purge, uint8_t family, const uint8_t *address)
{
	char buffer[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(message, sizeof(*route));

	message->nlmsg_type = RTM_GETROUTE;
	message->nlmsg_flags = NLM_F_REQUEST;
	route->rtm_family = family;
	route->rtm_dst_len = (uint8_t)(range_bytes(family) * 8);
	mnl_attr_put(message, RTA_DST, range_bytes(family), address);
	if (mnl_socket_sendto(purge->routes, message, message->nlmsg_len) < 0 ||
	    mnl_socket_recvfrom(purge->routes, buffer, sizeof(buffer)) <
		    (ssize_t)MNL_ALIGN(sizeof(*message) + sizeof(*route)))
		return RTN_UNSPEC;
	message = (struct nlmsghdr *)buffer;
	route = mnl_nlmsg_get_payload(message);
	return message->nlmsg_type == RTM_NEWROUTE ? route->rtm_type : RTN_UNSPEC;
}

static bool is_local(const struct purge *purge, uint8_t family, const uint8_t *address)
{
	return route_to(purge, family, address) == RTN_LOCAL;
}

/* What is for all on a link is for this host as well, and goes no further. */
static bool ends_here(const struct purge *purge, uint8_t family, const uint8_t *address)
{
	uint8_t type = route_to(purge, family, address);

	return type == RTN_LOCAL || type == RTN_BROADCAST || type == RTN_MULTICAST;
}

static bool has_address(const struct rules_prefix *prefix, const uint8_t *address)
{
	return memcmp(&prefix->v6, address, range_bytes(prefix->family)) == 0;
}

static bool keeps_source(const struct flow *flow)
{
	return memcmp(flow->from, flow->as, range_bytes(flow->family)) == 0;
}

/* Does the connection leave as `now` says? What leaves as `before` said and masquerade would choose by
 * itself cannot be told apart. What we do not translate another program may, as it did before. */
static bool leaves_well(const struct flow *flow, const struct way *now, const struct way *before)
{
	bool translated = !keeps_source(flow);

	if (!now || now->egress == RULES_EGRESS_NONE)
		return !translated || !before;
	if (now->egress == RULES_EGRESS_CLOSED)
		return false;
	if (way_is_fixed(now))
		return way_gives(now, flow->from, flow->as);
	return translated && !(before && way_gives(before, flow->from, flow->as));
}

static bool egress_is_wrong(const struct judge *judge, const struct flow *flow,
			    const struct set *set_before)
{
	const struct purge *purge = judge->purge;
	const struct networks *networks = &judge->now->networks;
	const struct way *now = networks_way_from(networks, flow->family, flow->from);
	const struct way *before =
		networks_way_from(&set_before->networks, flow->family, flow->from);

	if ((!now && !before) || (now && before && way_same(now, before)) ||
	    leaves_well(flow, now, before))
		return false;
	/* Between clients and to this host nothing is translated. */
	return !networks_way_from(networks, flow->family, flow->server) &&
	       !ends_here(purge, flow->family, flow->server);
}

/* Not of itself: who calls the client directly does not call the port of this host. */
static bool leads_to(const struct publish *publish, const struct flow *flow)
{
	return has_address(&publish->is.to, flow->server) &&
	       !has_address(&publish->is.to, flow->to) &&
	       flow->server_port == publish->is.to_port + (flow->port - publish->is.port);
}

static bool is_loopback(const struct flow *flow)
{
	static const uint8_t loopback6[16] = { [15] = 1 };

	return flow->family == AF_INET ? flow->to[0] == 127
				       : memcmp(flow->to, loopback6, sizeof(loopback6)) == 0;
}

static bool publish_is_wrong(const struct judge *judge, const struct flow *flow,
			     const struct set *set_before)
{
	const struct publish *now =
		publishes_find(&judge->now->published, flow->family, flow->protocol, flow->port);
	const struct publish *before =
		publishes_find(&set_before->published, flow->family, flow->protocol, flow->port);
	bool as_now = now && leads_to(now, flow);
	bool as_before = before && leads_to(before, flow);

	if (as_now && keeps_source(flow))
		return !now->is.keep_source;
	if (as_now)
		return now->is.keep_source && as_before && !before->is.keep_source;
	/* It began before the port was published, or when it led elsewhere. */
	return as_before ||
	       (now && !is_loopback(flow) && is_local(judge->purge, flow->family, flow->to));
}

static bool is_wrong(const struct flow *flow, void *context)
{
	const struct judge *judge = context;
	const struct purge *purge = judge->purge;

	for (size_t i = 0; i < purge->before_count; i++)
		if (egress_is_wrong(judge, flow, &purge->before[i]) ||
		    publish_is_wrong(judge, flow, &purge->before[i]))
			return true;
	return false;
}

static void forget_before(struct purge *purge)
{
	for (size_t i = 0; i < purge->before_count; i++)
		set_clear(&purge->before[i]);
	free(purge->before);
	purge->before = NULL;
	purge->before_count = 0;
}

/* Takes it over, unless one is known that translates the same. */
static void keep_before(struct purge *purge, struct set *before)
{
	for (size_t i = 0; i < purge->before_count; i++) {
		if (set_differences(&purge->before[i], before))
			continue;
		set_clear(before);
		return;
	}
	purge->before = realloc(purge->before, (purge->before_count + 1) * sizeof(*before));
	if (!purge->before)
		fatal("no memory for %zu sets that held", purge->before_count + 1);
	purge->before[purge->before_count++] = *before;
	*before = (struct set){ 0 };
}

static void end(struct purge *purge)
{
	purge->families = 0;
	forget_before(purge);
	conntrack_stop(&purge->conntrack);
}

static void begin(struct purge *purge, unsigned int families, struct conntrack_filter filter)
{
	purge->families = families; /* in one: the kernel goes through its whole hash for each */
	conntrack_dump(&purge->conntrack, &filter);
}

/* A gap that has waited, or nothing more. */
static void go_on(struct purge *purge, const struct set *now)
{
	struct set nothing = { 0 };
	unsigned int families = purge->gap_waits ? set_differences(&nothing, now) : 0;

	purge->gap |= purge->gap_waits;
	purge->gap_waits = false;
	if (!families) {
		end(purge);
		return;
	}
	forget_before(purge);
	keep_before(purge, &nothing);
	begin(purge, families, purge_filter_gap(now, families));
}

void purge_change(struct purge *purge, struct set *before, const struct set *now)
{
	unsigned int families = 0;

	if (!purge->families)
		purge->deleted = 0;
	/* A purge that is not through keeps what it compares with, and begins again. */
	if (!purge->families || purge->gap) {
		forget_before(purge);
		purge->gap_waits = purge->families != 0;
	}
	purge->gap = false;
	keep_before(purge, before);
	for (size_t i = 0; i < purge->before_count; i++)
		families |= set_differences(&purge->before[i], now);
	if (families)
		begin(purge, families,
		      purge_filter(purge->before, purge->before_count, now, families));
	else
		go_on(purge, now);
}

void purge_gap(struct purge *purge, const struct set *now)
{
	if (!purge->families)
		purge->deleted = 0;
	/* What a purge for a change has read may be older than the gap, and it looks at less. */
	purge->gap_waits = true;
	if (!purge->families || purge->gap)
		go_on(purge, now);
}

void purge_stop(struct purge *purge)
{
	purge->gap_waits = false;
	end(purge);
}

bool purge_runs(const struct purge *purge)
{
	return purge->families != 0;
}

bool purge_step(struct purge *purge, struct set *now)
{
	struct judge judge = { purge, now };

	purge->deleted += conntrack_read(&purge->conntrack, is_wrong, &judge);
	if (purge->conntrack.dumping)
		return false;
	log_debug("%u connections looked through; %u so far had to end", purge->conntrack.told,
		  purge->deleted);
	go_on(purge, now);
	return !purge_runs(purge);
}
