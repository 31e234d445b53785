/* SPDX-License-Identifier: GPL-2.0-or-later */
/* paragraph: the lines of an advice that belong together, as one. natd breaks its lines by hand; where a
 * terminal's lines end is for natctl to say, which puts the advice behind a label, in its own language. */
#ifndef NATD_CTL_PARAGRAPH_H
#define NATD_CTL_PARAGRAPH_H

#include <stddef.h>

/* Joins the first lines of `lines` in `text`, cut at `size` bytes with the NUL: a paragraph, or a line that
 * stands alone, as an item of a list does. Returns how many bytes of `lines` it took, with the newline. */
size_t paragraph_take(const char *lines, char *text, size_t size);

#endif
