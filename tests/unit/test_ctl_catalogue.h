/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The translations as they were built, for what natctl says in a test. */
#ifndef TESTS_UNIT_TEST_CTL_CATALOGUE_H
#define TESTS_UNIT_TEST_CTL_CATALOGUE_H

#include <string.h>
#include <unistd.h>

#include "natd/ctl/text.h"

/* The catalogue is beside this program: BUILD/tests/unit/NAME, BUILD/locale. */
static void start_text(void)
{
	static char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 32);

	for (int i = 0; i < 3 && length > 0; i++)
		*strrchr(path, '/') = '\0';
	strcat(path, "/locale");
	text_start(path);
}

#endif
