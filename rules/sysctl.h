/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl: settings below /proc/sys/net. */
#ifndef RULES_SYSCTL_H
#define RULES_SYSCTL_H

#include "rules/rules.h"

/* The value of a setting that natd does not name, such as a count of the kernel; -1: it is not there. */
int32_t sysctl_value(const char *name);

/* Reads the setting and writes it only where it differs: writing ip_forward resets others
 * (Documentation/networking/ip-sysctl.rst). The name has been checked. */
struct rules_sysctl_is sysctl_write(const struct rules_sysctl *sysctl);

#endif
