/* bucket - no window sees more than n. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/bucket.h"

#include "rnd.h"

static void
test_bucket_when_just_made_then_is_empty_for_one_window(void **state)
{
	struct am_bucket b;
	am_ms ring[20], again;

	(void)state;
	am_bucket_init(&b, 20, AM_MINUTE, ring, 1000);
	assert_int_equal(am_bucket_room(&b, 1000, &again), 0);
	assert_true(again == 1000 + AM_MINUTE);
	assert_int_equal(am_bucket_room(&b, again - 1, &again), 0);
	assert_int_equal(am_bucket_room(&b, again, &again), 20);
}

/* With rate = 20/60s no 60 s window of a run sends 21, and none is wasted. */
static void
test_bucket_when_pressed_then_no_window_holds_more(void **state)
{
	am_ms ring[20], starts[2000], again, now = 0;
	struct am_bucket b;
	size_t n = 0;

	(void)state;
	rnd_seed(__func__);
	am_bucket_init(&b, 20, AM_MINUTE, ring, now);
	while (n < AM_COUNT(starts)) {
		uint32_t room = am_bucket_room(&b, now, &again);

		assert_true(again >= now);
		assert_true((room > 0) == (again == now));
		if (room == 0) { /* nothing fits before `again` */
			assert_int_equal(
			    am_bucket_room(&b, again - 1, &again), 0);
			now = again;
			continue;
		}
		room = 1 + (uint32_t)rnd(room);
		for (; room > 0 && n < AM_COUNT(starts); room--) {
			am_bucket_take(&b, now);
			starts[n++] = now;
		}
		now += (am_ms)rnd(3000);
	}
	for (size_t i = 20; i < n; i++)
		assert_true(starts[i] - starts[i - 20] >= AM_MINUTE);
	/* 20 a minute were there to be had; random pauses cost little */
	assert_true(now < (am_ms)(n / 20 + 1) * AM_MINUTE * 12 / 10);
}

static void
test_bucket_when_the_clock_goes_back_then_waits_one_window_only(void **state)
{
	struct am_bucket b;
	am_ms ring[3], again;

	(void)state;
	am_bucket_init(&b, 3, AM_SECOND, ring, AM_DAY);
	assert_int_equal(am_bucket_room(&b, 2 * AM_DAY, &again), 3);
	am_bucket_take(&b, 2 * AM_DAY);
	assert_int_equal(am_bucket_room(&b, AM_HOUR, &again), 0);
	assert_true(again == AM_HOUR + AM_SECOND);
	assert_int_equal(am_bucket_room(&b, again, &again), 3);
}

static void
test_bucket_when_without_limit_then_always_has_room(void **state)
{
	struct am_bucket b;
	am_ms again = 0;

	(void)state;
	am_bucket_init(&b, 0, 0, NULL, 5);
	for (int i = 0; i < 100; i++)
		am_bucket_take(&b, 6);
	assert_int_equal(am_bucket_room(&b, 6, &again), UINT32_MAX);
	assert_true(again == 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_bucket_when_just_made_then_is_empty_for_one_window),
		cmocka_unit_test(
		    test_bucket_when_pressed_then_no_window_holds_more),
		cmocka_unit_test(
		    test_bucket_when_the_clock_goes_back_then_waits_one_window_only),
		cmocka_unit_test(
		    test_bucket_when_without_limit_then_always_has_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
