/* time - civil dates, RFC 3339, spans. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/str.h"
#include "base/time.h"

#include "rnd.h"

static void
test_civil_when_every_day_of_900_years_is_walked_then_agrees(void **state)
{
	int32_t days = am_civil_days(1600, 1, 1);

	(void)state;
	for (int64_t y = 1600; y < 2500; y++) {
		for (int m = 1; m <= 12; m++) {
			for (int d = 1; d <= am_days_in_month(y, m); d++) {
				int64_t gy;
				int gm, gd;

				assert_int_equal(am_civil_days(y, m, d), days);
				am_civil_from_days(days, &gy, &gm, &gd);
				assert_true(gy == y && gm == m && gd == d);
				days++;
			}
		}
	}
	assert_int_equal(am_civil_days(1970, 1, 1), 0);
	assert_int_equal(am_days_in_month(1900, 2), 28);
	assert_int_equal(am_days_in_month(2000, 2), 29);
}

static void
test_civil_when_an_instant_is_split_then_agrees_with_gmtime(void **state)
{
	(void)state;
	rnd_seed(__func__);
	for (int i = 0; i < 20000; i++) {
		am_ms t = (am_ms)(rnd64() >> 21) - (1LL << 42);
		time_t s = t / 1000 - (t % 1000 < 0);
		struct am_civil c;
		struct tm tm;

		am_civil_from_ms(t, &c);
		gmtime_r(&s, &tm);
		assert_int_equal(c.year, tm.tm_year + 1900);
		assert_int_equal(c.month, tm.tm_mon + 1);
		assert_int_equal(c.day, tm.tm_mday);
		assert_int_equal(c.hour, tm.tm_hour);
		assert_int_equal(c.minute, tm.tm_min);
		assert_int_equal(c.second, tm.tm_sec);
		assert_int_equal(c.weekday, tm.tm_wday);
		assert_int_equal(c.ms, t - s * 1000);
		assert_true(am_civil_to_ms(&c) == t);
	}
}

static void
test_rfc3339_when_well_formed_then_gives_the_instant(void **state)
{
	static const struct {
		const char *text, *utc;
	} cases[] = {
		{ "2026-11-21T19:35:03Z", "2026-11-21T19:35:03.000Z" },
		{ "2026-11-21T19:35:03.5+08:00", "2026-11-21T11:35:03.500Z" },
		{ "2026-11-21t19:35:03.123999z", "2026-11-21T19:35:03.123Z" },
		{ "2026-11-21 19:35:03-00:30", "2026-11-21T20:05:03.000Z" },
		{ "2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z" },
		{ "2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z" },
		{ "0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z" },
		{ "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z" },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		char text[32];
		am_ms t;

		assert_int_equal(
		    am_rfc3339_parse(am_str_c(cases[i].text), &t), 0);
		am_rfc3339_format(t, text);
		assert_string_equal(text, cases[i].utc);
	}
}

static void
test_rfc3339_when_malformed_then_refused(void **state)
{
	static const char *const bad[] = { "", "2026-11-21",
		"2026-11-21T19:35:03", "2026-11-21T19:35Z",
		"2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
		"2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
		"2026-01-01T00:00:61Z", "2026-01-01T00:00:00.Z",
		"2026-01-01T00:00:00+0800", "2026-01-01T00:00:00+24:00",
		"2026-01-01T00:00:00Zx", "2026-01-01T00:00:00+08:60",
		"26-01-01T00:00:00Z", "2026-1-01T00:00:00Z",
		"-026-01-01T00:00:00Z" };
	am_ms t = 7;

	(void)state;
	for (size_t i = 0; i < AM_COUNT(bad); i++)
		assert_int_equal(
		    am_rfc3339_parse(am_str_c(bad[i]), &t), -AM_EINVAL);
	assert_int_equal(
	    am_rfc3339_parse(AM_STR("2026-01-01T00\0:00:00Z"), &t), -AM_EINVAL);
	assert_true(t == 7);
}

static void
test_format_when_the_instant_is_extreme_then_text_fits(void **state)
{
	char text[32];

	(void)state;
	am_rfc3339_format(AM_NEVER, text);
	assert_string_equal(text, "never");
	am_rfc3339_format(AM_NEVER - 1, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
	am_rfc3339_format(INT64_MIN, text);
	assert_string_equal(text, "0000-01-01T00:00:00.000Z");
	am_local_format(INT64_MIN, -3600, text);
	assert_string_equal(text, "0000-01-01 00:00");
	am_local_format(AM_NEVER, 0, text);
	assert_string_equal(text, "never");
	am_local_format(0, 8 * 3600, text);
	assert_string_equal(text, "1970-01-01 08:00");
}

static void
test_span_when_formatted_then_has_two_units_at_most(void **state)
{
	static const struct {
		am_ms span;
		const char *text;
	} cases[] = {
		{ 0, "0s" },
		{ 250, "250ms" },
		{ 30 * AM_SECOND, "30s" },
		{ 90 * AM_SECOND + 400, "1m 30s" },
		{ 45 * AM_MINUTE, "45m" },
		{ 2 * AM_DAY + 3 * AM_HOUR + AM_MINUTE, "2d 3h" },
		{ 2 * AM_DAY + AM_MINUTE, "2d" },
		{ -AM_HOUR, "-1h" },
		{ AM_NEVER, "never" },
		{ INT64_MIN, "-106751991167d 7h" },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		char text[32];

		am_span_format(cases[i].span, text);
		assert_string_equal(text, cases[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_civil_when_every_day_of_900_years_is_walked_then_agrees),
		cmocka_unit_test(
		    test_civil_when_an_instant_is_split_then_agrees_with_gmtime),
		cmocka_unit_test(
		    test_rfc3339_when_well_formed_then_gives_the_instant),
		cmocka_unit_test(test_rfc3339_when_malformed_then_refused),
		cmocka_unit_test(
		    test_format_when_the_instant_is_extreme_then_text_fits),
		cmocka_unit_test(
		    test_span_when_formatted_then_has_two_units_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
