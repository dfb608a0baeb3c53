/* breaker - FU3: a breaker an endpoint. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/breaker.h"

#define LIMIT 8u

static struct am_breaker
opened(am_ms now)
{
	struct am_breaker b;

	am_breaker_init(&b, 5, 30 * AM_SECOND, 100 * AM_SECOND);
	for (int i = 0; i < 5; i++)
		am_breaker_ended(&b, now, false, LIMIT);
	return b;
}

/* FU3: five failures in a row open it; a success between them does not. */
static void
test_breaker_when_failures_are_in_a_row_then_opens(void **state)
{
	struct am_breaker b;

	(void)state;
	am_breaker_init(&b, 5, 30 * AM_SECOND, AM_HOUR);
	for (int i = 0; i < 4; i++)
		am_breaker_ended(&b, 0, false, LIMIT);
	am_breaker_ended(&b, 0, true, LIMIT);
	for (int i = 0; i < 4; i++) {
		am_breaker_ended(&b, 0, false, LIMIT);
		assert_int_equal(b.state, AM_BREAKER_CLOSED);
	}
	assert_int_equal(am_breaker_room(&b, 0, 3, LIMIT), 5);
	am_breaker_ended(&b, 0, false, LIMIT);
	assert_int_equal(b.state, AM_BREAKER_OPEN);
	assert_int_equal(am_breaker_room(&b, 0, 0, LIMIT), 0);
	assert_int_equal(am_breaker_room(&b, 30 * AM_SECOND - 1, 0, LIMIT), 0);
}

static void
test_breaker_when_half_open_then_lets_exactly_one_through(void **state)
{
	struct am_breaker b = opened(0);

	(void)state;
	assert_int_equal(am_breaker_room(&b, 30 * AM_SECOND, 0, LIMIT), 1);
	assert_int_equal(b.state, AM_BREAKER_HALF);
	am_breaker_started(&b);
	assert_int_equal(am_breaker_room(&b, AM_DAY, 1, LIMIT), 0);
	am_breaker_undone(&b);
	assert_int_equal(am_breaker_room(&b, AM_DAY, 0, LIMIT), 1);
	am_breaker_started(&b);
	am_breaker_ended(&b, AM_DAY, true, LIMIT);
	assert_int_equal(b.state, AM_BREAKER_CLOSED);
}

static void
test_breaker_when_probes_fail_then_the_cooldown_doubles_to_its_cap(void **state)
{
	static const am_ms waits[] = { 30, 60, 100, 100 };
	struct am_breaker b = opened(0);
	am_ms now = 0;

	(void)state;
	for (size_t i = 0; i < AM_COUNT(waits); i++) {
		assert_true(b.open_until == now + waits[i] * AM_SECOND);
		now = b.open_until;
		assert_int_equal(am_breaker_room(&b, now, 0, LIMIT), 1);
		am_breaker_started(&b);
		am_breaker_ended(&b, now, false, LIMIT);
	}
	am_breaker_room(&b, now + AM_HOUR, 0, LIMIT);
	am_breaker_started(&b);
	am_breaker_ended(&b, now, true, LIMIT);
	assert_true(b.cooldown == 30 * AM_SECOND);
}

static void
test_breaker_when_closed_again_then_starts_slowly(void **state)
{
	struct am_breaker b = opened(0);

	(void)state;
	am_breaker_room(&b, AM_MINUTE, 0, LIMIT);
	am_breaker_started(&b);
	am_breaker_ended(&b, AM_MINUTE, true, LIMIT);
	for (unsigned allowed = 1; allowed < LIMIT; allowed++) {
		assert_int_equal(
		    am_breaker_room(&b, AM_MINUTE, 0, LIMIT), allowed);
		assert_int_equal(
		    am_breaker_room(&b, AM_MINUTE, allowed, LIMIT), 0);
		am_breaker_ended(&b, AM_MINUTE, true, LIMIT);
	}
	assert_int_equal(am_breaker_room(&b, AM_MINUTE, 0, LIMIT), LIMIT);
	assert_int_equal(am_breaker_room(&b, AM_MINUTE, 0, 100), 100);
	/* a limit that a reload made smaller than what is in flight */
	assert_int_equal(am_breaker_room(&b, AM_MINUTE, 9, LIMIT), 0);
}

/* After a pause that the endpoint asked for it goes on one at a time, too. */
static void
test_breaker_when_eased_then_starts_slowly(void **state)
{
	struct am_breaker b, open = opened(0), before = open;

	(void)state;
	am_breaker_init(&b, 5, AM_SECOND, AM_SECOND);
	am_breaker_ease(&b, LIMIT);
	assert_int_equal(am_breaker_room(&b, 0, 0, LIMIT), 1);
	am_breaker_ended(&b, 0, true, LIMIT);
	assert_int_equal(am_breaker_room(&b, 0, 0, LIMIT), 2);
	am_breaker_ease(&b, 1);
	assert_int_equal(am_breaker_room(&b, 0, 0, 1), 1);
	am_breaker_ease(&open, LIMIT); /* its probe eases it */
	assert_memory_equal(&open, &before, sizeof(open));
}

static void
test_breaker_when_open_then_late_ends_change_nothing(void **state)
{
	struct am_breaker b = opened(0), before = b;

	(void)state;
	am_breaker_ended(&b, 5, true, LIMIT);
	am_breaker_ended(&b, 5, false, LIMIT);
	am_breaker_undone(&b);
	assert_memory_equal(&b, &before, sizeof(b));
	assert_string_equal(am_breaker_str(AM_BREAKER_OPEN), "open");
	assert_string_equal(am_breaker_str(AM_BREAKER_HALF), "half-open");
	assert_string_equal(am_breaker_str(AM_BREAKER_CLOSED), "closed");
}

static void
test_breaker_when_the_threshold_is_zero_then_never_opens(void **state)
{
	struct am_breaker b;

	(void)state;
	am_breaker_init(&b, 0, AM_SECOND, AM_SECOND);
	for (int i = 0; i < 1000; i++)
		am_breaker_ended(&b, 0, false, LIMIT);
	assert_int_equal(am_breaker_room(&b, 0, 0, LIMIT), LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_breaker_when_failures_are_in_a_row_then_opens),
		cmocka_unit_test(
		    test_breaker_when_half_open_then_lets_exactly_one_through),
		cmocka_unit_test(
		    test_breaker_when_probes_fail_then_the_cooldown_doubles_to_its_cap),
		cmocka_unit_test(
		    test_breaker_when_closed_again_then_starts_slowly),
		cmocka_unit_test(test_breaker_when_eased_then_starts_slowly),
		cmocka_unit_test(
		    test_breaker_when_open_then_late_ends_change_nothing),
		cmocka_unit_test(
		    test_breaker_when_the_threshold_is_zero_then_never_opens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
