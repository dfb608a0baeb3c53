/*
 * schedule_test - when reports are made, held against a calendar on the wall.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "base/time.h"
#include "conf/zone.h"
#include "ops/schedule.h"
#include "tests/unit/rnd.h"

static struct am_arena arena;

static const struct am_zone *
zone(const char *name)
{
	const struct am_zone *z = NULL;

	if (am_zone_load(&arena, name, (am_ms)4102444800000, &z) != 0)
		fail_msg("no zone %s", name);
	return z;
}

static am_ms
at(const char *text)
{
	am_ms t = 0;

	assert_int_equal(am_rfc3339_parse(am_str_c(text), &t), 0);
	return t;
}

static void
check(const struct am_conf_report *c, const char *now, const char *made,
    const char *period, const char *next)
{
	struct am_schedule s = am_schedule_last(c, at(now));
	char name[16];

	assert_string_equal(am_schedule_name(c, s.from, name), period);
	if (s.at != at(made) || am_schedule_next(c, at(now)) != at(next))
		fail_msg("at %s", now);
}

/* EV3: Monday morning tells of the week that has ended. */
static void
test_weekly_covers_the_last_whole_week(void **state)
{
	const struct am_conf_report c = { .every = AM_REPORT_WEEK,
		.weekday = 1,
		.minute = 8 * 60,
		.zone = zone("Asia/Shanghai") };
	const struct am_conf_report friday = { .every = AM_REPORT_WEEK,
		.weekday = 5,
		.minute = 17 * 60,
		.zone = c.zone };
	const struct am_conf_report sunday = { .every = AM_REPORT_WEEK,
		.weekday = 0,
		.minute = 0,
		.zone = c.zone };

	(void)state;
	check(&c, "2026-11-23T08:00:00+08:00", "2026-11-23T08:00:00+08:00",
	    "2026-W47", "2026-11-30T08:00:00+08:00");
	check(&c, "2026-11-23T07:59:59+08:00", "2026-11-16T08:00:00+08:00",
	    "2026-W46", "2026-11-23T08:00:00+08:00");
	check(&friday, "2026-11-29T12:00:00+08:00", "2026-11-27T17:00:00+08:00",
	    "2026-W47", "2026-12-04T17:00:00+08:00");
	check(&sunday, "2026-11-29T12:00:00+08:00", "2026-11-29T00:00:00+08:00",
	    "2026-W47", "2026-12-06T00:00:00+08:00");
}

static void
test_monthly_and_daily(void **state)
{
	const struct am_conf_report month = {
		.every = AM_REPORT_MONTH, .month_day = 3, .minute = 9 * 60
	};
	const struct am_conf_report day = { .every = AM_REPORT_DAY,
		.minute = 6 * 60 };

	(void)state;
	check(&month, "2026-12-31T00:00:00Z", "2026-12-03T09:00:00Z", "2026-11",
	    "2027-01-03T09:00:00Z");
	check(&month, "2027-01-01T00:00:00Z", "2026-12-03T09:00:00Z", "2026-11",
	    "2027-01-03T09:00:00Z");
	check(&day, "2026-03-01T05:00:00Z", "2026-02-28T06:00:00Z",
	    "2026-02-27", "2026-03-01T06:00:00Z");
}

/* Clocks that change do not move the hour on the wall. */
static void
test_the_hour_stands_through_summer_time(void **state)
{
	const struct am_conf_report c = { .every = AM_REPORT_DAY,
		.minute = 8 * 60,
		.zone = zone("Europe/Brussels") };
	/* 02:30 is passed over on March 29 and comes twice on October 25 */
	const struct am_conf_report night = {
		.every = AM_REPORT_DAY, .minute = 150, .zone = c.zone
	};

	(void)state;
	check(&c, "2026-03-29T12:00:00+02:00", "2026-03-29T08:00:00+02:00",
	    "2026-03-28", "2026-03-30T08:00:00+02:00");
	check(&c, "2026-10-25T12:00:00+01:00", "2026-10-25T08:00:00+01:00",
	    "2026-10-24", "2026-10-26T08:00:00+01:00");
	check(&night, "2026-03-29T12:00:00+02:00", "2026-03-29T03:30:00+02:00",
	    "2026-03-28", "2026-03-30T02:30:00+02:00");
	check(&night, "2026-10-25T12:00:00+01:00", "2026-10-25T02:30:00+02:00",
	    "2026-10-24", "2026-10-26T02:30:00+01:00");
}

/* Instants follow each other, and so do the periods, without a gap. */
static void
test_no_period_is_left_out_nor_told_twice(void **state)
{
	static const char *const zones[] = { "UTC", "Asia/Shanghai",
		"America/New_York", "Australia/Lord_Howe", "Asia/Tehran" };

	(void)state;
	rnd_seed("schedule");
	for (int turn = 0; turn < 200; turn++) {
		const struct am_conf_report c = {
			.every = (enum am_report_every)rnd(3),
			.weekday = (int)rnd(7),
			.month_day = (int)(1 + rnd(28)),
			.minute = (int)rnd(1440),
			.zone = zone(zones[rnd(AM_COUNT(zones))]),
		};
		am_ms now =
		    (am_ms)1700000000000 + (am_ms)rnd((size_t)(900 * AM_DAY));
		struct am_schedule was = am_schedule_last(&c, now);

		assert_true(was.at <= now);
		for (int i = 0; i < 60; i++) {
			am_ms next = am_schedule_next(&c, now);
			struct am_schedule s = am_schedule_last(&c, next);

			assert_true(next > now);
			assert_int_equal(s.at, next);
			assert_int_equal(s.from, was.to);
			assert_int_equal(
			    am_schedule_last(&c, next - 1).to, was.to);
			now = next;
			was = s;
		}
		am_arena_reset(&arena);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weekly_covers_the_last_whole_week),
		cmocka_unit_test(test_monthly_and_daily),
		cmocka_unit_test(test_the_hour_stands_through_summer_time),
		cmocka_unit_test(test_no_period_is_left_out_nor_told_twice),
	};
	int rc;

	am_arena_init(&arena, 0);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	am_arena_fini(&arena);
	return rc;
}
