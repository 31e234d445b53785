/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules/fate.h"

#include <libnftnl/trace.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stddef.h>
#include <string.h>

#include "natd/log.h"

static const char *text_of(const struct nftnl_trace *event, uint16_t type)
{
	const char *text =
		nftnl_trace_is_set(event, type) ? nftnl_trace_get_str(event, type) : NULL;

	return text ? text : "";
}

static uint32_t number_of(const struct nftnl_trace *event, uint16_t type, uint32_t otherwise)
{
	return nftnl_trace_is_set(event, type) ? nftnl_trace_get_u32(event, type) : otherwise;
}

/* Other programs name tables and chains: nothing in them may draw on a terminal. */
static void copy_name(char *name, size_t room, const char *text)
{
	memset(name, 0, room);
	memcpy(name, text, strnlen(text, room - 1));
	log_clean(name);
}

static struct rules_prefix host(uint8_t family, const uint8_t *bytes)
{
	struct rules_prefix prefix;

	memset(&prefix, 0, sizeof(prefix));
	prefix.family = family;
	prefix.length = family == AF_INET ? 32 : 128;
	memcpy(&prefix.v6, bytes, prefix.length / 8);
	return prefix;
}

/* False where the event does not hold the packet's addresses. */
static bool read_addresses(const struct nftnl_trace *event, struct rules_prefix *from,
			   struct rules_prefix *to, uint8_t *protocol)
{
	uint32_t size = 0;
	const uint8_t *bytes;

	if (!nftnl_trace_is_set(event, NFTNL_TRACE_NETWORK_HEADER))
		return false;
	bytes = nftnl_trace_get_data(event, NFTNL_TRACE_NETWORK_HEADER, &size);
	if (bytes && size >= sizeof(struct iphdr) && bytes[0] >> 4 == 4) {
		*from = host(AF_INET, bytes + offsetof(struct iphdr, saddr));
		*to = host(AF_INET, bytes + offsetof(struct iphdr, daddr));
		*protocol = bytes[offsetof(struct iphdr, protocol)];
		return true;
	}
	if (bytes && size >= sizeof(struct ip6_hdr) && bytes[0] >> 4 == 6) {
		*from = host(AF_INET6, bytes + offsetof(struct ip6_hdr, ip6_src));
		*to = host(AF_INET6, bytes + offsetof(struct ip6_hdr, ip6_dst));
		*protocol = bytes[offsetof(struct ip6_hdr, ip6_nxt)];
		return true;
	}
	return false;
}

/* UDP and TCP have the destination port in the same place. */
static uint16_t read_port(const struct nftnl_trace *event, uint8_t protocol)
{
	uint32_t size = 0;
	const uint8_t *bytes;

	if ((protocol != IPPROTO_UDP && protocol != IPPROTO_TCP) ||
	    !nftnl_trace_is_set(event, NFTNL_TRACE_TRANSPORT_HEADER))
		return 0;
	bytes = nftnl_trace_get_data(event, NFTNL_TRACE_TRANSPORT_HEADER, &size);
	return bytes && size >= 4 ? (uint16_t)(bytes[2] << 8 | bytes[3]) : 0;
}

static struct fate *fate_find(struct fates *fates, uint32_t id)
{
	for (size_t i = 0; i < FATES_MAX; i++)
		if (fates->list[i].id == id && !fates->list[i].done)
			return &fates->list[i];
	return NULL;
}

/* Only packets that our own chain has marked: others may be traced by somebody else. */
static struct fate *fate_new(struct fates *fates, uint32_t id, const struct nftnl_trace *event)
{
	struct fate *fate = fate_find(fates, 0);
	struct rules_traced is;

	memset(&is, 0, sizeof(is));
	if (!fate || !read_addresses(event, &is.from, &is.to, &is.protocol))
		return NULL;
	is.port = read_port(event, is.protocol);
	is.fate = RULES_FATE_VANISHED;
	is.source = is.from;
	*fate = (struct fate){ .id = id, .is = is };
	return fate;
}

static bool is_drop(const struct nftnl_trace *event, uint32_t type)
{
	if (type == NFT_TRACETYPE_POLICY)
		return number_of(event, NFTNL_TRACE_POLICY, NF_ACCEPT) == NF_DROP;
	return type == NFT_TRACETYPE_RULE &&
	       (number_of(event, NFTNL_TRACE_VERDICT, NF_ACCEPT) & NF_VERDICT_MASK) == NF_DROP;
}

/* What our own last chains see. */
static void end_flow(struct fate *fate, const struct nftnl_trace *event, const char *chain)
{
	struct rules_prefix to;
	uint8_t protocol;

	fate->done = true;
	fate->is.fate = strcmp(chain, TRACE_LEFT) == 0 ? RULES_FATE_LEFT : RULES_FATE_DELIVERED;
	read_addresses(event, &fate->is.source, &to, &protocol);
}

static void note(struct fate *fate, const struct nftnl_trace *event)
{
	uint32_t type = number_of(event, NFTNL_TRACE_TYPE, NFT_TRACETYPE_UNSPEC);
	const char *table = text_of(event, NFTNL_TRACE_TABLE);
	const char *chain = text_of(event, NFTNL_TRACE_CHAIN);

	fate->is.in = number_of(event, NFTNL_TRACE_IIF, fate->is.in);
	fate->is.out = number_of(event, NFTNL_TRACE_OIF, fate->is.out);
	if (strcmp(table, TRACE_TABLE) == 0) {
		if (strcmp(chain, TRACE_BEGIN) != 0)
			end_flow(fate, event, chain);
		return;
	}
	copy_name(fate->is.table, sizeof(fate->is.table), table);
	copy_name(fate->is.chain, sizeof(fate->is.chain), chain);
	fate->is.family = (uint8_t)number_of(event, NFTNL_TRACE_FAMILY, NFPROTO_INET);
	fate->is.handle =
		type == NFT_TRACETYPE_RULE && nftnl_trace_is_set(event, NFTNL_TRACE_RULE_HANDLE)
			? nftnl_trace_get_u64(event, NFTNL_TRACE_RULE_HANDLE)
			: 0;
	if (is_drop(event, type)) {
		fate->is.fate = RULES_FATE_DROPPED;
		fate->done = true;
	}
}

static bool is_begin(const struct nftnl_trace *event)
{
	return strcmp(text_of(event, NFTNL_TRACE_TABLE), TRACE_TABLE) == 0 &&
	       strcmp(text_of(event, NFTNL_TRACE_CHAIN), TRACE_BEGIN) == 0 &&
	       number_of(event, NFTNL_TRACE_TYPE, NFT_TRACETYPE_UNSPEC) == NFT_TRACETYPE_RULE;
}

void fates_take(struct fates *fates, const struct nlmsghdr *message, int64_t now)
{
	struct nftnl_trace *event;
	struct fate *fate;
	uint32_t id;

	if (message->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE) ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(struct nfgenmsg))
		return;
	event = nftnl_trace_alloc();
	if (!event)
		fatal("no memory for a trace");
	if (nftnl_trace_nlmsg_parse(message, event) == 0 &&
	    (id = number_of(event, NFTNL_TRACE_ID, 0))) {
		fate = fate_find(fates, id);
		if (!fate && is_begin(event))
			fate = fate_new(fates, id, event);
		if (fate) {
			fate->heard_ms = now;
			note(fate, event);
		}
	}
	nftnl_trace_free(event);
}

bool fates_next(struct fates *fates, int64_t now, struct rules_traced *traced)
{
	for (size_t i = 0; i < FATES_MAX; i++) {
		struct fate *fate = &fates->list[i];

		if (!fate->id || (!fate->done && now < fate->heard_ms + FATE_SILENCE_MS))
			continue;
		*traced = fate->is;
		*fate = (struct fate){ 0 };
		return true;
	}
	return false;
}

int64_t fates_deadline(const struct fates *fates)
{
	int64_t first = 0;

	for (size_t i = 0; i < FATES_MAX; i++) {
		int64_t end = fates->list[i].heard_ms + FATE_SILENCE_MS;

		if (fates->list[i].id && (!first || end < first))
			first = end;
	}
	return first;
}
