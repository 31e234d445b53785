/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check: is a request one that our own build of natd can have sent? */
#ifndef RULES_CHECK_H
#define RULES_CHECK_H

#include <stdbool.h>

#include "rules/rules.h"

#define CHECK_TEXT_MAX 200

/* Looks at every field that the request uses. False with the reason, which quotes the value, in
 * `why`: then the sender is not our build, or somebody else has taken it over. */
bool check_request(const struct rules_request *request, char why[CHECK_TEXT_MAX]);

/* A name that the kernel can have given to an interface; dev_valid_name() in net/core/dev.c. */
bool check_interface(const char name[IF_NAMESIZE]);

/* Can nft print this name so that it reads it again as the same? A kernel name may hold '"' and
 * '*'; in a listing the one ends a string and the other is a wildcard. */
bool check_printable(const char *name);

/* One of the settings below /proc/sys/net that rules may touch. */
bool check_sysctl(const char name[RULES_SYSCTL_MAX]);

#endif
