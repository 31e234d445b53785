/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fill: elements as messages of a transaction. */
#ifndef RULES_FILL_H
#define RULES_FILL_H

#include "rules/batch.h"
#include "rules/set.h"

/* Appends the elements of every set of `table`, each counter at what its item has counted so far. */
void fill_table(struct batch *batch, const char *table, const struct set *set);

#endif
