/* tmpl_test - texts with holes: compiled, refused, rendered. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "core/followup.h"
#include "core/segments.h"
#include "core/tmpl.h"
#include "tests/unit/fixture.h"

static struct fix f;
static struct am_arena arena;

static const char *
render(const char *text)
{
	struct fix_case *k = fix_case(&f, "C-1");
	const struct am_tmpl_ctx ctx = { .def = f.def,
		.complaint = &k->c,
		.clock = AM_CLOCK_STAGE0,
		.rung = 1,
		.followup_id = "abc",
		.due_at = FIX_START + 30 * AM_MINUTE,
		.now = FIX_START + 45 * AM_MINUTE };
	const struct am_tmpl *t;
	char what[200] = "";
	struct am_buf b;

	if (am_tmpl_parse(&arena, am_str_c(text), &t, what) != 0)
		return am_arena_cstr(&arena, am_str_c(what));
	am_buf_arena(&b, &arena, 64);
	am_tmpl_render(t, &ctx, &b);
	am_buf_addc(&b, '\0');
	return b.p;
}

static void
test_tmpl_fields_are_filled(void **state)
{
	(void)state;
	assert_string_equal(
	    render("{complaint.id} ({complaint.category})"), "C-1 (a&b \"c\")");
	assert_string_equal(render("{clock.name} due {clock.due}, waited "
				   "{clock.elapsed}"),
	    "listen due 2026-11-23 09:30, waited 45m");
	assert_string_equal(render("{complaint.tier}/{complaint.cycle} "
				   "{followup.id} {followup.rung}"),
	    "mid/1 abc lapse");
	assert_string_equal(render(""), "");
}

static void
test_tmpl_braces_are_written_twice(void **state)
{
	(void)state;
	assert_string_equal(
	    render("{{\"id\":{complaint.id:json}}}"), "{\"id\":\"C-1\"}");
	assert_string_equal(render("a}}b{{"), "a}b{");
}

static void
test_tmpl_encoders_encode(void **state)
{
	(void)state;
	assert_string_equal(
	    render("{complaint.category:url}"), "a%26b%20%22c%22");
	assert_string_equal(
	    render("{complaint.category:form}"), "a%26b+%22c%22");
	assert_string_equal(render("{complaint.id:hex}"), "432d31");
	assert_string_equal(
	    render("{complaint.category:json}"), "\"a&b \\\"c\\\"\"");
}

static void
test_tmpl_mistakes_are_named_with_what_would_be_right(void **state)
{
	(void)state;
	assert_string_equal(render("{complaint.ids}"),
	    "unknown field {complaint.ids}; did you mean {complaint.id}?");
	assert_string_equal(render("{complaint.id:xml}"),
	    "unknown encoder 'xml'; one of raw, json, url, form, hex");
	assert_non_null(strstr(render("a {complaint.id"), "without '}'"));
	assert_non_null(strstr(render("a } b"), "without '{'"));
	/* personal data never come into the core */
	assert_non_null(strstr(render("{customer.name}"), "unknown field"));
}

/* No more than two SMS, of one segment even with all values cut, and nothing of
 * the house to a customer. */
static void
check_texts(
    const struct am_followup *fu, enum am_notice about, const char *lang)
{
	const char *given;
	struct am_str s =
	    am_text_builtin(f.def, fu, about, am_str_c(lang), &given);
	const char *text = am_arena_cstr(&arena, s), *said = render(text);
	const struct am_tmpl *t;
	struct am_buf literals;
	char what[200];

	assert_true(am_lang_serves(given, am_str_c(lang)));
	assert_non_null(strstr(said, "C-1"));
	assert_null(strchr(said, '{'));
	assert_true(am_segments_count(am_str_c(said)).segments <= 2);
	assert_int_equal(am_tmpl_parse(&arena, s, &t, what), 0);
	am_buf_arena(&literals, &arena, 256);
	am_tmpl_literals(t, &literals);
	assert_int_equal(am_segments_count(am_buf_str(&literals)).segments, 1);
	if (fu->to == AM_ROLE_CUSTOMER || strstr(text, "Your ") == text) {
		assert_null(strstr(text, "{clock.name"));
		assert_null(strstr(text, "{complaint.category"));
		assert_null(strstr(text, "{complaint.owner"));
	}
	s = am_text_subject(fu, am_str_c(lang));
	said = render(am_arena_cstr(&arena, s));
	assert_null(strchr(said, '{'));
	assert_true(am_utf8_len(am_str_c(said)) <= 60);
}

/* Two texts for the same thing, in both languages, that can be rendered. */
static void
check_text(const struct am_followup *fu, enum am_notice about)
{
	const char *en, *zh;

	check_texts(fu, about, "en-gb");
	check_texts(fu, about, "zh-cn");
	assert_false(
	    am_str_eq(am_text_builtin(f.def, fu, about, AM_STR("en-gb"), &en),
		am_text_builtin(f.def, fu, about, AM_STR("zh-cn"), &zh)));
	assert_string_equal(en, "en");
	assert_string_equal(zh, "zh");
}

static void
test_text_everything_that_is_said_is_said_in_english_and_chinese(void **state)
{
	static const uint8_t clocks[] = { AM_CLOCK_CALLBACK, AM_CLOCK_SILENCE,
		AM_CLOCK_HOLD };
	struct am_followup fu = { .clock = AM_CLOCK_STAGE0 };

	(void)state;
	for (int r = 0; r < AM_REASONS_N; r++) {
		fu.reason = (enum am_reason)r;
		fu.to = AM_ROLE_OWNER;
		check_text(&fu, AM_NOTICES_N);
		if (r >= AM_REASON_DIGEST)
			continue; /* for staff only */
		fu.to = AM_ROLE_CUSTOMER;
		check_text(&fu, AM_NOTICES_N);
	}
	fu.to = AM_ROLE_OWNER;
	for (int n = 0; n < AM_NOTICES_N; n++)
		check_text(&fu, (enum am_notice)n);
	for (size_t i = 0; i < AM_COUNT(clocks); i++) {
		fu.clock = clocks[i];
		fu.to = AM_ROLE_CUSTOMER;
		check_text(&fu, AM_NOTICES_N);
		fu.to = AM_ROLE_OWNER;
		check_text(&fu, AM_NOTICES_N);
	}
}

/* Nobody is sent to an address that is not there. */
static void
test_text_of_recourse_without_a_url_says_whom_to_ask(void **state)
{
	const struct am_followup fu = { .clock = AM_CLOCK_FINAL,
		.to = AM_ROLE_CUSTOMER,
		.reason = AM_REASON_RECOURSE };
	struct am_loopdef def = *f.def;
	const char *given;
	struct am_str with, without;

	(void)state;
	def.recourse_url = "https://appeal.example/";
	with = am_text_builtin(&def, &fu, AM_NOTICES_N, AM_STR("en"), &given);
	def.recourse_url = "";
	without =
	    am_text_builtin(&def, &fu, AM_NOTICES_N, AM_STR("en"), &given);
	assert_non_null(
	    strstr(am_arena_cstr(&arena, with), "further: {recourse.url}"));
	assert_non_null(
	    strstr(am_arena_cstr(&arena, without), "further; please ask us"));
}

static void
test_text_languages_are_served_by_their_tag(void **state)
{
	(void)state;
	assert_false(am_lang_serves("zh", AM_STR("zhx")));
	assert_true(am_lang_serves("zh", AM_STR("zh")));
}

/* FU9: what somebody answers, types, opens or plans by is never cut, and no
 * code made of a value. */
static void
test_tmpl_pieces_that_describe_may_be_cut_and_no_others(void **state)
{
	static const char *const words[] = { "complaint.loop",
		"complaint.stage", "complaint.tier", "complaint.severity",
		"complaint.owner", "complaint.team", "complaint.category",
		"clock.name", "hold.reason", "followup.rung" };
	struct fix_case *k = fix_case(&f, "C-1");
	const struct am_tmpl_ctx ctx = { .def = f.def,
		.complaint = &k->c,
		.clock = AM_CLOCK_STAGE0,
		.followup_id = "abc" };
	const char *name, *about;
	char what[200], text[80];

	(void)state;
	for (size_t i = 0; (name = am_tmpl_field(i, &about)) != NULL; i++) {
		const struct am_piece *p;
		const struct am_tmpl *t;
		bool word = false;

		for (size_t w = 0; w < AM_COUNT(words); w++)
			word |= strcmp(words[w], name) == 0;
		snprintf(text, sizeof(text), "Reply 1{%s}{%s:url}", name, name);
		assert_int_equal(
		    am_tmpl_parse(&arena, am_str_c(text), &t, what), 0);
		assert_int_equal(am_tmpl_pieces(t, &ctx, &arena, &p), 3);
		assert_false(p[0].may_cut);
		if (p[1].may_cut != word || am_tmpl_may_cut(i) != word)
			fail_msg("%s", name);
		assert_false(p[2].may_cut);
	}
}

/* What calls, holds and extensions have to say. */
static void
test_tmpl_fields_of_the_rules_are_filled(void **state)
{
	struct fix_case *k = fix_case(&f, "C-1");

	(void)state;
	k->c.severity = AM_STR("grave");
	k->c.incident = AM_STR("I-7");
	k->c.attempts = 2;
	k->c.clocks[AM_CLOCK_STAGE0].extra = 2 * AM_HOUR;
	k->c.hold_reason = AM_STR("waiting_customer");
	k->c.held_since = FIX_START;
	assert_string_equal(
	    render("{complaint.severity} {complaint.incident}"), "grave I-7");
	assert_string_equal(
	    render("{callback.attempt} {clock.extended}"), "2 2h");
	assert_string_equal(render("{hold.reason} {hold.since}"),
	    "waiting_customer 2026-11-23 09:00");
	k->c.held_since = 0;
	assert_string_equal(render("[{hold.since}]"), "[]");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tmpl_fields_are_filled),
		cmocka_unit_test(test_tmpl_braces_are_written_twice),
		cmocka_unit_test(test_tmpl_encoders_encode),
		cmocka_unit_test(
		    test_tmpl_mistakes_are_named_with_what_would_be_right),
		cmocka_unit_test(
		    test_text_everything_that_is_said_is_said_in_english_and_chinese),
		cmocka_unit_test(
		    test_text_of_recourse_without_a_url_says_whom_to_ask),
		cmocka_unit_test(test_text_languages_are_served_by_their_tag),
		cmocka_unit_test(
		    test_tmpl_pieces_that_describe_may_be_cut_and_no_others),
		cmocka_unit_test(test_tmpl_fields_of_the_rules_are_filled),
	};
	int rc;

	fix_init(&f, NULL);
	am_arena_init(&arena, 0);
	fix_step(&f, "C-1", FIX_START,
	    "complaint.opened category='a&b \"c\"' owner=li");
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	am_arena_fini(&arena);
	fix_fini(&f);
	return rc;
}
