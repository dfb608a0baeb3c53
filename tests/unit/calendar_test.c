/*
 * calendar - working time on windows, and the windows of conf.
 *
 * Against zoneinfo: tests/system/test_calendar_oracle.py. Here is what needs no
 * zone database: the algebra, the ends, the texts.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "base/time.h"
#include "conf/zone.h"

#include "rnd.h"

#define DAYS 60

static const struct am_zone_step utc_steps[] = { { INT64_MIN, 0 } };
static const struct am_zone utc = { "UTC", 1, utc_steps };

/* 2026-03-01T00:00Z and what follows, a Sunday */
static am_ms
at(int day, int hour, int minute)
{
	return (am_civil_days(2026, 3, 1) + day - 1) * AM_DAY + hour * AM_HOUR +
	       minute * AM_MINUTE;
}

static const struct am_calendar *
compile(struct am_arena *a, const struct am_zone *zone, const char *const *open,
    const char *const *closed, const char *const *extra)
{
	struct am_daywindow w[8];
	struct am_dayrange r[8];
	struct am_extraday e[8];
	struct am_calendar_src src = {
		.name = "test", .zone = zone, .open = w, .closed = r, .extra = e
	};
	const struct am_calendar *cal = NULL;

	for (; open != NULL && *open != NULL; open++)
		assert_int_equal(
		    am_daywindow_parse(am_str_c(*open), &w[src.open_n++]), 0);
	for (; closed != NULL && *closed != NULL; closed++)
		assert_int_equal(
		    am_dayrange_parse(am_str_c(*closed), &r[src.closed_n++]),
		    0);
	for (; extra != NULL && *extra != NULL; extra++)
		assert_int_equal(
		    am_extraday_parse(am_str_c(*extra), &e[src.extra_n++]), 0);
	assert_int_equal(
	    am_calendar_compile(a, &src, at(1, 0, 0), at(DAYS, 0, 0), &cal), 0);
	return cal;
}

#define LIST(...)                                                              \
	(const char *const[])                                                  \
	{                                                                      \
		__VA_ARGS__, NULL                                              \
	}

static am_ms
add(const struct am_calendar *cal, am_ms t, am_ms work)
{
	am_ms due = -1;

	assert_int_equal(am_calendar_add(cal, t, work, &due), 0);
	return due;
}

static void
test_add_when_work_fills_a_window_then_due_is_its_close(void **state)
{
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	const struct am_calendar *cal = compile(&a, &utc,
	    LIST("Mon-Fri 09:00-12:00", "Mon-Fri 13:00-17:00"), NULL, NULL);

	/* Friday the 6th: not moved to the next opening */
	assert_true(add(cal, at(6, 16, 0), AM_HOUR) == at(6, 17, 0));
	assert_true(add(cal, at(6, 9, 0), 3 * AM_HOUR) == at(6, 12, 0));
	assert_true(add(cal, at(6, 9, 0), 3 * AM_HOUR + 1) == at(6, 13, 0) + 1);
	/* loop.md 3.6 */
	assert_true(add(cal, at(6, 16, 30), AM_HOUR) == at(9, 9, 30));
	/* nothing to add leaves a closed instant where it is */
	assert_true(add(cal, at(7, 3, 0), 0) == at(7, 3, 0));
	assert_true(add(cal, at(7, 3, 0), 1) == at(9, 9, 0) + 1);
	/* less than nothing: the past instant, the earliest of its kind */
	assert_true(add(cal, at(9, 9, 30), -AM_HOUR) == at(6, 16, 30));
	assert_true(add(cal, at(9, 9, 30), -AM_HOUR / 2) == at(6, 17, 0));
	am_arena_fini(&a);
}

/* DL5: span is the inverse of add, and both are monotone. */
static void
test_add_when_times_are_random_then_span_undoes_it(void **state)
{
	struct am_arena a;

	(void)state;
	rnd_seed(__func__);
	am_arena_init(&a, 0);
	const struct am_calendar *cal = compile(&a, &utc,
	    LIST("Mon-Wed,Fri 22:00-06:00", "Sat,Sun 10:00-24:00",
		"Thu 00:01-00:02"),
	    LIST("2026-03-10..2026-03-14"), LIST("2026-03-12 08:00-09:30"));

	for (int i = 0; i < 20000; i++) {
		am_ms t = at(1, 0, 0) + (am_ms)rnd(40 * AM_DAY);
		am_ms work = (am_ms)rnd(60 * AM_HOUR);
		am_ms more = (am_ms)rnd(AM_HOUR);
		am_ms due = add(cal, t, work), due2 = add(cal, t, work + more);

		assert_true(am_calendar_span(cal, t, due) == work);
		assert_true(am_calendar_span(cal, t, due2) == work + more);
		assert_true(t <= due && due <= due2 && due2 - due >= more);
		assert_true(add(cal, t + more, work) >= due);
		assert_true(am_calendar_span(cal, due, t) == 0);
		/* in two steps as in one */
		assert_true(add(cal, due, more) == due2 || more == 0);
	}
	am_arena_fini(&a);
}

/* DL9: the windows that `why` shows sum to the budget. */
static void
test_window_when_listed_between_start_and_due_then_they_sum_up(void **state)
{
	struct am_arena a;
	am_ms from, to, sum = 0, last = 0;
	size_t i;

	(void)state;
	am_arena_init(&a, 0);
	const struct am_calendar *cal = compile(&a, &utc,
	    LIST("Mon-Fri 09:00-12:00", "Mon-Fri 13:00-17:00"), NULL, NULL);
	am_ms t = at(6, 16, 0), due = add(cal, t, 20 * AM_HOUR);

	for (i = 0; am_calendar_window(cal, t, due, i, &from, &to); i++) {
		assert_true(from < to && from >= t && to <= due);
		assert_true(from >= last);
		last = to;
		sum += to - from;
	}
	assert_int_equal(i, 7);
	assert_true(sum == 20 * AM_HOUR && last == due);
	assert_false(am_calendar_window(cal, due, t, 0, &from, &to));
	assert_false(
	    am_calendar_window(cal, at(7, 1, 0), at(7, 2, 0), 0, &from, &to));
	am_arena_fini(&a);
}

static void
test_calendar_when_absent_then_time_is_elapsed_time(void **state)
{
	am_ms got = 0, from, to;

	(void)state;
	assert_true(add(NULL, 100, AM_DAY) == 100 + AM_DAY);
	assert_true(add(NULL, 100, -50) == 50);
	assert_true(am_calendar_span(NULL, 5, 12) == 7);
	assert_true(am_calendar_span(NULL, 12, 5) == 0);
	assert_true(am_calendar_span(NULL, INT64_MIN, 5) == AM_NEVER);
	assert_int_equal(am_calendar_next_open(NULL, 77, &got), 0);
	assert_true(got == 77);
	assert_int_equal(am_calendar_bd_close(NULL, AM_HOUR, 2, &got), 0);
	assert_true(got == 3 * AM_DAY);
	assert_true(am_calendar_window(NULL, 5, 9, 0, &from, &to));
	assert_true(from == 5 && to == 9);
	assert_false(am_calendar_window(NULL, 5, 9, 1, &from, &to));
	assert_int_equal(am_calendar_add(NULL, AM_NEVER, 1, &got), -AM_ERANGE);
	assert_int_equal(
	    am_calendar_add(NULL, AM_NEVER - 1, 1, &got), -AM_ERANGE);
	assert_int_equal(am_zone_offset(NULL, 5), 0);
}

/* A clock that was started long ago has a due all the same. */
static void
test_calendar_before_it_begins_counts_nothing(void **state)
{
	struct am_arena a;
	am_ms got;

	(void)state;
	am_arena_init(&a, 0);
	const struct am_calendar *cal =
	    compile(&a, &utc, LIST("Mon-Fri 09:00-17:00"), NULL, NULL);

	assert_int_equal(
	    am_calendar_add(cal, cal->from - 40 * AM_DAY, 1, &got), 0);
	assert_int_equal(got, cal->windows[0].from + 1);
	assert_int_equal(
	    am_calendar_span(cal, cal->from - 40 * AM_DAY, got), 1);
	assert_int_equal(
	    am_calendar_next_open(cal, cal->from - 40 * AM_DAY, &got), 0);
	assert_int_equal(got, cal->windows[0].from);
	am_arena_fini(&a);
}

static void
test_calendar_when_it_ends_then_says_so_and_leaves_the_output(void **state)
{
	struct am_arena a;
	am_ms got = -7;

	(void)state;
	am_arena_init(&a, 0);
	const struct am_calendar *cal =
	    compile(&a, &utc, LIST("Mon-Fri 09:00-17:00"), NULL, NULL);

	assert_int_equal(
	    am_calendar_add(cal, at(3, 0, 0), 400 * AM_HOUR, &got), -AM_ERANGE);
	assert_int_equal(
	    am_calendar_add(cal, at(3, 0, 0), INT64_MAX, &got), -AM_ERANGE);
	assert_int_equal(
	    am_calendar_add(cal, at(3, 0, 0), INT64_MIN, &got), -AM_ERANGE);
	assert_int_equal(
	    am_calendar_add(cal, cal->until + 1, 1, &got), -AM_ERANGE);
	assert_int_equal(am_calendar_add(cal, AM_NEVER, 1, &got), -AM_ERANGE);
	assert_int_equal(
	    am_calendar_bd_close(cal, at(3, 0, 0), 50, &got), -AM_ERANGE);
	assert_int_equal(
	    am_calendar_bd_close(cal, AM_NEVER, 1, &got), -AM_ERANGE);
	assert_int_equal(
	    am_calendar_bd_close(cal, at(3, 0, 0), INT64_MAX, &got),
	    -AM_ERANGE);
	assert_int_equal(
	    am_calendar_next_open(cal, cal->until + 1, &got), -AM_ERANGE);
	assert_true(got == -7);
	am_arena_fini(&a);
}

/* DL2, DL3: what conf says, window by window. */
static void
test_compile_when_days_are_extra_or_closed_then_extra_wins(void **state)
{
	struct am_arena a;
	am_ms from, to, got;

	(void)state;
	am_arena_init(&a, 0);
	const struct am_calendar *cal = compile(&a, &utc,
	    LIST("Mon-Fri 22:00-02:00"), LIST("2026-03-03..2026-03-05"),
	    LIST("2026-03-04 10:00-11:00", "2026-03-04 12:00-13:00",
		"2026-03-06 08:00-09:00"));
	static const int want[][5] = { /* day, from, to */
		{ 2, 22, 0, 26, 0 },   /* a closed day keeps Monday's tail */
		{ 4, 10, 0, 11, 0 }, { 4, 12, 0, 13, 0 },
		{ 6, 8, 0, 9, 0 }, /* instead of the night, not beside it */
		{ 9, 22, 0, 26, 0 }
	};

	for (size_t i = 0; i < AM_COUNT(want); i++) {
		const int *w = want[i];

		assert_true(am_calendar_window(
		    cal, at(1, 12, 0), at(12, 0, 0), i, &from, &to));
		assert_true(from == at(w[0], w[1], w[2]));
		assert_true(to == at(w[0], w[3], w[4]));
	}
	/* Saturday 01:00 is Friday's night no more */
	assert_int_equal(am_calendar_next_open(cal, at(7, 1, 0), &got), 0);
	assert_true(got == at(9, 22, 0));
	/* a night belongs to the day on which it begins (2.1.2) */
	assert_int_equal(am_calendar_bd_close(cal, at(1, 5, 0), 1, &got), 0);
	assert_true(got == at(3, 2, 0));
	assert_int_equal(am_calendar_bd_close(cal, at(3, 1, 0), 1, &got), 0);
	assert_true(got == at(4, 13, 0));
	am_arena_fini(&a);
}

static void
test_compile_when_windows_share_time_then_it_counts_once(void **state)
{
	struct am_arena a;
	am_ms got;

	(void)state;
	am_arena_init(&a, 0);
	const struct am_calendar *cal = compile(&a, &utc,
	    LIST("Mon 09:00-12:00", "Mon 11:00-14:00", "Mon 11:30-12:30",
		"Mon 14:00-15:00", "Tue 20:00-10:00", "Wed 08:00-12:00"),
	    NULL, LIST("2026-03-14 00:00-24:00", "2026-03-13 18:00-12:00"));

	assert_true(
	    am_calendar_span(cal, at(2, 0, 0), at(3, 0, 0)) == 6 * AM_HOUR);
	assert_true(
	    am_calendar_span(cal, at(3, 0, 0), at(5, 0, 0)) == 16 * AM_HOUR);
	assert_true(
	    am_calendar_span(cal, at(13, 0, 0), at(16, 0, 0)) == 30 * AM_HOUR);
	for (size_t i = 1; i < cal->windows_n; i++) {
		const struct am_window *w = &cal->windows[i];

		assert_true(w->from >= w[-1].to && w->from < w->to);
		assert_true(w->day >= w[-1].day);
		assert_true(w->before == w[-1].before + w[-1].to - w[-1].from);
	}
	assert_int_equal(am_calendar_bd_close(cal, at(3, 1, 0), 1, &got), 0);
	assert_true(got == at(4, 12, 0));
	am_arena_fini(&a);
}

static void
test_compile_when_a_night_covers_the_next_day_then_both_are_days(void **state)
{
	struct am_arena a;
	am_ms got;

	(void)state;
	am_arena_init(&a, 0);
	const struct am_calendar *cal = compile(
	    &a, &utc, LIST("Mon 18:00-12:00", "Tue 09:00-11:00"), NULL, NULL);

	assert_true(
	    am_calendar_span(cal, at(2, 0, 0), at(4, 0, 0)) == 18 * AM_HOUR);
	assert_int_equal(am_calendar_bd_close(cal, at(1, 1, 0), 2, &got), 0);
	assert_true(got == at(3, 12, 0));
	am_arena_fini(&a);
}

/* DL2: membership of the wall clock, with edges inside the doubled hour. */
static void
test_compile_when_clocks_change_then_the_wall_clock_decides(void **state)
{
	/* an hour is doubled on the 8th: 02:00-03:00; missing on the 15th */
	const struct am_zone_step steps[] = { { INT64_MIN, 7200 },
		{ at(8, 1, 0), 3600 }, { at(15, 1, 0), 7200 } };
	const struct am_zone zone = { "Test/Zone", 3, steps };
	struct am_arena a;
	am_ms from, to;

	(void)state;
	am_arena_init(&a, 0);
	const struct am_calendar *all =
	    compile(&a, &zone, LIST("24x7"), NULL, NULL);
	const struct am_calendar *cut =
	    compile(&a, &zone, LIST("Sun 01:30-02:30"), NULL, NULL);

	/* local midnight of the 8th is 22:00, of the 9th 23:00 */
	assert_true(
	    am_calendar_window(all, at(7, 22, 0), at(9, 0, 0), 0, &from, &to));
	assert_true(to - from == 25 * AM_HOUR);
	assert_true(am_calendar_window(
	    all, at(14, 23, 0), at(16, 0, 0), 0, &from, &to));
	assert_true(to - from == 23 * AM_HOUR);
	/* 01:30-02:30, then 02:00-02:30 once more: split in two */
	assert_true(
	    am_calendar_window(cut, at(7, 22, 0), at(9, 0, 0), 0, &from, &to));
	assert_true(from == at(7, 23, 30) && to == at(8, 0, 30));
	assert_true(
	    am_calendar_window(cut, at(7, 22, 0), at(9, 0, 0), 1, &from, &to));
	assert_true(from == at(8, 1, 0) && to == at(8, 1, 30));
	assert_false(
	    am_calendar_window(cut, at(7, 22, 0), at(9, 0, 0), 2, &from, &to));
	/* the missing 02:00-02:30 counts nothing */
	assert_true(am_calendar_window(
	    cut, at(14, 22, 0), at(16, 0, 0), 0, &from, &to));
	assert_true(from == at(15, 0, 30) && to == at(15, 1, 0));
	am_arena_fini(&a);
}

static void
test_compile_when_a_year_has_no_opening_then_refused(void **state)
{
	struct am_daywindow w = { 0x7f, 540, 1020 };
	struct am_dayrange r = { am_civil_days(2027, 1, 1),
		am_civil_days(2028, 1, 1) };
	struct am_calendar_src src = { .name = "x",
		.zone = &utc,
		.open = &w,
		.open_n = 1,
		.closed = &r,
		.closed_n = 1 };
	const struct am_calendar *cal = NULL;
	struct am_arena a;
	am_ms now = at(1, 0, 0);

	(void)state;
	am_arena_init(&a, 0);
	assert_int_equal(
	    am_calendar_compile(&a, &src, now, now + 2000 * AM_DAY, &cal),
	    -AM_ERANGE);
	assert_null(cal);
	r.last -= 2; /* 364 days are bad, but somebody's business */
	assert_int_equal(
	    am_calendar_compile(&a, &src, now, now + 2000 * AM_DAY, &cal), 0);
	src.open_n = 0;
	assert_int_equal(
	    am_calendar_compile(&a, &src, now, now + 2000 * AM_DAY, &cal),
	    -AM_ERANGE);
	am_arena_fini(&a);
}

static void
test_daywindow_when_well_formed_then_days_and_minutes_are_right(void **state)
{
	static const struct {
		const char *text;
		unsigned days;
		int from, to;
	} cases[] = {
		{ "Mon-Fri 09:00-12:00", 0x3e, 540, 720 },
		{ "Sat,Sun 10:00-24:00", 0x41, 600, 1440 },
		{ "24x7", 0x7f, 0, 1440 },
		{ " mon-wed,FRI  22:00-06:00 ", 0x2e, 1320, 360 },
		{ "Fri-Mon 00:00-00:01", 0x63, 0, 1 },
		{ "Sun 23:59-00:00", 0x01, 1439, 0 },
		{ "Mon-Sun 00:00-24:00", 0x7f, 0, 1440 },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		struct am_daywindow w;

		assert_int_equal(
		    am_daywindow_parse(am_str_c(cases[i].text), &w), 0);
		assert_int_equal(w.weekdays, cases[i].days);
		assert_int_equal(w.from, cases[i].from);
		assert_int_equal(w.to, cases[i].to);
	}
}

static void
test_texts_when_malformed_then_refused_and_output_untouched(void **state)
{
	static const char *const windows[] = { "", "Mon", "09:00-12:00",
		"Mon 9:00-12:00", "Mon 09:00-24:01", "Mon 24:00-24:00",
		"Mon 09:00-09:00", "Mon 09:60-10:00", "Mon-Fri-Sat 09:00-10:00",
		"Mon, Tue 09:00-10:00", "Mon, 09:00-10:00", ",Mon 09:00-10:00",
		"Mo 09:00-10:00", "Monday 09:00-10:00", "Mon 09:00",
		"Mon 09:00-10:00x", "Mon 09:00-10:00-11:00", "24x7x",
		"Mon -9:00-10:00", "M\x0fn 09:00-10:00" };
	static const char *const ranges[] = { "", "2026-02-29", "2026-13-01",
		"2026-1-1", "2026-10-07..2026-10-01", "2026-10-01..",
		"..2026-10-01", "2026-10-01...2026-10-02", "20261001",
		"2026-10-01-", "2026-10-01..2026-10-02..2026-10-03" };
	static const char *const extras[] = { "2026-10-10", "09:00-18:00",
		"2026-10-10 09:00", "2026-10-32 09:00-18:00",
		"2026-10-10..2026-10-11 09:00-18:00" };
	struct am_daywindow w = { 9, 9, 9 };
	struct am_dayrange r = { 9, 9 };
	struct am_extraday e = { 9, 9, 9 };

	(void)state;
	for (size_t i = 0; i < AM_COUNT(windows); i++)
		assert_int_equal(
		    am_daywindow_parse(am_str_c(windows[i]), &w), -AM_EINVAL);
	for (size_t i = 0; i < AM_COUNT(ranges); i++)
		assert_int_equal(
		    am_dayrange_parse(am_str_c(ranges[i]), &r), -AM_EINVAL);
	for (size_t i = 0; i < AM_COUNT(extras); i++)
		assert_int_equal(
		    am_extraday_parse(am_str_c(extras[i]), &e), -AM_EINVAL);
	assert_true(w.weekdays == 9 && r.first == 9 && e.from == 9);
	assert_int_equal(
	    am_dayrange_parse(AM_STR(" 2026-10-01..2026-10-07"), &r), 0);
	assert_int_equal(r.last - r.first, 6);
	assert_int_equal(am_dayrange_parse(AM_STR("2024-02-29"), &r), 0);
	assert_int_equal(r.last, r.first);
	assert_int_equal(
	    am_extraday_parse(AM_STR("2026-10-10 22:00-04:00"), &e), 0);
	assert_true(e.from == 1320 && e.to == 240);
}

/* Whatever the bytes: refused, or a value that compiles. */
static void
test_texts_when_changed_at_random_then_nothing_breaks(void **state)
{
	static const char *const good[] = { "Mon-Fri 09:00-12:00",
		"Mon-Wed,Fri 22:00-06:00", "24x7", "2026-10-01..2026-10-07",
		"2026-10-10 09:00-18:00" };
	size_t passed = 0;

	(void)state;
	rnd_seed(__func__);
	for (int i = 0; i < 100000; i++) {
		const char *from = good[rnd(AM_COUNT(good))];
		size_t n = strlen(from);
		char bytes[40], *exact;
		struct am_daywindow w = { 0 };
		struct am_dayrange r = { 0 };
		struct am_extraday e = { 0 };
		struct am_str s;

		memcpy(bytes, from, n);
		n = rnd_mutate(bytes, n, sizeof(bytes), "0129:-., x");
		exact = malloc(n + 1); /* a sanitizer sees a byte too far */
		exact = realloc(memcpy(exact, bytes, n), n > 0 ? n : 1);
		s = (struct am_str){ exact, n };
		if (am_daywindow_parse(s, &w) == 0) {
			assert_in_range(w.weekdays, 1, 0x7f);
			assert_in_range(w.from, 0, 1439);
			assert_in_range(w.to, 0, 1440);
			passed++;
		}
		if (am_dayrange_parse(s, &r) == 0) {
			assert_true(r.first <= r.last);
			passed++;
		}
		if (am_extraday_parse(s, &e) == 0) {
			assert_in_range(e.from, 0, 1439);
			passed++;
		}
		free(exact);
	}
	assert_in_range(passed, 1, 99999);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_add_when_work_fills_a_window_then_due_is_its_close),
		cmocka_unit_test(
		    test_add_when_times_are_random_then_span_undoes_it),
		cmocka_unit_test(
		    test_window_when_listed_between_start_and_due_then_they_sum_up),
		cmocka_unit_test(
		    test_calendar_when_absent_then_time_is_elapsed_time),
		cmocka_unit_test(test_calendar_before_it_begins_counts_nothing),
		cmocka_unit_test(
		    test_calendar_when_it_ends_then_says_so_and_leaves_the_output),
		cmocka_unit_test(
		    test_compile_when_days_are_extra_or_closed_then_extra_wins),
		cmocka_unit_test(
		    test_compile_when_windows_share_time_then_it_counts_once),
		cmocka_unit_test(
		    test_compile_when_a_night_covers_the_next_day_then_both_are_days),
		cmocka_unit_test(
		    test_compile_when_clocks_change_then_the_wall_clock_decides),
		cmocka_unit_test(
		    test_compile_when_a_year_has_no_opening_then_refused),
		cmocka_unit_test(
		    test_daywindow_when_well_formed_then_days_and_minutes_are_right),
		cmocka_unit_test(
		    test_texts_when_malformed_then_refused_and_output_untouched),
		cmocka_unit_test(
		    test_texts_when_changed_at_random_then_nothing_breaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
