/* spread_test - shares of many spans. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ops/spread.h"

/* Exact while there are few, to one part in 64 when there are many. */
static void
test_a_spread_is_exact_and_then_close(void **state)
{
	struct am_spread s = { .n = 0 };

	(void)state;
	assert_int_equal(am_spread_pct(&s, 50), 0);
	for (int i = 1; i <= 10; i++)
		am_spread_add(&s, i * AM_HOUR);
	assert_int_equal(am_spread_pct(&s, 50), 5 * AM_HOUR);
	assert_int_equal(am_spread_pct(&s, 90), 9 * AM_HOUR);
	assert_int_equal(am_spread_pct(&s, 0), AM_HOUR);
	am_spread_fini(&s);
	for (am_ms i = 1; i <= 100000; i++)
		am_spread_add(&s, i * 1000);
	for (unsigned pct = 1; pct <= 100; pct++) {
		am_ms is = am_spread_pct(&s, pct),
		      want = (am_ms)pct * AM_SECOND * 1000;

		assert_true(is >= want && is <= want + want / 64 + 1);
	}
	am_spread_add(&s, AM_NEVER);
	am_spread_add(&s, -5);
	am_spread_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_spread_is_exact_and_then_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
