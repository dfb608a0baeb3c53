/*
 * report_test - figures of a morning in a shop, worked out by hand, and the
 * laws that hold for any figures.
 *
 * The morning (Monday, from 09:00; times are after it). Listening may take an
 * hour, resolving four.
 *
 *   A north  0m opened, 10m acknowledged, 30m listened, 2h resolved,
 *            3h satisfied, score 5
 *   B north  0m opened, 40m acknowledged (late by 10m), 2h listened (late),
 *            3h resolved, 5h satisfied
 *   C north  1h opened, 1h30m listened, 2h resolved, 3h not satisfied:
 *            second cycle, 4h resolved, 5h satisfied, score 4
 *   D south  1h opened, 2h withdrawn
 *   E south  2h opened as a repeat of A, 2h30m listened, 3h resolving extended
 *            by two hours, 8h resolved (late by the first promise), 8h10m
 *            satisfied
 *   F south  3h opened, 3h30m listened, 4h resolved, 5h called and not reached,
 *            6h closed by a person
 *   G north  8h opened
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "ops/report.h"
#include "tests/unit/fixture.h"
#include "tests/unit/rnd.h"

#define RESOLVED "stage.completed stage=resolve"
#define SATISFIED "customer.answered verdict=satisfied"

static const struct {
	const char *id, *at, *text;
} morning[] = {
	{ "A", "0m",
	    "complaint.opened category=billing team=north owner=li tier=high" },
	{ "A", "10m", "complaint.acknowledged" },
	{ "A", "30m", "stage.completed stage=listen" },
	{ "A", "2h", RESOLVED },
	{ "A", "3h", SATISFIED " score=5" },
	{ "B", "0m", "complaint.opened category=billing team=north owner=li" },
	{ "B", "40m", "complaint.acknowledged" },
	{ "B", "2h", "stage.completed stage=listen" },
	{ "B", "3h", RESOLVED },
	{ "B", "5h", SATISFIED },
	{ "C", "1h", "complaint.opened category=fees team=north owner=wang" },
	{ "C", "70m", "complaint.acknowledged" },
	{ "C", "1h30m", "stage.completed stage=listen" },
	{ "C", "2h", RESOLVED },
	{ "C", "3h", "customer.answered verdict=unsatisfied" },
	{ "C", "4h", RESOLVED },
	{ "C", "5h", SATISFIED " score=4" },
	{ "D", "1h", "complaint.opened category=fees team=south owner=zhao" },
	{ "D", "70m", "complaint.acknowledged" },
	{ "D", "2h", "complaint.withdrawn" },
	{ "E", "2h",
	    "complaint.opened category=billing team=south owner=zhao "
	    "repeat_of=A" },
	{ "E", "130m", "complaint.acknowledged" },
	{ "E", "2h30m", "stage.completed stage=listen" },
	{ "E", "3h",
	    "deadline.extended clock=resolve by=2h reason=parts "
	    "approver=chen" },
	{ "E", "8h", RESOLVED },
	{ "E", "8h10m", SATISFIED },
	{ "F", "3h", "complaint.opened category=fees team=south owner=zhao" },
	{ "F", "190m", "complaint.acknowledged" },
	{ "F", "3h30m", "stage.completed stage=listen" },
	{ "F", "4h", RESOLVED },
	{ "F", "5h", "callback.attempted outcome=no_answer" },
	{ "F", "6h", "complaint.closed by=chen reason=enough" },
	{ "G", "8h", "complaint.opened category=billing team=north owner=li" },
};

struct world {
	struct fix f;
	struct am_arena a, scratch;
};

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	fix_init(&w->f, "tests/data/report.conf");
	am_arena_init(&w->a, 0);
	am_arena_init(&w->scratch, 0);
	for (size_t i = 0; i < AM_COUNT(morning); i++) {
		fix_step(&w->f, morning[i].id,
		    FIX_START + fix_span(morning[i].at), morning[i].text);
		if (w->f.up.verdict != AM_APPLIED)
			fail_msg("%s at %s: %s is not applied", morning[i].id,
			    morning[i].at, morning[i].text);
	}
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	fix_fini(&w->f);
	am_arena_fini(&w->a);
	am_arena_fini(&w->scratch);
	free(w);
	return 0;
}

static struct am_casefile *
fold(struct world *w, const char *id)
{
	struct fix_case *k = fix_case(&w->f, id);
	struct am_casefile *f = am_arena_zalloc(&w->a, sizeof(*f));

	am_casefile_begin(f, &w->a, w->f.def, &k->c);
	for (size_t i = 0; i < k->lines_n; i++)
		am_casefile_line(f, k->lines[i], &w->scratch);
	am_casefile_end(f);
	assert_int_equal(f->unread, 0);
	return f;
}

static struct am_report *
report(struct world *w, struct am_report_opts o)
{
	struct am_report *r;

	if (o.now == 0)
		o.now = FIX_START + 9 * AM_HOUR;
	if (o.to == 0)
		o.to = AM_NEVER;
	o.zone = w->f.def->zone;
	r = am_report_new(&o);
	for (size_t i = 0; i < w->f.cases_n; i++)
		if (am_report_wants(r, &w->f.cases[i].c))
			am_report_add(r, fold(w, w->f.cases[i].id));
	return r;
}

#define assert_share(row, which, numerator, denominator)                       \
	do {                                                                   \
		assert_int_equal((row)->kpi[which].n, numerator);              \
		assert_int_equal((row)->kpi[which].of, denominator);           \
	} while (0)

static struct am_report_stage *
stage(struct am_report_row *row, const char *name)
{
	for (size_t i = 0; i < row->stages_n; i++)
		if (strcmp(row->stages[i].name, name) == 0)
			return &row->stages[i];
	fail_msg("no stage %s", name);
	return NULL;
}

/* EV2: every figure of the morning, by hand. */
static void
test_every_figure_of_the_morning(void **state)
{
	struct am_report *r =
	    report(*state, (struct am_report_opts){ .from = 0 });
	struct am_report_row *t = am_report_total(r);

	assert_int_equal(t->received, 7);
	assert_int_equal(t->closed, 6);
	assert_int_equal(t->open, 1); /* G */
	assert_int_equal(t->withdrawn, 1);
	assert_int_equal(t->counted, 5); /* A B C E F */
	assert_int_equal(t->outcomes[AM_OUTCOME_SATISFIED], 3);
	assert_int_equal(t->outcomes[AM_OUTCOME_SATISFIED_AFTER_REOPEN], 1);
	assert_int_equal(t->outcomes[AM_OUTCOME_FORCED], 1);
	/* B was late, twice; E by what was first promised */
	assert_share(t, AM_KPI_ON_TIME, 4, 5);
	assert_share(t, AM_KPI_ON_TIME_PROMISED, 3, 5);
	assert_int_equal(t->missed, 2);
	assert_int_equal(t->extended, 1);
	/* A B E; C went round again, F is not satisfied */
	assert_share(t, AM_KPI_FIRST_CYCLE_FIX, 3, 5);
	assert_share(t, AM_KPI_REOPENED, 1, 5);
	assert_share(t, AM_KPI_REPEAT, 1, 7); /* E */
	/* F was asked and called, and never reached */
	assert_share(t, AM_KPI_REACHED, 4, 5);
	assert_share(t, AM_KPI_SATISFIED_ANSWERED, 4, 4);
	assert_share(t, AM_KPI_SATISFIED_ALL, 4, 5);
	assert_int_equal(t->score_sum, 9);
	assert_int_equal(t->score_n, 2);
	/* receipt to closing: A 3h, F 3h, C 4h, B 5h, E 6h10m */
	assert_int_equal(am_spread_pct(&t->handling, 50), 4 * AM_HOUR);
	assert_int_equal(
	    am_spread_pct(&t->handling, 90), 6 * AM_HOUR + 10 * AM_MINUTE);
	am_report_free(r);
}

/* EV2: how long each stage took, in working time. */
static void
test_time_by_stage(void **state)
{
	struct am_report *r =
	    report(*state, (struct am_report_opts){ .from = 0 });
	struct am_report_row *t = am_report_total(r);
	struct am_report_stage *s = stage(t, "listen");

	/* 30m four times and B's 2h; D never listened */
	assert_int_equal(s->hit, 4);
	assert_int_equal(s->missed, 1);
	assert_int_equal(am_spread_pct(&s->took, 50), 30 * AM_MINUTE);
	assert_int_equal(am_spread_pct(&s->took, 90), 2 * AM_HOUR);
	/* C 30m, F 30m, B 1h, C's second 1h, A 1h30m, E 5h30m */
	s = stage(t, "resolve");
	assert_int_equal(s->took.n, 6);
	assert_int_equal(s->hit, 6);
	assert_int_equal(am_spread_pct(&s->took, 50), AM_HOUR);
	assert_int_equal(
	    am_spread_pct(&s->took, 90), 5 * AM_HOUR + 30 * AM_MINUTE);
	/* the answers that close: E 10m, A 1h, C's second 1h, B 2h */
	s = stage(t, "callback-confirm");
	assert_int_equal(s->took.n, 4);
	assert_int_equal(am_spread_pct(&s->took, 50), AM_HOUR);
	assert_int_equal(am_spread_pct(&s->took, 90), 2 * AM_HOUR);
	am_report_free(r);
}

/* EV1: each stage of each cycle has its own verdict; of E's extension the due
 * in force counts. */
static void
test_stages_of_one_complaint(void **state)
{
	static const struct {
		const char *id, *stages, *loop;
	} want[] = {
		{ "A", "listen hit; resolve hit; callback-confirm hit", "hit" },
		{ "B", "listen missed; resolve hit; callback-confirm hit",
		    "missed" },
		{ "C",
		    "listen hit; resolve hit; callback-confirm over; "
		    "resolve(2) hit; callback-confirm(2) hit",
		    "hit" },
		{ "D", "listen over", "hit" },
		{ "E", "listen hit; resolve hit; callback-confirm hit", "hit" },
		{ "F", "listen hit; resolve hit; callback-confirm over",
		    "hit" },
		{ "G", "listen active", "active" },
	};

	for (size_t i = 0; i < AM_COUNT(want); i++) {
		struct am_casefile *f = fold(*state, want[i].id);
		const struct am_casefile_column *k =
		    &am_casefile_columns[am_casefile_columns_n - 1];
		struct am_value v = k->value(f, NULL);

		assert_string_equal(k->name, "stages");
		if (!am_str_is(v.text, want[i].stages))
			fail_msg("%s: %.*s", want[i].id, AM_ARG(v.text));
		assert_string_equal(f->verdict, want[i].loop);
	}
}

/* EV1: while it goes on a verdict is active, with a miss active_with_misses;
 * its final value comes with its end. */
static void
test_the_final_verdict_comes_at_the_end(void **state)
{
	struct world *w = *state;
	struct fix_case *g = fix_case(&w->f, "G");
	const size_t listen = AM_CLOCK_STAGE0, resolve = AM_CLOCK_STAGE0 + 1;

	assert_string_equal(am_clock_verdict(&g->c, listen), "active");
	assert_string_equal(am_clock_verdict(&g->c, resolve), "");
	fix_step(&w->f, "G", FIX_START + 30 * AM_HOUR, "wake");
	assert_string_equal(
	    am_clock_verdict(&g->c, listen), "active_with_misses");
	assert_string_equal(am_loop_verdict(&g->c), "active_with_misses");
	assert_string_equal(
	    fold(w, "G")->stages->verdict, "active_with_misses");
	fix_step(&w->f, "G", FIX_START + 31 * AM_HOUR,
	    "stage.completed stage=listen");
	assert_string_equal(am_clock_verdict(&g->c, listen), "missed");
	assert_string_equal(am_clock_verdict(&g->c, resolve), "active");
	assert_string_equal(am_loop_verdict(&g->c), "active_with_misses");
	fix_step(&w->f, "G", FIX_START + 32 * AM_HOUR,
	    "stage.completed stage=resolve");
	assert_string_equal(am_clock_verdict(&g->c, AM_CLOCK_FINAL), "active");
	fix_step(&w->f, "G", FIX_START + 33 * AM_HOUR,
	    "customer.answered verdict=satisfied");
	assert_string_equal(am_clock_verdict(&g->c, AM_CLOCK_FINAL), "hit");
	assert_string_equal(am_loop_verdict(&g->c), "missed");
	/* reopened by a second thought: it goes on, and the miss stays */
	fix_step(&w->f, "G", FIX_START + 34 * AM_HOUR,
	    "customer.answered verdict=unsatisfied");
	assert_string_equal(am_loop_verdict(&g->c), "active_with_misses");
	assert_string_equal(am_clock_verdict(&g->c, AM_CLOCK_FINAL), "active");
}

/* The shop closes at 18:00: listened to on Tuesday, 10:00, took two hours of
 * work. A hold takes nothing of it. */
static void
test_time_used_is_working_time(void **state)
{
	struct world *w = *state;
	struct am_casefile *f;
	struct am_casefile_stage *s;

	fix_step(&w->f, "G", FIX_START + 25 * AM_HOUR,
	    "stage.completed stage=listen");
	fix_step(&w->f, "G", FIX_START + 26 * AM_HOUR,
	    "complaint.held reason=waiting_customer");
	fix_step(&w->f, "G", FIX_START + 28 * AM_HOUR, "complaint.resumed");
	fix_step(&w->f, "G", FIX_START + 29 * AM_HOUR,
	    "stage.completed stage=resolve");
	fix_step(&w->f, "G", FIX_START + 30 * AM_HOUR,
	    "customer.answered verdict=unsatisfied");
	f = fold(w, "G");
	assert_int_equal(f->holds, 1);
	assert_int_equal(f->held, 2 * AM_HOUR);
	s = f->stages;
	assert_int_equal(s->took, 2 * AM_HOUR);
	s = s->next; /* its clock was taken back by the second cycle */
	assert_true(am_str_is(s->name, "resolve"));
	assert_int_equal(s->took, 2 * AM_HOUR);
}

/* Each fact counts in the period in which it happened. */
static void
test_periods_are_cut_in_the_zone(void **state)
{
	struct world *w = *state;
	struct am_report_row *const *rows;
	struct am_report *r;
	char name[16];

	/* G was received on Monday and is closed on Tuesday */
	fix_step(&w->f, "G", FIX_START + 25 * AM_HOUR, "complaint.withdrawn");
	r = report(w, (struct am_report_opts){ .unit = AM_PERIOD_DAY,
			  .now = FIX_START + 26 * AM_HOUR });
	assert_int_equal(am_report_rows(r, &rows), 2);
	assert_string_equal(
	    am_period_name(AM_PERIOD_DAY, rows[0]->period, name), "2026-11-23");
	assert_int_equal(rows[0]->received, 7);
	assert_int_equal(rows[0]->closed, 6);
	assert_int_equal(rows[0]->open, 1); /* at its end */
	assert_int_equal(rows[1]->received, 0);
	assert_int_equal(rows[1]->closed, 1);
	assert_int_equal(rows[1]->withdrawn, 1);
	assert_int_equal(rows[1]->open, 0);
	am_report_free(r);
	/* the span's end is no part of it: nine o'clock opened nothing new */
	r = report(w, (struct am_report_opts){ .from = FIX_START + AM_MINUTE,
			  .to = FIX_START + 3 * AM_HOUR });
	assert_int_equal(am_report_total(r)->received, 3); /* C D E */
	assert_int_equal(am_report_total(r)->closed, 1);   /* D */
	am_report_free(r);
}

/* EV5: the same length on both sides of the mark, by the complaints of the
 * category that were received there. */
static void
test_an_improvement_is_measured_on_both_sides(void **state)
{
	struct world *w = *state;
	struct am_report_opts o = { .to = AM_NEVER,
		.now = FIX_START + 5 * AM_HOUR,
		.zone = w->f.def->zone };
	struct am_report *r = am_report_new(&o);
	const struct am_report_mark *m;

	/* 11:00, three hours ago: E came with it, A and B before */
	am_report_mark(
	    r, AM_STR("billing"), AM_STR("2026-11-23T11:00:00+08:00"), 0);
	am_report_mark(r, AM_STR("billing"),
	    AM_STR("2026-11-23T11:00:00+08:00"), 0); /* told twice */
	am_report_mark(r, AM_STR("fees"), AM_STR("2026-12-24"), 0);
	am_report_mark(r, AM_STR("none"), AM_STR("yesterday"), FIX_START);
	for (size_t i = 0; i < w->f.cases_n; i++)
		am_report_add(r, fold(w, w->f.cases[i].id));
	assert_int_equal(am_report_marks(r, &m), 2); /* Christmas is to come */
	assert_string_equal(m->category, "billing");
	assert_int_equal(m->length, 3 * AM_HOUR);
	assert_int_equal(m->before.from, FIX_START - AM_HOUR);
	assert_int_equal(m->before.received, 2); /* A B */
	assert_int_equal(m->before.answered.n, 2);
	assert_int_equal(m->before.answered.of, 2);
	assert_int_equal(m->after.received, 1); /* E; G comes after it */
	assert_int_equal(m->after.all.n, 1);
	assert_int_equal(m->after.to, FIX_START + 5 * AM_HOUR);
	assert_int_equal(m[1].date, FIX_START); /* no date: when it was told */
	am_report_free(r);
	/* what is not kept is on no side */
	o.kept_since = FIX_START + AM_HOUR;
	r = am_report_new(&o);
	am_report_mark(
	    r, AM_STR("billing"), AM_STR("2026-11-23T11:00:00+08:00"), 0);
	assert_int_equal(am_report_marks(r, &m), 1);
	assert_int_equal(m->length, AM_HOUR);
	am_report_free(r);
}

/* ---- laws ---- */

static void
add_row(struct am_report_row *sum, const struct am_report_row *row)
{
	sum->received += row->received;
	sum->closed += row->closed;
	sum->open += row->open;
	sum->counted += row->counted;
	sum->withdrawn += row->withdrawn;
	sum->duplicate += row->duplicate;
	sum->missed += row->missed;
	sum->extended += row->extended;
	sum->escalated += row->escalated;
	sum->score_n += row->score_n;
	sum->score_sum += row->score_sum;
	sum->handling.n += row->handling.n;
	for (int i = 0; i < AM_OUTCOMES_N; i++)
		sum->outcomes[i] += row->outcomes[i];
	for (int i = 0; i < AM_KPIS_N; i++) {
		sum->kpi[i].n += row->kpi[i].n;
		sum->kpi[i].of += row->kpi[i].of;
	}
	for (size_t i = 0; i < row->stages_n; i++)
		sum->stages_n += row->stages[i].took.n;
}

static void
assert_sum(struct am_report *r, bool open_too)
{
	struct am_report_row sum = { .received = 0 }, total = { .received = 0 };
	struct am_report_row *const *rows;
	size_t n = am_report_rows(r, &rows);

	for (size_t i = 0; i < n; i++)
		add_row(&sum, rows[i]);
	add_row(&total, am_report_total(r));
	if (!open_too) /* open at the end of each period, and of the span */
		sum.open = total.open = 0;
	assert_memory_equal(&sum, &total, sizeof(sum));
}

/* A casefile as no journal would make it: any figures, from anywhere. */
static void
random_file(struct am_casefile *f, struct am_complaint *c, struct am_arena *a,
    am_ms now)
{
	static const char *const names[] = { "li", "wang", "", "zhao" };
	static const char *const stages[] = { "listen", "resolve", "confirm" };

	*c = (struct am_complaint){ .id = AM_STR("C"),
		.loop_ref = am_str_c(rnd(2) ? "a@1" : "b@2"),
		.status = rnd(3) == 0 ? AM_OPEN : AM_CLOSED,
		.cycle = (uint16_t)(1 + rnd(3)),
		.reopens = (uint16_t)rnd(2),
		.flags = rnd(2) ? AM_CF_MISSED : 0,
		.opened_at = now - (am_ms)rnd((size_t)(90 * AM_DAY)),
		.owner = am_str_c(names[rnd(4)]),
		.team = am_str_c(names[rnd(4)]),
		.category = am_str_c(names[rnd(4)]) };
	if (c->status == AM_CLOSED) {
		c->closed_at =
		    c->opened_at + (am_ms)rnd((size_t)(now - c->opened_at) + 1);
		c->outcome = (enum am_outcome)(1 + rnd(AM_OUTCOMES_N - 1));
	}
	am_casefile_begin(f, a, NULL, c);
	f->tier = am_str_c(names[rnd(4)]);
	f->answers = (uint32_t)rnd(3);
	f->attempts = (uint32_t)rnd(2);
	f->spoken = rnd(2);
	f->score = (uint8_t)rnd(6);
	f->missed = (uint32_t)rnd(4);
	for (size_t i = rnd(6); i > 0; i--) {
		struct am_casefile_stage *s = am_arena_zalloc(a, sizeof(*s));

		s->name = am_str_c(stages[rnd(3)]);
		s->how = am_str_c(rnd(4) == 0 ? "waived" : "done");
		s->ran = rnd(3) != 0;
		s->took = (am_ms)rnd((size_t)AM_DAY);
		s->ended_at = c->opened_at + (am_ms)rnd((size_t)AM_DAY);
		s->next = f->stages;
		f->stages = s;
	}
}

/* Whatever is counted, by whatever it is cut: the rows sum up to the total. */
static void
test_rows_sum_up_to_the_total(void **state)
{
	struct world *w = *state;
	const am_ms now = FIX_START;

	rnd_seed("report");
	for (int turn = 0; turn < 60; turn++) {
		struct am_report_opts o = {
			.from = rnd(2) ? now - (am_ms)rnd((size_t)(80 * AM_DAY))
				       : 0,
			.to = rnd(2) ? now - (am_ms)rnd((size_t)AM_DAY)
				     : AM_NEVER,
			.unit = (enum am_period_unit)rnd(AM_PERIOD_UNITS_N),
			.by = (enum am_report_by)rnd(AM_BYS_N),
			.zone = rnd(2) ? w->f.def->zone : NULL,
			.now = now,
		};
		struct am_report *r;

		if (o.unit == AM_PERIOD_NONE && o.by == AM_BY_NONE)
			continue;
		if (o.from >= now - AM_DAY)
			o.from = now - 2 * AM_DAY;
		r = am_report_new(&o);
		for (int i = 0; i < 200; i++) {
			struct am_casefile f;
			struct am_complaint c;

			random_file(&f, &c, &w->a, now);
			if (am_report_wants(r, &c))
				am_report_add(r, &f);
		}
		assert_sum(r, o.unit == AM_PERIOD_NONE);
		am_report_free(r);
		am_arena_reset(&w->a);
	}
}

/* More groups than are kept go into one, and still sum up. */
static void
test_too_many_groups_go_together(void **state)
{
	struct world *w = *state;
	const struct am_report_opts o = {
		.to = AM_NEVER, .by = AM_BY_OWNER, .now = FIX_START
	};
	struct am_report *r = am_report_new(&o);
	struct am_report_row *const *rows;
	size_t n;

	for (int i = 0; i < AM_REPORT_ROWS_MAX + 50; i++) {
		struct am_casefile f;
		struct am_complaint c;
		char owner[16];

		am_arena_reset(&w->a);
		random_file(&f, &c, &w->a, FIX_START);
		snprintf(owner, sizeof(owner), "o%d", i);
		c.owner = am_str_c(owner);
		am_report_add(r, &f);
	}
	n = am_report_rows(r, &rows);
	assert_int_equal(n, AM_REPORT_ROWS_MAX + 1);
	assert_string_equal(rows[0]->group, "(others)");
	assert_sum(r, true);
	am_report_free(r);
}

/* EV6: a line that any reader of RFC 4180 takes apart again. */
static void
test_csv_is_quoted(void **state)
{
	struct world *w = *state;
	struct am_casefile *f = fold(w, "A");
	struct am_complaint c = *f->c;
	struct am_buf b;

	c.category = AM_STR("late, \"very\" late");
	c.severity = AM_STR("=1+2");
	c.team = AM_STR("-1");
	c.incident = AM_STR("-1+cmd|x");
	f->c = &c;
	am_buf_init(&b);
	am_casefile_csv(NULL, NULL, &b);
	am_buf_addc(&b, '\n');
	am_casefile_csv(f, w->f.def->zone, &b);
	am_buf_addc(&b, '\0');
	assert_string_equal(b.p,
	    "id,received,acked,final,final_due,extensions,outcome,recourse,"
	    "recourse_at,verdict,ack_verdict,final_verdict,status,loop,"
	    "category,tier,severity,channel,team,incident,repeat_of,reopened,"
	    "missed,escalated,holds,held_s,asked,attempts,answered,answer,"
	    "score,stages\n"
	    "A,2026-11-23T09:00:00+08:00,2026-11-23T09:10:00+08:00,"
	    "2026-11-23T12:00:00+08:00,2027-01-18T09:00:00+08:00,0,satisfied,,"
	    ",hit,hit,hit,closed,complaint,\"late, \"\"very\"\" late\",high,"
	    "\"'=1+2\",,-1,\"'-1+cmd|x\",,0,0,0,0,0,"
	    "2026-11-23T11:00:00+08:00,0,2026-11-23T12:00:00+08:00,satisfied,5,"
	    "listen hit; resolve hit; callback-confirm hit");
	am_buf_fini(&b);
}

/* The lines that a manager gets. */
static void
test_the_text_for_people(void **state)
{
	struct am_report *r =
	    report(*state, (struct am_report_opts){ .from = FIX_START,
			       .to = FIX_START + 9 * AM_HOUR });
	struct am_buf b;

	am_buf_init(&b);
	am_report_text(r, "weekly", "en", &b);
	am_buf_addc(&b, '\0');
	assert_string_equal(b.p,
	    "weekly: 2026-11-23 to 2026-11-23\n"
	    "Received 7, closed 6, open at the end 1. Not counted below: "
	    "withdrawn 1, duplicates 0.\n"
	    "On time: 80 % (4/5)\n"
	    "On time as first promised: 60 % (3/5)\n"
	    "Solved in the first cycle: 60 % (3/5)\n"
	    "Reopened: 20 % (1/5)\n"
	    "Repeats: 14 % (1/7)\n"
	    "Customers reached: 80 % (4/5)\n"
	    "Satisfied, of those who answered: 100 % (4/4)\n"
	    "Satisfied, of all closed: 80 % (4/5)\n"
	    "Receipt to closing: half within 4h, nine in ten within 6h 10m\n"
	    "listen: half within 30m, nine in ten within 2h of working time, "
	    "1 late\n"
	    "resolve: half within 1h, nine in ten within 5h 30m of working "
	    "time, 0 late\n"
	    "callback-confirm: half within 1h, nine in ten within 2h of "
	    "working time, 0 late");
	am_buf_reset(&b);
	am_report_text(r, "weekly", "zh", &b);
	am_buf_addc(&b, '\0');
	assert_non_null(strstr(b.p, "受理 7 件,办结 6 件,期末未结 1 件。"));
	assert_non_null(strstr(b.p, "按时办结: 80 % (4/5)"));
	am_buf_fini(&b);
	am_report_free(r);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_every_figure_of_the_morning),
		T(test_time_by_stage),
		T(test_stages_of_one_complaint),
		T(test_the_final_verdict_comes_at_the_end),
		T(test_time_used_is_working_time),
		T(test_periods_are_cut_in_the_zone),
		T(test_an_improvement_is_measured_on_both_sides),
		T(test_rows_sum_up_to_the_total),
		T(test_too_many_groups_go_together),
		T(test_csv_is_quoted),
		T(test_the_text_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
