/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/headline.h"

#include <string.h>

#include "natd/ctl/ctl.h"
#include "natd/ctl/members.h"
#include "natd/ctl/paragraph.h"
#include "natd/ctl/print.h"
#include "natd/ctl/sentences.h"
#include "natd/ctl/text.h"

/* So begins a line of an advice that is to be typed as it is. */
#define COMMAND "  sudo "

/* With these the phone does reach the VPN, but nothing beyond it. */
static bool stops_behind_vpn(const char *code)
{
	static const char *const codes[] = { "E41", "E42", "E43", "E44", "E46" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}

/* Returns the columns it takes. */
static size_t show_answer(FILE *out, const char *works, const char *code)
{
	const char *question = _("Home VPN reachable: ");
	const char *answer = *code ? _("UNKNOWN") : _("NOT KNOWN YET");
	enum print_colour colour = PRINT_YELLOW;

	if (strcmp(works, "yes") == 0) {
		answer = _("YES");
		colour = strcmp(code, "OK") == 0 ? PRINT_GREEN : PRINT_YELLOW;
	} else if (strcmp(works, "no") == 0) {
		answer = _("NO");
		colour = PRINT_RED;
		if (stops_behind_vpn(code)) {
			question = "";
			answer = _("Clients connect, but have no Internet");
		}
	}
	fputs(question, out);
	print_coloured(out, colour, answer);
	return print_width(question) + print_width(answer);
}

void headline_show(FILE *out, const json_t *verdict)
{
	const char *code = text_of(verdict, "code");
	char translated[SENTENCE_MAX];
	const char *text = sentence(text_of(verdict, "text"), translated);
	struct row row = row_start(out, "", 1);

	row.column = show_answer(out, text_of(verdict, "works"), code);
	if (strcmp(code, "OK") == 0)
		code = "";
	/* Under the headline where it does not fit behind it. */
	if (row.column + strlen("   E10 ") + print_width(text) > PRINT_COLUMNS)
		row_break(&row);
	if (*code || *text)
		row_add(&row, "%s%s%s", code, *code && *text ? " " : "", text);
	row_end(&row);
}

void headline_show_evidence(FILE *out, const json_t *verdict)
{
	struct row row = row_start(out, _(" Because"), PRINT_INDENT);
	char translated[SENTENCE_MAX];
	const json_t *line;
	size_t i;

	json_array_foreach(json_object_get(verdict, "evidence"), i, line) {
		if (!json_is_string(line))
			continue;
		row_break(&row);
		row_add(&row, "%s", sentence(json_string_value(line), translated));
	}
	row_end(&row);
}

struct row headline_start_advice(FILE *out)
{
	const char *label = _("Do this:");

	fputc('\n', out);
	return row_start(out, label, print_width(label) + 1);
}

/* A command that is too long for a line is one for the shell all the same when it is copied: what follows
 * stands under it, after a backslash. */
static void add_command(struct row *row, const char *line)
{
	size_t room = PRINT_COLUMNS - row->indent;
	size_t length = strlen(line);
	const char *before = "";

	while (length + strlen(before) > room) {
		size_t at = room - strlen(before) - strlen(" \\");

		while (at > strlen(COMMAND) && line[at] != ' ')
			at--;
		if (at == strlen(COMMAND))
			break; /* one long word */
		row_add(row, "%s%.*s \\", before, (int)at, line);
		row_break(row);
		before = "      ";
		line += at + 1;
		length -= at + 1;
	}
	row_add(row, "%s%s", before, line);
}

void headline_show_advice(FILE *out, const json_t *verdict)
{
	char translated[SENTENCE_MAX];
	char paragraph[SENTENCE_MAX];
	const char *line = sentence(text_of(verdict, "advice"), translated);
	struct row row;

	if (!*line)
		return;
	row = headline_start_advice(out);
	while (*line) {
		line += paragraph_take(line, paragraph, sizeof(paragraph));
		row_break(&row);
		if (strncmp(paragraph, COMMAND, strlen(COMMAND)) == 0)
			add_command(&row, paragraph);
		else if (*paragraph)
			row_add(&row, "%s", paragraph);
	}
	row_end(&row);
}

int headline_exit(const json_t *verdict)
{
	const char *works = text_of(verdict, "works");
	const char *code = text_of(verdict, "code");

	if (strcmp(works, "yes") == 0)
		return strcmp(code, "OK") == 0 ? NATCTL_WELL : NATCTL_WARNING;
	/* Without a code natd is still finding out; with one it found what stands in the way. */
	return strcmp(works, "no") == 0 || *code ? NATCTL_BROKEN : NATCTL_NOT_KNOWN;
}
