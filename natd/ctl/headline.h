/* SPDX-License-Identifier: GPL-2.0-or-later */
/* headline: natd's verdict as a person says it: does it work, why not, what to do. */
#ifndef NATD_CTL_HEADLINE_H
#define NATD_CTL_HEADLINE_H

#include <jansson.h>
#include <stdio.h>

#include "natd/ctl/print.h"

/* "Home VPN reachable: YES", or NO with the code and what it means. */
void headline_show(FILE *out, const json_t *verdict);

/* What natd concludes it from; prints nothing where it gives no evidence. */
void headline_show_evidence(FILE *out, const json_t *verdict);

/* The one "Do this" block; prints nothing where there is nothing to do. */
void headline_show_advice(FILE *out, const json_t *verdict);

/* Begins such a block, after an empty line; the caller adds its parts and ends it. */
struct row headline_start_advice(FILE *out);

/* natctl's exit status: well with OK, a warning where it works with another code, broken where it
 * does not work or something stands in its way, not known while there is neither. */
int headline_exit(const json_t *verdict);

#endif
