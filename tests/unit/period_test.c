/* period_test - days, weeks and months by name. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/str.h"
#include "ops/period.h"
#include "tests/unit/rnd.h"

static void
assert_period(const char *text, const char *first, int days)
{
	int32_t from = 0, to = 0;
	char name[16];

	if (am_period_parse(am_str_c(text), &from, &to) != 0)
		fail_msg("%s is no period", text);
	am_period_name(AM_PERIOD_DAY, from, name);
	assert_string_equal(name, first);
	assert_int_equal(to - from, days);
}

static void
test_periods_have_names(void **state)
{
	static const char *const wrong[] = { "", "2026-13", "2026-00",
		"2026-02-30", "2026-W54", "2025-W53", "2026-Q5", "26-10",
		"2026-1", "2026-10-1", "2026-10-03T", "2026/10", "x" };
	int32_t from, to;
	char name[16];

	(void)state;
	assert_period("2026", "2026-01-01", 365);
	assert_period("2024", "2024-01-01", 366);
	assert_period("2026-Q4", "2026-10-01", 92);
	assert_period("2026-02", "2026-02-01", 28);
	assert_period("2026-12", "2026-12-01", 31);
	assert_period("2026-10-03", "2026-10-03", 1);
	assert_period("2026-W01", "2025-12-29", 7);
	assert_period("2026-W53", "2026-12-28", 7);
	for (size_t i = 0; i < AM_COUNT(wrong); i++)
		if (am_period_parse(am_str_c(wrong[i]), &from, &to) == 0)
			fail_msg("%s is a period", wrong[i]);
	/* names are read as what they name */
	rnd_seed("period");
	for (int i = 0; i < 3000; i++) {
		int32_t day = (int32_t)rnd(40000);
		enum am_period_unit unit =
		    (enum am_period_unit)(1 + rnd(AM_PERIOD_UNITS_N - 1));
		int32_t first = am_period_first(unit, day);

		assert_int_equal(
		    am_period_parse(am_str_c(am_period_name(unit, first, name)),
			&from, &to),
		    0);
		assert_int_equal(from, first);
		assert_int_equal(to, am_period_next(unit, first));
		assert_true(from <= day && day < to);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_periods_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
