/* SPDX-License-Identifier: GPL-2.0-or-later */
/* manual: what to type into this router by hand, with this host's values (natd-portforward(7)). */
#ifndef NATD_CTL_MANUAL_H
#define NATD_CTL_MANUAL_H

#include <jansson.h>
#include <stdio.h>

/* Prints the steps from natd's status or from survey_take(). */
void manual_show(FILE *out, const json_t *facts);

/* The same values for programs: {"page", "model", "wan_address", "wan_kind", "host", "rules":
 * [{"name", "protocol", "external_port", "address", "port"}], "warnings": []}, to be released. */
json_t *manual_json(const json_t *facts);

/* natctl's exit status: 2 where there is no router to type anything into, 1 where a port opened by
 * hand cannot be reached from outside, else 0. */
int manual_exit(const json_t *facts);

#endif
