/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status: what is so, on one screen of 80 columns. */
#ifndef NATD_CTL_STATUS_H
#define NATD_CTL_STATUS_H

#include <jansson.h>
#include <stdio.h>

/* Prints natd's status. A fact that natd does not know is left out or said to be unknown. */
void status_show(FILE *out, const json_t *status);

#endif
