/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list: the router's table of open ports. */
#ifndef NATD_CTL_LIST_H
#define NATD_CTL_LIST_H

#include <jansson.h>
#include <stdio.h>

/* Prints natd's answer to CONTROL_LIST as a table. */
void list_show(FILE *out, const json_t *list);

#endif
