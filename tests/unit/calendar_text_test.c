/* calendar_text: a calendar as text, and back (DL12). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "conf_world.h"

#define RICH                                                                   \
	"calendar \"rich\" {\n"                                                \
	"    timezone = \"Asia/Shanghai\"\n"                                   \
	"    open = {\"Mon-Fri 09:00-12:00\", 'Mon-Fri 13:30-18:00'}\n"        \
	"    closed = {\"2026-12-01..2026-12-07\", \"2027-01-01\"}\n"          \
	"    extra = {\"2026-11-28 09:00-18:00\"}\n"                           \
	"}\n"                                                                  \
	"calendar \"plain\" { open = {\"24x7\"} closed = {} }\n"

static struct am_conf *
load(const char *more)
{
	size_t n = strlen(conf_world_base) + strlen(more);
	char *text = malloc(n + 1);
	struct am_conf *c;

	assert_non_null(text);
	strcpy(text, conf_world_base);
	strcat(text, more);
	c = conf_world_must(text);
	free(text);
	return c;
}

static size_t
index_of(const struct am_conf *c, const char *name)
{
	for (size_t i = 0; i < c->calendars_n; i++) {
		if (strcmp(c->calendars[i]->name, name) == 0)
			return i;
	}
	fail_msg("no calendar %s", name);
	return 0;
}

static void
assert_same(const struct am_calendar *a, const struct am_calendar *b)
{
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->zone->name, b->zone->name);
	assert_int_equal(a->windows_n, b->windows_n);
	for (size_t i = 0; i < a->windows_n; i++) {
		assert_int_equal(a->windows[i].from, b->windows[i].from);
		assert_int_equal(a->windows[i].to, b->windows[i].to);
		assert_int_equal(a->windows[i].day, b->windows[i].day);
	}
}

/* DL12: the text means what the section meant. */
static void
test_calendar_text_when_bound_then_the_same_windows(void **state)
{
	struct am_conf *c = load(RICH);
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	for (size_t i = 0; i < c->calendars_n; i++) {
		const struct am_calendar *cal = NULL;
		struct am_diag diag = { .text = "" };

		if (am_conf_bind_calendar(
			c, c->calendar_texts[i], &a, &cal, &diag) != 0)
			fail_msg("%s", diag.text);
		assert_same(cal, c->calendars[i]);
	}
	am_arena_fini(&a);
	am_conf_unref(c);
}

/* One text, one meaning: however it was laid out and quoted. */
static void
test_calendar_text_when_laid_out_otherwise_then_the_same_text(void **state)
{
	struct am_conf *c = load(RICH);
	struct am_conf *d = load(
	    "calendar 'plain' { closed = {}\n open = { '24x7' } } # whole day\n"
	    "calendar \"rich\" { extra = {'2026-11-28 09:00-18:00'}\n"
	    "closed = {'2026-12-01..2026-12-07', '2027-01-01'}\n"
	    "open = {'Mon-Fri 09:00-12:00', 'Mon-Fri 13:30-18:00'}\n"
	    "timezone = 'Asia/Shanghai' }\n");
	static const char *const names[] = { "rich", "plain" };

	(void)state;
	for (size_t i = 0; i < AM_COUNT(names); i++)
		assert_true(am_str_eq(c->calendar_texts[index_of(c, names[i])],
		    d->calendar_texts[index_of(d, names[i])]));
	assert_false(am_str_eq(c->calendar_texts[index_of(c, "rich")],
	    c->calendar_texts[index_of(c, "plain")]));
	am_conf_unref(c);
	am_conf_unref(d);
}

static void
test_calendar_text_when_it_is_none_then_refused(void **state)
{
	static const char *const bad[] = { "", "calendar", "loop \"x\" { }",
		"calendar \"a\" { open = {\"never\"} }",
		"calendar \"a\" { timezone = \"No/Where\" open = {\"24x7\"} }",
		"calendar \"a\" { open = {\"24x7\"} }\n"
		"calendar \"b\" { open = {\"24x7\"} }",
		"calendar \"a\" { closed = {\"2026-12-01\"} }" };
	struct am_conf *c = load("");
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	for (size_t i = 0; i < AM_COUNT(bad); i++) {
		const struct am_calendar *cal = NULL;
		struct am_diag diag = { .text = "" };

		assert_int_equal(
		    am_conf_bind_calendar(c, am_str_c(bad[i]), &a, &cal, &diag),
		    -AM_EINVAL);
		assert_null(cal);
		assert_true(diag.text[0] != '\0');
	}
	am_arena_fini(&a);
	am_conf_unref(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_calendar_text_when_bound_then_the_same_windows),
		cmocka_unit_test(
		    test_calendar_text_when_laid_out_otherwise_then_the_same_text),
		cmocka_unit_test(
		    test_calendar_text_when_it_is_none_then_refused),
	};

	return cmocka_run_group_tests(
	    tests, conf_world_setup, conf_world_teardown);
}
