/* SPDX-License-Identifier: GPL-2.0-or-later */
/* natctl watch --exec: which changes of address the programs are told, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "natd/ctl/hooks.h"

#define HOOK "#!/bin/sh\necho \"$NATD_EVENT $NATD_OLD_WAN4 $NATD_WAN4\" >>\"$0.told\"\n"

static char folder[] = "/tmp/natd-test-hooks-XXXXXX";
static char hook[64];
static char told[80];

static int make_hook(void **state)
{
	FILE *file;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(hook, sizeof(hook), "%s/hook", folder);
	snprintf(told, sizeof(told), "%s.told", hook);
	file = fopen(hook, "w");
	fputs(HOOK, file);
	fclose(file);
	return chmod(hook, 0755);
}

static int remove_hook(void **state)
{
	(void)state;
	unlink(hook);
	unlink(told);
	return rmdir(folder);
}

/* What the hook was told since the last look, a line each. */
static const char *heard(void)
{
	static char text[512];
	FILE *file = fopen(told, "r");

	memset(text, 0, sizeof(text));
	if (file) {
		assert_int_equal(ferror(file), 0);
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		fclose(file);
		unlink(told);
	}
	return text;
}

static void event(struct hooks *hooks, const char *name, const char *old, const char *wan,
		  int64_t now)
{
	json_t *what = json_pack("{s:s, s:s, s:s}", "event", name, "wan_address", wan,
				 "old_wan_address", old);
	json_t *snapshot = json_pack("{s:s, s:[]}", "wan_address", wan, "forwards");

	hooks_event(hooks, what, snapshot, now);
	json_decref(what);
	json_decref(snapshot);
}

static void moved(struct hooks *hooks, const char *old, const char *wan, int64_t now)
{
	event(hooks, "wan-changed", old, wan, now);
}

static void the_first_change_is_told_at_once(void **state)
{
	struct hooks hooks = { .directory = folder };

	(void)state;
	moved(&hooks, "11.0.0.1", "11.0.0.2", 1000);
	assert_string_equal(heard(), "wan-changed 11.0.0.1 11.0.0.2\n");
	assert_int_equal(hooks_deadline(&hooks), 0);
	moved(&hooks, "11.0.0.2", "11.0.0.3", 1000 + HOOKS_REST_MS);
	assert_string_equal(heard(), "wan-changed 11.0.0.2 11.0.0.3\n");
}

static void of_a_burst_the_first_and_the_last_are_told(void **state)
{
	struct hooks hooks = { .directory = folder };

	(void)state;
	moved(&hooks, "11.0.0.1", "11.0.0.2", 1000);
	moved(&hooks, "11.0.0.2", "11.0.0.3", 2000);
	moved(&hooks, "11.0.0.3", "11.0.0.4", 3000);
	assert_string_equal(heard(), "wan-changed 11.0.0.1 11.0.0.2\n");
	assert_int_equal(hooks_deadline(&hooks), 1000 + HOOKS_REST_MS);
	hooks_run_due(&hooks, 1000 + HOOKS_REST_MS - 1);
	assert_string_equal(heard(), "");
	hooks_run_due(&hooks, 1000 + HOOKS_REST_MS);
	assert_string_equal(heard(), "wan-changed 11.0.0.2 11.0.0.4\n");
	assert_int_equal(hooks_deadline(&hooks), 0);
	/* that was telling, too */
	moved(&hooks, "11.0.0.4", "11.0.0.5", 2000 + HOOKS_REST_MS);
	assert_string_equal(heard(), "");
	assert_int_equal(hooks_deadline(&hooks), 1000 + 2 * HOOKS_REST_MS);
	hooks_run_due(&hooks, 1000 + 2 * HOOKS_REST_MS);
	assert_string_equal(heard(), "wan-changed 11.0.0.4 11.0.0.5\n");
}

static void there_and_back_is_no_change(void **state)
{
	struct hooks hooks = { .directory = folder };

	(void)state;
	moved(&hooks, "11.0.0.1", "11.0.0.2", 1000);
	moved(&hooks, "11.0.0.2", "11.0.0.1", 2000);
	moved(&hooks, "11.0.0.1", "11.0.0.2", 3000);
	assert_int_equal(hooks_deadline(&hooks), 0);
	assert_string_equal(heard(), "wan-changed 11.0.0.1 11.0.0.2\n");
}

static void what_is_no_address_never_waits(void **state)
{
	struct hooks hooks = { .directory = folder };

	(void)state;
	moved(&hooks, "11.0.0.1", "11.0.0.2", 1000);
	event(&hooks, "mapping-lost", "", "11.0.0.2", 1001);
	assert_string_equal(heard(), "wan-changed 11.0.0.1 11.0.0.2\nmapping-lost  11.0.0.2\n");
}

static void without_a_folder_nothing_is_run(void **state)
{
	struct hooks hooks = { 0 };

	(void)state;
	moved(&hooks, "11.0.0.1", "11.0.0.2", 1000);
	assert_string_equal(heard(), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_change_is_told_at_once),
		cmocka_unit_test(of_a_burst_the_first_and_the_last_are_told),
		cmocka_unit_test(there_and_back_is_no_change),
		cmocka_unit_test(what_is_no_address_never_waits),
		cmocka_unit_test(without_a_folder_nothing_is_run),
	};

	return cmocka_run_group_tests(tests, make_hook, remove_hook);
}
