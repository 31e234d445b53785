/* SPDX-License-Identifier: GPL-2.0-or-later */
/* masquerade: whose packets a rule of another program masquerades, and by which way out. */
#ifndef RULES_MASQUERADE_H
#define RULES_MASQUERADE_H

#include <libnftnl/rule.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "rules/rules.h"

struct masquerade {
	char interface[IF_NAMESIZE]; /* "eth+": all that begin so; "": by any, or nobody can tell */
	struct rules_prefix from;    /* family 0: of any source, or nobody can tell */
};

/* Reads a rule of a table of `family`, NFPROTO_*, as nft and iptables-nft write it. False where it does
 * not masquerade. */
bool masquerade_read(struct masquerade *masquerade, uint8_t family, struct nftnl_rule *rule);

#endif
