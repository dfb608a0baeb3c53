/*
 * catchup_test - one wake-up after a long silence: what was missed collapses,
 * what must be done is done, the customer hears once (OP2, the core's part).
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "core/clock.h"
#include "tests/unit/rnd.h"
#include "tests/unit/told.h"

/* OP2: after 8 h down missed rungs of one clock and role are one message. */
static void
test_catchup_missed_rungs_of_a_clock_and_role_collapse(void **state)
{
	struct told *w = *state;
	const struct am_followup *f;
	size_t n = 0;

	told_open(w, "owner=li");
	told_step(w, 8 * AM_HOUR, "wake");
	assert_non_null(told_born(w, "lapse"));
	assert_null(told_born(w, "warn")); /* by crm as well */
	assert_null(told_born(w, "late")); /* by desk */
	assert_non_null(told_born(w, "escalate"));
	assert_non_null(told_born(w, "take"));
	assert_null(told_born(w, "vip")); /* made to count by `take` */
	assert_int_equal(
	    told_notes(w, "followup.suppressed", "reason", "collapsed"), 3);
	for (f = w->f.up.followups; f != NULL; f = f->next) {
		assert_true(f->catchup);
		assert_true(f->to == AM_ROLE_CUSTOMER
				? f->group.n == 0
				: am_str_is(f->group, "catchup"));
		n++;
	}
	assert_int_equal(n, told_c(w)->waiting_n);
	/* what fired is told all the same, each once */
	assert_int_equal(told_notes(w, "deadline.warned", NULL, NULL), 2);
	assert_int_equal(told_notes(w, "escalation.raised", NULL, NULL), 3);
	assert_int_equal(
	    told_notes(w, "deadline.missed", "clock", "listen"), 1);
}

/* OP2: actions always run, in order of due. */
static void
test_catchup_actions_run_in_order(void **state)
{
	struct told *w = *state;
	struct am_clockdef *d = &w->def.clocks[AM_CLOCK_STAGE0];
	const struct am_note *first;
	size_t changes = 0;

	for (size_t r = 0; r < d->rungs_n; r++)
		if (strcmp(d->rungs[r].name, "escalate") == 0)
			d->rungs[r].action = AM_ACTION_RAISE_TIER;
	told_open(w, "owner=li tier=low");
	told_step(w, 8 * AM_HOUR, "wake");
	assert_int_equal(told_c(w)->tier, 0); /* two up */
	first = told_note(w, "complaint.updated", NULL, NULL);
	for (const struct am_note *n = w->f.up.notes; n != NULL; n = n->next)
		changes += strcmp(n->name, "complaint.updated") == 0;
	assert_int_equal(changes, 2);
	assert_true(am_str_is(told_pair(first, "tier_was"), "low"));
	assert_true(am_str_is(told_pair(first, "reason"), "escalate"));
}

/* OP2: over all clocks the customer gets one message, the weightiest. */
static void
test_catchup_customer_hears_once(void **state)
{
	struct told *w = *state;

	told_open(w, "owner=li");
	told_confirm(w, AM_HOUR);
	told_deliver(w);
	told_step(w, 6 * AM_DAY, "wake"); /* inform, final */
	assert_int_equal(told_born_to(w, AM_ROLE_CUSTOMER), 1);
	assert_non_null(told_born(w, "recourse"));
	assert_non_null(told_note(w, "followup.suppressed", "clock", "inform"));
	assert_int_equal(told_c(w)->recourse, AM_RECOURSE_SENT);
}

/* OP2: what waits unsent from before counts: it says it all. */
static void
test_catchup_reminder_makes_way_for_the_question_that_waits(void **state)
{
	struct told *w = *state;

	told_open(w, "owner=li");
	told_confirm(w, AM_HOUR); /* the question waits */
	told_step(w, 9 * AM_HOUR, "wake");
	assert_int_equal(told_born_to(w, AM_ROLE_CUSTOMER), 0);
	assert_non_null(told_waits(w, "text"));
	assert_non_null(
	    told_note(w, "followup.suppressed", "reason", "collapsed"));
}

/* The question half a day into its stage, so that a wake-up asks it. */
static void
ask_later(struct told *w)
{
	w->def.clocks[AM_CLOCK_STAGE0 + 2].rungs[0].pct = 10;
}

/* OP2: the question never collapses. */
static void
test_catchup_question_is_asked_and_replaces_the_rest(void **state)
{
	struct told *w = *state;

	ask_later(w);
	told_open(w, "owner=li");
	told_confirm(w, AM_HOUR);
	told_step(w, 14 * AM_HOUR, "wake"); /* inform, the question */
	assert_int_equal(told_born_to(w, AM_ROLE_CUSTOMER), 1);
	assert_non_null(told_born(w, "ask"));
}

/* CF7: recourse is owed by law; behind the question it goes out an hour later,
 * so that the customer still hears one thing at a time. */
static void
test_catchup_recourse_waits_an_hour_behind_the_question(void **state)
{
	struct told *w = *state;

	ask_later(w);
	told_open(w, "owner=li");
	told_confirm(w, AM_HOUR);
	told_deliver(w);
	told_step(w, 5 * AM_DAY, "wake");
	assert_int_equal(told_born_to(w, AM_ROLE_CUSTOMER), 2);
	assert_true(told_born(w, "ask")->not_before <= FIX_START + 5 * AM_DAY);
	assert_true(told_born(w, "recourse")->not_before >=
		    FIX_START + 5 * AM_DAY + AM_HOUR);
	assert_int_equal(told_c(w)->recourse, AM_RECOURSE_SENT);
}

/* 2.1.16: on time, too, a question replaces the reminders due with it; other
 * messages are not touched. */
static void
test_on_time_question_replaces_reminders_and_nothing_else(void **state)
{
	struct told *w = *state;

	ask_later(w);
	w->def.clocks[AM_CLOCK_INFORM].budget.n = 13 * AM_HOUR;
	told_open(w, "owner=li");
	told_confirm(w, AM_HOUR);
	told_step(w, 13 * AM_HOUR, "wake");
	assert_false(told_born(w, "ask")->catchup);
	assert_null(told_born(w, "still"));
}

static void
test_on_time_two_messages_are_two(void **state)
{
	struct told *w = *state;

	w->def.clocks[AM_CLOCK_INFORM].budget.n = 4 * AM_DAY;
	told_open(w, "owner=li");
	told_step(w, 4 * AM_DAY, "wake");
	/* the ladder of listen is late; these two are not */
	assert_non_null(told_born(w, "recourse"));
	assert_non_null(told_born(w, "still"));
	assert_false(told_born(w, "still")->catchup);
	assert_true(told_born(w, "take")->catchup);
}

/* 2.1.13: what became due under an acknowledgement fires when it ends,
 * collapsed, and is not late: it was not to go before. */
static void
test_acknowledgement_that_ends_fires_collapsed_and_not_late(void **state)
{
	struct told *w = *state;

	told_open(w, "owner=li");
	told_step(w, 50 * AM_MINUTE, "complaint.acknowledged ttl=70m");
	told_step(w, 2 * AM_HOUR, "wake"); /* warn, late, lapse */
	assert_int_equal(told_born_to(w, AM_ROLE_OWNER), 1);
	assert_non_null(told_born(w, "lapse"));
	assert_false(told_born(w, "lapse")->catchup);
	assert_int_equal(told_born(w, "lapse")->group.n, 0);
	assert_int_equal(
	    told_notes(w, "followup.suppressed", "reason", "collapsed"), 2);
}

/* Two channels on purpose, at one position, are no miss of each other. */
static void
test_catchup_two_channels_of_one_position_stay_two(void **state)
{
	struct told *w = *state;
	struct am_rungdef *late = &w->def.clocks[AM_CLOCK_STAGE0].rungs[1];

	late->pct = 100;
	told_open(w, "owner=li");
	told_step(w, 2 * AM_HOUR, "wake");
	assert_non_null(told_born(w, "late"));
	assert_non_null(told_born(w, "lapse"));
}

static void
test_catchup_is_off_when_conf_says_so(void **state)
{
	struct told *w = *state;

	w->def.catchup_after = 0;
	told_open(w, "owner=li");
	told_step(w, 8 * AM_HOUR, "wake");
	assert_false(told_born(w, "lapse")->catchup);
	assert_int_equal(told_born(w, "lapse")->group.n, 0);
}

/* Aftercare ends with the last rung that is for the tier: it is forgotten. */
static void
test_aftercare_ends_without_the_rungs_of_other_tiers(void **state)
{
	struct told *w = *state;

	told_open(w, "owner=li");
	told_confirm(w, AM_HOUR);
	told_deliver(w);
	told_step(w, 2 * AM_HOUR, "customer.answered verdict=satisfied");
	told_step(w, 7 * AM_DAY + 2 * AM_HOUR, "wake");
	assert_non_null(told_born(w, "check-in"));
	assert_int_equal(
	    told_c(w)->clocks[AM_CLOCK_AFTERCARE].state, AM_CLK_OVER);
	/* what it has to say is sent all the same */
	assert_false(am_fu_over(told_c(w), told_waits(w, "letter")));
	told_deliver(w);
	assert_true(fix_case(&w->f, "C-1")->wake_at < AM_NEVER);
	told_step(w, 7 * AM_DAY + 2 * AM_HOUR + w->def.retain, "wake");
	assert_true(w->f.up.forget);
}

static void
test_aftercare_of_other_tiers_only_keeps_nothing_alive(void **state)
{
	struct told *w = *state;

	w->def.clocks[AM_CLOCK_AFTERCARE].rungs[0].except_tiers = 6;
	told_open(w, "owner=li");
	told_confirm(w, AM_HOUR);
	told_deliver(w);
	told_step(w, 2 * AM_HOUR, "customer.answered verdict=satisfied");
	assert_int_equal(fix_case(&w->f, "C-1")->wake_at,
	    FIX_START + 2 * AM_HOUR + w->def.retain);
}

/* ---- any history ---- */

static void
random_step(struct told *w, am_ms t)
{
	static const char *const events[] = { "complaint.acknowledged ttl=2h",
		"stage.completed stage=listen", "stage.completed stage=resolve",
		"complaint.held reason=waiting_customer", "complaint.resumed",
		"callback.attempted outcome=no_answer",
		"customer.answered verdict=unsatisfied",
		"customer.answered verdict=satisfied score=1",
		"complaint.rejected reason=none" };

	told_step(w, t, events[rnd(AM_COUNT(events))]);
	if (rnd(2) == 0)
		told_deliver(w);
}

static enum am_role
role_of(const struct told *w, const struct am_waiting *at)
{
	if (at->rung >= AM_RUNG_NOTICE)
		return (enum am_role)((at->rung - AM_RUNG_NOTICE) % 8);
	return w->def.clocks[at->clock].rungs[at->rung].to;
}

static bool
is_recourse(const struct told *w, const struct am_waiting *at)
{
	if (at->rung >= AM_RUNG_NOTICE)
		return (at->rung - AM_RUNG_NOTICE) / 8 == AM_NOTICE_RECOURSE;
	return w->def.clocks[at->clock].rungs[at->rung].reason ==
	       AM_REASON_RECOURSE;
}

static void
check_one_each(struct told *w)
{
	const struct am_complaint *c = told_c(w);
	bool late = false;
	size_t customer = 0, recourse = 0;

	for (const struct am_followup *f = w->f.up.followups; f != NULL;
	     f = f->next) {
		late = late || (f->to == AM_ROLE_CUSTOMER && f->catchup);
		for (const struct am_followup *g = f->next; g != NULL;
		     g = g->next)
			assert_false(f->clock == g->clock && f->to == g->to &&
				     f->rung < AM_RUNG_NOTICE &&
				     g->rung < AM_RUNG_NOTICE &&
				     f->due_at != g->due_at && !f->dead &&
				     !g->dead);
	}
	for (size_t i = 0; i < c->waiting_n; i++) {
		const struct am_waiting *at = &c->waiting[i];

		if (is_recourse(w, at))
			recourse++;
		else
			customer += role_of(w, at) == AM_ROLE_CUSTOMER;
	}
	if (late) {
		assert_true(customer <= 1);
		assert_true(customer + recourse >= 1);
	}
}

/* OP2: whatever has happened, the wake-up after it leaves one a customer, and
 * one a clock and role. */
static void
test_catchup_of_any_history_leaves_one_message_each(void **state)
{
	(void)state;
	rnd_seed("catchup_test");
	for (int i = 0; i < 300; i++) {
		void *one = NULL;
		struct told *w;
		am_ms t = 0;

		told_setup(&one);
		w = one;
		told_open(w, rnd(2) == 0 ? "owner=li" : "tier=high");
		for (size_t n = rnd(8); n > 0; n--) {
			t += (am_ms)rnd(20 * 60) * AM_MINUTE;
			random_step(w, t);
		}
		t = w->f.now - FIX_START + (am_ms)rnd(200 * 60) * AM_MINUTE;
		told_step(w, t, "wake");
		check_one_each(w);
		assert_true(fix_case(&w->f, "C-1")->wake_at > w->f.now);
		told_teardown(&one);
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, told_setup, told_teardown)
	const struct CMUnitTest tests[] = {
		T(test_catchup_missed_rungs_of_a_clock_and_role_collapse),
		T(test_catchup_actions_run_in_order),
		T(test_catchup_customer_hears_once),
		T(test_catchup_reminder_makes_way_for_the_question_that_waits),
		T(test_catchup_question_is_asked_and_replaces_the_rest),
		T(test_catchup_recourse_waits_an_hour_behind_the_question),
		T(test_on_time_question_replaces_reminders_and_nothing_else),
		T(test_on_time_two_messages_are_two),
		T(test_acknowledgement_that_ends_fires_collapsed_and_not_late),
		T(test_catchup_two_channels_of_one_position_stay_two),
		T(test_catchup_is_off_when_conf_says_so),
		T(test_aftercare_ends_without_the_rungs_of_other_tiers),
		T(test_aftercare_of_other_tiers_only_keeps_nothing_alive),
		cmocka_unit_test(
		    test_catchup_of_any_history_leaves_one_message_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
