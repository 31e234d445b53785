/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe: what the router answers to each protocol. */
#ifndef NATD_CTL_PROBE_H
#define NATD_CTL_PROBE_H

#include <jansson.h>
#include <stdio.h>

/* Prints what survey_take() found out. */
void probe_show(FILE *out, const json_t *facts);

/* natctl's exit status: 0 if the router can open a port that the internet reaches; 1 if it opens
 * ports, but has no public address or does not tell; 2 otherwise. */
int probe_exit(const json_t *facts);

#endif
