/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "upnp/header.h"

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
