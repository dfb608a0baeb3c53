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
#include "core/clock.h"
#include "tests/unit/acts.h"
#include "tests/unit/rnd.h"

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

/* By the daemon: the step is given the new definition. Tier NULL: its own. */
static void
move_to(struct acts *w, const struct am_loopdef *to, am_ms at, const char *tier)
{
	struct fix_case *k = fix_case(&w->f, "C-1");
	struct am_event ev = { .type = AM_EV_MIGRATED,
		.source = AM_STR("amends"),
		.complaint_id = am_str_c(k->id),
		.at = at,
		.occurred_at = AM_NEVER,
		.expected_version = -1 };
	struct am_pair *fields;
	struct am_arena a;
	char id[24];

	am_arena_init(&a, 0);
	snprintf(id, sizeof(id), "m%u", ++w->f.events_n);
	ev.event_id = am_str_c(id);
	fields = am_migration_fields(w->f.def, &k->c, 1, &a, &ev.fields_n);
	if (tier != NULL)
		fields[1].value = am_str_c(tier);
	fields[ev.fields_n++] =
	    (struct am_pair){ AM_STR("by"), AM_STR("chen") };
	ev.fields = fields;
	w->f.def = to;
	w->f.now = at;
	fix_event(&w->f, k, &ev);
	am_arena_fini(&a);
}

static void
migrate(struct acts *w, am_ms at, const char *tier)
{
	move_to(w, &w->next, at, tier);
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
	migrate(w, acts_at(0, 9, 30), NULL);
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
	migrate(w, acts_at(0, 9, 40), NULL);
	acts_ignored(w, "already_done");
}

/* What has fired stays fired, and what lies behind us counts so; whatever
 * their place is now. */
static void
test_migration_does_not_fire_what_lies_behind(void **state)
{
	struct acts *w = *state;

	opened(w);
	define(w);
	acts_wake(w, acts_at(0, 10, 0)); /* half of 2h: warned */
	migrate(w, acts_at(0, 10, 10), NULL);
	/* 25 % of 3h was 09:45; its half is 10:30, but of that was warned */
	assert_int_equal(acts_c(w)->clocks[LISTEN].fired, 3);
	acts_wake(w, acts_at(0, 11, 59));
	assert_int_equal(acts_c(w)->clocks[LISTEN].fired, 3);
	acts_wake(w, acts_at(0, 12, 0));
	assert_non_null(acts_followup(w, "lapse"));
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
	migrate(w, acts_at(0, 9, 40), NULL);
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
	migrate(w, acts_at(0, 9, 10), "low");
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
	migrate(w, acts_at(2, 9, 0), NULL);
	assert_int_equal(
	    acts_c(w)->clocks[AM_CLOCK_ACKNOWLEDGE].state, AM_CLK_OVER);
	/* final from the receipt, as ever */
	assert_int_equal(acts_due(w, "final"), acts_at(28, 9, 0));
}

/* LC5: the loop has no backstop any more, but a rejection still waits to be
 * told; LC6: what `final` itself had to say does not. */
static void
test_migration_keeps_recourse_when_final_has_left_the_loop(void **state)
{
	struct acts *w = *state;
	const struct am_complaint *c = acts_c(w);

	opened(w);
	acts_tell(w, acts_at(0, 9, 10), "complaint.rejected reason=x");
	assert_int_equal(c->waiting_n, 1);
	define(w);
	w->next.clocks[AM_CLOCK_FINAL].in_use = false;
	migrate(w, acts_at(0, 9, 30), NULL);
	assert_int_equal(c->clocks[AM_CLOCK_FINAL].state, AM_CLK_OFF);
	assert_int_equal(c->waiting_n, 1);
	assert_false(am_fu_over(c, &c->waiting[0]));
}

/* What a rung had to say goes on its way when the rung has left the ladder, but
 * by no other channel. */
static void
test_migration_tries_no_channel_of_a_rung_that_is_gone(void **state)
{
	struct acts *w = *state;
	struct am_clockdef *d = &w->next.clocks[LISTEN];
	char text[120], id[AM_FU_ID_LEN + 1];

	opened(w);
	acts_tell(w, acts_at(0, 9, 5), "complaint.acknowledged");
	acts_wake(w, acts_at(0, 10, 0)); /* "warn" */
	assert_int_equal(acts_c(w)->waiting_n, 1);
	define(w);
	d->rungs_n--;
	for (size_t r = 1; r < d->rungs_n; r++)
		d->rungs[r] = d->rungs[r + 1];
	for (size_t r = 0; r < d->rungs_n; r++) {
		d->rungs[r].via[1] = d->rungs[r].via[0];
		d->rungs[r].via[1].endpoint = "desk";
		d->rungs[r].via_n = 2;
	}
	migrate(w, acts_at(0, 10, 1), NULL);
	assert_int_equal(acts_c(w)->waiting[0].rung, AM_RUNGS_MAX);
	am_fu_id_format(acts_c(w)->waiting[0].id, id);
	snprintf(
	    text, sizeof(text), "followup.ended followup_id=%s state=dead", id);
	acts_tell(w, acts_at(0, 10, 2), text);
	assert_null(w->f.up.followups);
}

/* A rung that has left the ladder leaves no complaint behind for ever. */
static void
test_migration_without_rungs_left_ends_aftercare(void **state)
{
	struct acts *w = *state;
	struct am_clockdef *d = &w->def.clocks[AM_CLOCK_AFTERCARE];

	*d = w->def.clocks[AM_CLOCK_FINAL];
	d->name = "aftercare";
	d->rungs[0].reason = AM_REASON_AFTERCARE;
	opened(w);
	acts_tell(
	    w, acts_at(0, 9, 10), "stage.completed stage=resolve root_cause=x");
	acts_tell(w, acts_at(0, 9, 20), "customer.answered verdict=satisfied");
	while (acts_c(w)->owed != 0)
		acts_tell(w, acts_at(0, 9, 20),
		    (acts_c(w)->owed & 1) != 0
			? "stage.completed stage=listen"
			: "stage.completed stage=apologize");
	assert_int_equal(acts_c(w)->status, AM_CLOSED);
	define(w);
	w->next.clocks[AM_CLOCK_AFTERCARE].rungs_n = 0;
	migrate(w, acts_at(0, 9, 30), NULL);
	assert_false(am_clock_live(&acts_c(w)->clocks[AM_CLOCK_AFTERCARE]));
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
	migrate(w, acts_at(0, 9, 5), NULL);
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
	migrate(w, acts_at(0, 9, 5), NULL);
	assert_int_equal(acts_c(w)->clocks[AM_CLOCK_CALLBACK].fired, 1);
}

static void
test_migration_that_does_not_fit_is_refused(void **state)
{
	struct acts *w = *state;

	opened(w);
	define(w);
	migrate(w, acts_at(0, 9, 10), "gold");
	acts_refused(w, "misfit", "loop");
	acts_tell(w, acts_at(0, 9, 11), "loop.migrated from=other@1 tier=mid");
	acts_refused(w, "conflict", "from");
	w->f.def = &w->def;
	acts_tell(w, acts_at(0, 9, 12), "stage.completed stage=resolve");
	w->next.stages_n = 3;
	migrate(w, acts_at(0, 9, 13), NULL);
	acts_refused(w, "misfit", "loop");
}

static void
test_migration_names_every_rung_that_has_fired(void **state)
{
	struct acts *w = *state;
	char text[120];

	opened(w);
	define(w);
	acts_wake(w, acts_at(0, 10, 0));
	snprintf(
	    text, sizeof(text), "loop.migrated from=%s tier=mid", w->def.ref);
	w->f.def = &w->next;
	acts_tell(w, acts_at(0, 10, 1), text);
	acts_refused(w, "bad_value", "fired");
}

/*
 * Any life, moved to and fro between two ladders of different length: the
 * record stays whole, a miss stays one, and the teardown replays it.
 */
static void
one_life(struct acts *w)
{
	static const char *const texts[] = { "wake", "wake", "wake", "wake",
		"complaint.acknowledged ttl=30m",
		"stage.completed stage=listen",
		"stage.completed stage=apologize",
		"stage.completed stage=resolve",
		"stage.waived stage=apologize reason=x approver=chen",
		"complaint.held reason=waiting_customer", "complaint.resumed",
		"complaint.updated tier=high",
		"complaint.updated tier=low severity=emergency",
		"complaint.updated severity=minor",
		"complaint.assigned owner=li role=agent",
		"deadline.extended clock=listen by=2h reason=x approver=chen",
		"callback.attempted outcome=busy",
		"callback.attempted outcome=refused",
		"customer.answered verdict=satisfied",
		"customer.answered verdict=unsatisfied",
		"customer.message text=x", "complaint.rejected reason=x" };
	am_ms at = acts_at(0, 9, 0);
	bool missed[AM_CLOCKS_MAX] = { false };
	uint16_t entry[AM_CLOCKS_MAX] = { 0 };

	acts_tell(w, at, "complaint.opened category=card");
	for (int i = 0; i < 60; i++) {
		const struct am_loopdef *other =
		    w->f.def == &w->def ? &w->next : &w->def;
		am_ms wake = fix_case(&w->f, "C-1")->wake_at;

		at += (am_ms)rnd(5 * AM_HOUR);
		if (rnd(2) && wake != AM_NEVER && wake > w->f.now)
			at = wake;
		if (rnd(8) == 0)
			move_to(w, other, at, NULL);
		else
			acts_tell(w, at, texts[rnd(AM_COUNT(texts))]);
		if (acts_c(w)->status == AM_NONE)
			return; /* retention is over */
		assert_int_equal(am_complaint_check(w->f.def, acts_c(w)), 0);
		for (size_t k = 0; k < AM_CLOCKS_MAX; k++) {
			const struct am_clock *c = &acts_c(w)->clocks[k];

			assert_true(
			    !missed[k] || c->missed || c->entry != entry[k]);
			missed[k] = c->missed;
			entry[k] = c->entry;
		}
	}
}

static void
test_migration_to_and_fro_keeps_the_record_whole(void **state)
{
	(void)state;
	rnd_seed("migrations");
	for (int i = 0; i < 150; i++) {
		void *life;
		struct acts *w;

		acts_setup(&life);
		w = life;
		define(w);
		w->next.clocks[LISTEN + 2].rungs_n = 1;
		w->next.clocks[AM_CLOCK_CALLBACK].rungs[1] =
		    w->next.clocks[AM_CLOCK_CALLBACK].rungs[3];
		w->next.clocks[AM_CLOCK_CALLBACK].rungs_n = 2;
		w->next.clocks[AM_CLOCK_UNOWNED].in_use = false;
		one_life(w);
		acts_teardown(&life);
	}
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
		T(test_migration_keeps_recourse_when_final_has_left_the_loop),
		T(test_migration_tries_no_channel_of_a_rung_that_is_gone),
		T(test_migration_without_rungs_left_ends_aftercare),
		T(test_migration_keeps_the_written_notice),
		T(test_migration_keeps_the_attempts_that_were_made),
		T(test_migration_that_does_not_fit_is_refused),
		T(test_migration_names_every_rung_that_has_fired),
		cmocka_unit_test(
		    test_migration_to_and_fro_keeps_the_record_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
