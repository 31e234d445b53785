/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fill: elements as messages of a transaction. */
#ifndef RULES_FILL_H
#define RULES_FILL_H

#include "rules/batch.h"
#include "rules/element.h"
#include "rules/set.h"

/* Elements on their way into one set of the table, or out of it. */
struct fill {
	struct batch *batch;
	const char *table; /* its name */
	enum table_set in;
	enum fill_how { FILL_ADD, FILL_DELETE } how;
	struct nlmsghdr *message; /* NULL: none started */
	struct nlattr *list;
};

struct fill fill_begin(struct batch *batch, const char *table, enum table_set in,
		       enum fill_how how);
void fill_element(struct fill *fill, const struct element *element);

/* Nothing else may be appended to the batch before. */
void fill_end(struct fill *fill);

/* Appends what removes every element of a set of the table. */
void fill_flush(struct batch *batch, const char *table, enum table_set in);

/* Appends the elements of one set of the table, or of every one that table_frame() makes; each counter
 * begins at what its item has counted so far. */
void fill_set(struct batch *batch, const char *table, const struct set *set, enum table_set in);
void fill_table(struct batch *batch, const char *table, const struct set *set);

/* The same in two parts: what is true as long as nobody reads the counters again, and what bears a time
 * that passes. */
void fill_lasting(struct batch *batch, const char *table, const struct set *set);
void fill_passing(struct batch *batch, const char *table, const struct set *set);

#endif
