/* SPDX-License-Identifier: GPL-2.0-or-later */
/* firewalls: the row of the status that names firewalls which stand in the VPN's way. */
#ifndef NATD_CTL_FIREWALLS_H
#define NATD_CTL_FIREWALLS_H

#include <jansson.h>
#include <stdio.h>

/* Nothing where no chain drops what is forwarded and not known to it. */
void firewalls_show(FILE *out, const json_t *status);

#endif
