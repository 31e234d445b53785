/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The formulas of RFC 6887 8.5 and RFC 6886 3.6, at their edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "upnp/epoch.h"

#define SECOND 1000000LL

typedef bool (*taker)(struct upnp_epoch *epoch, uint32_t server, int64_t now_us);

/* The server said 1000 at second 100; what of `server` at second 100 + `later`? */
static bool good(taker take, uint32_t server, int64_t later)
{
	struct upnp_epoch epoch = { 0 };

	assert_true(take(&epoch, 1000, 100 * SECOND));
	return take(&epoch, server, (100 + later) * SECOND);
}

static void first_word_is_good(void **state)
{
	struct upnp_epoch epoch = { 0 };

	(void)state;
	assert_true(epoch_take_pcp(&epoch, 4000000000U, 0));
	epoch = (struct upnp_epoch){ 0 };
	assert_true(epoch_take_natpmp(&epoch, 0, 3600 * SECOND));
}

static void pcp_server_whose_clock_runs_is_good(void **state)
{
	(void)state;
	assert_true(good(epoch_take_pcp, 1000, 0));
	assert_true(good(epoch_take_pcp, 4600, 3600));
	/* one second back: two answers met on the way; two seconds back: it has lost its state */
	assert_true(good(epoch_take_pcp, 999, 0));
	assert_false(good(epoch_take_pcp, 998, 0));
	assert_false(good(epoch_take_pcp, 0, 3600));
}

static void pcp_clock_may_differ_by_a_sixteenth_and_two_seconds(void **state)
{
	(void)state;
	/* server_delta + 2 < client_delta - client_delta / 16: 1600 s here, 1498 s there are few enough */
	assert_true(good(epoch_take_pcp, 1000 + 1498, 1600));
	assert_false(good(epoch_take_pcp, 1000 + 1497, 1600));
	/* client_delta + 2 < server_delta - server_delta / 16 */
	assert_true(good(epoch_take_pcp, 1000 + 1600, 1498));
	assert_false(good(epoch_take_pcp, 1000 + 1600, 1497));
}

static void pcp_restart_is_seen_although_the_new_epoch_is_higher(void **state)
{
	struct upnp_epoch epoch = { 0 };

	(void)state;
	assert_true(epoch_take_pcp(&epoch, 10, 0));
	/* an hour later it says 1800: higher, but it started anew half an hour ago */
	assert_false(epoch_take_pcp(&epoch, 1800, 3600 * SECOND));
	/* and from then on that is its time */
	assert_true(epoch_take_pcp(&epoch, 1900, 3700 * SECOND));
}

static void natpmp_server_may_be_an_eighth_and_two_seconds_late(void **state)
{
	(void)state;
	assert_true(good(epoch_take_natpmp, 1000 + 800, 800));
	assert_true(good(epoch_take_natpmp, 1000 + 698, 800));
	assert_false(good(epoch_take_natpmp, 1000 + 697, 800));
	assert_true(good(epoch_take_natpmp, 998, 0));
	assert_false(good(epoch_take_natpmp, 997, 0));
	/* a fast clock is no restart (RFC 6886 3.6 looks one way only) */
	assert_true(good(epoch_take_natpmp, 100000, 10));
}

/* How long it is since then is not known: only going back is a restart. */
static void epoch_without_a_time_may_only_go_back(void **state)
{
	static const struct {
		taker take;
		uint32_t least; /* that is good after 1000 */
	} takers[] = { { epoch_take_pcp, 999 }, { epoch_take_natpmp, 998 } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct upnp_epoch undated = { true, true, 1000, 100 * SECOND };
		struct upnp_epoch epoch = undated;

		assert_true(takers[i].take(&epoch, UINT32_MAX, 50 * SECOND));
		assert_false(epoch.undated);
		epoch = undated;
		assert_true(takers[i].take(&epoch, takers[i].least, 90000 * SECOND));
		epoch = undated;
		assert_false(takers[i].take(&epoch, takers[i].least - 1, 90000 * SECOND));
	}
}

static void numbers_at_the_end_of_their_range(void **state)
{
	struct upnp_epoch epoch = { 0 };

	(void)state;
	assert_true(epoch_take_pcp(&epoch, UINT32_MAX, INT64_MAX / 16));
	assert_false(epoch_take_pcp(&epoch, 0, INT64_MAX / 16 + 1));
	assert_false(epoch_take_pcp(&epoch, UINT32_MAX, INT64_MAX / 16 + 2));
	epoch = (struct upnp_epoch){ 0 };
	assert_true(epoch_take_natpmp(&epoch, UINT32_MAX, 0));
	assert_false(epoch_take_natpmp(&epoch, UINT32_MAX, INT64_MAX / 16));
}

static void losses_one_after_the_other_wait_longer(void **state)
{
	static const uint16_t delays[] = { 0, 5000, 10000, 20000, 40000, 40000 };
	struct epoch_losses losses = { 0 };
	int64_t now = 7 * SECOND;

	(void)state;
	for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		assert_int_equal(epoch_loss_delay(&losses, now), delays[i]);
		/* as soon as everything was asked afresh */
		now += (int64_t)delays[i] * 1000 + 1;
	}
	assert_int_equal(epoch_loss_delay(&losses, now + 59 * SECOND), 40000);
	assert_int_equal(epoch_loss_delay(&losses, now + 99 * SECOND + 60 * SECOND), 0);
}

static void loss_waits_with_the_one_before(void **state)
{
	struct epoch_losses losses = { 0 };

	(void)state;
	assert_int_equal(epoch_loss_delay(&losses, 7 * SECOND), 0);
	assert_int_equal(epoch_loss_delay(&losses, 8 * SECOND), 5000);
	assert_int_equal(epoch_loss_delay(&losses, 10 * SECOND), 3000);
	assert_int_equal(epoch_loss_delay(&losses, 13 * SECOND), 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_word_is_good),
		cmocka_unit_test(pcp_server_whose_clock_runs_is_good),
		cmocka_unit_test(pcp_clock_may_differ_by_a_sixteenth_and_two_seconds),
		cmocka_unit_test(pcp_restart_is_seen_although_the_new_epoch_is_higher),
		cmocka_unit_test(natpmp_server_may_be_an_eighth_and_two_seconds_late),
		cmocka_unit_test(epoch_without_a_time_may_only_go_back),
		cmocka_unit_test(losses_one_after_the_other_wait_longer),
		cmocka_unit_test(loss_waits_with_the_one_before),
		cmocka_unit_test(numbers_at_the_end_of_their_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
