/* SPDX-License-Identifier: GPL-2.0-or-later */
/* accept: the rules that natd puts into the chains of other firewalls.
 *
 * For each tunnel: what its clients send, the answers to it, and what is published to them. Which of
 * that may pass natd's own chain decides, in each hook before these. In the tables of iptables they
 * are made of what iptables 1.8 can list itself (iptables/nft.c, nft_is_expr_compatible()): of the
 * native expressions meta, cmp, counter and immediate, of its own the match conntrack; one state a
 * rule, because nft prints a conntrack match with ESTABLISHED and DNAT as DNAT alone. */
#ifndef RULES_ACCEPT_H
#define RULES_ACCEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/batch.h"
#include "rules/meaning.h"

enum accept_what { ACCEPT_PUBLISHED, ACCEPT_ANSWERS, ACCEPT_FROM, ACCEPTS };

struct accept_place {
	uint8_t family; /* NFPROTO_* of the table */
	bool iptables;  /* it is one of iptables' tables */
	const char *table;
	const char *chain;
};

/* The comment by which the rule is known again; and is it one of those, whatever the interface? */
void accept_comment(enum accept_what what, const char *interface, char comment[MEANING_MARK_MAX]);
bool accept_is_comment(const char *comment);

/* Appends to a batch: puts the rule at the head of the chain. */
void accept_insert(struct batch *batch, const struct accept_place *place, enum accept_what what,
		   const char *interface);

/* Appends to a batch: removes a rule. */
void accept_delete(struct batch *batch, const struct accept_place *place, uint64_t handle);

#endif
