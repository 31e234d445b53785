/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot: what natctl watch follows, as one line that changes only when there is something to tell. */
#ifndef NATD_SNAPSHOT_H
#define NATD_SNAPSHOT_H

#include "natd/natd.h"

/* {"wan_address", "forwards": [{"name", "protocol", "port", "external_port", "open"}], "repairs",
 * "program", "name": {"name", "stale", "addresses"}} and a newline, to be freed; NULL without memory.
 * "wan_address" is the last public one; "program" made the last repair necessary; "name" is missing where
 * there is none to be checked. */
char *snapshot_line(const struct natd *natd);

#endif
