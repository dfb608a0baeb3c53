/*
 * why_test - DL9: the windows of a clock that runs sum to its budget and end at
 * its due; of one that stands still or is over they sum to what was consumed.
 * By hand for the cases that a person would check, and after random histories.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "sim/why.h"
#include "tests/unit/past.h"
#include "tests/unit/rnd.h"

static const struct am_loopdef *
fixed_loop(void *arg, struct am_str ref)
{
	const struct fix *f = arg;

	return am_str_is(ref, f->def->ref) ? f->def : NULL;
}

struct told {
	struct fix f;
	struct am_arena a;
	struct am_why why[AM_CLOCKS_MAX];
	size_t n;
};

/* Ask why of c1, on tests/trace/bank.conf, at `at`. */
static void
ask(struct told *t, am_ms at)
{
	struct fix_case *k = fix_case(&t->f, "c1");

	am_arena_reset(&t->a);
	t->n = am_why(t->f.def, &k->c, k->lines, k->lines_n, fixed_loop, &t->f,
	    at, &t->a, t->why);
}

static const struct am_why *
of(const struct told *t, const char *clock)
{
	for (size_t i = 0; i < t->n; i++) {
		if (strcmp(t->f.def->clocks[t->why[i].clock].name, clock) == 0)
			return &t->why[i];
	}
	fail_msg("no clock %s", clock);
	return NULL;
}

static void
assert_window(const struct am_why *w, size_t i, am_ms from, am_ms to)
{
	am_ms a, b;

	assert_true(am_why_window(w, i, &a, &b));
	assert_int_equal(a, from);
	assert_int_equal(b, to);
}

static int
setup(void **state)
{
	static struct told t;

	fix_init(&t.f, NULL);
	am_arena_init(&t.a, 0);
	*state = &t;
	return 0;
}

static int
teardown(void **state)
{
	struct told *t = *state;

	fix_fini(&t->f);
	am_arena_fini(&t->a);
	return 0;
}

#define T(d, h, m) (FIX_START + (d)*AM_DAY + (h)*AM_HOUR + (m)*AM_MINUTE)

/* DL9: three business days over a holiday, a hold in the middle. */
static void
test_why_hold_in_the_middle_then_windows_on_both_sides(void **state)
{
	struct told *t = *state;
	const struct am_why *w;

	fix_step(&t->f, "c1", T(0, 0, 0), "complaint.opened category=card");
	fix_step(&t->f, "c1", T(0, 0, 5), "stage.completed stage=listen");
	fix_step(
	    &t->f, "c1", T(0, 1, 5), "complaint.held reason=waiting_customer");
	ask(t, T(0, 2, 0));
	w = of(t, "apologize");
	assert_int_equal(w->due, T(0, 2, 5)); /* what it was */
	assert_int_equal(w->consumed, AM_HOUR);
	assert_int_equal(w->left, AM_HOUR);
	assert_int_equal(w->sum, AM_HOUR);
	assert_int_equal(w->holds_n, 1);
	assert_int_equal(w->holds[0].to, AM_NEVER);
	fix_step(&t->f, "c1", T(1, 1, 0), "complaint.resumed");
	ask(t, T(1, 1, 30));
	w = of(t, "apologize");
	assert_int_equal(w->budget, 2 * AM_HOUR);
	assert_int_equal(w->sum, 2 * AM_HOUR);
	assert_int_equal(w->otherwise, 0);
	assert_int_equal(w->due, T(1, 2, 0));
	assert_window(w, 0, T(0, 0, 5), T(0, 1, 5));
	assert_window(w, 1, T(1, 1, 0), T(1, 2, 0));
	assert_int_equal(w->holds_n, 1);
	assert_int_equal(w->holds[0].from, T(0, 1, 5));
	assert_int_equal(w->holds[0].to, T(1, 1, 0));
	assert_true(am_str_is(w->holds[0].reason, "waiting_customer"));
	assert_int_equal(of(t, "final")->holds_n, 0);
	assert_int_equal(of(t, "final")->sum, 56 * AM_DAY);
}

/* DL9: a clock that was met says when, and what was left. */
static void
test_why_met_then_says_when_and_what_was_left(void **state)
{
	struct told *t = *state;
	const struct am_why *w;

	fix_step(&t->f, "c1", T(0, 0, 0), "complaint.opened category=card");
	fix_step(&t->f, "c1", T(0, 0, 10), "stage.completed stage=listen");
	ask(t, T(1, 0, 0));
	w = of(t, "listen");
	assert_int_equal(w->ended, T(0, 0, 10));
	assert_int_equal(w->due, T(0, 0, 30));
	assert_int_equal(w->consumed, 10 * AM_MINUTE);
	assert_int_equal(w->left, 20 * AM_MINUTE);
	assert_int_equal(w->sum, 10 * AM_MINUTE);
	assert_window(w, 0, T(0, 0, 0), T(0, 0, 10));
	assert_int_equal(w->written.n, 30 * AM_MINUTE);
	assert_false(w->of_tier);
}

/* DL9 DL10: an extension is said with who allowed it, and counted. */
static void
test_why_extended_then_says_by_whom_and_counts_it(void **state)
{
	struct told *t = *state;
	const struct am_why *w;

	((struct am_loopdef *)t->f.def)->max_extensions = 1;
	fix_step(&t->f, "c1", T(0, 0, 0), "complaint.opened category=card");
	fix_step(&t->f, "c1", T(0, 0, 10),
	    "deadline.extended clock=listen by=1h approver=zhao "
	    "reason='all lines are busy'");
	assert_int_equal(t->f.up.verdict, AM_APPLIED);
	ask(t, T(0, 0, 20));
	w = of(t, "listen");
	assert_int_equal(w->extra, AM_HOUR);
	assert_int_equal(w->budget, 90 * AM_MINUTE);
	assert_int_equal(w->sum, 90 * AM_MINUTE);
	assert_int_equal(w->due, T(0, 1, 30));
	assert_int_equal(w->moves_n, 1);
	assert_int_equal(w->moves[0].from, T(0, 0, 30));
	assert_int_equal(w->moves[0].to, T(0, 1, 30));
	assert_true(am_str_is(w->moves[0].approver, "zhao"));
	assert_true(am_str_is(w->moves[0].event, "deadline.extended"));
}

/* DL9: after a reopening half of the budget, and a tier's own is named. */
static void
test_why_reopened_then_says_that_it_is_half_of_its_tiers(void **state)
{
	static const char *const walk[] = {
		"complaint.opened category=card tier=mid",
		"stage.completed stage=listen",
		"stage.completed stage=apologize",
		"stage.completed stage=resolve root_cause=x action=y",
		"customer.answered verdict=unsatisfied",
	};
	struct told *t = *state;
	const struct am_why *w;

	for (size_t i = 0; i < AM_COUNT(walk); i++)
		fix_step(&t->f, "c1", T(0, 0, (am_ms)i), walk[i]);
	ask(t, T(0, 1, 0));
	w = of(t, "resolve");
	assert_true(w->halved);
	assert_int_equal(w->sum, w->budget);
	assert_int_equal(w->written.unit, AM_UNIT_BD);
	w = of(t, "listen"); /* of the first cycle, by now of tier high */
	assert_false(w->halved);
	assert_true(w->of_tier);
}

/* A journal that cannot be followed hides nothing: the sum still stands. */
static void
test_why_journal_is_gone_then_the_rest_is_told_apart(void **state)
{
	struct told *t = *state;
	struct fix_case *k;
	const struct am_why *w;

	fix_step(&t->f, "c1", T(0, 0, 0), "complaint.opened category=card");
	fix_step(
	    &t->f, "c1", T(0, 0, 10), "complaint.held reason=waiting_customer");
	fix_step(&t->f, "c1", T(0, 0, 40), "complaint.resumed");
	k = fix_case(&t->f, "c1");
	k->lines_n = 0;
	ask(t, T(0, 0, 45));
	w = of(t, "listen");
	assert_int_equal(w->otherwise, 10 * AM_MINUTE);
	assert_int_equal(w->sum, w->budget);
	assert_window(w, 0, T(0, 0, 40), T(0, 1, 0));
}

/* ---- after any history ---- */

static void
check(const struct past *p, const struct am_why *w)
{
	const struct am_clock *k = &p->c.clocks[w->clock];
	am_ms sum = 0, from, to, end = INT64_MIN;

	for (size_t i = 0; am_why_window(w, i, &from, &to); i++) {
		assert_true(to > from);
		end = to;
		sum += to - from;
	}
	assert_int_equal(w->otherwise, 0);
	assert_int_equal(sum, w->sum);
	if (k->state == AM_CLK_RUNNING && w->due != AM_NEVER) {
		assert_int_equal(sum, k->budget);
		if (k->budget > k->consumed && w->due > k->running_since)
			assert_int_equal(end, w->due);
	} else {
		assert_int_equal(sum, k->consumed);
	}
	for (size_t i = 0; i < w->holds_n; i++) {
		assert_true(w->holds[i].to >= w->holds[i].from);
		assert_true(w->holds[i].reason.n > 0);
		assert_true(w->holds[i].to != AM_NEVER ||
			    (i + 1 == w->holds_n && p->c.status == AM_HELD));
	}
}

/* DL9 */
static void
test_why_random_histories_then_windows_sum_to_the_budget(void **state)
{
	const char *more = getenv("HISTORIES");
	size_t n = more != NULL ? strtoul(more, NULL, 10) : 5000;
	size_t held = 0, moved = 0, windows = 0;
	struct am_why why[AM_CLOCKS_MAX];
	static struct past p;
	struct am_arena a;

	(void)state;
	rnd_seed("why_test");
	past_init(&p);
	am_arena_init(&a, 1 << 20);
	for (size_t i = 0; i < n; i++) {
		size_t clocks;

		past_make(&p, 1 + rnd(40));
		if (p.c.status == AM_NONE)
			continue;
		am_arena_reset(&a);
		clocks = am_why(&p.def, &p.c, p.lines, p.lines_n, past_loop, &p,
		    p.now, &a, why);
		assert_true(clocks > 0);
		for (size_t k = 0; k < clocks; k++) {
			check(&p, &why[k]);
			held += why[k].holds_n;
			moved += why[k].moves_n;
			windows += why[k].spans_n > 1;
		}
	}
	assert_true((held > 0 && moved > 0 && windows > 0) || n < 1000);
	am_arena_fini(&a);
	past_fini(&p);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_why_hold_in_the_middle_then_windows_on_both_sides),
		CASE(test_why_met_then_says_when_and_what_was_left),
		CASE(test_why_extended_then_says_by_whom_and_counts_it),
		CASE(test_why_reopened_then_says_that_it_is_half_of_its_tiers),
		CASE(test_why_journal_is_gone_then_the_rest_is_told_apart),
		cmocka_unit_test(
		    test_why_random_histories_then_windows_sum_to_the_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
