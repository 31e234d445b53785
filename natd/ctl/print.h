/* SPDX-License-Identifier: GPL-2.0-or-later */
/* print: text for a terminal of 80 columns, and JSON. */
#ifndef NATD_CTL_PRINT_H
#define NATD_CTL_PRINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "natd/log.h"

#define PRINT_COLUMNS 80

/* Where the values of a screen start: after a space and the longest label ("Clients use"). */
#define PRINT_INDENT 15

enum print_colour { PRINT_PLAIN, PRINT_GREEN, PRINT_YELLOW, PRINT_RED };

/* Makes a string safe for a terminal and for JSON: log_clean(), and ASCII only where the rest is
 * not strictly UTF-8. */
void print_clean(char *text);

/* The same for every string in `json`, at any depth; it may be NULL. In the values of "advice",
 * which natd writes itself, newlines stay. */
void print_clean_json(json_t *json);

/* Says what is wrong, in one line on standard error, or as {"error": ...} on standard output if
 * `json`. Returns `status`, so that a command can end with it. */
int say_error(bool json, int status, const char *format, ...) LOG_FORMAT(3);

/* Prints `json` on standard output, for -j. */
void say_json(const json_t *json);

/* True where `out` is a terminal, and not a dumb one. */
bool print_takes_escapes(FILE *out);

/* What it is busy with, on a line of a terminal that the next one overwrites; "" takes it away. Nothing
 * where standard error is no terminal, or a dumb one. */
void print_progress(const char *text);

#define DURATION_TEXT_MAX 24

/* "21 s", "29 min", "5 h", "12 d": the nearest number of the unit that a person would use. */
const char *print_duration(json_int_t seconds, char text[DURATION_TEXT_MAX]);

/* Columns of a terminal that UTF-8 `text` takes: CJK characters take two. */
size_t print_width(const char *text);

/* True where `out` is a terminal that may be coloured (https://no-color.org). */
bool print_has_colour(FILE *out);

/* Prints `text` in a colour, where `out` has colour. */
void print_coloured(FILE *out, enum print_colour colour, const char *text);

/* A labelled line that breaks between words before column 80 and continues under its values. */
struct row {
	FILE *out;
	const char *label; /* printed with the first part; a row without parts prints nothing */
	size_t indent;     /* columns */
	size_t column;     /* where the next character goes; 0: nothing is printed yet */
	bool broken;       /* row_break() was called */
};

struct row row_start(FILE *out, const char *label, size_t indent);

/* Adds text after two spaces; it starts a new line if it does not fit on this one as a whole. */
void row_add(struct row *row, const char *format, ...) LOG_FORMAT(2);

/* The next part starts on a line of its own. */
void row_break(struct row *row);

/* Ends the line, if there is one. */
void row_end(struct row *row);

#endif
