/* tmpl_test - texts with holes: compiled, refused, rendered. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/str.h"
#include "core/followup.h"
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

static void
test_text_every_reason_has_one_in_english_and_chinese(void **state)
{
	const char *en, *zh;

	(void)state;
	for (int r = 0; r < AM_REASONS_N; r++) {
		struct am_str a = am_text_builtin(r, AM_STR("en-gb"), &en);
		struct am_str b = am_text_builtin(r, AM_STR("zh-cn"), &zh);

		assert_string_equal(en, "en");
		assert_string_equal(zh, "zh");
		assert_false(am_str_eq(a, b));
		assert_non_null(
		    strstr(render(am_arena_cstr(&arena, a)), "C-1"));
		assert_non_null(
		    strstr(render(am_arena_cstr(&arena, b)), "C-1"));
	}
	assert_false(am_lang_serves("zh", AM_STR("zhx")));
	assert_true(am_lang_serves("zh", AM_STR("zh")));
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
		    test_text_every_reason_has_one_in_english_and_chinese),
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
