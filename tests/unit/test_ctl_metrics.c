/* SPDX-License-Identifier: GPL-2.0-or-later */
/* natctl metrics, read back line by line by the rules of OpenMetrics 1.0 that it relies on. */
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "natd/ctl/metrics.h"
#include "natd/ctl/print.h"
#include "tests/unit/test_ctl_samples.h"

#define NAME  "[a-z][a-z0-9_]*"
#define VALUE "\"([^\"\\]|\\\\[\\\"n])*\""
#define LABEL NAME "=" VALUE

/* What a line may be, and the name of its family with the type it needs. */
static const char *const samples[] = {
	"^natd_" NAME " -?[0-9]+$",
	"^natd_" NAME "\\{" LABEL "(," LABEL ")*\\} -?[0-9]+$",
};

static bool matches(const char *line, const char *form)
{
	regex_t regex;
	bool good;

	assert_int_equal(regcomp(&regex, form, REG_EXTENDED | REG_NOSUB), 0);
	good = regexec(&regex, line, 0, NULL, 0) == 0;
	regfree(&regex);
	return good;
}

/* Each sample follows the TYPE of its family, a counter's ends in _total, each family comes once. */
static void assert_metrics(const char *text)
{
	char families[32][64];
	size_t count = 0;
	char line[256];
	bool counter = false;

	for (const char *at = text; *at; at += strcspn(at, "\n") + 1) {
		char type[16] = "";

		assert_true(strcspn(at, "\n") < sizeof(line));
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
		if (strcmp(line, "# EOF") == 0) {
			assert_string_equal(at, "# EOF\n");
			return;
		}
		if (sscanf(line, "# TYPE %63s %15s", families[count], type) == 2) {
			for (size_t i = 0; i < count; i++)
				assert_string_not_equal(families[i], families[count]);
			counter = strcmp(type, "counter") == 0;
			assert_true(counter || strcmp(type, "gauge") == 0);
			assert_true(++count < 32);
			continue;
		}
		assert_true(count > 0);
		if (strncmp(line, "# HELP ", 7) == 0) {
			assert_memory_equal(line + 7, families[count - 1],
					    strlen(families[count - 1]));
			continue;
		}
		if (!matches(line, samples[0]) && !matches(line, samples[1]))
			fail_msg("no sample: %s", line);
		line[strcspn(line, "{ ")] = '\0';
		if (counter)
			strcat(families[count - 1], "_total");
		assert_string_equal(line, families[count - 1]);
		if (counter)
			*strrchr(families[count - 1], '_') = '\0';
	}
	fail_msg("no # EOF");
}

static char *metrics_of(json_t *status)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	metrics_show(out, status);
	fclose(out);
	json_decref(status);
	assert_metrics(text);
	return text;
}

static void assert_holds(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in\n%s", part, text);
}

static void all_is_well(void **state)
{
	char *text = metrics_of(json_loads(SAMPLE_WELL, 0, NULL));

	(void)state;
	assert_holds(text, "\nnatd_up 1\n");
	assert_holds(text, "\nnatd_uptime_seconds 260\n");
	assert_holds(text, "\nnatd_reachable 1\n");
	assert_holds(text, "\nnatd_verdict{code=\"OK\"} 1\n");
	assert_holds(text, "\nnatd_router_protocol{protocol=\"nat-pmp\"} 0\n");
	assert_holds(text,
		     "\nnatd_forward_open{name=\"wireguard\",protocol=\"udp\",port=\"51820\"} 1\n");
	assert_holds(text, "natd_forward_packets_total{name=\"wireguard\",protocol=\"udp\","
			   "port=\"51820\"} 412\n");
	assert_holds(text, "natd_tunnel_packets_total{interface=\"wg0\"} 5150\n");
	assert_holds(text, "natd_rules_repairs_total 0\n");
	free(text);
}

static void the_name_is_told_where_it_is_known(void **state)
{
	char *text = metrics_of(json_loads("{\"name\": {\"matches\": false}}", 0, NULL));

	(void)state;
	assert_holds(text, "\nnatd_name_matches 0\n");
	free(text);
	text = metrics_of(json_loads("{\"name\": {\"matches\": null}}", 0, NULL));
	assert_null(strstr(text, "\nnatd_name_matches "));
	free(text);
}

static void what_is_not_known_is_left_out(void **state)
{
	char *text = metrics_of(json_loads(SAMPLE_NULLS, 0, NULL));

	(void)state;
	assert_null(strstr(text, "\nnatd_reachable "));
	assert_null(strstr(text, "\nnatd_verdict{"));
	assert_null(strstr(text, "null"));
	free(text);
}

static void natd_does_not_answer(void **state)
{
	char *text = metrics_of(NULL);

	(void)state;
	assert_string_equal(text, "# TYPE natd_up gauge\n# HELP natd_up Whether natd answers.\n"
				  "natd_up 0\n# EOF\n");
	free(text);
}

static void labels_are_escaped(void **state)
{
	json_t *status = json_loads("{\"forwards\": [{\"name\": \"a\\\"b\\\\c\\nd\", \"protocol\": "
				    "\"udp\", \"port\": 1, \"state\": \"open\"}]}",
				    0, NULL);
	char *text;

	(void)state;
	print_clean_json(status);
	text = metrics_of(status);
	assert_holds(text, "{name=\"a\\\"b\\\\c?d\",protocol=\"udp\",port=\"1\"} 1\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_well),
		cmocka_unit_test(the_name_is_told_where_it_is_known),
		cmocka_unit_test(what_is_not_known_is_left_out),
		cmocka_unit_test(natd_does_not_answer),
		cmocka_unit_test(labels_are_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
