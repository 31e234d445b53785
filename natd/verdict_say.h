/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verdict_say: how a verdict gets its words. tests/lint looks for these two calls: what they say is
 * translated (natd/ctl/sentences.c). */
#ifndef NATD_VERDICT_SAY_H
#define NATD_VERDICT_SAY_H

#include <stdarg.h>
#include <stdio.h>

#include "natd/verdict.h"

__attribute__((format(printf, 2, 3))) static inline void say(struct verdict *verdict,
							     const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(verdict->text, sizeof(verdict->text), format, arguments);
	va_end(arguments);
}

__attribute__((format(printf, 2, 3))) static inline void advise(struct verdict *verdict,
								const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(verdict->advice, sizeof(verdict->advice), format, arguments);
	va_end(arguments);
}

#endif
