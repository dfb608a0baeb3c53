/* Retry-After: seconds, dates, garbage, and numbers without end. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "deliver/retry_after.h"

/* Sun, 06 Nov 1994 08:49:37 GMT, the date of RFC 9110 */
#define DATE ((am_ms)784111777 * AM_SECOND)
#define MAX (24 * AM_HOUR)

static void
expect(const char *text, am_ms now, am_ms want)
{
	am_ms got = am_retry_after(am_str_c(text), now, MAX);

	if (got != want)
		fail_msg("Retry-After: %s gives %lld, not %lld", text,
		    (long long)got, (long long)want);
}

static void
test_retry_after_seconds_then_span(void **state)
{
	(void)state;
	expect("0", DATE, 0);
	expect("1", DATE, AM_SECOND);
	expect("120", DATE, 2 * AM_MINUTE);
	expect("  7 ", DATE, 7 * AM_SECOND);
	expect("0000000000000000000000000009", DATE, 9 * AM_SECOND);
	expect("86400", DATE, MAX);
}

static void
test_retry_after_huge_then_capped(void **state)
{
	char digits[2000];

	(void)state;
	memset(digits, '9', sizeof(digits));
	digits[sizeof(digits) - 1] = '\0';
	expect("86401", DATE, MAX);
	expect("9223372036854775807", DATE, MAX);
	expect("99999999999999999999999999", DATE, MAX);
	expect(digits, DATE, MAX);
	expect("Fri, 31 Dec 9999 23:59:59 GMT", DATE, MAX);
	assert_true(am_retry_after(am_str_c(digits), DATE, AM_NEVER) > 0);
	assert_int_equal(am_retry_after(AM_STR("5"), DATE, 0), 0);
}

static void
test_retry_after_date_then_span_from_now(void **state)
{
	(void)state;
	expect("Sun, 06 Nov 1994 08:49:37 GMT", DATE - 90 * AM_SECOND,
	    90 * AM_SECOND);
	expect("Sunday, 06-Nov-94 08:49:37 GMT", DATE - 1, 1);
	expect("Sun Nov  6 08:49:37 1994", DATE - AM_HOUR, AM_HOUR);
	expect("Sun, 06 Nov 1994 08:49:37 GMT", DATE, 0);
	expect("Sun, 06 Nov 1994 08:49:37 GMT", DATE + AM_DAY, 0);
}

static void
test_retry_after_garbage_then_nothing(void **state)
{
	static const char *const garbage[] = { "", " ", "soon", "-5", "+5",
		"1.5", "5s", "0x10", "1e3", "5, 6", "Sun", "Sun, 99 Nov 1994",
		"1994-11-06T08:49:37Z", "\xff\xfe", "Monday", ";;;", "GMT" };

	(void)state;
	for (size_t i = 0; i < AM_COUNT(garbage); i++)
		expect(garbage[i], DATE - AM_HOUR, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retry_after_seconds_then_span),
		cmocka_unit_test(test_retry_after_huge_then_capped),
		cmocka_unit_test(test_retry_after_date_then_span_from_now),
		cmocka_unit_test(test_retry_after_garbage_then_nothing),
	};

	return cmocka_run_group_tests_name("retry_after", tests, NULL, NULL);
}
