/* words: words of complaint in a comment (CF5). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "core/words.h"

static const char *const words[] = { "not solved", "still", "没解决",
	"未解决" };

static bool
negative(const char *text)
{
	return am_words_negative(am_str_c(text), words, AM_COUNT(words));
}

static void
test_words_when_ascii_then_whole_words_in_any_case(void **state)
{
	(void)state;
	assert_true(negative("It is NOT Solved."));
	assert_true(negative("still"));
	assert_true(negative("charged twice,Still!"));
	assert_true(negative("(still)"));
	assert_false(negative("the distillery is stillborn"));
	assert_false(negative("distill"));
	assert_false(negative("still2"));
	assert_false(negative("not  solved")); /* as it is written */
	assert_false(negative("solved, thank you"));
}

static void
test_words_when_cjk_then_anywhere(void **state)
{
	(void)state;
	assert_true(negative("问题没解决"));
	assert_true(negative("我的投诉未解决,请处理"));
	assert_false(negative("已解决"));
	/* an ASCII word ends where Chinese begins */
	assert_true(negative("问题still在"));
}

static void
test_words_when_empty_then_nothing_matches(void **state)
{
	static const char *const none[] = { "" };

	(void)state;
	assert_false(negative(""));
	assert_false(negative("stil"));
	assert_false(am_words_negative(AM_STR("x"), none, 1));
	assert_false(am_words_negative(AM_STR("still"), words, 0));
	assert_false(am_words_negative(
	    (struct am_str){ NULL, 0 }, words, AM_COUNT(words)));
}

static bool
of_event(enum am_event_type type, const char *field, const char *text)
{
	struct am_loopdef def = { .negative_words = { "grr", "Bad luck" },
		.negative_words_n = 2 };
	struct am_pair pair = { am_str_c(field), am_str_c(text) };
	struct am_event ev = { .type = type, .fields = &pair, .fields_n = 1 };

	return am_event_negative(&def, &ev);
}

/* CF5: the loop's own words, in what the customer wrote and nowhere else. */
static void
test_words_when_event_then_comment_or_text_is_read(void **state)
{
	(void)state;
	assert_true(of_event(AM_EV_ANSWERED, "comment", "bad LUCK again"));
	assert_true(of_event(AM_EV_MESSAGE, "text", "grr"));
	assert_false(of_event(AM_EV_ANSWERED, "comment", "still"));
	assert_false(of_event(AM_EV_ANSWERED, "text", "grr"));
	assert_false(of_event(AM_EV_MESSAGE, "comment", "grr"));
	assert_false(of_event(AM_EV_WITHDRAWN, "reason", "grr"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_words_when_ascii_then_whole_words_in_any_case),
		cmocka_unit_test(test_words_when_cjk_then_anywhere),
		cmocka_unit_test(test_words_when_empty_then_nothing_matches),
		cmocka_unit_test(
		    test_words_when_event_then_comment_or_text_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
