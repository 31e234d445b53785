/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fate: what the kernel tells of the packets that are followed, put together to the fate of each. */
#ifndef RULES_FATE_H
#define RULES_FATE_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

#include "rules/rules.h"

#define FATES_MAX 16

/* Events of one packet come within its way through the kernel. */
#define FATE_SILENCE_MS 500

/* The table that marks and ends the packets, and its chains. */
#define TRACE_TABLE     "natd-trace"
#define TRACE_BEGIN     "trace-begin"
#define TRACE_LEFT      "trace-left"
#define TRACE_DELIVERED "trace-delivered"

struct fate {
	uint32_t id; /* the kernel's; 0: free */
	int64_t heard_ms;
	bool done;
	struct rules_traced is;
};

struct fates {
	struct fate list[FATES_MAX];
};

/* Takes one event, which has been checked with mnl_nlmsg_ok(); `now` is CLOCK_MONOTONIC, ms. */
void fates_take(struct fates *fates, const struct nlmsghdr *event, int64_t now);

/* Takes out one whose fate is known, or of which nothing was heard for FATE_SILENCE_MS. */
bool fates_next(struct fates *fates, int64_t now, struct rules_traced *traced);

/* When fates_next() would give up the first one; 0: there is none. */
int64_t fates_deadline(const struct fates *fates);

#endif
