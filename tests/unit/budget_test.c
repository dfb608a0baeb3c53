/* budget - second tries are few beside first ones, and never none. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/budget.h"

#define NOW ((am_ms)1800000000000)

static unsigned
seconds_at(struct am_budget *b, am_ms now, unsigned asked)
{
	unsigned n = 0;
	am_ms until;

	while (asked-- > 0)
		n += am_budget_second(b, now, &until);
	return n;
}

static void
test_budget_when_nothing_else_is_sent_then_one_a_second(void **state)
{
	struct am_budget b;

	(void)state;
	am_budget_init(&b, 10);
	for (am_ms s = 0; s < 200; s++)
		assert_int_equal(
		    seconds_at(&b, NOW + s * AM_SECOND + 7 * (s % 100), 5), 1);
}

static void
test_budget_when_first_tries_flow_then_a_tenth_of_them(void **state)
{
	struct am_budget b;
	unsigned n = 0;

	(void)state;
	am_budget_init(&b, 10);
	for (am_ms s = 0; s < 300; s++) {
		for (int i = 0; i < 100; i++)
			am_budget_first(&b, NOW + s * AM_SECOND);
		n += seconds_at(&b, NOW + s * AM_SECOND, 1000);
		/* of each minute */
		assert_true(b.seconds_n <= b.firsts_n / 10 + 1);
	}
	assert_in_range(n, 300 * 10 - 60, 300 * 10 + 60);
}

static void
test_budget_when_a_minute_is_over_then_its_first_tries_are_forgotten(
    void **state)
{
	struct am_budget b;

	(void)state;
	am_budget_init(&b, 50);
	for (int i = 0; i < 40; i++)
		am_budget_first(&b, NOW);
	assert_int_equal(seconds_at(&b, NOW + 59 * AM_SECOND, 5), 5);
	assert_int_equal(seconds_at(&b, NOW + 60 * AM_SECOND, 100), 1);
	assert_int_equal(seconds_at(&b, NOW + AM_HOUR, 100), 1);
	/* a clock that goes back begins anew, and stops nobody */
	assert_int_equal(seconds_at(&b, NOW, 100), 1);
}

/* 100 that are too many get instants of their own, a second apart. */
static void
test_budget_when_over_it_then_each_gets_its_own_instant(void **state)
{
	struct am_budget b;
	am_ms until = 0, last = NOW;

	(void)state;
	am_budget_init(&b, 10);
	assert_true(am_budget_second(&b, NOW, &until));
	for (int i = 0; i < 59; i++) {
		assert_false(am_budget_second(&b, NOW, &until));
		assert_true(until >= last + AM_SECOND);
		assert_true(until < NOW + AM_MINUTE);
		assert_int_equal(until % AM_SECOND, 0);
		last = until;
	}
	assert_false(am_budget_second(&b, NOW, &until));
	assert_true(until == NOW + AM_SECOND); /* another round */
	/* and at its instant each goes */
	for (int i = 1; i < 60; i++)
		assert_true(am_budget_second(&b, NOW + i * AM_SECOND, &until));
}

static void
test_budget_when_first_tries_are_many_then_instants_are_close(void **state)
{
	struct am_budget b;
	am_ms until = 0, last;

	(void)state;
	am_budget_init(&b, 10);
	for (int i = 0; i < 60 * 100; i++)
		am_budget_first(&b, NOW);
	assert_int_equal(seconds_at(&b, NOW, 600), 600);
	assert_false(am_budget_second(&b, NOW, &last));
	assert_false(am_budget_second(&b, NOW, &until));
	assert_true(until - last == 100); /* ten a second */
}

static void
test_budget_when_there_is_none_then_all_go(void **state)
{
	struct am_budget b;

	(void)state;
	am_budget_init(&b, 0);
	assert_int_equal(seconds_at(&b, NOW, 10000), 10000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test(name)
		T(test_budget_when_nothing_else_is_sent_then_one_a_second),
		T(test_budget_when_first_tries_flow_then_a_tenth_of_them),
		T(test_budget_when_a_minute_is_over_then_its_first_tries_are_forgotten),
		T(test_budget_when_over_it_then_each_gets_its_own_instant),
		T(test_budget_when_first_tries_are_many_then_instants_are_close),
		T(test_budget_when_there_is_none_then_all_go),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
