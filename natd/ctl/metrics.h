/* SPDX-License-Identifier: GPL-2.0-or-later */
/* metrics: natd's status as OpenMetrics text, for the node exporter's textfile directory. */
#ifndef NATD_CTL_METRICS_H
#define NATD_CTL_METRICS_H

#include <jansson.h>
#include <stdio.h>

/* Prints natd's status; NULL means that natd does not answer. What is not known is left out. */
void metrics_show(FILE *out, const json_t *status);

#endif
