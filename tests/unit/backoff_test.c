/* backoff - the retry list on a virtual clock. FU1: durable webhook retry. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/backoff.h"

static const struct am_retry plan = {
	.delay = { 0, 5 * AM_SECOND, 5 * AM_MINUTE, 30 * AM_MINUTE, 2 * AM_HOUR,
	    24 * AM_HOUR },
	.n = 6,
	.jitter_pct = 20,
	.max_age = AM_NEVER,
	.retry_after_max = 24 * AM_HOUR,
};

/* FU1: each delay lies within the band, over the whole band, and then ends. */
static void
test_retry_when_the_list_is_walked_then_each_delay_is_in_its_band(void **state)
{
	(void)state;
	for (size_t k = 0; k < plan.n; k++) {
		am_ms low = AM_NEVER, high = 0, d = plan.delay[k];

		for (uint64_t seed = 0; seed < 2000; seed++) {
			am_ms wait =
			    am_retry_next(&plan, k, 0, 1000, 0, seed) - 1000;

			low = wait < low ? wait : low;
			high = wait > high ? wait : high;
		}
		assert_true(low >= d - d / 5 && low <= d - d / 6);
		assert_true(high <= d + d / 5 && high >= d + d / 6);
	}
	assert_true(am_retry_next(&plan, 6, 0, 1000, 0, 1) == AM_NEVER);
	assert_true(am_retry_next(&plan, 600, 0, 1000, 0, 1) == AM_NEVER);
}

static void
test_retry_when_asked_twice_then_answers_the_same(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++)
		assert_true(am_retry_next(&plan, 3, 0, 5, 0, seed) ==
			    am_retry_next(&plan, 3, 0, 5, 0, seed));
	assert_true(am_retry_next(&plan, 3, 0, 5, 0, 1) !=
		    am_retry_next(&plan, 3, 0, 5, 0, 2));
}

/* FU1: Retry-After obeyed, and capped. */
static void
test_retry_when_the_receiver_names_a_time_then_never_before_it(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 500; seed++) {
		am_ms at =
		    am_retry_next(&plan, 1, 0, 1000, 5 * AM_SECOND, seed);

		assert_true(at >= 1000 + 5 * AM_SECOND);
		assert_true(at <= 1000 + 6 * AM_SECOND);
		at = am_retry_next(&plan, 1, 0, 0, 400 * AM_DAY, seed);
		assert_true(at == plan.retry_after_max);
	}
}

static void
test_retry_when_too_old_then_ends(void **state)
{
	struct am_retry r = plan;

	(void)state;
	r.jitter_pct = 0;
	r.max_age = AM_HOUR;
	assert_true(am_retry_next(&r, 3, 0, 30 * AM_MINUTE, 0, 1) == AM_HOUR);
	assert_true(
	    am_retry_next(&r, 3, 0, 30 * AM_MINUTE + 1, 0, 1) == AM_NEVER);
	assert_true(am_retry_next(&r, 1, 0, 0, 2 * AM_HOUR, 1) == AM_NEVER);
}

static void
test_backoff_when_failures_grow_then_doubles_to_the_cap(void **state)
{
	(void)state;
	for (unsigned f = 0; f < 80; f++) {
		am_ms most = f < 6 ? 50 << f : 2000, high = 0;

		for (uint64_t seed = 0; seed < 3000; seed++) {
			am_ms wait = am_backoff(50, 2000, f, seed);

			assert_true(wait >= 1 && wait <= most);
			high = wait > high ? wait : high;
		}
		assert_true(high > most - most / 10);
	}
	assert_true(am_backoff(1, AM_NEVER - 1, UINT32_MAX, 3) > 0);
	assert_true(am_backoff(0, 0, 3, 3) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_retry_when_the_list_is_walked_then_each_delay_is_in_its_band),
		cmocka_unit_test(
		    test_retry_when_asked_twice_then_answers_the_same),
		cmocka_unit_test(
		    test_retry_when_the_receiver_names_a_time_then_never_before_it),
		cmocka_unit_test(test_retry_when_too_old_then_ends),
		cmocka_unit_test(
		    test_backoff_when_failures_grow_then_doubles_to_the_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
