/*
 * clause_test - halves of sentences that the stories do not show: what LC2,
 * LC3, LC5, LC7, DL11, CF3, CF4, CF5, ES1 and ES4 say beside the main thing.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "tests/unit/acts.h"
#include "tests/unit/confirm_world.h"
#include "tests/unit/past.h"
#include "tests/unit/rnd.h"

#define CONFIRM (AM_CLOCK_STAGE0 + 3)

/* Notes of the last step with that name and clock; clock NULL: any. */
static size_t
said(const char *name, const char *clock)
{
	size_t n = 0;

	for (const struct am_note *x = cw.up.notes; x != NULL; x = x->next) {
		if (strcmp(x->name, name) != 0)
			continue;
		for (size_t i = 0; i < x->pairs_n; i++)
			n += clock != NULL &&
			     am_str_is(x->pairs[i].key, "clock") &&
			     am_str_is(x->pairs[i].value, clock);
		n += clock == NULL;
	}
	return n;
}

/* ---- LC2 ---- */

/* LC2: the customer is satisfied, the apology is owed, and it is waived while
 * the loop is held: nothing is owed any more, and it closes. */
static void
test_clause_waiver_in_a_hold_closes_what_waited_for_it(void **state)
{
	(void)state;
	cw_step("Mon 09:00", "complaint.opened category=card owner=li");
	cw_step("Mon 09:10", "stage.completed stage=resolve");
	cw_step("Mon 09:20", "customer.answered verdict=satisfied");
	assert_int_equal(CW->status, AM_OPEN);
	cw_step("Mon 09:30", "complaint.held reason=waiting_third_party");
	cw_step("Mon 09:40", "stage.waived stage=apologize reason=x "
			     "approver=wang");
	assert_int_equal(CW->status, AM_CLOSED);
	assert_int_equal(CW->outcome, AM_OUTCOME_SATISFIED);
	assert_int_equal(CW->owed, 0);
	assert_int_equal(cw_tally("held"), -1);
}

/* ---- LC3 ---- */

/* LC3: needs a listed reason, stops stage clocks only, and ends by itself at
 * max_hold with an event. */
static void
test_clause_hold_ends_by_itself_and_stops_stage_clocks_only(void **state)
{
	(void)state;
	cw_def()->max_hold = (struct am_duration){ AM_UNIT_TIME, 2 * AM_HOUR };
	cw_step("Mon 09:00", "complaint.opened category=card owner=li");
	cw_step("Mon 09:10", "complaint.held reason=lunch");
	assert_int_equal(cw.up.verdict, AM_REJECTED);
	assert_true(am_str_is(cw.up.reject.field, "reason"));
	cw_step("Mon 09:10", "complaint.held reason=waiting_customer");
	assert_int_equal(CW->clocks[AM_CLOCK_STAGE0].state, AM_CLK_STOPPED);
	assert_int_equal(CW->clocks[AM_CLOCK_INFORM].state, AM_CLK_RUNNING);
	assert_int_equal(CW->clocks[AM_CLOCK_FINAL].state, AM_CLK_RUNNING);
	cw_sleep("Mon 11:09");
	assert_int_equal(CW->status, AM_HELD);
	cw_sleep("Mon 11:10");
	assert_int_equal(CW->status, AM_OPEN);
	assert_string_equal(cw_said("complaint.resumed", "reason"), "max_hold");
	assert_int_equal(CW->clocks[AM_CLOCK_STAGE0].state, AM_CLK_RUNNING);
}

/* ---- LC5 ---- */

static size_t
lines_with(const char *text)
{
	const struct fix_case *k = fix_case(&cw, "C-1");
	size_t n = 0;

	for (size_t i = 0; i < k->lines_n; i++)
		n += memmem(k->lines[i].p, k->lines[i].n, text, strlen(text)) !=
		     NULL;
	return n;
}

/* LC5: cycle n stays readable: its lines stand before the one that reopens. */
static void
test_clause_cycle_before_a_reopening_stays_readable(void **state)
{
	const struct fix_case *k = fix_case(&cw, "C-1");
	struct am_str first;

	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	first = am_arena_dup(&cw.journal, k->lines[3]);
	cw_step("Mon 11:00", "customer.answered verdict=unsatisfied");
	assert_string_equal(cw_said("loop.reopened", "cycle"), "2");
	cw_step("Mon 12:00", "stage.completed stage=resolve");
	cw_step("Mon 13:00", "customer.answered verdict=satisfied");
	assert_true(am_str_eq(k->lines[3], first));
	assert_int_equal(lines_with("\"n\":\"loop.reopened\""), 1);
	assert_int_equal(
	    lines_with("\"n\":\"stage.met\",\"stage\":\"resolve\""), 2);
	assert_int_equal(CW->outcome, AM_OUTCOME_SATISFIED_AFTER_REOPEN);
}

/* ---- LC7 ---- */

/* LC7: a stale expected_version is refused with the current state. */
static void
test_clause_stale_command_is_told_the_state(void **state)
{
	(void)state;
	cw_step("Mon 09:00", "complaint.opened category=card owner=li");
	cw_step("Mon 09:10", "stage.completed stage=listen expect=1");
	cw_step("Mon 09:20", "complaint.held reason=waiting_customer expect=2");
	cw_step("Mon 09:30", "stage.completed stage=listen expect=1");
	assert_int_equal(cw.up.verdict, AM_REJECTED);
	assert_string_equal(cw.up.reject.code, "conflict");
	assert_true(am_str_is(cw.up.reject.field, "expected_version"));
	assert_non_null(strstr(cw.up.reject.text, "version 3"));
	assert_non_null(strstr(cw.up.reject.text, "held in apologize"));
}

/* ---- DL11 ---- */

/* DL11: `final` ignores hold and reopen, warns at 50/75/90 %, and at expiry
 * sends the recourse follow-up: 8 weeks are 56 days. */
static void
test_clause_final_warns_thrice_and_sends_recourse(void **state)
{
	static const int pct[] = { 50, 75, 90 };
	static const char *const names[] = { "half", "more", "last" };
	struct am_clockdef *d = &cw_def()->clocks[AM_CLOCK_FINAL];
	am_ms at[4], begin = cw_at("Mon 09:00");
	size_t n = 0;

	(void)state;
	d->rungs_n = AM_COUNT(pct);
	for (size_t i = 0; i < AM_COUNT(pct); i++) {
		d->rungs[i] = d->rungs[0];
		d->rungs[i].pct = pct[i];
		d->rungs[i].name = names[i];
	}
	cw_def()->max_hold = (struct am_duration){ AM_UNIT_DAYS, 60 * AM_DAY };
	cw_walk_to_confirm("Mon 09:00");
	cw_step("Tue 09:00", "customer.answered verdict=unsatisfied");
	cw_step("Tue 10:00", "complaint.held reason=waiting_third_party");
	while (n < 4) {
		am_ms t = cw_wake();

		if (said("deadline.warned", "final") +
			said("deadline.missed", "final") ==
		    1)
			at[n++] = t - begin;
	}
	assert_int_equal(at[0], 28 * AM_DAY);
	assert_int_equal(at[1], 42 * AM_DAY);
	assert_int_equal(at[2], 50 * AM_DAY + AM_DAY * 4 / 10);
	assert_int_equal(at[3], 56 * AM_DAY);
	assert_int_equal(CW->status, AM_HELD);
	assert_int_equal(cw_sent("recourse:customer"), 1);
}

/* ---- CF3, CF4, CF5 ---- */

/* CF3: one confirmation per cycle, at most survey_reminders reminders, and it
 * expires: after the silence nobody asks, and an answer changes no outcome. */
static void
test_clause_survey_is_asked_once_a_cycle_and_expires(void **state)
{
	struct am_clockdef *d = &cw_def()->clocks[CONFIRM];
	size_t asked = 0, again = 0;

	(void)state;
	d->rungs[2] = d->rungs[1];
	d->rungs[1] = d->rungs[0];
	d->rungs[1].name = "again";
	d->rungs[1].pct = 50;
	d->rungs[1].reason = AM_REASON_WARN;
	d->rungs_n = 3;
	assert_int_equal(cw_def()->stages[3].survey_reminders, 1);
	cw_walk_to_confirm("Mon 10:00");
	assert_int_equal(said("confirmation.requested", NULL), 1);
	cw_end("Mon 10:01", "callback-confirm", "ask", "delivered");
	while (cw.now < cw_at("Fri+1 19:00")) {
		(void)cw_wake();
		asked += said("confirmation.requested", NULL);
		again += cw_sent("again");
	}
	assert_int_equal(asked, 0);
	assert_int_equal(again, 1);
	cw_step("Fri+1 19:00", "customer.answered verdict=unsatisfied");
	assert_int_equal(CW->cycle, 2);
	cw_step("Fri+1 19:10", "stage.completed stage=resolve");
	assert_int_equal(said("confirmation.requested", NULL), 1);
	cw_end("Fri+1 19:11", "callback-confirm", "ask", "delivered");
	cw_step("Fri+1 19:20", "callback.attempted outcome=refused");
	assert_int_equal(said("confirmation.requested", NULL), 0);
	cw_end("Fri+1 19:21", "callback", "notice", "delivered");
	while (CW->status == AM_OPEN)
		(void)cw_wake();
	assert_int_equal(CW->outcome, AM_OUTCOME_DECLINED);
	assert_null(cw.up.followups);
	cw_step("Sun+6 10:00", "customer.answered verdict=satisfied");
	assert_int_equal(cw.up.verdict, AM_IGNORED);
	assert_int_equal(CW->outcome, AM_OUTCOME_DECLINED);
}

/* CF4: a score <= reopen_at without a verdict starts the next cycle in the same
 * commit and tells owner and supervisor; one above it is satisfied. */
static void
test_clause_score_alone_is_an_answer(void **state)
{
	(void)state;
	assert_int_equal(cw_def()->stages[3].reopen_at, 2);
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 11:00", "customer.answered score=2");
	assert_int_equal(CW->cycle, 2);
	assert_int_equal(CW->status, AM_OPEN);
	assert_int_equal(cw_sent("reopen:owner"), 1);
	assert_int_equal(cw_sent("reopen:supervisor"), 1);
	cw_step("Mon 12:00", "stage.completed stage=resolve");
	cw_step("Mon 13:00", "customer.answered score=3");
	assert_int_equal(CW->outcome, AM_OUTCOME_SATISFIED_AFTER_REOPEN);
}

/* CF5: said to be contradictory, and a person is told: by the first rung of the
 * ladder that is not the question. */
static void
test_clause_contradiction_is_told_to_a_person(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 11:00", "customer.answered verdict=satisfied score=2");
	assert_string_equal(
	    cw_said("customer.answered", "effect"), "contradiction");
	assert_int_equal(cw_sent("lapse"), 1);
	assert_int_equal(cw_followup("lapse")->to, AM_ROLE_OWNER);
	assert_int_equal(CW->status, AM_OPEN);
}

/* ---- ES1 ---- */

/* ES1: 1..8 rungs at +time or %, each with role and channel, in order. */
static void
test_clause_ladder_of_eight_rungs_climbs_in_order(void **state)
{
	static const struct {
		bool is_pct;
		int n; /* % or minutes behind the lapse */
		enum am_role to;
		am_ms at; /* minutes of 2h */
	} want[] = { { true, 25, AM_ROLE_OWNER, 30 },
		{ true, 50, AM_ROLE_AGENT, 60 },
		{ true, 80, AM_ROLE_OWNER, 96 },
		{ true, 100, AM_ROLE_OWNER, 120 },
		{ false, 15, AM_ROLE_SUPERVISOR, 135 },
		{ false, 30, AM_ROLE_MANAGER, 150 },
		{ false, 45, AM_ROLE_TEAM, 165 },
		{ false, 60, AM_ROLE_CUSTOMER, 180 } };
	struct acts *w = *state;
	struct am_clockdef *d = &w->def.clocks[AM_CLOCK_STAGE0];
	struct am_rungdef like = d->rungs[3]; /* escalate */
	static char name[AM_COUNT(want)][8];  /* the teardown replays */

	d->rungs_n = AM_COUNT(want);
	for (size_t i = 0; i < AM_COUNT(want); i++) {
		struct am_rungdef *r = &d->rungs[i];

		snprintf(name[i], sizeof(name[i]), "r%zu", i);
		*r = like;
		r->name = name[i];
		r->is_pct = want[i].is_pct;
		r->pct = want[i].is_pct ? want[i].n : 0;
		r->offset = (struct am_duration){ AM_UNIT_TIME,
			want[i].is_pct ? 0 : want[i].n * AM_MINUTE };
		r->to = want[i].to;
	}
	acts_tell(
	    w, acts_at(0, 9, 0), "complaint.opened category=card owner=li");
	for (size_t i = 0; i < AM_COUNT(want); i++) {
		const struct am_followup *f;
		am_ms at = acts_at(0, 9, 0) + want[i].at * AM_MINUTE;

		acts_wake(w, at - 1);
		assert_null(acts_followup(w, name[i]));
		acts_wake(w, at);
		f = acts_followup(w, name[i]);
		assert_non_null(f);
		assert_int_equal(f->to, want[i].to);
		assert_true(am_str_is(f->endpoint, "crm"));
		assert_int_equal(f->fired_at, at);
	}
}

/* ---- ES4 ---- */

/* ES4: no setting can make an endless series: after any history, left alone, a
 * complaint falls silent after as many follow-ups as its clocks have rungs, and
 * those of the cycle that an owner's neglect or a silence brings. */
static void
test_clause_left_alone_any_complaint_falls_silent(void **state)
{
	static struct past p;
	size_t told = 0;

	(void)state;
	rnd_seed("clause_test");
	past_init(&p);
	for (int i = 0; i < 1000; i++) {
		size_t n = 0, limit = 0, wakes = 0;

		past_make(&p, 1 + rnd(25));
		for (size_t k = 0; k < AM_CLOCKS_MAX; k++)
			limit += p.def.clocks[k].rungs_n + 2;
		while (p.c.status != AM_NONE && p.wake_at != AM_NEVER) {
			const struct am_event wake = { .type = AM_EV_WAKE,
				.complaint_id = p.c.id,
				.at = p.wake_at > p.now ? p.wake_at : p.now,
				.expected_version = -1 };
			struct am_update up;

			p.now = wake.at;
			p.lines_n = 0;
			past_step(&p, &wake, &up);
			for (const struct am_followup *f = up.followups;
			     f != NULL; f = f->next)
				n++;
			assert_true(++wakes <= 2 * limit);
		}
		assert_true(n <= limit);
		told += n;
	}
	assert_true(told > 1000);
	past_fini(&p);
}

int
main(void)
{
#define C(name) cmocka_unit_test_setup_teardown(name, cw_setup, cw_teardown)
#define A(name) cmocka_unit_test_setup_teardown(name, acts_setup, acts_teardown)
	const struct CMUnitTest tests[] = {
		C(test_clause_waiver_in_a_hold_closes_what_waited_for_it),
		C(test_clause_hold_ends_by_itself_and_stops_stage_clocks_only),
		C(test_clause_cycle_before_a_reopening_stays_readable),
		C(test_clause_stale_command_is_told_the_state),
		C(test_clause_final_warns_thrice_and_sends_recourse),
		C(test_clause_survey_is_asked_once_a_cycle_and_expires),
		C(test_clause_score_alone_is_an_answer),
		C(test_clause_contradiction_is_told_to_a_person),
		A(test_clause_ladder_of_eight_rungs_climbs_in_order),
		cmocka_unit_test(
		    test_clause_left_alone_any_complaint_falls_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
