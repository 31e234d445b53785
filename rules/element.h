/* SPDX-License-Identifier: GPL-2.0-or-later */
/* element: what each set and map of the table holds, one element after the other. */
#ifndef RULES_ELEMENT_H
#define RULES_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/set.h"
#include "rules/table.h"

#define ELEMENT_KEY_MAX  16 /* an IPv6 address; the name of an interface */
#define ELEMENT_DATA_MAX 32 /* two IPv6 addresses */

/* Byte by byte what the kernel has; numbers in network byte order. */
struct element {
	struct item item; /* whose it is */
	uint8_t key[ELEMENT_KEY_MAX];
	uint8_t after[RANGE_BYTES_MAX]; /* of an interval: the address after its last */
	uint8_t data[ELEMENT_DATA_MAX]; /* of a map */
	size_t key_size;
	size_t data_size;
	bool interval;             /* it begins at `key` */
	bool to_the_end;           /* and has no address after its last */
	const struct count *count; /* what it has counted so far; NULL: it does not count */
	uint64_t left_ms;          /* of RULES_SEEN_MS, in a set that forgets; 0: it has no time */
};

/* A walk through one set of the table. Start with .set and .in. */
struct element_walk {
	const struct set *set;
	enum table_set in;
	uint32_t item;
	uint32_t port; /* within a publish */
};

/* False at the end. */
bool element_next(struct element_walk *walk, struct element *element);

/* Do the elements of a set come in the order of their keys, each key once? */
bool elements_ascend(enum table_set in);

/* A key of the sets of ports: inet_proto . inet_service, each part in four bytes. */
#define PORT_KEY_SIZE 8

#endif
