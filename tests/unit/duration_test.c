/* duration - `90s 30m 2h 3bd 15d 8w`. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <amends/loop.h>

#include "base/str.h"

/* DL4: hours, business days, calendar days and weeks. */
static void
test_duration_when_of_any_unit_then_is_parsed_and_written_back(void **state)
{
	static const struct {
		const char *in;
		enum am_unit unit;
		int64_t n;
		const char *out;
	} cases[] = {
		{ "90s", AM_UNIT_TIME, 90 * AM_SECOND, "90s" },
		{ "30m", AM_UNIT_TIME, 30 * AM_MINUTE, "30m" },
		{ "2h", AM_UNIT_TIME, 2 * AM_HOUR, "2h" },
		{ "3bd", AM_UNIT_BD, 3, "3bd" },
		{ "15d", AM_UNIT_DAYS, 15 * AM_DAY, "15d" },
		{ "8w", AM_UNIT_DAYS, 56 * AM_DAY, "8w" },
		{ "7d", AM_UNIT_DAYS, 7 * AM_DAY, "1w" },
		{ "120s", AM_UNIT_TIME, 2 * AM_MINUTE, "2m" },
		{ "24h", AM_UNIT_TIME, AM_DAY, "24h" },
		{ "0s", AM_UNIT_TIME, 0, "0s" },
		{ "0d", AM_UNIT_DAYS, 0, "0d" },
		{ "0bd", AM_UNIT_BD, 0, "0bd" },
		{ "007m", AM_UNIT_TIME, 7 * AM_MINUTE, "7m" },
		{ "3155760000s", AM_UNIT_TIME, 36525 * AM_DAY, "876600h" },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		struct am_duration d = { AM_UNIT_TIME, -1 }, again;
		char text[24];

		assert_int_equal(
		    am_duration_parse(am_str_c(cases[i].in), &d), 0);
		assert_int_equal(d.unit, cases[i].unit);
		assert_true(d.n == cases[i].n);
		assert_string_equal(am_duration_format(d, text), cases[i].out);
		assert_int_equal(am_duration_parse(am_str_c(text), &again), 0);
		assert_true(again.unit == d.unit && again.n == d.n);
	}
}

static void
test_duration_when_malformed_then_refused(void **state)
{
	static const char *const bad[] = { "", "s", "5", "-5s", "+5s", "5 s",
		" 5s", "5s ", "5S", "1h30m", "1.5h", "5bdd", "5b", "5ms", "5y",
		"3155760001s", "36526d", "36526bd", "5218w",
		"99999999999999999999h", "18446744073709551617s" };
	struct am_duration d = { AM_UNIT_BD, 9 };

	(void)state;
	for (size_t i = 0; i < AM_COUNT(bad); i++)
		assert_int_equal(
		    am_duration_parse(am_str_c(bad[i]), &d), -AM_EINVAL);
	assert_int_equal(am_duration_parse(AM_STR("5s\0"), &d), -AM_EINVAL);
	assert_true(d.unit == AM_UNIT_BD && d.n == 9);
}

static void
test_duration_when_no_whole_second_then_is_shown_in_ms(void **state)
{
	char text[24];

	(void)state;
	assert_string_equal(
	    am_duration_format(
		(struct am_duration){ AM_UNIT_TIME, 1500 }, text),
	    "1500ms");
	assert_string_equal(
	    am_duration_format(
		(struct am_duration){ AM_UNIT_TIME, INT64_MIN }, text),
	    "-9223372036854775808ms");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_duration_when_of_any_unit_then_is_parsed_and_written_back),
		cmocka_unit_test(test_duration_when_malformed_then_refused),
		cmocka_unit_test(
		    test_duration_when_no_whole_second_then_is_shown_in_ms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
