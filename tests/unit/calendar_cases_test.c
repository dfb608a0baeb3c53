/*
 * The table of tests/data/calendar_cases.txt: when budgets end, in 20 zones.
 *
 * Its dues come from test_calendar_oracle.py, which walks minute by minute and
 * shares nothing with our code. Shows DL2, DL3, DL4, DL5 and DL9.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "base/time.h"
#include "conf/zone.h"

#include <amends/loop.h>

#define FILE_NAME "tests/data/calendar_cases.txt"
#define CALENDARS_MAX 64
#define LIST_MAX 16

enum { NAME, ZONE, OPEN, CLOSED, EXTRA, PARTS };

struct table {
	char *calendars[CALENDARS_MAX][PARTS];
	size_t calendars_n, cases_n, wrong_n;
	int line;
};

struct one {
	const struct am_calendar *cal;
	struct am_duration budget;
	am_ms start, due;
};

/* The next of the list's items, trimmed; n == 0 at its end. */
static struct am_str
next_item(char **list)
{
	return am_str_trim(am_str_c(*list != NULL ? strsep(list, ";") : ""));
}

static const struct am_calendar *
compile(struct table *t, struct am_arena *a, const char *name, am_ms start)
{
	struct am_daywindow open[LIST_MAX];
	struct am_dayrange closed[LIST_MAX];
	struct am_extraday extra[LIST_MAX];
	struct am_calendar_src src = {
		.name = "case", .open = open, .closed = closed, .extra = extra
	};
	am_ms from = start - 10 * AM_DAY, until = start + 400 * AM_DAY;
	const struct am_calendar *cal = NULL;
	char text[3][400], *list[3];
	struct am_str s;
	size_t i = 0;

	while (i < t->calendars_n && strcmp(t->calendars[i][NAME], name) != 0)
		i++;
	assert_true(i < t->calendars_n);
	for (size_t k = 0; k < 3; k++) {
		snprintf(list[k] = text[k], sizeof(text[k]), "%s",
		    t->calendars[i][OPEN + k]);
	}
	while ((s = next_item(&list[0])).n > 0)
		assert_int_equal(am_daywindow_parse(s, &open[src.open_n++]), 0);
	while ((s = next_item(&list[1])).n > 0)
		assert_int_equal(
		    am_dayrange_parse(s, &closed[src.closed_n++]), 0);
	while ((s = next_item(&list[2])).n > 0)
		assert_int_equal(
		    am_extraday_parse(s, &extra[src.extra_n++]), 0);
	assert_int_equal(
	    am_zone_load(a, t->calendars[i][ZONE], until, &src.zone), 0);
	assert_int_equal(am_calendar_compile(a, &src, from, until, &cal), 0);
	return cal;
}

/* The due, by what the core does with a budget (loop.md 3.2). */
static am_ms
due_of(const struct one *o)
{
	am_ms close, due = -1, work = o->budget.n;

	if (o->budget.unit == AM_UNIT_DAYS) {
		assert_int_equal(
		    am_calendar_add(NULL, o->start, work, &due), 0);
		return due;
	}
	if (o->budget.unit == AM_UNIT_BD) {
		assert_int_equal(
		    am_calendar_bd_close(o->cal, o->start, o->budget.n, &close),
		    0);
		work = am_calendar_span(o->cal, o->start, close);
	}
	assert_int_equal(am_calendar_add(o->cal, o->start, work, &due), 0);
	/* consumed and left make the budget, wherever it is cut (DL5) */
	assert_true(am_calendar_span(o->cal, o->start, due) == work);
	for (am_ms cut = o->start; cut < due; cut += (due - o->start) / 3 + 1) {
		am_ms used = am_calendar_span(o->cal, o->start, cut), then = 0;

		assert_int_equal(
		    am_calendar_add(o->cal, cut, work - used, &then), 0);
		assert_true(then == due);
	}
	return due;
}

/* What `why` shows sums up to the budget (DL9). */
static am_ms
windows_sum(const struct one *o)
{
	am_ms from, to, sum = 0;

	for (size_t i = 0;
	     am_calendar_window(o->cal, o->start, o->due, i, &from, &to); i++)
		sum += to - from;
	return sum;
}

static void
check(struct table *t, const char *name, const char *start, const char *budget,
    const char *due)
{
	struct am_arena a;
	struct one o;
	am_ms found;
	char at[32];

	am_arena_init(&a, 0);
	assert_int_equal(am_rfc3339_parse(am_str_c(start), &o.start), 0);
	assert_int_equal(am_rfc3339_parse(am_str_c(due), &o.due), 0);
	assert_int_equal(am_duration_parse(am_str_c(budget), &o.budget), 0);
	o.cal = compile(t, &a, name, o.start);
	found = due_of(&o);
	if (found != o.due) {
		am_rfc3339_format(found, at);
		print_error(FILE_NAME ":%d: %s, not %s\n", t->line, at, due);
		t->wrong_n++;
	}
	if (o.budget.unit == AM_UNIT_TIME)
		assert_true(windows_sum(&o) == o.budget.n);
	t->cases_n++;
	am_arena_fini(&a);
}

/* calendar NAME | ZONE | OPEN; ... | CLOSED; ... | EXTRA; ... */
static void
add_calendar(struct table *t, const char *text)
{
	char *rest = strdup(text); /* kept in the table */

	assert_true(t->calendars_n < CALENDARS_MAX);
	for (size_t i = 0; i < PARTS; i++) {
		struct am_str s = am_str_trim(am_str_c(strsep(&rest, "|")));

		t->calendars[t->calendars_n][i] = (char *)s.p;
		t->calendars[t->calendars_n][i][s.n] = '\0';
	}
	t->calendars_n++;
}

static void
read_line(struct table *t, char *line)
{
	char name[32], start[40], budget[16], due[40];

	line[strcspn(line, "\n")] = '\0';
	t->line++;
	if (line[0] == '#' || line[0] == '\0')
		return;
	if (strncmp(line, "calendar ", 9) == 0) {
		add_calendar(t, line + 9);
		return;
	}
	assert_int_equal(
	    sscanf(line, "%31s | %39s | %15s | %39s", name, start, budget, due),
	    4);
	check(t, name, start, budget, due);
}

static size_t
zones(const struct table *t)
{
	size_t n = 0;

	for (size_t i = 0, k; i < t->calendars_n; i++) {
		k = 0;
		while (
		    strcmp(t->calendars[k][ZONE], t->calendars[i][ZONE]) != 0)
			k++;
		n += k == i;
	}
	return n;
}

/* DL2 DL3 DL4 DL5 DL9 */
static void
test_calendar_cases_when_walked_in_python_then_ours_are_the_same(void **state)
{
	static struct table t;
	FILE *f = fopen(FILE_NAME, "re");
	char line[1200];

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		read_line(&t, line);
	fclose(f);
	assert_int_equal(t.wrong_n, 0);
	assert_true(t.cases_n >= 200);
	assert_true(zones(&t) >= 12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_calendar_cases_when_walked_in_python_then_ours_are_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
