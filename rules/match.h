/* SPDX-License-Identifier: GPL-2.0-or-later */
/* match: what a packet has to be, for a rule to go on.
 *
 * Each appends to a rule. They are what nft itself would make of the same text, so that
 * `nft list ruleset` shows that text. Comments give it. */
#ifndef RULES_MATCH_H
#define RULES_MATCH_H

#include <libnftnl/rule.h>
#include <stdint.h>

#include "rules/expression.h"

/* iifname @SET, oifname != @SET; `key` is NFT_META_IIFNAME or NFT_META_OIFNAME */
void match_interface(struct nftnl_rule *rule, uint32_t key, const char *set);
void match_other_interface(struct nftnl_rule *rule, uint32_t key, const char *set);

/* iifname "NAME" */
void match_one_interface(struct nftnl_rule *rule, uint32_t key, const char *name);

/* fib saddr . iif oif missing */
void match_no_way_back(struct nftnl_rule *rule);

/* fib saddr type local */
void match_local_source(struct nftnl_rule *rule);

/* ip daddr != 127.0.0.0/8, ip6 daddr != ::1 */
void match_not_loopback_destination(struct nftnl_rule *rule, uint8_t family);

/* ct status dnat */
void match_handed_on(struct nftnl_rule *rule);

/* iifname != "lo" */
void match_not_loopback(struct nftnl_rule *rule);

/* fib daddr type local */
void match_local_destination(struct nftnl_rule *rule);

/* meta l4proto . th dport @SET */
void match_port(struct nftnl_rule *rule, const char *set);

/* meta nfproto FAMILY meta l4proto PROTOCOL meta l4proto . ct original proto-dst @SET: the port that was
 * called, where it was handed on. nft can read that word only after the one that names the protocol. */
void match_called_port(struct nftnl_rule *rule, uint8_t family, uint8_t protocol, const char *set);

/* ip saddr ADDRESS, ip6 daddr ADDRESS; `address` is a struct in_addr or in6_addr */
void match_host(struct nftnl_rule *rule, uint8_t family, enum side side, const void *address);

/* meta l4proto PROTOCOL th dport PORT */
void match_one_port(struct nftnl_rule *rule, uint8_t protocol, uint16_t port);

/* ip saddr @SET, ip6 daddr != @SET; `family` is NFPROTO_IPV4 or NFPROTO_IPV6 */
void match_address(struct nftnl_rule *rule, uint8_t family, enum side side, const char *set);
void match_other_address(struct nftnl_rule *rule, uint8_t family, enum side side, const char *set);

/* ct state established,related */
void match_established(struct nftnl_rule *rule);

/* ct state new */
void match_new(struct nftnl_rule *rule);

/* ct state invalid,untracked */
void match_no_connection(struct nftnl_rule *rule);

/* ct direction original */
void match_original_direction(struct nftnl_rule *rule);

/* tcp flags syn / syn,rst */
void match_syn(struct nftnl_rule *rule);

#endif
