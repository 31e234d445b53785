/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/text.h"

#include <langinfo.h>
#include <locale.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define DOMAIN "natd"

/* Numbers stay as they are: JSON and the router know no decimal comma. */
void text_start(const char *directory)
{
	setlocale(LC_MESSAGES, "");
	setlocale(LC_CTYPE, "");
	/* Routers' names and our catalogues are UTF-8, whatever the terminal claims to be. */
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
	bindtextdomain(DOMAIN, directory);
	bind_textdomain_codeset(DOMAIN, "UTF-8");
	textdomain(DOMAIN);
}

bool text_is_japanese(void)
{
	/* TRANSLATORS: the code of your language, ISO 639-1. */
	return strcmp(_("en"), "ja") == 0;
}

/* In the locale C gettext translates nothing, and since glibc 2.39 in C.UTF-8 neither. In every other
 * one LANGUAGE decides, so that any will do. */
static bool use_japanese(void)
{
	static const char *const locales[] = { "", "ja_JP.UTF-8", "en_US.UTF-8", "en_GB.UTF-8",
					       "C.UTF-8" };

	setenv("LANGUAGE", "ja", 1);
	for (size_t i = 0; i < sizeof(locales) / sizeof(locales[0]); i++)
		if (setlocale(LC_MESSAGES, locales[i]) && text_is_japanese())
			return true;
	return false;
}

bool text_use(const char *language)
{
	if (strcmp(language, "ja") == 0)
		return use_japanese();
	return setlocale(LC_MESSAGES, "C") != NULL;
}
