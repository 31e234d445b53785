/* SPDX-License-Identifier: GPL-2.0-or-later */
/* service: what the process holds, and who in it serves natd.
 *
 * rules/tables.c keeps the tables as natd wants them, whatever others do; rules/answer.c answers
 * questions; rules/rules.c has the loop, and the work that goes on a part at a time. */
#ifndef RULES_SERVICE_H
#define RULES_SERVICE_H

#include "rules/coexist.h"
#include "rules/contest.h"
#include "rules/crowd.h"
#include "rules/gone.h"
#include "rules/nftables.h"
#include "rules/owner.h"
#include "rules/purge.h"
#include "rules/rules.h"
#include "rules/set.h"
#include "rules/trace.h"
#include "rules/watch.h"

/* The table was changed by another; it is written again when the contest allows. */
struct repair {
	bool needed;
	int64_t noticed_us;
	int64_t when_ms;
	struct culprit culprit;
};

struct rules {
	int natd;
	struct nftables nftables;
	struct owner owner;
	uint8_t owned; /* enum rules_owned: how far the tables are */
	struct watch watch;
	struct set staged;    /* from RULES_BEGIN on */
	struct set committed; /* what the kernel has, or shall have again */
	struct purge purge;
	struct contest contest;
	struct repair repair;
	struct coexist coexist;
	struct trace trace;
	struct gone gone;
	struct crowd crowd;
	uint32_t counts_wait; /* answers to RULES_COUNT that wait for it, */
	uint32_t counted;     /* and the generation that the last one echoes */
};

/* ---- the tables ---- */

void tables_begin(struct rules *rules, const struct rules_request *request);
void tables_tunnel(struct rules *rules, const struct rules_request *request);
void tables_network(struct rules *rules, const struct rules_request *request);
void tables_lan(struct rules *rules, const struct rules_request *request);
void tables_port(struct rules *rules, const struct rules_request *request);
void tables_publish(struct rules *rules, const struct rules_request *request);
void tables_commit(struct rules *rules, const struct rules_request *request);
void tables_remove(struct rules *rules, const struct rules_request *request);

/* Hears what others have done; where it was to our tables, repairs them when the contest allows. */
void tables_watch(struct rules *rules);
void tables_repair(struct rules *rules);

/* ---- answers ---- */

void answer_sysctl(struct rules *rules, const struct rules_request *request);
void answer_wireguard(struct rules *rules, const struct rules_request *request);
void answer_peers(struct rules *rules, const struct rules_request *request);
void answer_count(struct rules *rules, const struct rules_request *request);
void answer_trace(struct rules *rules, const struct rules_request *request);
void answer_trace_end(struct rules *rules, const struct rules_request *request);

/* One part of the work, when its descriptor can be read. */
void answer_crowd(struct rules *rules);
void answer_traced(struct rules *rules);

/* ---- other firewalls ---- */

void service_look(struct rules *rules);

#endif
