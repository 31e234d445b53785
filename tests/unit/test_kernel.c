/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What natd takes from the reports of rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "natd/kernel.h"
#include "natd/log.h"

/* What the log says of a report. */
static const char *said_of(struct kernel *kernel, const struct rules_report *report)
{
	static char text[1024];
	int terminal = dup(STDERR_FILENO);
	FILE *log = tmpfile();

	assert_non_null(log);
	assert_int_equal(dup2(fileno(log), STDERR_FILENO), STDERR_FILENO);
	kernel_report(kernel, report, 1000);
	assert_int_equal(dup2(terminal, STDERR_FILENO), STDERR_FILENO);
	close(terminal);
	rewind(log);
	text[fread(text, 1, sizeof(text) - 1, log)] = '\0';
	fclose(log);
	return text;
}

static struct rules_report switch_was(int32_t before)
{
	struct rules_report report = { .what = RULES_SYSCTL_IS, .sysctl = { .before = before } };

	strcpy(report.sysctl.name, "ipv4/ip_forward");
	return report;
}

/* Two looks that come quickly one after the other both ask for it; it is changed once. And what another
 * program puts back is changed again. */
static void a_switch_is_told_when_it_changes(void **state)
{
	static struct kernel kernel;
	struct rules_report off = switch_was(0);
	struct rules_report on = switch_was(1);

	(void)state;
	kernel.sysctls.list[0] = (struct sysctl){ .before = 0, .ours = 1 };
	strcpy(kernel.sysctls.list[0].name, "ipv4/ip_forward");
	kernel.sysctls.count = 1;
	assert_non_null(strstr(said_of(&kernel, &off), "ipv4/ip_forward is changed from 0 until"));
	assert_string_equal(said_of(&kernel, &on), "");
	assert_non_null(strstr(said_of(&kernel, &off), "is changed from 0 until"));
	off.sysctl.error = 30; /* EROFS */
	assert_non_null(strstr(said_of(&kernel, &off), "cannot be written"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_switch_is_told_when_it_changes),
	};

	log_open("test", true);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
