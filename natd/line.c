/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/line.h"

#include "natd/address.h"

const char *const line_kind_names[LINE_KINDS] = {
	[LINE_UNKNOWN] = "unknown",
	[LINE_CLEAR] = "clear",
	[LINE_CGNAT] = "cgnat",
	[LINE_MAYBE_CGNAT] = "cgnat",
	[LINE_TWO_ROUTERS] = "two-routers",
	[LINE_MAYBE_TWO] = "clear",
	[LINE_DS_LITE] = "ds-lite",
};

static enum address_kind kind_of(struct in_addr v4)
{
	struct address address = address_v4(v4);

	return address_kind(&address);
}

/* 192.168.0.0/16 is what home routers give to homes; providers take 10.0.0.0/8 for their own. */
static bool is_a_homes(struct in_addr v4)
{
	return ntohl(v4.s_addr) >> 16 == 0xc0a8;
}

/* The network between two routers of a home, whose length nobody tells: the usual 24 bits. */
static bool same_network(struct in_addr a, struct in_addr b)
{
	return ntohl(a.s_addr) >> 8 == ntohl(b.s_addr) >> 8 || (is_a_homes(a) && is_a_homes(b));
}

/* Behind a private WAN address is a second router of this home, if the next one on the way is in the
 * same network; else the provider. */
static enum line_kind behind_private(const struct line *line)
{
	switch (kind_of(line->next)) {
	case ADDRESS_NONE: return LINE_UNKNOWN;
	case ADDRESS_PRIVATE:
		return same_network(line->wan, line->next) ? LINE_TWO_ROUTERS : LINE_CGNAT;
	default: return LINE_CGNAT;
	}
}

/* A router may claim a public address that is not its own (miniupnpd's ext_ip), so a private next hop
 * counts. It may be the provider's all the same: whether it is a home router, it will say itself. */
static enum line_kind behind_public(const struct line *line, const struct line_evidence *evidence,
				    bool recorded)
{
	bool others = evidence->mapped_as.s_addr && evidence->mapped_as.s_addr != line->wan.s_addr;

	if (kind_of(line->next) == ADDRESS_PRIVATE && !recorded)
		return LINE_MAYBE_TWO;
	return others ? LINE_CGNAT : LINE_CLEAR;
}

/* The router has no address to tell, or tells nothing. */
static enum line_kind behind_nothing(const struct line *line, bool told)
{
	switch (kind_of(line->next)) {
	case ADDRESS_CGNAT: return told ? LINE_CGNAT : LINE_MAYBE_CGNAT;
	case ADDRESS_PRIVATE:
		return is_a_homes(line->next) || told ? LINE_TWO_ROUTERS : LINE_MAYBE_TWO;
	case ADDRESS_PUBLIC: return told ? LINE_CGNAT : LINE_CLEAR;
	default: return LINE_UNKNOWN;
	}
}

/* 192.0.0.0/29 is for both ends of DS-Lite's tunnel and nothing else (RFC 6333 5.7): the provider's, which
 * is the hop after the router whose line it is, tells it also where that router tells nothing. A router
 * with a public address has another line beside it. */
static struct in_addr ds_lite_of(const struct line *line, const struct upnp_hops *hops)
{
	if (kind_of(line->wan) == ADDRESS_DSLITE)
		return line->wan;
	for (size_t i = 1; i < UPNP_HOPS && kind_of(line->wan) != ADDRESS_PUBLIC; i++)
		if (kind_of(hops->router[i]) == ADDRESS_DSLITE)
			return hops->router[i];
	return (struct in_addr){ INADDR_ANY };
}

struct line line_judge(const struct line_evidence *evidence)
{
	bool recorded = evidence->hops.wan[0].s_addr != INADDR_ANY;
	struct line line = { .next = evidence->hops.router[1] };

	/* What a packet met on its way is truer than what a router believes of itself. */
	if (recorded)
		line.wan = evidence->hops.wan[0];
	else if (evidence->told)
		line.wan = evidence->wan;
	switch (kind_of(line.wan)) {
	case ADDRESS_CGNAT: line.kind = LINE_CGNAT; break;
	case ADDRESS_PRIVATE: line.kind = behind_private(&line); break;
	case ADDRESS_PUBLIC: line.kind = behind_public(&line, evidence, recorded); break;
	case ADDRESS_NONE: line.kind = behind_nothing(&line, evidence->told); break;
	default: line.kind = LINE_UNKNOWN; break;
	}
	line.ds_lite = ds_lite_of(&line, &evidence->hops);
	if (line.ds_lite.s_addr && line.kind != LINE_TWO_ROUTERS && line.kind != LINE_MAYBE_TWO)
		line.kind = LINE_DS_LITE;
	if (line.kind == LINE_TWO_ROUTERS || line.kind == LINE_MAYBE_TWO) {
		line.outer = line.next;
		line.outer_wan = evidence->hops.wan[1];
	}
	return line;
}
