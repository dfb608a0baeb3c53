/* quiet_test - when quiet hours end: plain nights, and nights in which the
 * clocks are put forward or back. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/time.h"
#include "core/quiet.h"
#include "tests/unit/rnd.h"
#include "tests/unit/told.h"

#define H(hour, minute) ((hour)*60 + (minute))

static const struct am_quiet night = { "night", H(21, 0), H(8, 0) };
static const struct am_quiet siesta = { "siesta", H(13, 0), H(15, 0) };

/* Berlin in 2026: summer time from 03-29 01:00 UTC to 10-25 01:00 UTC. */
static const struct am_zone_step berlin_steps[] = { { INT64_MIN, 3600 },
	{ (am_ms)1774746000000, 7200 }, { (am_ms)1792890000000, 3600 } };
static const struct am_zone berlin = { "Europe/Berlin", 3, berlin_steps };

static am_ms
utc(const char *text)
{
	am_ms t;

	assert_int_equal(am_rfc3339_parse((struct am_str){ text, 20 }, &t), 0);
	return t;
}

static void
check(const struct am_quiet *q, const struct am_zone *zone, const char *t,
    const char *end)
{
	char got[32], want[32];

	am_rfc3339_format(am_quiet_end(q, zone, utc(t)), got);
	am_rfc3339_format(utc(end), want);
	assert_string_equal(got, want);
}

static void
test_quiet_day_is_loud_and_night_ends_in_the_morning(void **state)
{
	(void)state;
	check(&night, NULL, "2026-11-23T20:59:59Z", "2026-11-23T20:59:59Z");
	check(&night, NULL, "2026-11-23T21:00:00Z", "2026-11-24T08:00:00Z");
	check(&night, NULL, "2026-11-24T00:00:00Z", "2026-11-24T08:00:00Z");
	check(&night, NULL, "2026-11-24T07:59:59Z", "2026-11-24T08:00:00Z");
	check(&night, NULL, "2026-11-24T08:00:00Z", "2026-11-24T08:00:00Z");
	check(&siesta, NULL, "2026-11-24T13:30:00Z", "2026-11-24T15:00:00Z");
	check(&siesta, NULL, "2026-11-24T15:00:00Z", "2026-11-24T15:00:00Z");
	/* in the recipient's zone */
	check(&night, &berlin, "2026-11-23T20:30:00Z", "2026-11-24T07:00:00Z");
	check(&night, &berlin, "2026-07-01T06:00:00Z", "2026-07-01T06:00:00Z");
}

static void
test_quiet_without_hours_never_waits(void **state)
{
	const struct am_quiet none = { "none", H(8, 0), H(8, 0) };
	const struct am_quiet late = { "late", H(22, 0), H(24, 0) };

	(void)state;
	check(NULL, &berlin, "2026-11-24T01:00:00Z", "2026-11-24T01:00:00Z");
	check(&none, NULL, "2026-11-24T01:00:00Z", "2026-11-24T01:00:00Z");
	check(&late, NULL, "2026-11-24T22:30:00Z", "2026-11-25T00:00:00Z");
	assert_int_equal(am_quiet_end(&night, &berlin, AM_NEVER), AM_NEVER);
}

static void
test_quiet_goes_by_the_wall_clock_when_clocks_change(void **state)
{
	const struct am_quiet gap = { "gap", H(1, 30), H(2, 30) };

	(void)state;
	/* 02:30 does not come: 01:59:59 is followed by 03:00 */
	check(&gap, &berlin, "2026-03-29T00:45:00Z", "2026-03-29T01:00:00Z");
	/* it comes twice: both of its hours count */
	check(&gap, &berlin, "2026-10-24T23:40:00Z", "2026-10-25T00:30:00Z");
	check(&gap, &berlin, "2026-10-25T00:30:00Z", "2026-10-25T00:30:00Z");
	check(&gap, &berlin, "2026-10-25T01:10:00Z", "2026-10-25T01:30:00Z");
	/* nights of 10 and of 12 hours */
	check(&night, &berlin, "2026-03-28T20:00:00Z", "2026-03-29T06:00:00Z");
	check(&night, &berlin, "2026-10-24T19:00:00Z", "2026-10-25T07:00:00Z");
}

/* The first minute at or after t that is not quiet, found by walking. */
static am_ms
walk(const struct am_quiet *q, const struct am_zone *zone, am_ms t)
{
	for (;; t += AM_MINUTE) {
		am_ms local = t + am_zone_offset(zone, t) * AM_SECOND;
		int at = (int)(local % AM_DAY / AM_MINUTE);
		bool quiet = q->from < q->to ? at >= q->from && at < q->to
					     : at >= q->from || at < q->to;

		if (!quiet)
			return t;
	}
}

static void
test_quiet_end_is_what_walking_minutes_finds(void **state)
{
	(void)state;
	rnd_seed("quiet_test");
	for (int i = 0; i < 3000; i++) {
		struct am_quiet q = { "q", (int)rnd(1440), (int)rnd(1440) };
		/* around both steps of the zone, on whole minutes */
		am_ms t = berlin_steps[1 + rnd(2)].at +
			  ((am_ms)rnd(4 * 1440) - 2 * 1440) * AM_MINUTE;

		if (q.from == q.to)
			continue;
		assert_int_equal(
		    am_quiet_end(&q, &berlin, t), walk(&q, &berlin, t));
	}
}

static const struct am_zone *
only_berlin(const void *zones, struct am_str name)
{
	(void)zones;
	return name.n == 13 ? &berlin : NULL;
}

static void
test_quiet_zone_of_a_customer_is_theirs_else_the_loops(void **state)
{
	struct told *w = *state;
	struct am_complaint c = { .tz = AM_STR("Europe/Berlin") };

	w->def.find_zone = only_berlin;
	assert_ptr_equal(am_customer_zone(&w->def, &c), &berlin);
	c.tz = AM_STR("Mars/Olympus");
	assert_ptr_equal(am_customer_zone(&w->def, &c), w->def.zone);
	c.tz = AM_STR("");
	assert_ptr_equal(am_customer_zone(&w->def, &c), w->def.zone);
	w->def.find_zone = NULL;
	c.tz = AM_STR("Europe/Berlin");
	assert_ptr_equal(am_customer_zone(&w->def, &c), w->def.zone);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_quiet_day_is_loud_and_night_ends_in_the_morning),
		cmocka_unit_test(test_quiet_without_hours_never_waits),
		cmocka_unit_test(
		    test_quiet_goes_by_the_wall_clock_when_clocks_change),
		cmocka_unit_test(test_quiet_end_is_what_walking_minutes_finds),
		cmocka_unit_test_setup_teardown(
		    test_quiet_zone_of_a_customer_is_theirs_else_the_loops,
		    told_setup, told_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
