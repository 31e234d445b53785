/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The priorities of syslog(3), as sd-daemon(3) wants them before a line: "<3>text". */
enum priority { PRIORITY_ERROR = 3, PRIORITY_WARNING = 4, PRIORITY_INFO = 6, PRIORITY_DEBUG = 7 };

#define LOG_FORMAT_LIST __attribute__((format(printf, 2, 0)))

static const char *log_name = "natd";
static bool log_verbose;
static bool log_to_journal;

/* systemd.exec(5): JOURNAL_STREAM is "device:inode" of the stream; a terminal that was started by a
 * service inherits the variable, but is not the journal. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat status;
	char ours[64];

	if (!stream || fstat(STDERR_FILENO, &status) < 0)
		return false;
	snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
	return strcmp(stream, ours) == 0;
}

void log_open(const char *process, bool verbose)
{
	log_name = process;
	log_verbose = verbose;
	log_to_journal = is_journal();
}

void log_rename(const char *process)
{
	log_name = process;
}

/* Lead bytes and what may follow them at once: no overlong form, no surrogate, nothing past U+10FFFF
 * (Unicode 15.0, table 3-7). */
static const struct {
	unsigned char from, to;           /* the lead byte */
	unsigned char second, second_end; /* the byte after it */
	unsigned char length;
} utf8_forms[] = {
	{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
	{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

/* The length of the UTF-8 sequence at `text`, 0 if it is not one. */
static size_t utf8_length(const unsigned char *text)
{
	if (text[0] < 0x80)
		return 1;
	for (size_t form = 0; form < sizeof(utf8_forms) / sizeof(utf8_forms[0]); form++) {
		if (text[0] < utf8_forms[form].from || text[0] > utf8_forms[form].to)
			continue;
		if (text[1] < utf8_forms[form].second || text[1] > utf8_forms[form].second_end)
			return 0;
		for (size_t i = 2; i < utf8_forms[form].length; i++)
			if ((text[i] & 0xc0) != 0x80)
				return 0;
		return utf8_forms[form].length;
	}
	return 0;
}

void log_clean(char *text)
{
	unsigned char *at = (unsigned char *)text;

	while (*at) {
		size_t length = utf8_length(at);
		/* U+0080..U+009F are control characters too: a terminal obeys them. */
		bool control = *at < 0x20 || *at == 0x7f || (*at == 0xc2 && at[1] < 0xa0);

		if (length == 0 || control) {
			*at++ = '?';
			continue;
		}
		at += length;
	}
}

LOG_FORMAT_LIST static void log_line(enum priority priority, const char *format, va_list arguments)
{
	char line[1024];
	size_t used = 0;

	if (log_to_journal)
		used += (size_t)snprintf(line, sizeof(line), "<%d>", priority);
	used += (size_t)snprintf(line + used, sizeof(line) - used, "%s: ", log_name);
	vsnprintf(line + used, sizeof(line) - used - 1, format, arguments);
	log_clean(line);
	used = strlen(line);
	line[used++] = '\n';
	/* Nobody is left to hear that standard error is gone. */
	if (write(STDERR_FILENO, line, used) < 0)
		return;
}

#define LOG_WITH(priority)                                                                         \
	do {                                                                                       \
		va_list arguments;                                                                 \
		va_start(arguments, format);                                                       \
		log_line(priority, format, arguments);                                             \
		va_end(arguments);                                                                 \
	} while (0)

void log_error(const char *format, ...)
{
	LOG_WITH(PRIORITY_ERROR);
}

void log_warning(const char *format, ...)
{
	LOG_WITH(PRIORITY_WARNING);
}

void log_info(const char *format, ...)
{
	LOG_WITH(PRIORITY_INFO);
}

void log_debug(const char *format, ...)
{
	if (log_verbose)
		LOG_WITH(PRIORITY_DEBUG);
}

void fatal(const char *format, ...)
{
	LOG_WITH(PRIORITY_ERROR);
	exit(EXIT_FAILURE);
}
