/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl: settings below /proc/sys/net. */
#ifndef RULES_SYSCTL_H
#define RULES_SYSCTL_H

#include "rules/rules.h"

/* Reads the setting and writes it only where it differs: writing ip_forward resets others
 * (Documentation/networking/ip-sysctl.rst). The name has been checked. */
struct rules_sysctl_is sysctl_write(const struct rules_sysctl *sysctl);

#endif
