/* Commands of the status socket: words, and the table of verbs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/str.h"
#include "ops/verbs.h"
#include "ops/words.h"

struct line {
	struct am_arena arena;
	const struct am_str *argv;
	size_t argc;
	char what[200];
	int rc;
};

static void
split(struct line *l, const char *text)
{
	am_arena_init(&l->arena, 0);
	l->argc = 0;
	l->what[0] = '\0';
	l->rc = am_words_split(
	    am_str_c(text), &l->arena, &l->argv, &l->argc, l->what);
}

static void
line_end(struct line *l)
{
	am_arena_fini(&l->arena);
}

static void
test_words_when_quoted_then_grouped(void **state)
{
	struct line l;

	(void)state;
	split(&l,
	    "  emit\tx summary=\"charged twice\" \"\" a\\b \"q\\\"\\\\\\n\" ");
	assert_int_equal(l.rc, 0);
	assert_int_equal(l.argc, 6);
	assert_true(am_str_is(l.argv[0], "emit"));
	assert_true(am_str_is(l.argv[2], "summary=charged twice"));
	assert_int_equal(l.argv[3].n, 0);
	assert_true(am_str_is(l.argv[4], "a\\b"));
	assert_true(am_str_is(l.argv[5], "q\"\\\n"));
	line_end(&l);
	split(&l, "");
	assert_int_equal(l.rc, 0);
	assert_int_equal(l.argc, 0);
	line_end(&l);
}

static void
test_words_when_malformed_then_says_what_would_be_right(void **state)
{
	static const struct {
		const char *text, *what;
	} bad[] = {
		{ "show \"C-1", "end the word with" },
		{ "show \"a\\x\"", "write \\\\ for a backslash" },
		{ "show \"a\\", "write \\\\ for a backslash" },
		{ "show \x01", "byte 0x01" },
		{ "show \x7f", "byte 0x7f" },
		{ "show \xff\xfe", "UTF-8" },
		{ "show \xc0\xaf", "UTF-8" },
	};
	struct line l;

	(void)state;
	for (size_t i = 0; i < AM_COUNT(bad); i++) {
		split(&l, bad[i].text);
		assert_int_equal(l.rc, -AM_EINVAL);
		assert_non_null(strstr(l.what, bad[i].what));
		line_end(&l);
	}
}

static void
test_words_when_too_many_then_refused(void **state)
{
	char text[2 * AM_WORDS_MAX + 3];
	struct line l;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 2 == 0 ? 'a' : ' ';
	text[2 * AM_WORDS_MAX] = '\0';
	split(&l, text);
	assert_int_equal(l.rc, 0);
	assert_int_equal(l.argc, AM_WORDS_MAX);
	line_end(&l);
	text[2 * AM_WORDS_MAX] = 'a';
	text[2 * AM_WORDS_MAX + 1] = '\0';
	split(&l, text);
	assert_int_equal(l.rc, -AM_EINVAL);
	assert_non_null(strstr(l.what, "send fewer"));
	line_end(&l);
}

/* What one side quotes the other side splits into the same words. */
static void
test_words_when_random_words_are_quoted_then_they_come_back(void **state)
{
	static const char *const atoms[] = { "a", "\"", "\\", " ", "\t", "\n",
		"=", "--", "\xe6\x8a\x95", "\xf0\x9f\x98\x80", "n", "{}" };
	unsigned seed = (unsigned)time(NULL);

	(void)state;
	print_message("seed %u\n", seed);
	srand(seed);
	for (int round = 0; round < 2000; round++) {
		struct am_buf text, words[8];
		struct line l;
		size_t n = (size_t)rand() % AM_COUNT(words);

		am_buf_init(&text);
		for (size_t w = 0; w < n; w++) {
			am_buf_init(&words[w]);
			for (int k = rand() % 6; k > 0; k--)
				am_buf_adds(&words[w],
				    atoms[(size_t)rand() % AM_COUNT(atoms)]);
			am_buf_addc(&text, ' ');
			assert_int_equal(
			    am_words_quote(&text, am_buf_str(&words[w])), 0);
		}
		am_buf_addc(&text, '\0');
		split(&l, text.p);
		assert_int_equal(l.rc, 0);
		assert_int_equal(l.argc, n);
		for (size_t w = 0; w < n; w++) {
			assert_true(
			    am_str_eq(l.argv[w], am_buf_str(&words[w])));
			am_buf_fini(&words[w]);
		}
		line_end(&l);
		am_buf_fini(&text);
	}
}

static void
test_words_when_word_holds_a_control_byte_then_it_is_not_quoted(void **state)
{
	struct am_buf b;

	(void)state;
	am_buf_init(&b);
	am_buf_adds(&b, "emit ");
	assert_int_equal(am_words_quote(&b, AM_STR("a\rb c")), -AM_EINVAL);
	assert_int_equal(b.n, 5);
	am_buf_fini(&b);
}

static void
test_verbs_when_read_then_table_is_well_formed(void **state)
{
	(void)state;
	for (size_t i = 0; i < am_verbs_n; i++) {
		const struct am_verb *v = &am_verbs[i];

		assert_true(v->args_min <= v->args_max);
		assert_true(am_str_prefix(am_str_c(v->usage), v->name));
		assert_true(
		    v->level == AM_CTL_VIEW || v->level == AM_CTL_OPERATE);
		/* every option stands in the usage, too */
		for (const char *o = v->options; *o != '\0';) {
			size_t n = strcspn(o, "= ");
			char name[32];

			snprintf(name, sizeof(name), "%.*s", (int)n, o);
			assert_non_null(strstr(v->usage, name));
			o += strcspn(o, " ");
			o += strspn(o, " ");
		}
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(v->name, am_verbs[k].name);
	}
}

static void
test_verbs_when_words_begin_with_two_then_the_longer_wins(void **state)
{
	static const struct {
		const char *text, *verb;
		size_t used;
	} rows[] = {
		{ "followups", "followups", 1 },
		{ "followups --limit 3", "followups", 1 },
		{ "followups retry abc", "followups retry", 2 },
		{ "dead list", "dead list", 2 },
		{ "endpoints reset crm", "endpoints reset", 2 },
		{ "endpoints", "endpoints", 1 },
		{ "dead", NULL, 77 },
		{ "dead lis", NULL, 77 },
		{ "stat", NULL, 77 },
		{ "statuss", NULL, 77 },
		{ "", NULL, 77 },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(rows); i++) {
		const struct am_verb *v;
		size_t used = 77;
		struct line l;

		split(&l, rows[i].text);
		v = am_verb_find(l.argv, l.argc, &used);
		if (rows[i].verb == NULL)
			assert_null(v);
		else
			assert_string_equal(v->name, rows[i].verb);
		assert_int_equal(used, rows[i].used);
		line_end(&l);
	}
}

static void
test_verbs_when_checked_then_table_of_lines_holds(void **state)
{
	static const struct {
		const char *text, *what; /* NULL: fine */
	} rows[] = {
		{ "status", NULL },
		{ "status now", "takes no argument" },
		{ "status --json", "no option --json" },
		{ "list --stage listen --tier=high --overdue --limit 5", NULL },
		{ "list --stage", "needs a value" },
		{ "list --stage=", "needs a value" },
		{ "list --overdue=yes", "takes no value" },
		{ "list --limit 0", "1 to 1000000" },
		{ "list --limit -3", "1 to 1000000" },
		{ "list --limit 9999999999", "1 to 1000000" },
		{ "list --status held", NULL },
		{ "list --status gone", "open, held or closed" },
		{ "list --limit 5 --limit=6", "given twice" },
		{ "silence add --match a=b --match=c=d --for 2h", NULL },
		{ "silence add --match a=b --for 2h --for 3h", "given twice" },
		{ "silence add --match", "--match needs a value" },
		{ "silence list", NULL },
		{ "silence list --all", NULL },
		{ "show C-1", NULL },
		{ "show", "needs more words" },
		{ "show C-1 C-2", "too many words" },
		{ "show -- --x", NULL },
		{ "show --x", "no option --x" },
		{ "followups", NULL },
		{ "followups retyr X", "did you mean `followups retry`" },
		{ "dead drop X", NULL },
		{ "dead drop --all", NULL },
		{ "dead drop --all --yes --endpoint crm", NULL },
		{ "dead drop", "needs to know which" },
		{ "dead drop X --all", "not both" },
		{ "dead replay X --endpoint crm", "goes with --all" },
		{ "dead replay X --since 2h", "goes with --all" },
		{ "dead replay X --dry-run", NULL },
		{ "dead replay --all --since 2h --dry-run", NULL },
		{ "followups retry --endpoint crm --since 2h --dry-run", NULL },
		{ "endpoints disable crm --reason \"it moves\"", NULL },
		{ "endpoints disable", "needs more words" },
		{ "endpoints enable crm --reason x", "no option --reason" },
		{ "endpoints test crm --to +8613800138000", NULL },
		{ "rejects drop 1-0 --all", "an entry or --all" },
		{ "emit", "needs more words" },
		{ "emit complaint.opened", NULL },
		{ "emit complaint.opened a=b c==d e=", NULL },
		{ "emit complaint.opened =b", "no KEY=VALUE" },
		{ "emit complaint.opened stray", "`stray` is no KEY=VALUE" },
		{ "emit complaint.opened \"\"", "no KEY=VALUE" },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(rows); i++) {
		const struct am_verb *v;
		char what[200] = "";
		struct line l;
		size_t used;
		int rc;

		split(&l, rows[i].text);
		v = am_verb_find(l.argv, l.argc, &used);
		assert_non_null(v);
		rc = am_verb_check(v, l.argv, l.argc, what);
		if (rows[i].what == NULL && rc != 0)
			fail_msg("%s: %s", rows[i].text, what);
		if (rows[i].what != NULL &&
		    (rc != -AM_EINVAL || strstr(what, rows[i].what) == NULL))
			fail_msg("%s: rc %d, %s", rows[i].text, rc, what);
		line_end(&l);
	}
}

static void
test_verbs_when_asked_for_options_then_both_forms_are_read(void **state)
{
	const struct am_verb *v;
	struct line l;
	size_t used;

	(void)state;
	split(&l, "dead drop --endpoint crm --all --yes");
	v = am_verb_find(l.argv, l.argc, &used);
	assert_true(
	    am_str_is(am_verb_option(l.argv, l.argc, "endpoint"), "crm"));
	assert_non_null(am_verb_option(l.argv, l.argc, "all").p);
	assert_int_equal(am_verb_option(l.argv, l.argc, "all").n, 0);
	assert_null(am_verb_option(l.argv, l.argc, "limit").p);
	assert_int_equal(am_verb_arg(v, l.argv, l.argc, 0).n, 0);
	line_end(&l);

	split(&l, "list --stage=callback-confirm --limit 7");
	assert_true(am_str_is(
	    am_verb_option(l.argv, l.argc, "stage"), "callback-confirm"));
	assert_true(am_str_is(am_verb_option(l.argv, l.argc, "--limit"), "7"));
	line_end(&l);
	split(&l, "silence add --match role=owner --for 2h --match=tier=high");
	assert_true(am_str_is(
	    am_verb_option_at(l.argv, l.argc, "--match", 0), "role=owner"));
	assert_true(am_str_is(
	    am_verb_option_at(l.argv, l.argc, "--match", 1), "tier=high"));
	assert_int_equal(am_verb_option_at(l.argv, l.argc, "--match", 2).n, 0);
	line_end(&l);

	split(&l, "emit complaint.opened a=1 -- --b=2");
	v = am_verb_find(l.argv, l.argc, &used);
	assert_true(
	    am_str_is(am_verb_arg(v, l.argv, l.argc, 0), "complaint.opened"));
	assert_true(am_str_is(am_verb_arg(v, l.argv, l.argc, 1), "a=1"));
	assert_true(am_str_is(am_verb_arg(v, l.argv, l.argc, 2), "--b=2"));
	assert_int_equal(am_verb_arg(v, l.argv, l.argc, 3).n, 0);
	line_end(&l);
}

static void
test_verbs_when_misspelt_then_the_nearest_is_named(void **state)
{
	static const struct {
		const char *text, *what;
	} rows[] = {
		{ "staus", "did you mean `status`?" },
		{ "dead lst", "did you mean `dead list`?" },
		{ "dead", "needs one of: list, replay, drop" },
		{ "rejects purge", "needs one of: list, replay, drop" },
		{ "shard", "needs one of: list, adopt, release" },
		{ "frobnicate", "`help` lists them" },
		{ "", "`help` lists them" },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(rows); i++) {
		char what[200] = "";
		struct line l;

		split(&l, rows[i].text);
		am_verb_suggest(l.argv, l.argc, what);
		if (strstr(what, rows[i].what) == NULL)
			fail_msg("%s: %s", rows[i].text, what);
		line_end(&l);
	}
}

/* Any words at all: the table's functions end and stay in their bounds. */
static void
test_verbs_when_words_are_random_then_nothing_breaks(void **state)
{
	static const char *const words[] = { "list", "dead", "drop", "--",
		"--all", "--limit", "--limit=", "--endpoint=x", "=", "-",
		"--=", "emit", "a=b", "replay", "\xe6\x8a\x95", "followups",
		"retry" };
	unsigned seed = (unsigned)time(NULL);

	(void)state;
	print_message("seed %u\n", seed);
	srand(seed);
	for (int round = 0; round < 20000; round++) {
		struct am_str argv[7];
		size_t n = (size_t)rand() % 7, used;
		const struct am_verb *v;
		char what[200] = "";

		for (size_t i = 0; i < n; i++)
			argv[i] =
			    am_str_c(words[(size_t)rand() % AM_COUNT(words)]);
		v = am_verb_find(argv, n, &used);
		if (v == NULL) {
			am_verb_suggest(argv, n, what);
			assert_true(what[0] != '\0');
			continue;
		}
		assert_true(used <= n);
		if (am_verb_check(v, argv, n, what) != 0) {
			assert_true(what[0] != '\0');
			continue;
		}
		for (size_t i = 0; i < v->args_min; i++)
			assert_non_null(am_verb_arg(v, argv, n, i).p);
		assert_null(am_verb_arg(v, argv, n, v->args_max).p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_when_quoted_then_grouped),
		cmocka_unit_test(
		    test_words_when_malformed_then_says_what_would_be_right),
		cmocka_unit_test(test_words_when_too_many_then_refused),
		cmocka_unit_test(
		    test_words_when_random_words_are_quoted_then_they_come_back),
		cmocka_unit_test(
		    test_words_when_word_holds_a_control_byte_then_it_is_not_quoted),
		cmocka_unit_test(
		    test_verbs_when_read_then_table_is_well_formed),
		cmocka_unit_test(
		    test_verbs_when_words_begin_with_two_then_the_longer_wins),
		cmocka_unit_test(
		    test_verbs_when_checked_then_table_of_lines_holds),
		cmocka_unit_test(
		    test_verbs_when_asked_for_options_then_both_forms_are_read),
		cmocka_unit_test(
		    test_verbs_when_misspelt_then_the_nearest_is_named),
		cmocka_unit_test(
		    test_verbs_when_words_are_random_then_nothing_breaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
