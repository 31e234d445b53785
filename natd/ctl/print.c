/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/print.h"

#include "natd/ctl/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

/* A paragraph of an advice (SENTENCE_MAX). */
#define PART_MAX 2048

/* What is longer is broken between its words. */
#define COMMAND_MAX 48

void print_clean(char *text)
{
	json_t *strict;

	log_clean(text);
	strict = json_string(text); /* NULL where it is not UTF-8 (RFC 3629) to the letter */
	if (!strict)
		for (char *at = text; *at; at++)
			if (*at & 0x80)
				*at = '?';
	json_decref(strict);
}

/* Cleans each line of `text` and keeps the newlines between them. */
static void clean_lines(char *text)
{
	for (char *end; (end = strchr(text, '\n')); text = end + 1) {
		*end = '\0';
		print_clean(text);
		*end = '\n';
	}
	print_clean(text);
}

static void clean_string(const char *key, json_t *string)
{
	char *text = strdup(json_string_value(string));

	if (!text)
		fatal("no memory");
	if (key && strcmp(key, "advice") == 0)
		clean_lines(text);
	else
		print_clean(text);
	json_string_set(string, text);
	free(text);
}

static void clean_member(const char *key, json_t *json)
{
	const char *name;
	json_t *value;
	size_t i;

	if (json_is_string(json))
		clean_string(key, json);
	else if (json_is_array(json))
		json_array_foreach(json, i, value)
			clean_member(key, value);
	else if (json_is_object(json))
		json_object_foreach(json, name, value)
			clean_member(name, value);
}

void print_clean_json(json_t *json)
{
	clean_member(NULL, json);
}

int say_error(bool json, int status, const char *format, ...)
{
	char text[PART_MAX];
	va_list arguments;
	json_t *object;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	print_clean(text);
	if (!json) {
		fprintf(stderr, "natctl: %s\n", text);
		return status;
	}
	object = json_pack("{s:s}", "error", text);
	say_json(object);
	json_decref(object);
	return status;
}

bool print_takes_escapes(FILE *out)
{
	const char *terminal = getenv("TERM");

	return isatty(fileno(out)) && !(terminal && strcmp(terminal, "dumb") == 0);
}

void print_progress(const char *text)
{
	if (print_takes_escapes(stderr))
		fprintf(stderr, "\r\033[K%s", text);
}

void say_json(const json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putchar('\n');
}

const char *print_duration(json_int_t seconds, char text[DURATION_TEXT_MAX])
{
	static const struct {
		json_int_t below; /* seconds */
		json_int_t unit;
		const char *name;
	} units[] = {
		{ 100, 1, N_("s") },
		{ 100 * 60, 60, N_("min") },
		{ 48 * 3600, 3600, N_("h") },
		{ INT64_MAX, 86400, N_("d") },
	};
	size_t i = 0;

	if (seconds < 0)
		seconds = 0;
	while (seconds >= units[i].below && units[i].unit < 86400)
		i++;
	seconds = seconds / units[i].unit + (seconds % units[i].unit * 2 >= units[i].unit ? 1 : 0);
	snprintf(text, DURATION_TEXT_MAX, "%lld %s", (long long)seconds, _(units[i].name));
	return text;
}

/* The bytes of the character at `text`, which is valid UTF-8 (print_clean), and its columns. */
static size_t next_character(const char *text, size_t *columns)
{
	static const unsigned char lead_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	size_t length = 1;
	uint32_t letter;
	int width;

	while (length < 4 && (text[length] & 0xc0) == 0x80)
		length++;
	letter = (unsigned char)text[0] & lead_bits[length];
	for (size_t i = 1; i < length; i++)
		letter = letter << 6 | (text[i] & 0x3f);
	width = wcwidth((wchar_t)letter); /* in glibc wchar_t is the number of Unicode */
	*columns = width < 0 ? 1 : (size_t)width;
	return length;
}

size_t print_width(const char *text)
{
	size_t width = 0;

	while (*text) {
		size_t columns;

		text += next_character(text, &columns);
		width += columns;
	}
	return width;
}

bool print_has_colour(FILE *out)
{
	const char *no_colour = getenv("NO_COLOR");

	return print_takes_escapes(out) && !(no_colour && *no_colour);
}

void print_coloured(FILE *out, enum print_colour colour, const char *text)
{
	static const char *const codes[] = {
		[PRINT_GREEN] = "\033[1;32m",
		[PRINT_YELLOW] = "\033[1;33m",
		[PRINT_RED] = "\033[1;31m",
	};

	if (colour == PRINT_PLAIN || !print_has_colour(out))
		fputs(text, out);
	else
		fprintf(out, "%s%s\033[0m", codes[colour], text);
}

struct row row_start(FILE *out, const char *label, size_t indent)
{
	return (struct row){ .out = out, .label = label, .indent = indent };
}

/* Goes to the place of the next word: under the values, or `gap` spaces on. */
static void row_place(struct row *row, size_t width, size_t gap)
{
	bool started = row->column > row->indent;
	bool fits = row->column + gap + width <= PRINT_COLUMNS && !row->broken;

	if (row->column == 0) {
		size_t label = print_width(row->label);

		fprintf(row->out, "%s%*s", row->label,
			(int)(row->indent > label ? row->indent - label : 0), "");
		row->column = row->indent;
	} else if (started && !fits) {
		fprintf(row->out, "\n%*s", (int)row->indent, "");
		row->column = row->indent;
	} else if (started) {
		fprintf(row->out, "%*s", (int)gap, "");
		row->column += gap;
	}
	row->broken = false;
}

/* How many bytes of `text` fit into `columns`, in whole characters. */
static size_t bytes_that_fit(const char *text, size_t columns)
{
	size_t bytes = 0;
	size_t used = 0;

	while (text[bytes]) {
		size_t width;
		size_t length = next_character(text + bytes, &width);

		used += width;
		if (used > columns)
			break;
		bytes += length;
	}
	return bytes;
}

/* Prints a word; one that is longer than a line goes over several. */
static void row_word(struct row *row, const char *word, size_t gap)
{
	size_t room = PRINT_COLUMNS - row->indent;

	while (*word) {
		size_t width = print_width(word);
		size_t bytes = bytes_that_fit(word, room);

		row_place(row, width < room ? width : room, gap);
		fwrite(word, 1, bytes, row->out);
		row->column += width < room ? width : room;
		word += bytes;
		gap = 0;
	}
}

/* Marks that must not begin a line, and those that must not end one. */
static bool is_one_of(const char *text, size_t length, const char *marks)
{
	char mark[8] = "";

	memcpy(mark, text, length);
	return strstr(marks, mark) != NULL;
}

/* Katakana write whole words: U+30A0 to U+30FF, in UTF-8 e3 82 a0 to e3 83 bf. */
static bool is_katakana(const char *text)
{
	return strncmp(text, "\u30a0", 3) >= 0 && strncmp(text, "\u30ff", 3) <= 0;
}

/* The bytes of a short command in backticks at `text`, which is read as one word; 0: there is none. */
static size_t command_length(const char *text)
{
	const char *end = *text == '`' ? strchr(text + 1, '`') : NULL;

	return end && end - text < COMMAND_MAX ? (size_t)(end - text) + 1 : 0;
}

/* The bytes of what must stay on one line at the start of `text`: a word, or where there are no
 * spaces between words (Japanese), a word in katakana or one wide character, with the marks that
 * belong to it. */
static size_t unit_length(const char *text)
{
	bool katakana = false;
	bool opening = true;
	bool wide = false;
	size_t bytes = 0;

	while (text[bytes] && text[bytes] != ' ') {
		size_t command = command_length(text + bytes);
		size_t columns;
		size_t length = next_character(text + bytes, &columns);
		bool closing = is_one_of(text + bytes, length, "。、」』)）:・ー,.");

		if (bytes > 0 && !opening && !closing && (wide || columns > 1) &&
		    !(katakana && is_katakana(text + bytes)))
			break;
		katakana = is_katakana(text + bytes);
		opening = !command && is_one_of(text + bytes, length, "「『(（\"`");
		wide = columns > 1;
		bytes += command ? command : length;
	}
	return bytes;
}

void row_add(struct row *row, const char *format, ...)
{
	char part[PART_MAX];
	char *rest = part;
	va_list arguments;
	size_t gap = 2;

	va_start(arguments, format);
	vsnprintf(part, sizeof(part), format, arguments);
	va_end(arguments);
	if (row->indent + print_width(part) <= PRINT_COLUMNS) {
		row_word(row, part, gap);
		return;
	}
	/* Longer than a line: word by word. */
	rest += strspn(rest, " ");
	while (*rest) {
		size_t bytes = unit_length(rest);
		char end = rest[bytes];

		rest[bytes] = '\0';
		row_word(row, rest, gap);
		rest[bytes] = end;
		rest += bytes;
		gap = strspn(rest, " ");
		rest += gap;
	}
}

void row_break(struct row *row)
{
	row->broken = true;
}

void row_end(struct row *row)
{
	if (row->column > 0)
		fputc('\n', row->out);
	row->column = 0;
}
