/* stream_id_test - ids of stream entries. */

#include "intake/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct am_str
str(const char *s)
{
	size_t n = 0;

	while (s[n] != '\0')
		n++;
	return (struct am_str){ s, n };
}

static void
test_stream_id_well_formed_gives_both_numbers(void **state)
{
	uint64_t ms, seq;

	(void)state;
	assert_int_equal(am_stream_id_parse(str("0-0"), &ms, &seq), 0);
	assert_true(ms == 0 && seq == 0);
	assert_int_equal(
	    am_stream_id_parse(str("1795291848883-12"), &ms, &seq), 0);
	assert_true(ms == 1795291848883u && seq == 12);
	assert_int_equal(
	    am_stream_id_parse(
		str("18446744073709551615-18446744073709551615"), &ms, &seq),
	    0);
	assert_true(ms == UINT64_MAX && seq == UINT64_MAX);
}

static void
test_stream_id_malformed_is_refused_and_leaves_the_outputs(void **state)
{
	static const char *const bad[] = { "", "-", "1", "1-", "-1", "1-2-3",
		"a-1", "1-b", " 1-2", "1-2 ", "+1-2", "0x1-2", "*",
		"18446744073709551616-0", "1-18446744073709551616" };
	uint64_t ms = 7, seq = 8;

	(void)state;
	for (size_t i = 0; i < AM_COUNT(bad); i++)
		assert_int_equal(
		    am_stream_id_parse(str(bad[i]), &ms, &seq), -AM_EINVAL);
	assert_int_equal(
	    am_stream_id_parse((struct am_str){ NULL, 0 }, &ms, &seq),
	    -AM_EINVAL);
	assert_true(ms == 7 && seq == 8);
}

static void
test_stream_id_cmp_orders_by_number_not_by_text(void **state)
{
	static const char *const sorted[] = { "bad", "0-0", "0-1", "9-0",
		"10-9", "10-10", "1795291848883-0",
		"18446744073709551615-18446744073709551615" };

	(void)state;
	for (size_t i = 0; i < AM_COUNT(sorted); i++)
		for (size_t j = 0; j < AM_COUNT(sorted); j++) {
			int d =
			    am_stream_id_cmp(str(sorted[i]), str(sorted[j]));

			assert_int_equal((d > 0) - (d < 0), (i > j) - (i < j));
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stream_id_well_formed_gives_both_numbers),
		cmocka_unit_test(
		    test_stream_id_malformed_is_refused_and_leaves_the_outputs),
		cmocka_unit_test(
		    test_stream_id_cmp_orders_by_number_not_by_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
