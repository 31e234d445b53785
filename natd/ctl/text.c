/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "natd/ctl/text.h"

#include <ctype.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOMAIN "natd"

static const char *catalogues;

bool text_is_japanese(void)
{
	/* TRANSLATORS: the code of your language, ISO 639-1. */
	return strcmp(_("en"), "ja") == 0;
}

/* gettext translates for locales that exist, and a small server has C.UTF-8 alone, for which it translates
 * nothing since glibc 2.39. `make install` gives that locale the name of the Japanese one, in a folder that
 * only natctl looks into (LOCPATH, setlocale(3)). */
static bool use_japanese(void)
{
	char folder[PATH_MAX];
	bool known;

	snprintf(folder, sizeof(folder), "%s/ja/natd", catalogues);
	unsetenv("LANGUAGE");
	setenv("LOCPATH", folder, 1);
	known = setlocale(LC_MESSAGES, "ja_JP.UTF-8") && text_is_japanese();
	unsetenv("LOCPATH");
	return known;
}

/* As gettext reads the environment, but for the locale's having to exist: ssh(1) brings the user's LANG along
 * to a server that has no such locale. */
static bool asks_for_japanese(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
	const char *language = getenv("LANGUAGE");
	const char *locale = NULL;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && (!locale || !*locale); i++)
		locale = getenv(names[i]);
	if (!locale || strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0)
		return false;
	if (language && *language)
		locale = language;
	return strncmp(locale, "ja", 2) == 0 && !isalpha((unsigned char)locale[2]);
}

/* Numbers stay as they are: JSON and the router know no decimal comma. */
void text_start(const char *directory)
{
	setlocale(LC_MESSAGES, "");
	setlocale(LC_CTYPE, "");
	/* Routers' names and our catalogues are UTF-8, whatever the terminal claims to be. */
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
	catalogues = directory;
	bindtextdomain(DOMAIN, directory);
	bind_textdomain_codeset(DOMAIN, "UTF-8");
	textdomain(DOMAIN);
	if (asks_for_japanese() && !text_is_japanese())
		use_japanese();
}

bool text_use(const char *language)
{
	if (strcmp(language, "ja") == 0)
		return use_japanese();
	return setlocale(LC_MESSAGES, "C") != NULL;
}
