/* SPDX-License-Identifier: GPL-2.0-or-later */
/* meaning: what a rule of another program does with packets.
 *
 * Taken is what decides whether they die: the verdict, and the counter before it. What a rule
 * matches is not understood; that it matches at all is. */
#ifndef RULES_MEANING_H
#define RULES_MEANING_H

#include <libnftnl/rule.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "rules/rules.h"

/* What begins the comment of a rule that natd put into the chain of another. */
#define MEANING_MARK_PREFIX "natd: "
#define MEANING_MARK_MAX    (sizeof(MEANING_MARK_PREFIX "published to ") + IF_NAMESIZE)

struct meaning {
	bool matches; /* only some packets */
	bool drops;
	bool counts;
	uint64_t packets;
	char jump[RULES_NAME_MAX]; /* the chain that it jumps or goes to; "": none */
	char mark
		[MEANING_MARK_MAX]; /* the comment, where it begins as natd's do; "": it does not */
};

void meaning_read(struct meaning *meaning, struct nftnl_rule *rule);

#endif
