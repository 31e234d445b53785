/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What natd takes from the reports of rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>

#include "natd/kernel_set.h"
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

/* Another program may have taken them for its own. */
static void tables_that_stay_are_told(void **state)
{
	static struct kernel kernel;
	struct rules_report report = { .what = RULES_REMOVED };

	(void)state;
	assert_string_equal(said_of(&kernel, &report), "");
	assert_true(kernel.removed);
	kernel.removed = false;
	report.written.error = 1; /* EPERM */
	strcpy(report.written.what, "the table inet natd");
	assert_non_null(strstr(said_of(&kernel, &report), "refuses to remove the table inet natd"));
	assert_true(kernel.removed);
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

static struct network_address on(unsigned int index, const char *text, uint8_t length)
{
	struct network_address address = { .index = index,
					   .prefix.length = length,
					   .usable = true };

	assert_true(address_parse(&address.prefix.address, text));
	return address;
}

/* The networks that rules is told are the home's, in one line. */
static const char *home_of(const struct network *network)
{
	static char line[256];
	static struct kernel kernel;
	size_t count;
	struct rules_request *set = kernel_set(&kernel, network, true, NULL, 0, &count);

	line[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		char text[ADDRESS_TEXT_MAX];
		struct address address = kernel_address(&set[i].prefix);

		if (set[i].what != RULES_LAN)
			continue;
		address.family = set[i].prefix.family;
		snprintf(line + strlen(line), sizeof(line) - strlen(line), "%s/%u ",
			 address_print(&address, text), set[i].prefix.length);
	}
	free(set);
	return line;
}

/* On a rented server, or behind a modem, the neighbours are strangers. */
static void the_lines_own_network_is_not_the_home(void **state)
{
	static struct network network = {
		.links = { { .index = 2, .name = "eth0", .up = true, .running = true },
			   { .index = 3, .name = "lan0", .up = true, .running = true } },
		.link_count = 2,
		.route_count = 1,
		.address_count = 3,
	};

	(void)state;
	network.routes[0].index = 2;
	network.routes[0].destination.address.family = AF_INET;
	assert_true(address_parse(&network.routes[0].gateway, "11.0.3.254"));
	network.addresses[0] = on(2, "11.0.3.1", 24);
	network.addresses[1] = on(2, "2a11:3::1", 64);
	network.addresses[2] = on(3, "192.168.5.1", 24);
	assert_string_equal(home_of(&network), "2a11:3::/64 192.168.5.0/24 ");
	/* behind a router it is */
	network.addresses[0] = on(2, "192.168.77.10", 24);
	assert_string_equal(home_of(&network), "192.168.77.0/24 2a11:3::/64 192.168.5.0/24 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_that_stay_are_told),
		cmocka_unit_test(a_switch_is_told_when_it_changes),
		cmocka_unit_test(the_lines_own_network_is_not_the_home),
	};

	log_open("test", true);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
