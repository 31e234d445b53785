/* SPDX-License-Identifier: GPL-2.0-or-later */
/* header: one line of an HTTP message, which SSDP and GENA speak as well. */
#ifndef UPNP_HEADER_H
#define UPNP_HEADER_H

#include <stdbool.h>
#include <stddef.h>

/* The text after `name` and a colon, where the line [line, end) is that header, whatever its case; else
 * NULL. */
const char *header_value(const char *line, const char *end, const char *name);

/* Takes a header's value over, without the blanks at its end. False: it does not fit. */
bool header_take(char *to, size_t size, const char *value, const char *end);

#endif
