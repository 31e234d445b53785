/* SPDX-License-Identifier: GPL-2.0-or-later */
/* natctl why: what becomes of a packet of a client. */
#ifndef NATD_CTL_WHY_H
#define NATD_CTL_WHY_H

#include <jansson.h>
#include <stdio.h>

/* natd's result; `client` and `destination` are those asked for. Returns natctl's exit status. */
int why_show(FILE *out, const json_t *result, const char *client, const char *destination);

#endif
