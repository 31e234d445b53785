/* SPDX-License-Identifier: GPL-2.0-or-later */
/* text: what natctl says, in the user's language (gettext, natd/po). JSON stays English. */
#ifndef NATD_CTL_TEXT_H
#define NATD_CTL_TEXT_H

#include <libintl.h>
#include <stdbool.h>

#define _(message) gettext(message)

/* Marks a message for the catalogue where it stands in a table; _() translates it when it is shown. */
#define N_(message) message

/* The language of the environment; the catalogues are below `directory`, which has to stay as it is. */
void text_start(const char *directory);

/* Another language than the environment's: "en" or "ja". False where its catalogue is not installed, or
 * the C library has no C.UTF-8 in files (/usr/lib/locale/C.utf8). */
bool text_use(const char *language);

/* True while messages come in Japanese. */
bool text_is_japanese(void);

#endif
