/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The comment among the userdata of a rule, whoever wrote that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <libnftnl/udata.h>
#include <string.h>

#include "rules/comment.h"

#define COMMENT NFTNL_UDATA_RULE_COMMENT
#define OTHER   (NFTNL_UDATA_RULE_COMMENT + 1)

static const struct {
	const char *userdata;
	uint32_t size;
	const char *comment; /* NULL: none */
	size_t length;
} cases[] = {
	{ (const char[]){ COMMENT, 3, 'a', 'b', 0 }, 5, "ab", 3 },
	{ (const char[]){ OTHER, 1, 7, COMMENT, 1, 'x' }, 6, "x", 1 },
	{ (const char[]){ COMMENT, 0 }, 2, "", 0 },
	{ (const char[]){ OTHER, 2, COMMENT, 0 }, 4, NULL, 0 },
	{ (const char[]){ COMMENT }, 1, NULL, 0 },
	/* These would end beyond the userdata. */
	{ (const char[]){ COMMENT, (char)255 }, 2, NULL, 0 },
	{ (const char[]){ COMMENT, 3, 'a', 'b' }, 4, NULL, 0 },
	{ (const char[]){ OTHER, 9, COMMENT, 1, 'x' }, 5, NULL, 0 },
	{ (const char[]){ OTHER, 0, COMMENT, 2, 'x' }, 5, NULL, 0 },
};

static void test_comments(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nftnl_rule *rule = nftnl_rule_alloc();
		const char *comment;
		size_t length = 0;

		nftnl_rule_set_data(rule, NFTNL_RULE_USERDATA, cases[i].userdata, cases[i].size);
		comment = comment_read(rule, &length);
		assert_int_equal(comment != NULL, cases[i].comment != NULL);
		assert_int_equal(length, cases[i].length);
		if (comment)
			assert_memory_equal(comment, cases[i].comment, length);
		nftnl_rule_free(rule);
	}
}

static void test_a_rule_without_userdata(void **state)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	size_t length;

	(void)state;
	assert_null(comment_read(rule, &length));
	nftnl_rule_free(rule);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comments),
		cmocka_unit_test(test_a_rule_without_userdata),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
