/* SPDX-License-Identifier: GPL-2.0-or-later */
/* statement: what a rule does with a packet.
 *
 * As rules/match.h: each appends to a rule, and comments give the text that `nft list ruleset` shows. */
#ifndef RULES_STATEMENT_H
#define RULES_STATEMENT_H

#include <libnftnl/rule.h>
#include <stdint.h>

/* dnat ip to meta l4proto . th dport map @MAP; a port that the map does not hold goes on */
void translate_destination(struct nftnl_rule *rule, uint8_t family, const char *map);

/* update @SET { meta l4proto . th dport timeout MS } */
void remember_port(struct nftnl_rule *rule, const char *set, uint64_t timeout_ms);

/* meta nfproto FAMILY meta l4proto PROTOCOL update @SET { meta l4proto . ct original proto-dst }; the
 * elements of the set count */
void count_called_port(struct nftnl_rule *rule, uint8_t family, uint8_t protocol, const char *set);

/* tcp option maxseg size set rt mtu */
void clamp_mss(struct nftnl_rule *rule);

/* snat ip to ip saddr map @MAP; a source that the map does not hold goes on to the next rule */
void translate_source(struct nftnl_rule *rule, uint8_t family, const char *map);

/* The same with maps of first and last addresses. `flags`: NF_NAT_RANGE_PERSISTENT for
 * "snat ip to ip saddr map @MAP persistent", NF_NAT_RANGE_NETMAP for
 * "snat ip6 prefix to ip6 saddr map @MAP" */
void translate_source_range(struct nftnl_rule *rule, uint8_t family, const char *map,
			    uint32_t flags);

/* masquerade */
void masquerade(struct nftnl_rule *rule);

/* counter */
void count_packets(struct nftnl_rule *rule);

/* limit rate N/second */
void limit_packets(struct nftnl_rule *rule, uint64_t per_second);

/* meta nftrace set 1 */
void trace_packets(struct nftnl_rule *rule);

/* accept, drop; `verdict` is NF_ACCEPT or NF_DROP */
void decide(struct nftnl_rule *rule, uint32_t verdict);

#endif
