/* SPDX-License-Identifier: GPL-2.0-or-later */
/* members: reading JSON that may lack a member, or hold null or another type there. */
#ifndef NATD_CTL_MEMBERS_H
#define NATD_CTL_MEMBERS_H

#include <jansson.h>
#include <stdbool.h>

/* "" where it is no string. `object` may be NULL. */
const char *text_of(const json_t *object, const char *member);

/* False, and `number` untouched, where it is no number. */
bool number_of(const json_t *object, const char *member, json_int_t *number);

/* The member's own copy, or null where there is none: a value that json_pack's "o" takes over. */
json_t *copy_of(const json_t *object, const char *member);

#endif
