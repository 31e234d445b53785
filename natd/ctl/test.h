/* SPDX-License-Identifier: GPL-2.0-or-later */
/* natctl test: does a packet from outside come? */
#ifndef NATD_CTL_TEST_H
#define NATD_CTL_TEST_H

#include <jansson.h>
#include <stdio.h>

/* natd's result, at the time of day `clock`. */
void test_show(FILE *out, const json_t *result, const char *clock);

/* natctl's exit status for it. */
int test_exit(const json_t *result);

#endif
