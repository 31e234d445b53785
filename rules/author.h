/* SPDX-License-Identifier: GPL-2.0-or-later */
/* author: which program wrote a chain. Nobody signs: they are known by the names that they give. */
#ifndef RULES_AUTHOR_H
#define RULES_AUTHOR_H

#include "rules/rules.h"
#include "rules/scan.h"

/* Of a base chain. */
enum rules_owner author_of(const struct scan *scan, const struct scan_chain *chain);

#endif
