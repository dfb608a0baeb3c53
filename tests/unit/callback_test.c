/*
 * callback_test - CF2: when the customer is called. The shop is open from 08:00
 * to 20:00, the customer is left alone from 19:00 to 09:00: so a call fits from
 * 09:00 to 19:00, and its evening is an hour.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "core/clock.h"
#include "tests/unit/confirm_world.h"
#include "tests/unit/rnd.h"

static am_ms
attempt(size_t rung)
{
	return am_attempt_at(cw_def(), CW, rung);
}

/* The first is due at once, and goes out with the question. */
static void
test_callback_attempts_stand_at_their_offsets(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	assert_int_equal(cw_sent("ask"), 1);
	assert_int_equal(cw_sent("attempt-1"), 1);
	assert_int_equal(cw_followup("attempt-1")->to, AM_ROLE_OWNER);
	assert_int_equal(cw_followup("attempt-1")->reason, AM_REASON_OPERATOR);
	assert_int_equal(attempt(1), cw_at("Mon 14:00"));
	/* the next business day opens at 08:00, and quiet hours end at 09:00 */
	assert_int_equal(attempt(2), cw_at("Tue 09:00"));
	assert_int_equal(cw_wake(), cw_at("Mon 14:00"));
	assert_int_equal(cw_sent("attempt-2"), 1);
	assert_int_equal(cw_wake(), cw_at("Tue 09:00"));
	assert_int_equal(cw_sent("attempt-3"), 1);
}

/* Morning is used, afternoon is meant for the second: the third is of the
 * evening, which begins at 18:00. */
static void
test_callback_attempts_are_in_different_day_parts(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 10:30", "callback.attempted outcome=no_answer");
	assert_int_equal(attempt(1), cw_at("Mon 14:00"));
	assert_int_equal(attempt(2), cw_at("Tue 18:00"));
	assert_int_equal(cw_wake(), cw_at("Mon 14:00"));
	cw_step("Mon 15:00", "callback.attempted outcome=busy");
	assert_int_equal(attempt(2), cw_at("Tue 18:00"));
}

/* What the caller says rules, and an attempt made early moves the others. */
static void
test_callback_day_part_is_as_told(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 12:30",
	    "callback.attempted outcome=no_answer day_part=morning");
	assert_string_equal(
	    cw_said("callback.attempted", "day_part"), "morning");
	cw_step("Mon 13:00", "callback.attempted outcome=voicemail");
	assert_string_equal(
	    cw_said("callback.attempted", "day_part"), "afternoon");
	assert_int_equal(CW->parts, 1 << AM_MORNING | 1 << AM_AFTERNOON);
	/* the second task is not given out any more */
	assert_int_equal(cw_wake(), cw_at("Tue 18:00"));
	assert_int_equal(cw_sent("attempt-3"), 1);
}

static void
test_callback_any_part_will_do_when_none_is_left(void **state)
{
	struct am_complaint c;

	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	c = *CW;
	c.clocks[AM_CLOCK_CALLBACK].fired = 3;
	c.parts = 7;
	assert_int_equal(am_attempt_at(cw_def(), &c, 2), cw_at("Tue 09:00"));
	/* evening alone is left, but the shop closes before it begins: any */
	c.parts = 1 << AM_MORNING | 1 << AM_AFTERNOON;
	assert_int_equal(am_attempt_at(cw_def(), &c, 2), cw_at("Tue 18:00"));
	cw_def()->clocks[AM_CLOCK_CALLBACK].calendar = NULL;
	assert_int_equal(am_attempt_at(cw_def(), &c, 2), cw_at("Tue 18:00"));
}

static void
test_callback_waits_for_the_end_of_quiet_hours(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 19:30"); /* open, but the customer rests */
	assert_int_equal(cw_sent("attempt-1"), 0);
	assert_int_equal(attempt(0), cw_at("Tue 09:00"));
	/* 30 minutes of Monday and 3:30 of Tuesday are 11:30: the morning is
	 * the first attempt's, the afternoon begins at 12:00 */
	assert_int_equal(attempt(1), cw_at("Tue 12:00"));
	/* +1bd is Tuesday, too; morning and afternoon are taken */
	assert_int_equal(attempt(2), cw_at("Tue 18:00"));
	assert_int_equal(cw_wake(), cw_at("Tue 09:00"));
	assert_int_equal(cw_sent("attempt-1"), 1);
}

/* Wednesday 25th; the 26th is a holiday. +4h is 19:00, when quiet hours begin,
 * and the next opening outside of them is Friday 09:00. */
static void
test_callback_goes_round_a_holiday(void **state)
{
	(void)state;
	cw_walk_to_confirm("Wed 15:00");
	assert_int_equal(attempt(1), cw_at("Fri 09:00"));
	assert_int_equal(attempt(2), cw_at("Fri 12:00"));
	/* nor does the third come in one breath with the second */
	assert_int_equal(cw_wake(), cw_at("Fri 09:00"));
	assert_int_equal(cw_sent("attempt-2"), 1);
	assert_int_equal(cw_sent("attempt-3"), 0);
	assert_int_equal(attempt(2), cw_at("Fri 12:00"));
}

/* London is 8 hours behind: 09:00 there is 17:00 in the shop. */
static void
test_callback_goes_by_the_customers_zone(void **state)
{
	(void)state;
	cw_step("Mon 09:00",
	    "complaint.opened category=card owner=li tz=Europe/London");
	cw_step("Mon 10:00", "stage.completed stage=resolve");
	cw_step("Mon 10:00", "stage.completed stage=apologize");
	assert_int_equal(attempt(0), cw_at("Mon 17:00"));
	assert_int_equal(cw_wake(), cw_at("Mon 17:00"));
	cw_step("Mon 17:10", "callback.attempted outcome=no_answer");
	assert_string_equal(
	    cw_said("callback.attempted", "day_part"), "morning");
	/* the shop closes at noon of London: there is no other part */
	assert_int_equal(attempt(1), cw_at("Tue 17:00"));
}

/* LC3: the attempts stand still with the stage. */
static void
test_callback_waits_out_a_hold(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 11:00", "complaint.held reason=waiting_customer");
	assert_int_equal(CW->clocks[AM_CLOCK_CALLBACK].state, AM_CLK_STOPPED);
	cw_step("Mon 13:00", "complaint.resumed");
	assert_int_equal(attempt(1), cw_at("Mon 16:00")); /* 14:00 + 2h */
}

/* TI2: an emergency ignores the calendar and keeps the customer's night. */
static void
test_callback_of_an_emergency_leaves_customers_their_weekend(void **state)
{
	(void)state;
	cw_step("Sat 10:00", "complaint.opened category=card owner=li "
			     "severity=emergency");
	cw_step("Sat 10:00", "stage.completed stage=apologize");
	cw_step("Sat 10:00", "stage.completed stage=resolve");
	assert_int_equal(cw_sent("attempt-1"), 0);
	assert_int_equal(attempt(0), cw_at("Mon+1 09:00"));
}

static void
test_callback_quiet_hours_rule_where_nothing_fits_both(void **state)
{
	static const struct am_quiet all_day = { "day", 7 * 60, 21 * 60 };
	struct am_clockdef *d = &cw_def()->clocks[AM_CLOCK_STAGE0 + 3];

	(void)state;
	d->rungs[0].via[0].quiet = &all_day;
	cw_walk_to_confirm("Mon 10:00");
	assert_int_equal(attempt(0), cw_at("Mon 21:00"));
}

/* ---- against a walker of minutes ---- */

static bool
is_open(int minute_of_week, int minute_of_day)
{
	return minute_of_week < 5 * 1440 && minute_of_day >= 8 * 60 &&
	       minute_of_day < 20 * 60;
}

static bool
fits(am_ms t, unsigned used)
{
	am_ms monday = t - (FIX_START - 9 * AM_HOUR);
	int week = (int)(monday / AM_MINUTE % (7 * 1440)), day = week % 1440;
	int part =
	    day < 720 ? AM_MORNING : (day < 1080 ? AM_AFTERNOON : AM_EVENING);

	return monday / AM_DAY != 3 && is_open(week, day) && day >= 9 * 60 &&
	       day < 19 * 60 && (used >> part & 1) == 0;
}

static am_ms
walk(am_ms t, unsigned used)
{
	for (am_ms at = t; used != 7 && at < t + 7 * AM_DAY; at += AM_MINUTE) {
		if (fits(at, used))
			return at;
	}
	while (!fits(t, 0))
		t += AM_MINUTE;
	return t;
}

static am_ms
walk_open(am_ms t, am_ms work)
{
	for (; work > 0; t += AM_MINUTE) {
		am_ms monday = t - (FIX_START - 9 * AM_HOUR);
		int week = (int)(monday / AM_MINUTE % (7 * 1440));

		if (monday / AM_DAY != 3 && is_open(week, week % 1440))
			work -= AM_MINUTE;
	}
	return t;
}

static void
test_callback_random_attempts_equal_the_walker(void **state)
{
	struct am_clockdef *d = &cw_def()->clocks[AM_CLOCK_CALLBACK];

	(void)state;
	rnd_seed("callback_test");
	for (int round = 0; round < 500; round++) {
		struct am_complaint c = { .status = AM_OPEN, .cycle = 1 };
		am_ms work = (am_ms)rnd(3000) * AM_MINUTE;
		am_ms start = FIX_START + (am_ms)rnd(14 * 1440) * AM_MINUTE;

		c.parts = (uint8_t)rnd(8);
		d->rungs[0].offset = (struct am_duration){ AM_UNIT_TIME, work };
		am_clock_start(cw_def(), &c, AM_CLOCK_CALLBACK, start, 1);
		assert_int_equal(am_attempt_at(cw_def(), &c, 0),
		    walk(walk_open(start, work), c.parts));
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, cw_setup, cw_teardown)
	const struct CMUnitTest tests[] = {
		T(test_callback_attempts_stand_at_their_offsets),
		T(test_callback_attempts_are_in_different_day_parts),
		T(test_callback_day_part_is_as_told),
		T(test_callback_any_part_will_do_when_none_is_left),
		T(test_callback_waits_for_the_end_of_quiet_hours),
		T(test_callback_goes_round_a_holiday),
		T(test_callback_goes_by_the_customers_zone),
		T(test_callback_waits_out_a_hold),
		T(test_callback_of_an_emergency_leaves_customers_their_weekend),
		T(test_callback_quiet_hours_rule_where_nothing_fits_both),
		T(test_callback_random_attempts_equal_the_walker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
