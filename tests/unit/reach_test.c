/* reach - one spelling of a number, of a mail address, and what logs show. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/reach.h"
#include "base/str.h"

static void
test_phone_when_written_by_people_then_is_e164(void **state)
{
	static const char *const cases[][2] = {
		{ "+8613800138000", "+8613800138000" },
		{ " +86 138-0013-8000 ", "+8613800138000" },
		{ "0086 138 0013 8000", "+8613800138000" },
		{ "+1 (415) 555-2671", "+14155552671" },
		{ "+44 (0)20 7946 0958", "+442079460958" },
		{ "+49.30/123456", "+4930123456" },
		{ "+123456789012345", "+123456789012345" },
	};
	char out[AM_PHONE_MAX + 1];

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		assert_int_equal(am_phone_parse(am_str_c(cases[i][0]), out), 0);
		assert_string_equal(out, cases[i][1]);
		/* one spelling: parsing it again changes nothing */
		assert_int_equal(am_phone_parse(am_str_c(out), out), 0);
		assert_string_equal(out, cases[i][1]);
	}
}

static void
test_phone_when_not_whole_then_is_refused(void **state)
{
	static const char *const cases[] = { "", "+", "00", "13800138000",
		"020 7946 0958", "+86138", "+0138001380000", "+86 138 ext 5",
		"+1234567890123456", "+8613800138000,+8613800138001", "a@b.c",
		"+86１３８００１３８", "+8613800138000\n" };
	char out[AM_PHONE_MAX + 1] = "kept";

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases) - 1; i++) {
		if (am_phone_parse(am_str_c(cases[i]), out) == 0)
			fail_msg("taken: %s", cases[i]);
		assert_string_equal(out, "kept");
	}
	/* a line's end is not a part of it */
	assert_int_equal(
	    am_phone_parse(am_str_c(cases[AM_COUNT(cases) - 1]), out), 0);
}

static void
test_email_when_given_then_is_in_lower_case(void **state)
{
	char out[AM_EMAIL_MAX + 1];

	(void)state;
	assert_int_equal(
	    am_email_parse(AM_STR(" Li.Wei+x@Example.COM "), out), 0);
	assert_string_equal(out, "li.wei+x@example.com");
	assert_int_equal(am_email_parse(AM_STR("李@例子.中国"), out), 0);
	assert_string_equal(out, "李@例子.中国");
}

static void
test_email_when_not_one_address_then_is_refused(void **state)
{
	static const char *const cases[] = { "", "a", "@b.c", "a@", "a@.c",
		"a@b.c.", "a@b@c", "a b@c.d", "a@b.c,d@e.f", "<a@b.c>",
		"Li <a@b.c>", "a@b.c\r\nBcc: x@y.z", "a\"@b.c" };
	char out[AM_EMAIL_MAX + 1] = "kept", big[400];

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		if (am_email_parse(am_str_c(cases[i]), out) == 0)
			fail_msg("taken: %s", cases[i]);
	}
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	memcpy(big + 10, "@", 1);
	assert_int_not_equal(am_email_parse(am_str_c(big), out), 0);
	assert_string_equal(out, "kept");
}

/* AU6: neither the number nor the name stands in what is shown. */
static void
test_mask_when_shown_then_hides_who_it_is(void **state)
{
	char out[AM_MASKED_MAX];

	(void)state;
	assert_string_equal(
	    am_reach_mask(AM_STR("+86 138-0013-8000"), out), "+86***00");
	assert_string_equal(
	    am_reach_mask(AM_STR("Li.Wei@Example.com"), out), "l***@***");
	assert_string_equal(
	    am_reach_mask(AM_STR("李@例子.中国"), out), "李***@***");
	assert_string_equal(am_reach_mask(AM_STR("13800138000"), out), "***");
	assert_string_equal(am_reach_mask(AM_STR(""), out), "***");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_phone_when_written_by_people_then_is_e164),
		cmocka_unit_test(test_phone_when_not_whole_then_is_refused),
		cmocka_unit_test(test_email_when_given_then_is_in_lower_case),
		cmocka_unit_test(
		    test_email_when_not_one_address_then_is_refused),
		cmocka_unit_test(test_mask_when_shown_then_hides_who_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
