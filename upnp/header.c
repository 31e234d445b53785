/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/header.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *header_value(const char *line, const char *end, const char *name)
{
	size_t length = strlen(name);

	if ((size_t)(end - line) <= length || strncasecmp(line, name, length) != 0 ||
	    line[length] != ':')
		return NULL;
	for (line += length + 1; line < end && (*line == ' ' || *line == '\t'); line++)
		;
	return line;
}

bool header_take(char *to, size_t size, const char *value, const char *end)
{
	while (end > value && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	if ((size_t)(end - value) >= size || memchr(value, '\0', (size_t)(end - value)))
		return false;
	memcpy(to, value, (size_t)(end - value));
	to[end - value] = '\0';
	return true;
}

size_t header_head(const char *bytes, size_t size)
{
	const char *end = bytes + size;
	const char *line_end;

	for (const char *line = bytes; (line_end = memchr(line, '\n', (size_t)(end - line)));
	     line = line_end + 1)
		if (line_end == line || (line_end == line + 1 && *line == '\r'))
			return (size_t)(line_end + 1 - bytes);
	return 0;
}

void header_find(char *to, size_t room, const char *head, size_t size, const char *name)
{
	const char *end = head + size;
	const char *line_end;

	*to = '\0';
	for (const char *line = head; (line_end = memchr(line, '\n', (size_t)(end - line)));
	     line = line_end + 1) {
		const char *value = header_value(line, line_end, name);

		if (!value)
			continue;
		header_take(to, room, value, line_end);
		return;
	}
}

/* The head ends with a line feed: that is where the loop and strtoul() stop at the latest, which skips white
 * space of every kind and must not meet any. */
unsigned int header_status(const char *head, size_t size)
{
	const char *at = memchr(head, ' ', size);

	while (at && *at == ' ')
		at++;
	return at && *at >= '0' && *at <= '9' ? (unsigned int)strtoul(at, NULL, 10) : 0;
}
