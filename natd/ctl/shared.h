/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shared: a line that owns only some ports (MAP-E), in words. */
#ifndef NATD_CTL_SHARED_H
#define NATD_CTL_SHARED_H

#include <jansson.h>
#include <stdio.h>

#include "natd/ctl/print.h"

/* Adds to the WAN address that it is shared, where that is certain. `shared` is "router"."shared". */
void status_shared_add(struct row *row, const json_t *shared);

/* For natctl manual: which ports may be opened; NULL or null shows nothing. */
void shared_show(FILE *out, const json_t *shared, size_t indent);

#endif
