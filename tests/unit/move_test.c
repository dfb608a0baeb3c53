/*
 * move_test - a complaint goes on by other rules: an edited calendar
 * re-projects its dues (DL12), and it is migrated to another definition (LC6).
 *
 * Listening takes 2h of office time from Monday 09:00. In the edited calendar
 * the office of Monday 2026-11-23 opens at 09:00 and closes at 10:00, so the
 * second hour is Tuesday's first.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/str.h"
#include "tests/unit/acts.h"

#define LISTEN AM_CLOCK_STAGE0

static void
opened(struct acts *w)
{
	acts_tell(
	    w, acts_at(0, 9, 0), "complaint.opened category=card owner=li");
	assert_int_equal(acts_due(w, "listen"), acts_at(0, 11, 0));
}

/* The dues of all clocks that run, as the daemon would tell them. */
static void
tell_dues(struct acts *w, am_ms at, const char *event, const char *rest,
    const struct am_loopdef *was)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "%s %s", event, rest);

	for (size_t i = 0, k = 0; i < AM_CLOCKS_MAX; i++) {
		if (acts_c(w)->clocks[i].state == AM_CLK_RUNNING)
			n += snprintf(text + n, sizeof(text) - (size_t)n,
			    " due[%zu]='%zu %lld'", k++, i,
			    (long long)am_clock_due(was, acts_c(w), i));
	}
	acts_tell(w, at, text);
}

/* ---- DL12 ---- */

static void
edit_calendar(struct acts *w, struct am_calendar *cal, struct am_window *open)
{
	w->no_replay = true; /* the lines before are of the old calendar */
	open[0] =
	    (struct am_window){ acts_at(0, 9, 0), acts_at(0, 10, 0), 0, 20780 };
	open[1] = (struct am_window){ acts_at(1, 9, 0), acts_at(1, 17, 0),
		AM_HOUR, 20781 };
	*cal = *w->def.clocks[LISTEN].calendar;
	cal->windows = open;
	cal->windows_n = 2;
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		if (w->def.clocks[i].calendar != NULL)
			w->def.clocks[i].calendar = cal;
	}
}

/* DL12: one note each (old, new, reason); fired warnings stay fired. */
static void
test_calendar_edit_tells_each_due_that_moved(void **state)
{
	struct acts *w = *state;
	struct am_calendar cal;
	struct am_window open[2];
	struct am_loopdef was;
	const struct am_note *n;

	opened(w);
	acts_wake(w, acts_at(0, 10, 0)); /* warned, and acknowledge is late */
	was = w->def;
	edit_calendar(w, &cal, open);
	tell_dues(
	    w, acts_at(0, 10, 5), "calendar.changed", "reason=office", &was);
	n = acts_note(w, "deadline.moved", "clock", "listen");
	assert_int_equal(acts_pair_ms(n, "old"), acts_at(0, 11, 0));
	assert_int_equal(acts_pair_ms(n, "new"), acts_at(1, 10, 0));
	assert_true(am_str_is(acts_pair(n, "reason"), "calendar"));
	assert_true(am_str_is(acts_pair(n, "calendar"), "office"));
	assert_null(acts_note(w, "deadline.moved", "clock", "final"));
	assert_null(acts_note(w, "deadline.moved", "clock", "acknowledge"));
	assert_int_equal(acts_c(w)->version, 1); /* nobody has decided */
	assert_int_equal(acts_c(w)->clocks[LISTEN].fired, 1);
	acts_wake(w, acts_at(1, 9, 59));
	assert_int_equal(acts_c(w)->clocks[LISTEN].fired, 1);
	acts_wake(w, acts_at(1, 10, 0));
	assert_non_null(acts_followup(w, "lapse"));
}

static void
test_calendar_edit_that_moves_nothing_is_ignored(void **state)
{
	struct acts *w = *state;

	opened(w);
	tell_dues(
	    w, acts_at(0, 9, 5), "calendar.changed", "reason=office", &w->def);
	acts_ignored(w, "same");
}

/* A miss stays one, be it that nobody has seen it yet. */
static void
test_calendar_edit_leaves_a_miss(void **state)
{
	struct acts *w = *state;
	struct am_calendar cal;
	struct am_window open[2];
	struct am_loopdef was;
	const struct am_note *n;

	opened(w);
	was = w->def;
	edit_calendar(w, &cal, open);
	tell_dues(
	    w, acts_at(0, 12, 0), "calendar.changed", "reason=office", &was);
	n = acts_note(w, "deadline.missed", "clock", "listen");
	assert_int_equal(acts_pair_ms(n, "due_at"), acts_at(0, 11, 0));
	assert_true(acts_c(w)->clocks[LISTEN].missed);
}

/* The edit taken back: a due that comes to lie in the past fires at once. */
static void
test_calendar_edit_into_the_past_wakes_at_once(void **state)
{
	struct acts *w = *state;
	const struct am_calendar *office = w->def.clocks[LISTEN].calendar;
	struct am_calendar cal;
	struct am_window open[2];
	struct am_loopdef was;
	const struct am_note *n;

	edit_calendar(w, &cal, open);
	acts_tell(
	    w, acts_at(0, 9, 0), "complaint.opened category=card owner=li");
	assert_int_equal(acts_due(w, "listen"), acts_at(1, 10, 0));
	was = w->def;
	w->def.clocks[LISTEN].calendar = office;
	tell_dues(
	    w, acts_at(0, 12, 0), "calendar.changed", "reason=office", &was);
	assert_null(acts_note(w, "deadline.missed", "clock", "listen"));
	assert_true(w->f.up.wake_at <= acts_at(0, 12, 0));
	acts_wake(w, acts_at(0, 12, 0));
	n = acts_note(w, "deadline.missed", "clock", "listen");
	assert_int_equal(acts_pair_ms(n, "due_at"), acts_at(0, 11, 0));
	assert_non_null(acts_followup(w, "lapse"));
}

static void
test_calendar_edit_of_held_clocks_says_nothing(void **state)
{
	struct acts *w = *state;
	struct am_calendar cal;
	struct am_window open[2];
	struct am_loopdef was;

	opened(w);
	acts_tell(w, acts_at(0, 9, 1), "complaint.acknowledged");
	acts_tell(
	    w, acts_at(0, 9, 30), "complaint.held reason=waiting_customer");
	was = w->def;
	edit_calendar(w, &cal, open);
	tell_dues(
	    w, acts_at(0, 9, 40), "calendar.changed", "reason=office", &was);
	acts_ignored(w, "same");
	/* from the resume on it goes by the new one: 30m, 30m of Monday */
	acts_tell(w, acts_at(0, 9, 30), "complaint.resumed");
	assert_int_equal(acts_due(w, "listen"), acts_at(1, 10, 0));
}

static void
test_calendar_edit_that_cannot_be_read_is_refused(void **state)
{
	static const char *const bad[] = { "4", "99 5", "x 5", "4 soon" };
	struct acts *w = *state;
	char text[80];

	opened(w);
	for (size_t i = 0; i < AM_COUNT(bad); i++) {
		snprintf(
		    text, sizeof(text), "calendar.changed due[0]='%s'", bad[i]);
		acts_tell(w, acts_at(0, 9, 5), text);
		acts_refused(w, "bad_value", "due");
	}
}

/* ---- LC6: migrate ---- */

/* Another definition of the loop: 3h to listen, a rung more. */
static void
define(struct acts *w)
{
	struct am_clockdef *d = &w->next.clocks[LISTEN];

	w->next = w->def;
	w->next.ref = "complaint@0123456789ab";
	d->budget.n = 3 * AM_HOUR;
	for (size_t r = d->rungs_n++; r > 0; r--)
		d->rungs[r] = d->rungs[r - 1];
	d->rungs[0].name = "early";
	d->rungs[0].pct = 25;
}

/* By the daemon: the new definition is the one that the step is given. */
static void
migrate(struct acts *w, am_ms at, const char *rest)
{
	char text[256];

	w->f.def = &w->next;
	snprintf(text, sizeof(text), "by=chen reason=x from=%s %s", w->def.ref,
	    rest);
	tell_dues(w, at, "loop.migrated", text, &w->def);
}

/* LC6: migrate journals old and new due times. */
static void
test_migration_journals_old_and_new_dues(void **state)
{
	struct acts *w = *state;
	const struct am_note *n;
	char field[96];

	opened(w);
	define(w);
	migrate(w, acts_at(0, 9, 30), "tier=mid");
	n = acts_note(w, "loop.migrated", "by", "chen");
	assert_true(am_str_is(acts_pair(n, "from"), w->def.ref));
	assert_true(am_str_is(acts_pair(n, "to"), w->next.ref));
	n = acts_note(w, "deadline.moved", "clock", "listen");
	assert_int_equal(acts_pair_ms(n, "old"), acts_at(0, 11, 0));
	assert_int_equal(acts_pair_ms(n, "new"), acts_at(0, 12, 0));
	assert_true(am_str_is(acts_pair(n, "reason"), "migrated"));
	assert_null(acts_note(w, "deadline.moved", "clock", "final"));
	assert_true(am_str_is(acts_c(w)->loop_ref, w->next.ref));
	assert_int_equal(acts_c(w)->version, 2);
	snprintf(field, sizeof(field), "open:%s", w->def.ref);
	assert_int_equal(acts_tally(w, field), -1);
	snprintf(field, sizeof(field), "open:%s", w->next.ref);
	assert_int_equal(acts_tally(w, field), 1);
	assert_int_equal(acts_tally(w, "stage:complaint:listen:mid"), 0);
	migrate(w, acts_at(0, 9, 40), "tier=mid");
	acts_ignored(w, "already_done");
}

/* Rungs behind us count as fired, whatever their place is now. */
static void
test_migration_does_not_fire_what_lies_behind(void **state)
{
	struct acts *w = *state;

	opened(w);
	define(w);
	acts_wake(w, acts_at(0, 10, 0)); /* half of 2h: warned */
	migrate(w, acts_at(0, 10, 10), "tier=mid");
	/* 25 % of 3h was 09:45; its half is 10:30 and to come */
	assert_int_equal(acts_c(w)->clocks[LISTEN].fired, 1);
	acts_wake(w, acts_at(0, 10, 30));
	assert_null(acts_followup(w, "early"));
	assert_non_null(acts_followup(w, "warn"));
}

static void
test_migration_keeps_consumed_time_and_extensions(void **state)
{
	struct acts *w = *state;

	opened(w);
	define(w);
	acts_tell(w, acts_at(0, 9, 10),
	    "deadline.extended clock=listen by=30m reason=x approver=chen");
	acts_tell(
	    w, acts_at(0, 9, 30), "complaint.held reason=waiting_customer");
	migrate(w, acts_at(0, 9, 40), "tier=mid");
	acts_tell(w, acts_at(0, 10, 0), "complaint.resumed");
	/* 3h30m less the 30m before the hold */
	assert_int_equal(acts_due(w, "listen"), acts_at(0, 13, 0));
}

static void
test_migration_finds_the_tier_by_its_name(void **state)
{
	struct acts *w = *state;

	acts_tell(w, acts_at(0, 9, 0),
	    "complaint.opened category=card owner=li tier=low");
	define(w);
	w->next.tiers[1] = "low"; /* high and low are left */
	w->next.tiers_n = 2;
	w->next.name = "other";
	w->next.clocks[LISTEN].tier_budget[1].n = 5 * AM_HOUR;
	migrate(w, acts_at(0, 9, 10), "tier=low");
	assert_int_equal(w->f.up.verdict, AM_APPLIED);
	assert_string_equal(w->next.tiers[acts_c(w)->tier], "low");
	assert_int_equal(acts_due(w, "listen"), acts_at(0, 14, 0));
	assert_int_equal(acts_tally(w, "stage:complaint:listen:low"), -1);
	assert_int_equal(acts_tally(w, "stage:other:listen:low"), 1);
}

/* Clocks that the new loop does not have end; those it has more begin. */
static void
test_migration_ends_and_begins_clocks_of_the_whole_loop(void **state)
{
	struct acts *w = *state;

	w->def.clocks[AM_CLOCK_FINAL].in_use = false;
	opened(w);
	define(w);
	w->next.clocks[AM_CLOCK_FINAL].in_use = true;
	w->next.clocks[AM_CLOCK_ACKNOWLEDGE].in_use = false;
	migrate(w, acts_at(2, 9, 0), "tier=mid");
	assert_int_equal(
	    acts_c(w)->clocks[AM_CLOCK_ACKNOWLEDGE].state, AM_CLK_OVER);
	/* final from the receipt, as ever */
	assert_int_equal(acts_due(w, "final"), acts_at(28, 9, 0));
}

/* Three attempts have become one: the notice that waits is still the notice,
 * and its delivery starts the silence. */
static void
test_migration_keeps_the_written_notice(void **state)
{
	struct am_clockdef *d;
	struct acts *w = *state;
	const struct am_followup *f;
	char text[160], id[AM_FU_ID_LEN + 1];

	opened(w);
	define(w);
	d = &w->next.clocks[AM_CLOCK_CALLBACK];
	d->rungs[1] = d->rungs[3];
	d->rungs_n = 2;
	acts_tell(w, acts_at(0, 9, 1), "stage.completed stage=listen");
	acts_tell(w, acts_at(0, 9, 2), "stage.completed stage=apologize");
	acts_tell(w, acts_at(0, 9, 3), "stage.completed stage=resolve");
	acts_tell(w, acts_at(0, 9, 4), "callback.attempted outcome=refused");
	f = acts_followup(w, "notice");
	assert_non_null(f);
	am_fu_id_format(f->id, id);
	migrate(w, acts_at(0, 9, 5), "tier=mid attempts=3");
	assert_int_equal(acts_c(w)->clocks[AM_CLOCK_CALLBACK].fired, 3);
	snprintf(text, sizeof(text),
	    "followup.ended followup_id=%s state=delivered", id);
	acts_tell(w, acts_at(0, 9, 6), text);
	assert_int_equal(
	    acts_c(w)->clocks[AM_CLOCK_SILENCE].state, AM_CLK_RUNNING);
}

static void
test_migration_keeps_the_attempts_that_were_made(void **state)
{
	struct am_clockdef *d;
	struct acts *w = *state;

	opened(w);
	define(w);
	d = &w->next.clocks[AM_CLOCK_CALLBACK];
	d->rungs[4] = d->rungs[3];
	d->rungs[3] = d->rungs[2];
	d->rungs_n = 5;
	acts_tell(w, acts_at(0, 9, 1), "stage.completed stage=listen");
	acts_tell(w, acts_at(0, 9, 2), "stage.completed stage=apologize");
	acts_tell(w, acts_at(0, 9, 3), "stage.completed stage=resolve");
	acts_tell(w, acts_at(0, 9, 4), "callback.attempted outcome=busy");
	migrate(w, acts_at(0, 9, 5), "tier=mid attempts=3");
	assert_int_equal(acts_c(w)->clocks[AM_CLOCK_CALLBACK].fired, 1);
}

static void
test_migration_that_does_not_fit_is_refused(void **state)
{
	struct acts *w = *state;

	opened(w);
	define(w);
	migrate(w, acts_at(0, 9, 10), "tier=gold");
	acts_refused(w, "misfit", "loop");
	acts_tell(w, acts_at(0, 9, 11), "loop.migrated from=other@1 tier=mid");
	acts_refused(w, "conflict", "from");
	w->f.def = &w->def;
	acts_tell(w, acts_at(0, 9, 12), "stage.completed stage=resolve");
	w->next.stages_n = 3;
	w->f.def = &w->next;
	migrate(w, acts_at(0, 9, 13), "tier=mid");
	acts_refused(w, "misfit", "loop");
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, acts_setup, acts_teardown)
	const struct CMUnitTest tests[] = {
		T(test_calendar_edit_tells_each_due_that_moved),
		T(test_calendar_edit_that_moves_nothing_is_ignored),
		T(test_calendar_edit_leaves_a_miss),
		T(test_calendar_edit_into_the_past_wakes_at_once),
		T(test_calendar_edit_of_held_clocks_says_nothing),
		T(test_calendar_edit_that_cannot_be_read_is_refused),
		T(test_migration_journals_old_and_new_dues),
		T(test_migration_does_not_fire_what_lies_behind),
		T(test_migration_keeps_consumed_time_and_extensions),
		T(test_migration_finds_the_tier_by_its_name),
		T(test_migration_ends_and_begins_clocks_of_the_whole_loop),
		T(test_migration_keeps_the_written_notice),
		T(test_migration_keeps_the_attempts_that_were_made),
		T(test_migration_that_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
