/* SPDX-License-Identifier: GPL-2.0-or-later */
/* natctl doctor: everything looked at afresh, step by step, and the one verdict. */
#ifndef NATD_CTL_DOCTOR_H
#define NATD_CTL_DOCTOR_H

#include <jansson.h>
#include <stdio.h>

/* One step as natd found it. */
void doctor_show_step(FILE *out, const json_t *step);

/* What the steps come to: {"verdict", ...}. */
void doctor_show_verdict(FILE *out, const json_t *result);

/* All of {"steps", "verdict"}. */
void doctor_show(FILE *out, const json_t *result);

/* natctl's exit status: the verdict's, but never that all is well where a step is not. */
int doctor_exit(const json_t *result);

#endif
