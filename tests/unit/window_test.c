/* window - one more when no span sees too many (FU10). */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/window.h"

#include "rnd.h"

static void
test_window_when_there_is_room_then_is_now(void **state)
{
	const am_ms at[] = { 900, 500 };

	(void)state;
	assert_true(am_window_next(at, 0, 1, 1000, 1000) == 1000);
	assert_true(am_window_next(at, 2, 3, 1000, 1000) == 1000);
	assert_true(am_window_next(at, 2, 1, 100, 1000) == 1000);
}

static void
test_window_when_full_then_is_when_the_nth_has_left(void **state)
{
	const am_ms at[] = { 900, 500 };

	(void)state;
	assert_true(am_window_next(at, 2, 1, 1000, 1000) == 1900);
	assert_true(am_window_next(at, 2, 2, 1000, 1000) == 1500);
}

/* Whoever goes at the instant given never makes a span see n + 1. */
static void
test_window_when_pressed_then_no_span_sees_more(void **state)
{
	am_ms at[500], now = 1000;
	size_t n = 0;

	(void)state;
	rnd_seed(__func__);
	while (n < AM_COUNT(at)) {
		am_ms go = am_window_next(at, n, 5, 700, now);

		go = am_window_next(at, n, 2, 100, go);
		memmove(at + 1, at, n * sizeof(at[0]));
		at[0] = go;
		n++;
		now = go + (am_ms)rnd(90);
	}
	for (size_t i = 0; i + 5 < n; i++)
		assert_true(at[i] - at[i + 5] >= 700);
	for (size_t i = 0; i + 2 < n; i++)
		assert_true(at[i] - at[i + 2] >= 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window_when_there_is_room_then_is_now),
		cmocka_unit_test(
		    test_window_when_full_then_is_when_the_nth_has_left),
		cmocka_unit_test(
		    test_window_when_pressed_then_no_span_sees_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
