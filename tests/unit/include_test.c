/*
 * include() in a configuration, the calendars of conf/calendars.d that are read
 * by it, and calendars whose dates or whose compiled span run out.
 *
 * Every row of the table is a set of files, amends.conf the base of
 * conf_world.c with `top` before it, and the exact lines that must come of it.
 */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "base/time.h"
#include "conf_world.h"

struct row {
	const char *name, *top;
	struct {
		const char *path, *text;
	} files[4];
	const char *told; /* "": it loads */
};

#define NIGHT "calendar \"night\" { open = {\"Mon-Sun 22:00-06:00\"} }\n"

/* clang-format off */
static const struct row rows[] = {
	{ "test_include_when_relative_then_beside_the_file_that_includes",
	    "include(\"sub/a.conf\")",
	    { { "sub/a.conf", "include(\"deep/b.conf\")\n" }, { "sub/deep/b.conf", NIGHT } },
	    "" },
	{ "test_include_when_in_single_quotes_or_among_keys_then_the_same",
	    "include ( 'a.conf' ) recourse { url = \"https://x.example/\" } # and behind",
	    { { "a.conf", NIGHT } },
	    "" },
	{ "test_include_when_in_conf_d_then_beside_that_file",
	    "",
	    { { "conf.d/one.conf", "include(\"../sub/a.conf\")" }, { "sub/a.conf", NIGHT } },
	    "" },
	{ "test_include_when_no_such_file_then_the_line_that_names_it_is_told",
	    "\ninclude(\"sub/none.conf\")",
	    { { 0 } },
	    "amends.conf:2: include: cannot open 'sub/none.conf' (No such file or directory); check the path and its mode" },
	{ "test_include_when_a_folder_then_refused",
	    "include(\"sub\")",
	    { { "sub/a.conf", "" } },
	    "amends.conf:1: include: cannot read 'sub' (Is a directory); it must be a plain file" },
	{ "test_include_when_empty_then_refused",
	    "include()",
	    { { 0 } },
	    "amends.conf:1: include takes one file; write include(\"NAME.conf\")" },
	{ "test_include_when_two_files_then_refused",
	    "include(\"a.conf\", \"b.conf\")",
	    { { 0 } },
	    "amends.conf:1: include takes one file; write include(\"NAME.conf\")" },
	{ "test_include_when_no_parenthesis_then_refused",
	    "include \"a.conf\"",
	    { { 0 } },
	    "amends.conf:1: no ( after include; write include(\"NAME.conf\")" },
	{ "test_include_when_an_equal_sign_then_refused",
	    "include = \"a.conf\"",
	    { { 0 } },
	    "amends.conf:1: no ( after include; write include(\"NAME.conf\")" },
	{ "test_include_when_not_closed_then_refused",
	    "include(\"a.conf\"",
	    { { 0 } },
	    "amends.conf:1: include( is not complete; write include(\"NAME.conf\")" },
	{ "test_include_when_not_closed_at_the_end_of_a_file_then_refused",
	    "include(\"a.conf\")",
	    { { "a.conf", NIGHT "include(\n'b.conf'\n" } },
	    "a.conf:2: include( is not complete; write include(\"NAME.conf\")" },
	{ "test_include_when_no_comma_between_files_then_refused",
	    "include(\"a.conf\" \"b.conf\") include(,)",
	    { { 0 } },
	    "amends.conf:1: include( is not complete; write include(\"NAME.conf\")\n"
	    "amends.conf:1: include( is not complete; write include(\"NAME.conf\")" },
	{ "test_include_when_in_a_section_then_refused",
	    "recourse { include(\"a.conf\") }",
	    { { "a.conf", "url = \"https://x.example/\"" } },
	    "amends.conf:1: include stands in recourse; it belongs into the top level" },
	{ "test_include_when_expanded_then_refused",
	    "include(\"${HOME}/a.conf\")",
	    { { 0 } },
	    "amends.conf:1: ${HOME} would be replaced from the environment; write the value itself, or the string in single quotes" },
	{ "test_include_when_of_itself_then_refused",
	    "include(\"amends.conf\")",
	    { { 0 } },
	    "amends.conf:1: include: 'amends.conf' would include itself; remove this line" },
	{ "test_include_when_in_a_circle_then_refused",
	    "include(\"sub/a.conf\")",
	    { { "sub/a.conf", "\n\ninclude(\"../b.conf\")" }, { "b.conf", NIGHT "include(\"sub/../sub/a.conf\")" } },
	    "sub/../b.conf:2: include: 'sub/../sub/a.conf' would include itself; remove this line" },
	{ "test_include_when_twice_then_both_lines_are_told",
	    "include(\"a.conf\")\ninclude(\"sub/../a.conf\")",
	    { { "a.conf", NIGHT }, { "sub/x.conf", "" } },
	    "amends.conf:2: include: 'sub/../a.conf' is included twice, first at amends.conf:1; remove one" },
	{ "test_include_when_of_a_file_in_conf_d_then_refused",
	    "include(\"conf.d/a.conf\")",
	    { { "conf.d/a.conf", NIGHT } },
	    "amends.conf:1: include: 'conf.d/a.conf' is read without that; remove this line" },
	{ "test_include_when_conf_d_includes_the_first_file_then_refused",
	    "",
	    { { "conf.d/a.conf", "include(\"../amends.conf\")" } },
	    "conf.d/a.conf:1: include: '../amends.conf' is read without that; remove this line" },
	{ "test_include_when_the_file_has_faults_then_its_own_lines_are_told",
	    "include(\"a.conf\")\ninclude(\"b.conf\")",
	    { { "a.conf", "\n\ncalendar \"x\" {\n    opne = {\"24x7\"}\n}\n" },
	      { "b.conf", "/* two\nlines */ redis { url = \"redis://${H}/0\" }\n" } },
	    "a.conf:4: no key 'opne' in calendar \"x\"; did you mean 'open'?\n"
	    "b.conf:2: ${H} would be replaced from the environment; write the value itself, or the string in single quotes" },
	{ "test_include_when_values_are_bad_then_its_own_lines_are_told",
	    "include(\"a.conf\")",
	    { { "a.conf", "calendar \"x\" {\n    open = {\"24x7\",\n        \"Mon 9-5\"}\n}\n" } },
	    "a.conf:3: open: 'Mon 9-5' is no window; write such as \"Mon-Fri 09:00-18:00\" or \"24x7\"" },
	{ "test_include_when_sections_are_repeated_then_both_places_are_told",
	    "include(\"a.conf\")",
	    { { "a.conf", "# of ours\ncalendar \"office\" { open = {\"24x7\"} }\n" } },
	    "a.conf:2: calendar \"office\" is given twice, first at amends.conf:4; join the two, or rename one" },
	{ "test_include_when_the_file_is_cut_then_refused",
	    "include(\"a.conf\")",
	    { { "a.conf", "calendar \"x\" {\n    open = {\"24x7\"}\n" } },
	    "a.conf:1: calendar \"x\" is not closed before the end of the file; add the missing }" },
	{ "test_include_when_keys_are_misspelt_too_then_it_is_read_once",
	    "instanse = \"u\" include(\"a.conf\")",
	    { { "a.conf", NIGHT } },
	    "amends.conf:1: no key 'instanse' in the top level; did you mean 'instance'?" },
};
/* clang-format on */

static void
make_folders(void)
{
	static const char *const folders[] = { "sub", "sub/deep", "conf.d" };

	for (size_t i = 0; i < AM_COUNT(folders); i++)
		assert_int_equal(mkdir(folders[i], 0700), 0);
}

static void
put(const char *path, const char *text)
{
	conf_world_put(path, text, strlen(text));
}

static void
run_row(void **state)
{
	const struct row *row = *state;
	struct am_diag *diags;
	struct am_conf *c;
	char *text, told[2048] = "";
	size_t n, at = 0;

	make_folders();
	for (size_t i = 0; i < 4 && row->files[i].path != NULL; i++)
		put(row->files[i].path, row->files[i].text);
	assert_true(asprintf(&text, "%s\n%s", row->top, conf_world_base) > 0);
	c = conf_world_load(text, &diags, &n);
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(told + at, sizeof(told) - at,
		    "%s%s:%d: %s", i > 0 ? "\n" : "", diags[i].file,
		    diags[i].line, diags[i].text);
	assert_string_equal(told, row->told);
	assert_true((c == NULL) == (row->told[0] != '\0'));
	if (c != NULL) { /* the night of the included file is there */
		assert_int_equal(c->calendars_n, 2);
		assert_string_equal(
		    c->calendars[strcmp(c->calendars[0]->name, "office") == 0]
			->name,
		    "night");
	}
	am_conf_unref(c);
	free(diags);
	free(text);
}

/* Nine files deep: the ninth include is one too many. */
static void
test_include_when_nested_too_deeply_then_refused(void **state)
{
	struct am_diag *diags;
	char *text;
	size_t n;

	(void)state;
	for (int i = 1; i <= 9; i++) {
		char path[32], in[64];

		snprintf(path, sizeof(path), "f%d.conf", i);
		snprintf(in, sizeof(in), "\ninclude(\"f%d.conf\")", i + 1);
		put(path, i < 9 ? in : NIGHT);
	}
	assert_true(
	    asprintf(&text, "include(\"f1.conf\")\n%s", conf_world_base) > 0);
	assert_null(conf_world_load(text, &diags, &n));
	assert_int_equal(n, 1);
	assert_string_equal(diags[0].file, "f8.conf");
	assert_int_equal(diags[0].line, 2);
	assert_string_equal(diags[0].text,
	    "include: files are nested too deeply; 8 levels are taken");
	free(diags);
	put("f8.conf", NIGHT);
	am_conf_unref(conf_world_must(text));
	free(text);
}

static void
test_include_when_two_names_in_conf_d_are_one_file_then_refused(void **state)
{
	struct am_diag *diags;
	size_t n;

	(void)state;
	make_folders();
	put("conf.d/a.conf", NIGHT);
	assert_int_equal(symlink("a.conf", "conf.d/b.conf"), 0);
	assert_null(conf_world_load(conf_world_base, &diags, &n));
	assert_int_equal(n, 1);
	assert_string_equal(diags[0].text,
	    "the same file as conf.d/a.conf; remove one of the two");
	free(diags);
}

/* A loop's text of Redis is one loop: it opens no file. */
static void
test_include_when_in_a_loop_of_redis_then_refused(void **state)
{
	struct am_conf *c = conf_world_must(conf_world_base);
	const struct am_loopdef *def = NULL;
	struct am_diag diag;
	struct am_arena a;

	(void)state;
	am_arena_init(&a, 0);
	put("a.conf", NIGHT);
	assert_int_equal(
	    am_conf_bind_loop(c, AM_STR("include('a.conf')"), &a, &def, &diag),
	    -AM_EINVAL);
	assert_true(
	    strncmp(diag.text, "no key 'include' in the top level", 33) == 0);
	am_arena_fini(&a);
	am_conf_unref(c);
}

/* ---- the calendars that are shipped ---- */

static const struct am_calendar *
calendar(const struct am_conf *c, const char *name)
{
	for (size_t i = 0; i < c->calendars_n; i++) {
		if (strcmp(c->calendars[i]->name, name) == 0)
			return c->calendars[i];
	}
	fail_msg("no calendar %s", name);
	return NULL;
}

/* The base with a file of conf/calendars.d included. */
static struct am_conf *
shipped(const char *file)
{
	struct am_conf *c;
	char *text;

	assert_true(asprintf(&text, "include(\"%s/conf/calendars.d/%s\")\n%s",
			conf_world_home(), file, conf_world_base) > 0);
	c = conf_world_must(text);
	free(text);
	return c;
}

static am_ms
at(const char *rfc3339)
{
	am_ms t = 0;

	assert_int_equal(am_rfc3339_parse(am_str_c(rfc3339), &t), 0);
	return t;
}

static void
assert_add(const struct am_calendar *cal, const char *start, am_ms work,
    const char *due)
{
	am_ms got = -1;
	char text[32];

	assert_int_equal(am_calendar_add(cal, at(start), work, &got), 0);
	am_rfc3339_format(got, text);
	if (got != at(due))
		fail_msg("%s: %s, not %s", start, text, due);
}

static void
assert_bd(const struct am_calendar *cal, const char *start, int64_t n,
    const char *close)
{
	am_ms got = -1;
	char text[32];

	assert_int_equal(am_calendar_bd_close(cal, at(start), n, &got), 0);
	am_rfc3339_format(got, text);
	if (got != at(close))
		fail_msg("%s + %dbd: %s, not %s", start, (int)n, text, close);
}

/* DL3: Spring Festival and its working Saturdays, counted by hand. */
static void
test_cn_when_crossing_spring_festival_then_the_minute_is_right(void **state)
{
	struct am_conf *c = shipped("cn.conf");
	const struct am_calendar *cn = calendar(c, "cn");

	(void)state;
	/* Friday 17:00: 1 h then, 9 h on Saturday the 14th, which is worked;
	 * closed from the 15th to the 23rd; 2 h 30 are left for Tuesday */
	assert_add(cn, "2026-02-13T17:00:00+08:00",
	    12 * AM_HOUR + 30 * AM_MINUTE, "2026-02-24T11:30:00+08:00");
	assert_add(cn, "2026-02-13T17:00:00+08:00", 10 * AM_HOUR,
	    "2026-02-14T18:00:00+08:00");
	/* the second working Saturday: Friday 1 h, Saturday 9 h, Monday 1 h */
	assert_add(cn, "2026-02-27T17:00:00+08:00", 11 * AM_HOUR,
	    "2026-03-02T10:00:00+08:00");
	assert_bd(
	    cn, "2026-02-13T17:00:00+08:00", 2, "2026-02-24T18:00:00+08:00");
	/* a working Sunday before National Day, and the Saturday behind it */
	assert_bd(
	    cn, "2026-09-18T12:00:00+08:00", 1, "2026-09-20T18:00:00+08:00");
	assert_bd(
	    cn, "2026-09-30T12:00:00+08:00", 3, "2026-10-10T18:00:00+08:00");
	/* both years: from the last day of one to the second of the other */
	assert_bd(
	    cn, "2026-12-30T12:00:00+08:00", 2, "2027-01-04T18:00:00+08:00");
	am_conf_unref(c);
}

/* DL4: hours, business days and weeks beside each other. */
static void
test_cn_when_units_are_mixed_then_weeks_ignore_the_calendar(void **state)
{
	struct am_conf *c = shipped("cn.conf");
	const struct am_calendar *cn = calendar(c, "cn");

	(void)state;
	/* received on Friday at the close: by Wednesday's */
	assert_bd(
	    cn, "2026-11-20T18:00:00+08:00", 3, "2026-11-25T18:00:00+08:00");
	assert_add(cn, "2026-11-20T18:00:00+08:00", 2 * AM_HOUR,
	    "2026-11-23T11:00:00+08:00");
	/* 8w is elapsed time, over Spring Festival and all */
	assert_add(NULL, "2026-01-16T18:00:00+08:00", 56 * AM_DAY,
	    "2026-03-13T18:00:00+08:00");
	am_conf_unref(c);
}

/* DL2 */
static void
test_24x7_when_midnight_passes_then_it_adds_exactly_nothing(void **state)
{
	struct am_conf *c = shipped("24x7.conf");
	const struct am_calendar *all = calendar(c, "24x7");

	(void)state;
	assert_add(
	    all, "2026-06-08T23:59:59Z", AM_SECOND, "2026-06-09T00:00:00Z");
	assert_add(
	    all, "2026-06-08T23:59:59Z", 2 * AM_SECOND, "2026-06-09T00:00:01Z");
	assert_true(am_calendar_span(all, at("2026-01-01T00:00:00Z"),
			at("2027-01-01T00:00:00Z")) == 365 * AM_DAY);
	assert_int_equal(all->windows_n > 365, 1); /* a business day a day */
	assert_bd(all, "2026-06-08T12:00:00Z", 1, "2026-06-10T00:00:00Z");
	am_conf_unref(c);
}

static void
test_uk_when_holidays_fall_on_a_weekend_then_substitutes_are_closed(
    void **state)
{
	struct am_conf *c = shipped("uk.conf");
	const struct am_calendar *uk = calendar(c, "uk");

	(void)state;
	/* Thursday; Christmas on Friday, Boxing Day on Monday the 28th */
	assert_add(
	    uk, "2026-12-24T16:30:00Z", 2 * AM_HOUR, "2026-12-29T10:00:00Z");
	/* Maundy Thursday 2027 to Wednesday, over the change of the clocks */
	assert_bd(uk, "2027-03-25T12:00:00Z", 2, "2027-03-31T17:30:00+01:00");
	assert_bd(uk, "2027-12-24T12:00:00Z", 1, "2027-12-29T17:30:00Z");
	am_conf_unref(c);
}

static void
test_us_federal_when_on_a_weekend_then_the_day_observed_is_closed(void **state)
{
	struct am_conf *c = shipped("us-federal.conf");
	const struct am_calendar *us = calendar(c, "us-federal");

	(void)state;
	/* 4 July 2026 is a Saturday, observed on Friday */
	assert_add(us, "2026-07-02T16:00:00-04:00", 2 * AM_HOUR,
	    "2026-07-06T10:00:00-04:00");
	/* 4 July 2027 is a Sunday, observed on Monday */
	assert_bd(
	    us, "2027-07-02T12:00:00-04:00", 1, "2027-07-06T17:00:00-04:00");
	/* Christmas and New Year of 2027 on the Fridays before */
	assert_bd(
	    us, "2027-12-23T12:00:00-05:00", 5, "2028-01-03T17:00:00-05:00");
	am_conf_unref(c);
}

static void
test_shipped_calendars_when_all_are_included_then_they_stand_together(
    void **state)
{
	static const char *const names[] = { "cn", "uk", "us-federal", "24x7" };
	char top[1024] = "", *text;
	struct am_conf *c;
	size_t at_n = 0;

	(void)state;
	for (size_t i = 0; i < AM_COUNT(names); i++)
		at_n += (size_t)snprintf(top + at_n, sizeof(top) - at_n,
		    "include(\"%s/conf/calendars.d/%s.conf\")\n",
		    conf_world_home(), names[i]);
	assert_true(asprintf(&text, "%s%s", top, conf_world_base) > 0);
	c = conf_world_must(text);
	assert_int_equal(c->calendars_n, 5);
	for (size_t i = 0; i < AM_COUNT(names); i++)
		assert_non_null(calendar(c, names[i]));
	/* in November 2026 no dates end: next year's are there */
	assert_int_equal(
	    am_conf_calendars_ending(c, CONF_NOW, (const char *[1]){ "" }, 1),
	    0);
	am_conf_unref(c);
	free(text);
}

/* ---- what runs out ---- */

static void
test_calendars_when_dates_end_then_told_at_any_time(void **state)
{
	static const char dated[] =
	    "calendar \"far\" { open = {\"24x7\"} closed = {\"2030-01-01\"} }\n"
	    "calendar \"near\" { timezone = \"Asia/Shanghai\"\n"
	    "    open = {\"24x7\"} extra = {\"2028-03-01 09:00-18:00\"} }\n";
	char *text =
	    conf_world_edit(conf_world_base, "instance = \"t\"\n", dated);
	struct am_conf *c;
	const char *names[2] = { "-", "-" };
	/* 1 January 2028 00:00 in Shanghai: 60 days are left */
	am_ms sixty = at("2028-01-01T00:00:00+08:00");

	(void)state;
	/* "office" of the base names no date */
	c = conf_world_must(text);
	assert_int_equal(c->warnings_n, 0);
	assert_int_equal(am_conf_calendars_ending(c, CONF_NOW, names, 2), 0);
	assert_int_equal(am_conf_calendars_ending(c, sixty - 1, names, 2), 0);
	assert_string_equal(names[0], "-");
	assert_int_equal(am_conf_calendars_ending(c, sixty, names, 2), 1);
	assert_string_equal(names[0], "near");
	assert_int_equal(
	    am_conf_calendars_ending(c, at("2031-01-01T00:00:00Z"), names, 1),
	    2);
	assert_string_equal(names[0], "far");
	assert_string_equal(names[1], "-");
	am_conf_unref(c);
	free(text);
}

/* The engine loads again when this says so. */
static void
test_calendars_when_their_span_nears_its_end_then_outlived(void **state)
{
	struct am_conf *c = conf_world_must(conf_world_base);
	am_ms quarter = (c->until - c->from) / 4;

	(void)state;
	assert_true(c->from <= CONF_NOW - 5 * 365 * AM_DAY);
	assert_true(c->until >= CONF_NOW + 5 * 365 * AM_DAY);
	assert_false(am_conf_outlived(c, CONF_NOW));
	assert_false(am_conf_outlived(c, c->until - quarter - 1));
	assert_true(am_conf_outlived(c, c->until - quarter));
	assert_true(am_conf_outlived(c, c->until + 1));
	/* the clock was far ahead at the load, and was set right */
	assert_false(am_conf_outlived(c, c->from));
	assert_true(am_conf_outlived(c, c->from - 1));
	am_conf_unref(c);
}

/* A year of closing that is over is no fault. */
static void
test_calendar_when_it_was_closed_for_years_then_it_loads(void **state)
{
	char *text = conf_world_edit(conf_world_base, "open = {",
	    "closed = {\"2022-01-01..2024-06-30\"} open = {");

	(void)state;
	am_conf_unref(conf_world_must(text));
	free(text);
}

#define IN_A_FOLDER(t)                                                         \
	cmocka_unit_test_setup_teardown(                                       \
	    t, conf_world_setup, conf_world_teardown)

int
main(void)
{
	const struct CMUnitTest fixed[] = {
		IN_A_FOLDER(test_include_when_nested_too_deeply_then_refused),
		IN_A_FOLDER(
		    test_include_when_two_names_in_conf_d_are_one_file_then_refused),
		IN_A_FOLDER(test_include_when_in_a_loop_of_redis_then_refused),
		IN_A_FOLDER(
		    test_cn_when_crossing_spring_festival_then_the_minute_is_right),
		IN_A_FOLDER(
		    test_cn_when_units_are_mixed_then_weeks_ignore_the_calendar),
		IN_A_FOLDER(
		    test_24x7_when_midnight_passes_then_it_adds_exactly_nothing),
		IN_A_FOLDER(
		    test_uk_when_holidays_fall_on_a_weekend_then_substitutes_are_closed),
		IN_A_FOLDER(
		    test_us_federal_when_on_a_weekend_then_the_day_observed_is_closed),
		IN_A_FOLDER(
		    test_shipped_calendars_when_all_are_included_then_they_stand_together),
		IN_A_FOLDER(
		    test_calendars_when_dates_end_then_told_at_any_time),
		IN_A_FOLDER(
		    test_calendars_when_their_span_nears_its_end_then_outlived),
		IN_A_FOLDER(
		    test_calendar_when_it_was_closed_for_years_then_it_loads),
	};
	struct CMUnitTest tests[AM_COUNT(rows) + AM_COUNT(fixed)];
	size_t n = 0;

	for (size_t i = 0; i < AM_COUNT(rows); i++)
		tests[n++] = (struct CMUnitTest){
			.name = rows[i].name,
			.test_func = run_row,
			.initial_state = (void *)(uintptr_t)&rows[i],
			.setup_func = conf_world_setup,
			.teardown_func = conf_world_teardown,
		};
	for (size_t i = 0; i < AM_COUNT(fixed); i++)
		tests[n++] = fixed[i];
	return _cmocka_run_group_tests("include", tests, n, NULL, NULL);
}
