/* reply: what a whole message says (FU6, FU7). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "core/reply.h"
#include "tests/unit/rnd.h"

static const char *const yes[] = { "1", "yes", "y", "是", "已解决",
	"all good" };
static const char *const no[] = { "2", "no", "n", "否", "未解决" };
static const char *const stop[] = { "stop", "td", "t", "退订", "unsubscribe" };
static const char *const start[] = { "start", "恢复" };
static const struct am_reply_words lists[AM_REPLIES_N] = {
	[AM_REPLY_YES] = { yes, AM_COUNT(yes) },
	[AM_REPLY_NO] = { no, AM_COUNT(no) },
	[AM_REPLY_STOP] = { stop, AM_COUNT(stop) },
	[AM_REPLY_START] = { start, AM_COUNT(start) },
};

/* clang-format off */
static const struct {
	const char *text;
	enum am_reply says;
} table[] = {
	{ "1", AM_REPLY_YES },             { "2", AM_REPLY_NO },
	{ " 1\r\n", AM_REPLY_YES },        { "\t2.", AM_REPLY_NO },
	{ "１", AM_REPLY_YES },            { "２。", AM_REPLY_NO },
	{ "“1”", AM_REPLY_YES },           { "「２」", AM_REPLY_NO },
	{ "(1)", AM_REPLY_YES },           { "*2*", AM_REPLY_NO },
	{ "1#", AM_REPLY_YES },            { "1️⃣", AM_REPLY_YES },
	{ "YES!", AM_REPLY_YES },          { "Yes.", AM_REPLY_YES },
	{ "ｙＥＳ！", AM_REPLY_YES },       { "'n'", AM_REPLY_NO },
	{ "是", AM_REPLY_YES },            { "是的", AM_REPLY_OTHER },
	{ "已解决！", AM_REPLY_YES },       { "　已解决。。", AM_REPLY_YES },
	{ "未解决", AM_REPLY_NO },         { "没有未解决", AM_REPLY_OTHER },
	{ "All   Good", AM_REPLY_YES },    { "all　good…", AM_REPLY_YES },
	{ "allgood", AM_REPLY_OTHER },     { "all good now", AM_REPLY_OTHER },
	{ "STOP", AM_REPLY_STOP },         { "Stop.", AM_REPLY_STOP },
	{ "td", AM_REPLY_STOP },           { "TD", AM_REPLY_STOP },
	{ "ＴＤ", AM_REPLY_STOP },          { "Ｔ", AM_REPLY_STOP },
	{ "退订", AM_REPLY_STOP },         { "【退订】", AM_REPLY_STOP },
	{ "退订。", AM_REPLY_STOP },        { "\xef\xbb\xbf退订", AM_REPLY_STOP },
	{ "START", AM_REPLY_START },       { "恢复", AM_REPLY_START },
	/* a message that holds more than the word is none of these */
	{ "2 days later", AM_REPLY_OTHER },{ "1 or 2", AM_REPLY_OTHER },
	{ "12", AM_REPLY_OTHER },          { "1.5", AM_REPLY_OTHER },
	{ "1 2", AM_REPLY_OTHER },         { "-1", AM_REPLY_OTHER },
	{ "please stop", AM_REPLY_OTHER }, { "stop it", AM_REPLY_OTHER },
	{ "不要退订", AM_REPLY_OTHER },     { "已解决?", AM_REPLY_OTHER },
	{ "yes？", AM_REPLY_OTHER },        { "no no", AM_REPLY_OTHER },
	{ "", AM_REPLY_OTHER },            { "   ", AM_REPLY_OTHER },
	{ "。", AM_REPLY_OTHER },           { "...", AM_REPLY_OTHER },
	{ "\xff", AM_REPLY_OTHER },        { "1\xe6", AM_REPLY_OTHER },
	{ "HELP", AM_REPLY_OTHER },        { "好", AM_REPLY_OTHER },
};
/* clang-format on */

/* FU6, FU7: the whole message, in both languages, as phones write them. */
static void
test_reply_when_whole_message_is_a_word_then_it_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < AM_COUNT(table); i++) {
		enum am_reply got =
		    am_reply_classify(am_str_c(table[i].text), lists, NULL);

		if (got != table[i].says)
			fail_msg("'%s': %d, want %d", table[i].text, (int)got,
			    (int)table[i].says);
	}
}

static void
test_reply_when_it_counts_then_the_word_of_the_list_is_told(void **state)
{
	const char *word = NULL;

	(void)state;
	assert_int_equal(
	    am_reply_classify(AM_STR(" ＴＤ。"), lists, &word), AM_REPLY_STOP);
	assert_string_equal(word, "td");
	assert_int_equal(
	    am_reply_classify(AM_STR("td now"), lists, &word), AM_REPLY_OTHER);
	assert_string_equal(word, "");
}

/* FU7: nobody is written to because "end" stands in two lists. */
static void
test_reply_when_word_is_in_two_lists_then_stop_counts(void **state)
{
	static const char *const both[] = { "End" };
	static const char *const odd[] = { "", " ", "（是！）" };
	const struct am_reply_words mixed[AM_REPLIES_N] = {
		[AM_REPLY_YES] = { odd, AM_COUNT(odd) },
		[AM_REPLY_NO] = { both, 1 },
		[AM_REPLY_STOP] = { both, 1 },
		[AM_REPLY_START] = { both, 1 },
	};

	(void)state;
	assert_int_equal(
	    am_reply_classify(AM_STR("END"), mixed, NULL), AM_REPLY_STOP);
	/* words of a list are folded too; an empty one is no word */
	assert_int_equal(
	    am_reply_classify(AM_STR("是"), mixed, NULL), AM_REPLY_YES);
	assert_int_equal(
	    am_reply_classify(AM_STR(""), mixed, NULL), AM_REPLY_OTHER);
	assert_int_equal(
	    am_reply_classify(AM_STR("!"), mixed, NULL), AM_REPLY_OTHER);
}

static struct am_str
random_text(char *buf, size_t cap)
{
	static const char *const parts[] = { "1", "2", "yes", "NO", "是",
		"退订", "ＴＤ", " ", "　", "。", "！", "“", "\xe3\x80", "\xff",
		"?", "1️⃣", "\n", "", "stop", "x" };
	size_t n = 0;

	for (size_t k = rnd(5); k > 0; k--) {
		const char *p = parts[rnd(AM_COUNT(parts))];
		size_t len = strlen(p);

		if (n + len > cap)
			break;
		memcpy(buf + n, p, len);
		n += len;
	}
	if (rnd(3) == 0)
		n = rnd_mutate(buf, n, cap, "12yYnN \xe9\xef");
	return (struct am_str){ buf, n };
}

/* Any bytes: it does not crash, what is stripped once is stripped, what stands
 * around a message changes nothing, and another letter makes it another. */
static void
test_reply_when_any_bytes_then_properties_hold(void **state)
{
	char buf[64], wrapped[128];

	(void)state;
	rnd_seed("reply");
	for (int i = 0; i < 200000; i++) {
		struct am_str text = random_text(buf, sizeof(buf));
		struct am_str core = am_reply_core(text), again, more;
		enum am_reply says = am_reply_classify(text, lists, NULL);
		int n;

		again = am_reply_core(core);
		assert_int_equal(again.n, core.n);
		assert_true(again.n == 0 || again.p == core.p);
		assert_int_equal(am_reply_classify(core, lists, NULL), says);
		n = snprintf(
		    wrapped, sizeof(wrapped), " “%.*s。\r\n", AM_ARG(core));
		more = (struct am_str){ wrapped, (size_t)n };
		if (memchr(core.p, '\0', core.n) == NULL && am_utf8_ok(core))
			assert_int_equal(
			    am_reply_classify(more, lists, NULL), says);
		n = snprintf(wrapped, sizeof(wrapped), "%.*s天", AM_ARG(core));
		more = (struct am_str){ wrapped, (size_t)n };
		assert_int_equal(
		    am_reply_classify(more, lists, NULL), AM_REPLY_OTHER);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_reply_when_whole_message_is_a_word_then_it_counts),
		cmocka_unit_test(
		    test_reply_when_it_counts_then_the_word_of_the_list_is_told),
		cmocka_unit_test(
		    test_reply_when_word_is_in_two_lists_then_stop_counts),
		cmocka_unit_test(
		    test_reply_when_any_bytes_then_properties_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
