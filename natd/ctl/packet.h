/* SPDX-License-Identifier: GPL-2.0-or-later */
/* packet: one packet that natd followed through this host, and waiting for it. */
#ifndef NATD_CTL_PACKET_H
#define NATD_CTL_PACKET_H

#include <jansson.h>
#include <stdio.h>

#include "natd/control.h"
#include "natd/ctl/ctl.h"

/* What it was, and what became of it: who dropped it, or where it left. */
void packet_show(FILE *out, const json_t *packet);

/* natctl's exit status for its fate. */
int packet_exit(const json_t *packet);

/* Asks natd to wait, and says so: `waiting` with a count down on a terminal, and each packet that does
 * not decide. The result is the caller's to release; NULL with the error said and `status` set. With -j
 * nothing is said until then. */
json_t *packet_wait(const struct invocation *typed, struct control_request request,
		    const char *waiting, int *status);

#endif
