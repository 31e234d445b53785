/* SPDX-License-Identifier: GPL-2.0-or-later */
/* log: one line to standard error for the person at home at midnight.
 *
 * Each line is one write(2), so the three processes never mix their lines. Under systemd it starts
 * with the priority that the journal understands. Control characters are replaced, so text that
 * came from a router cannot forge a line or move a cursor. */
#ifndef NATD_LOG_H
#define NATD_LOG_H

#include <stdbool.h>

#define LOG_FORMAT(at) __attribute__((format(printf, at, (at) + 1)))

/* Names the process in each line that follows and says whether log_debug() prints.
 * `process` is kept, not copied. */
void log_open(const char *process, bool verbose);

void log_error(const char *format, ...) LOG_FORMAT(1);
void log_warning(const char *format, ...) LOG_FORMAT(1);
void log_info(const char *format, ...) LOG_FORMAT(1);
void log_debug(const char *format, ...) LOG_FORMAT(1);

/* Logs an error and ends this process with status 1: for what must not happen. */
_Noreturn void fatal(const char *format, ...) LOG_FORMAT(1);

/* Another name for the lines that follow: what a child does after fork(2). */
void log_rename(const char *process);

/* Replaces, in place, what is not printable: control characters and broken UTF-8 become '?'. */
void log_clean(char *text);

#endif
