/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/comments.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* What ends an unquoted value. Within one, libConfuse takes slashes as a part of it. */
#define SEPARATORS " \t\r\n\"'={}()+,"

struct scan {
	char *at;
	int line;
};

static void step(struct scan *scan)
{
	if (*scan->at == '\n')
		scan->line++;
	scan->at++;
}

static void blank(struct scan *scan)
{
	if (*scan->at != '\n')
		*scan->at = ' ';
	step(scan);
}

static bool blank_line(struct scan *scan)
{
	while (*scan->at && *scan->at != '\n')
		blank(scan);
	return true;
}

/* False where it never ends. */
static bool blank_block(struct scan *scan)
{
	const char *end = strstr(scan->at + strlen("/*"), "*/");

	if (!end)
		return false;
	while (scan->at < end + strlen("*/"))
		blank(scan);
	return true;
}

/* False where it does not end on its line. A backslash takes the next one with it, also a newline. */
static bool skip_string(struct scan *scan)
{
	const char quote = *scan->at;

	step(scan);
	while (*scan->at && *scan->at != '\n' && *scan->at != quote) {
		if (scan->at[0] == '\\' && scan->at[1])
			step(scan);
		step(scan);
	}
	if (*scan->at != quote)
		return false;
	step(scan);
	return true;
}

static const struct kind {
	const char *start;
	bool (*pass)(struct scan *scan);
	bool within; /* also within an unquoted value */
	const char *complaint;
} kinds[] = {
	{ "#", blank_line, true, NULL },
	{ "//", blank_line, false, NULL },
	{ "/*", blank_block, false,
	  "a comment is not closed; allowed: a '*/' at the end of each '/*', or '#'" },
	{ "\"", skip_string, true,
	  "a string is not closed; allowed: a second '\"' on the line of the first" },
	{ "'", skip_string, true,
	  "a string is not closed; allowed: a second ' on the line of the first" },
};

static const struct kind *kind_at(const char *at, bool within)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strncmp(at, kinds[i].start, strlen(kinds[i].start)) == 0 &&
		    (!within || kinds[i].within))
			return &kinds[i];
	return NULL;
}

const char *comments_blank(char *text, int *line)
{
	struct scan scan = { .at = text, .line = 1 };

	while (*scan.at) {
		bool within = scan.at > text && !strchr(SEPARATORS, scan.at[-1]);
		const struct kind *kind = kind_at(scan.at, within);

		*line = scan.line;
		if (!kind)
			step(&scan);
		else if (!kind->pass(&scan))
			return kind->complaint;
	}
	return NULL;
}
