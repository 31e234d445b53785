/* SPDX-License-Identifier: GPL-2.0-or-later */
/* header: the head of an HTTP message, which SSDP and GENA speak as well, and its lines. */
#ifndef UPNP_HEADER_H
#define UPNP_HEADER_H

#include <stdbool.h>
#include <stddef.h>

/* The text after `name` and a colon, where the line [line, end) is that header, whatever its case; else
 * NULL. */
const char *header_value(const char *line, const char *end, const char *name);

/* Takes a header's value over, without the blanks at its end. False: it does not fit. */
bool header_take(char *to, size_t size, const char *value, const char *end);

/* The size of the head at the start of a message, with the empty line at its end; 0: that has not come. */
size_t header_head(const char *bytes, size_t size);

/* Takes the first header of that name out of a head; "" where there is none, or it does not fit. */
void header_find(char *to, size_t room, const char *head, size_t size, const char *name);

/* Of "HTTP/1.1 200 OK"; 0: none. `size`: what header_head() said. */
unsigned int header_status(const char *head, size_t size);

#endif
