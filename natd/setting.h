/* SPDX-License-Identifier: GPL-2.0-or-later */
/* setting: every setting of natd.conf(5): how one value of it is read, and what the user is told is
 * allowed. Each value comes as text, so that a refusal can quote what the user wrote. */
#ifndef NATD_SETTING_H
#define NATD_SETTING_H

#include <stdbool.h>
#include <stddef.h>

#include "natd/config.h"

/* The section of what stands in none: libConfuse's own word. */
#define SETTING_TOP "root"

/* Where the values of a section go while it is read. */
struct target {
	struct config *config;
	struct config_forward *forward;
	struct config_tunnel *tunnel;
	struct config_client *client;
	struct config_publish *publish;
	struct egress *egress; /* of the tunnel or the client */
};

struct setting {
	const char *section; /* "router", "forward", ..., SETTING_TOP */
	const char *name;
	bool list;
	bool (*read)(struct target *target, const char *value);
	const char *allowed;
};

extern const struct setting settings[];
extern const size_t setting_count;

const struct setting *setting_find(const char *section, const char *name);

#endif
