/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl: which switches of the kernel forwarding needs, and what they were before natd.
 *
 * natd reads them (anybody may), keeps the old values in its state file, and asks rules to write.
 * What was changed is put back on a clean stop. */
#ifndef NATD_SYSCTL_H
#define NATD_SYSCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "natd/network.h"
#include "natd/tunnels.h"

#define SYSCTL_SAVED_MAX 96

struct sysctl {
	char name[RULES_SYSCTL_MAX]; /* below /proc/sys/net: "ipv4/ip_forward" */
	int32_t before;              /* what it was when natd first saw it */
	int32_t ours; /* what natd writes; equal to `before` for one that only follows */
};

/* In the order in which they are written, and put back. */
struct sysctls {
	struct sysctl list[SYSCTL_SAVED_MAX];
	size_t count;
};

/* Reads a switch. False where the kernel has none of that name. */
bool sysctl_read(const char *name, int32_t *value);

/* Adds to `saved` what forwarding for `tunnels` needs and does not have; `fixed_address`: somebody
 * leaves with a second IPv4 address of this host. True if it added anything. */
bool sysctls_need(struct sysctls *saved, const struct network *network,
		  const struct tunnel *tunnels, size_t tunnel_count, bool fixed_address);

#endif
