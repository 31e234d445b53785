/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/paragraph.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* What is indented, an item of a list or a port, a command in backticks that fills its line. */
static bool stands_alone(const char *line)
{
	size_t length = strcspn(line, "\n");
	const char *end = line[0] == '`' ? memchr(line + 1, '`', length - 1) : NULL;

	return length == 0 || line[0] == ' ' || isdigit((unsigned char)line[0]) ||
	       (end && (size_t)(end - line) + strlen("`.") >= length);
}

/* The rest of the line is a command or a value: what were put behind it would look like a part of it. */
static bool ends_in_value(const char *line, const char *next)
{
	size_t length = strcspn(line, "\n");
	const char *command = strstr(line, ": sudo ");
	bool sentence_ends = strchr(".:,;!?", line[length - 1]) != NULL;
	bool sentence_begins = isupper((unsigned char)next[0]) && islower((unsigned char)next[1]);

	return (command && command < line + length) || (!sentence_ends && sentence_begins);
}

static bool flows_on(const char *line, const char *next)
{
	return *next && line[0] != ' ' && !stands_alone(next) && !ends_in_value(line, next);
}

/* The last character of the `length` bytes at `text`. */
static const char *last_character(const char *text, size_t length)
{
	const char *at = text + length - 1;

	while (at > text && (*at & 0xc0) == 0x80)
		at--;
	return at;
}

static bool is_japanese_mark(const char *character)
{
	static const char *const marks[] = { "、", "。", "「", "」" };

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (strncmp(character, marks[i], strlen(marks[i])) == 0)
			return true;
	return false;
}

/* Between Japanese characters, and beside Japanese marks, there is no blank. */
static const char *gap(const char *before, const char *after)
{
	bool japanese = (before[0] & 0x80) && (after[0] & 0x80);

	return japanese || is_japanese_mark(before) || is_japanese_mark(after) ? "" : " ";
}

size_t paragraph_take(const char *lines, char *text, size_t size)
{
	const char *line = lines;
	const char *blank = "";
	size_t used = 0;

	for (;;) {
		size_t length = strcspn(line, "\n");
		const char *next = line + length + (line[length] == '\n');

		if (used < size)
			used += (size_t)snprintf(text + used, size - used, "%s%.*s", blank,
						 (int)length, line);
		if (length == 0 || !flows_on(line, next))
			return (size_t)(next - lines);
		blank = gap(last_character(line, length), next);
		line = next;
	}
}
