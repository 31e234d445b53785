/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which protocol may write, by what the others turned out to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "upnp/asking.h"

#define MS 1000

static struct asking asking;

static void begin(uint8_t count, uint8_t first, uint8_t second, uint8_t third)
{
	const uint8_t order[] = { first, second, third };

	asking_reset(&asking, order, count);
	asking_begin(&asking, false, 0);
}

static void nobody_writes_before_anybody_is_asked(void **state)
{
	const uint8_t order[] = { UPNP_PCP };

	(void)state;
	asking_reset(&asking, order, 1);
	asking_told(&asking, UPNP_PCP, UPNP_OK);
	assert_int_equal(asking_choose(&asking, 0), UPNP_ANY);
	assert_false(asking_over(&asking));
}

static void preferred_gets_its_real_request_unless_it_must_be_found(void **state)
{
	(void)state;
	begin(3, UPNP_PCP, UPNP_NATPMP, UPNP_IGD);
	assert_int_equal(asking_presumed(&asking), UPNP_PCP);
	begin(2, UPNP_NATPMP, UPNP_PCP, 0);
	assert_int_equal(asking_presumed(&asking), UPNP_NATPMP);
	begin(2, UPNP_IGD, UPNP_PCP, 0);
	assert_int_equal(asking_presumed(&asking), UPNP_ANY);
	begin(0, 0, 0, 0);
	assert_int_equal(asking_presumed(&asking), UPNP_ANY);
}

static void lesser_one_that_answers_writes_while_pcp_is_silent(void **state)
{
	(void)state;
	begin(3, UPNP_PCP, UPNP_NATPMP, UPNP_IGD);
	assert_int_equal(asking_choose(&asking, 1 * MS), UPNP_ANY);
	asking_told(&asking, UPNP_NATPMP, UPNP_OK);
	assert_int_equal(asking_choose(&asking, 1 * MS), UPNP_NATPMP);
	asking_told(&asking, UPNP_PCP, UPNP_OK); /* late: the writer stays */
	assert_int_equal(asking_choose(&asking, 2 * MS), UPNP_NATPMP);
}

static void order_counts_where_several_have_answered(void **state)
{
	(void)state;
	begin(3, UPNP_PCP, UPNP_NATPMP, UPNP_IGD);
	asking_told(&asking, UPNP_IGD, UPNP_OK);
	asking_told(&asking, UPNP_NATPMP, UPNP_OK);
	asking_told(&asking, UPNP_PCP, UPNP_OK);
	assert_int_equal(asking_choose(&asking, 1 * MS), UPNP_PCP);
}

static void preferred_upnp_is_waited_for_but_not_for_ever(void **state)
{
	(void)state;
	begin(2, UPNP_IGD, UPNP_PCP, 0);
	assert_true(asking_wakes_us(&asking) == ASKING_NEVER);
	asking_told(&asking, UPNP_PCP, UPNP_OK);
	assert_int_equal(asking_choose(&asking, 1499 * MS), UPNP_ANY);
	assert_int_equal(asking_wakes_us(&asking), 1500 * MS);
	assert_int_equal(asking_choose(&asking, 1500 * MS), UPNP_PCP);
	assert_true(asking_wakes_us(&asking) == ASKING_NEVER);
}

static void preferred_upnp_that_answers_or_fails_ends_the_wait(void **state)
{
	(void)state;
	begin(2, UPNP_IGD, UPNP_PCP, 0);
	asking_told(&asking, UPNP_PCP, UPNP_OK);
	asking_told(&asking, UPNP_IGD, UPNP_OK);
	assert_int_equal(asking_choose(&asking, 60 * MS), UPNP_IGD);
	begin(2, UPNP_IGD, UPNP_PCP, 0);
	asking_told(&asking, UPNP_PCP, UPNP_OK);
	asking_told(&asking, UPNP_IGD, UPNP_UNSUPPORTED);
	assert_int_equal(asking_choose(&asking, 60 * MS), UPNP_PCP);
}

static void upnp_in_the_middle_is_waited_for_too(void **state)
{
	(void)state;
	begin(3, UPNP_PCP, UPNP_IGD, UPNP_NATPMP);
	asking_told(&asking, UPNP_NATPMP, UPNP_OK);
	assert_int_equal(asking_choose(&asking, 1 * MS), UPNP_ANY);
	assert_int_equal(asking_choose(&asking, 1500 * MS), UPNP_NATPMP);
}

static void writer_that_fails_writes_no_more(void **state)
{
	(void)state;
	begin(3, UPNP_PCP, UPNP_NATPMP, UPNP_IGD);
	asking_told(&asking, UPNP_PCP, UPNP_OK);
	asking_told(&asking, UPNP_NATPMP, UPNP_OK);
	assert_int_equal(asking_choose(&asking, 0), UPNP_PCP);
	assert_true(asking_told(&asking, UPNP_PCP, UPNP_ERROR));
	assert_int_equal(asking_choose(&asking, 0), UPNP_NATPMP);
}

static void it_is_over_when_all_have_answered_or_had_their_time(void **state)
{
	(void)state;
	begin(3, UPNP_PCP, UPNP_NATPMP, UPNP_IGD);
	asking_told(&asking, UPNP_PCP, UPNP_SILENT);
	asking_told(&asking, UPNP_NATPMP, UPNP_REFUSED);
	assert_false(asking_over(&asking));
	asking_told(&asking, UPNP_IGD, UPNP_UNSUPPORTED);
	assert_true(asking_over(&asking));
	assert_int_equal(asking_choose(&asking, 9000 * MS), UPNP_ANY);
	begin(0, 0, 0, 0);
	assert_true(asking_over(&asking));
}

static void second_round_asks_who_has_not_answered_well(void **state)
{
	(void)state;
	begin(2, UPNP_PCP, UPNP_NATPMP, 0);
	asking_told(&asking, UPNP_PCP, UPNP_SILENT);
	asking_told(&asking, UPNP_NATPMP, UPNP_OK);
	asking_choose(&asking, 0);
	asking_begin(&asking, false, 0);
	assert_int_equal(asking.state[UPNP_PCP], UPNP_ASKING);
	assert_int_equal(asking.state[UPNP_NATPMP], UPNP_OK);
	asking_begin(&asking, true, 0);
	assert_int_equal(asking.state[UPNP_NATPMP], UPNP_ASKING);
	assert_int_equal(asking.state[UPNP_IGD], UPNP_OFF);
	assert_int_equal(asking_choose(&asking, 0),
			 UPNP_NATPMP); /* asked again, still the writer */
}

static void same_state_again_is_no_news(void **state)
{
	(void)state;
	begin(1, UPNP_PCP, 0, 0);
	assert_true(asking_told(&asking, UPNP_PCP, UPNP_OK));
	assert_false(asking_told(&asking, UPNP_PCP, UPNP_OK));
}

static void one_that_is_dropped_is_asked_no_more(void **state)
{
	static const uint8_t order[] = { UPNP_PCP, UPNP_NATPMP, UPNP_IGD };

	(void)state;
	asking_reset(&asking, order, 3);
	asking_begin(&asking, false, 0);
	asking_told(&asking, UPNP_NATPMP, UPNP_ERROR);
	asking_drop(&asking, UPNP_NATPMP);
	asking_drop(&asking, UPNP_NATPMP);
	assert_int_equal(asking.count, 2);
	assert_int_equal(asking.order[1], UPNP_IGD);
	asking_begin(&asking, true, 0);
	assert_int_equal(asking.state[UPNP_NATPMP], UPNP_ERROR);
	assert_int_equal(asking.state[UPNP_IGD], UPNP_ASKING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_writes_before_anybody_is_asked),
		cmocka_unit_test(preferred_gets_its_real_request_unless_it_must_be_found),
		cmocka_unit_test(lesser_one_that_answers_writes_while_pcp_is_silent),
		cmocka_unit_test(order_counts_where_several_have_answered),
		cmocka_unit_test(preferred_upnp_is_waited_for_but_not_for_ever),
		cmocka_unit_test(preferred_upnp_that_answers_or_fails_ends_the_wait),
		cmocka_unit_test(upnp_in_the_middle_is_waited_for_too),
		cmocka_unit_test(writer_that_fails_writes_no_more),
		cmocka_unit_test(it_is_over_when_all_have_answered_or_had_their_time),
		cmocka_unit_test(second_round_asks_who_has_not_answered_well),
		cmocka_unit_test(same_state_again_is_no_news),
		cmocka_unit_test(one_that_is_dropped_is_asked_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
