/* holes_test - texts with {name:enc}: what is put where, and what is refused.
 */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "conf/holes.h"

static struct am_arena arena;

static int
setup(void **state)
{
	(void)state;
	am_arena_init(&arena, 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	am_arena_fini(&arena);
	return 0;
}

static bool
value(const void *arg, const char *name, struct am_str *v)
{
	assert_ptr_equal(arg, &arena);
	if (strcmp(name, "none") == 0)
		return false;
	*v = strcmp(name, "to") == 0 ? AM_STR("+44 7") : AM_STR("\"a&b\" é~*");
	return true;
}

static void
check(const char *text, bool braces, const char *filled)
{
	struct am_holes *h;
	struct am_buf out;
	char why[256];

	if (am_holes_parse(&arena, am_str_c(text), braces, &h, why) != 0)
		fail_msg("%s: %s", text, why);
	am_buf_arena(&out, &arena, 64);
	am_holes_render(h, value, &arena, &out);
	am_buf_addc(&out, '\0');
	assert_string_equal(out.p, filled);
}

static void
test_holes_when_rendered_then_encoded_as_they_say(void **state)
{
	(void)state;
	check("", false, "");
	check("plain", false, "plain");
	check("{to:url}", false, "%2B44%207");
	check("To={to:form}", false, "To=%2B44+7");
	check("{x:url}|{x:form}", false,
	    "%22a%26b%22%20%C3%A9~%2A|%22a%26b%22+%C3%A9%7E*");
	check("{x:json}", false, "\"\\\"a&b\\\" é~*\"");
	check("<{to:hex}>", false, "<2b34342037>");
	check("{to:raw}{to:raw} {to:raw}", false, "+44 7+44 7 +44 7");
}

static void
test_holes_when_there_is_no_value_then_left_empty(void **state)
{
	(void)state;
	check("a={none:form}&b={to:form}", false, "a=&b=%2B44+7");
	check("{none:json}", true, "");
}

static void
test_holes_when_braces_are_doubled_then_one(void **state)
{
	(void)state;
	check("{{to:url}}", false, "{to:url}");
	check("a{{{to:url}}}b", false, "a{%2B44%207}b");
	check("}}{{", false, "}{");
}

static void
test_holes_when_json_then_other_braces_are_themselves(void **state)
{
	(void)state;
	check("{\"a\":{\"b\":{to:json}}}", true, "{\"a\":{\"b\":\"+44 7\"}}");
	check("{\"to\":[{}], \"x\": {to:json} }", true,
	    "{\"to\":[{}], \"x\": \"+44 7\" }");
	check("{}{ to:json}{to :json}{To:json}{2:json}{", true,
	    "{}{ to:json}{to :json}{To:json}{2:json}{");
	check("{{to:json}}", true, "{\"+44 7\"}");
}

static void
refuse(const char *text, bool braces, const char *said)
{
	struct am_holes *h = NULL;
	char why[256];

	assert_int_equal(
	    am_holes_parse(&arena, am_str_c(text), braces, &h, why),
	    -AM_EINVAL);
	assert_string_equal(why, said);
	assert_null(h);
}

static void
test_holes_when_wrong_then_what_is_right(void **state)
{
	(void)state;
	refuse("x={to}", false,
	    "no encoder in '{to}'; write such as {to:url}: one of url, form, "
	    "json, hex and raw");
	refuse("{\"a\":{to}}", true,
	    "no encoder in '{to}'; write such as {to:url}: one of url, form, "
	    "json, hex and raw");
	refuse("{to:uri}", false,
	    "unknown encoder in '{to:uri}'; one of url, form, json, hex and "
	    "raw");
	refuse("{to:}", true,
	    "unknown encoder in '{to:}'; one of url, form, json, hex and raw");
	refuse("a{to:url", false,
	    "no name in braces at '{to:url'; write such as {to:url}, or {{ "
	    "for a brace");
	refuse("a}b", false, "no name in braces at '}b'; write }} for a brace");
	refuse("{}", false,
	    "no name in braces at '{}'; write such as {to:url}, or {{ for a "
	    "brace");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_holes_when_rendered_then_encoded_as_they_say),
		cmocka_unit_test(
		    test_holes_when_there_is_no_value_then_left_empty),
		cmocka_unit_test(test_holes_when_braces_are_doubled_then_one),
		cmocka_unit_test(
		    test_holes_when_json_then_other_braces_are_themselves),
		cmocka_unit_test(test_holes_when_wrong_then_what_is_right),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
