/*
 * tier_test - how urgent a complaint is: tiers (TI1), the emergency lane (TI2),
 * changes that keep consumed time (TI3), repeats (IN5).
 *
 * Office hours are Monday to Friday 09:00-17:00. Listening takes 30m (high), 2h
 * (mid) or 4h (low); it is warned of at half of that.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/str.h"
#include "tests/unit/acts.h"

#define LISTEN AM_CLOCK_STAGE0

static void
opened(struct acts *w, const char *tier)
{
	char text[120] = "complaint.opened category=card owner=li tier=";

	strcat(text, tier);
	acts_tell(w, acts_at(0, 9, 0), text);
}

static void
tier_is(struct acts *w, const char *tier)
{
	assert_string_equal(w->def.tiers[acts_c(w)->tier], tier);
}

/* TI1: the tier picks budget and ladder; an unknown one falls to the default.
 */
static void
test_tier_picks_budget_and_ladder_and_unknown_is_the_default(void **state)
{
	struct acts *w = *state;

	opened(w, "platinum");
	tier_is(w, "mid");
	assert_int_equal(acts_due(w, "listen"), acts_at(0, 11, 0));
	acts_wake(w, acts_at(0, 12, 0));
	/* 60 % of 2h is 10:12, but that rung is for the high tier */
	assert_int_equal(acts_c(w)->clocks[LISTEN].fired & 1 << 1, 0);
}

static void
test_tier_high_climbs_the_rung_of_its_own(void **state)
{
	struct acts *w = *state;

	opened(w, "high");
	assert_int_equal(acts_due(w, "listen"), acts_at(0, 9, 30));
	acts_wake(w, acts_at(0, 9, 18)); /* 60 % of 30m */
	assert_non_null(acts_followup(w, "vip"));
}

/* A rung at 0 % is for its tiers, too. */
static void
test_tier_rung_at_the_start_of_a_clock_is_for_its_tiers(void **state)
{
	struct acts *w = *state;
	struct am_clockdef *d = &w->def.clocks[LISTEN];

	d->rungs[0].pct = 0;
	d->rungs[0].except_tiers = 1 << 1; /* not for mid */
	opened(w, "mid");
	assert_null(acts_followup(w, "warn"));
	assert_int_equal(acts_c(w)->clocks[LISTEN].fired, 0);
}

/* TI3: new budget minus time already consumed, journaled. */
static void
test_tier_change_keeps_consumed_time(void **state)
{
	struct acts *w = *state;
	const struct am_note *n;

	opened(w, "mid");
	acts_tell(w, acts_at(0, 9, 15), "complaint.updated tier=high");
	tier_is(w, "high");
	assert_int_equal(acts_c(w)->version, 2);
	assert_int_equal(acts_due(w, "listen"), acts_at(0, 9, 30));
	n = acts_note(w, "deadline.moved", "clock", "listen");
	assert_int_equal(acts_pair_ms(n, "old"), acts_at(0, 11, 0));
	assert_int_equal(acts_pair_ms(n, "new"), acts_at(0, 9, 30));
	assert_true(am_str_is(acts_pair(n, "reason"), "tier"));
	/* what the tier does not decide has not moved */
	assert_null(acts_note(w, "deadline.moved", "clock", "acknowledge"));
	assert_null(acts_note(w, "deadline.moved", "clock", "final"));
	n = acts_note(w, "complaint.updated", "tier", "high");
	assert_true(am_str_is(acts_pair(n, "tier_was"), "mid"));
	acts_tell(w, acts_at(0, 9, 20), "complaint.updated tier=low");
	assert_int_equal(acts_due(w, "listen"), acts_at(0, 13, 0));
}

/* TI3: holds excluded. 30m were consumed before the hold, 15m since. */
static void
test_tier_change_after_a_hold_counts_no_held_time(void **state)
{
	struct acts *w = *state;

	opened(w, "mid");
	acts_tell(
	    w, acts_at(0, 9, 30), "complaint.held reason=waiting_third_party");
	acts_tell(w, acts_at(0, 10, 30), "complaint.resumed");
	acts_tell(w, acts_at(0, 10, 45), "complaint.updated tier=low");
	/* 4h - 45m = 3h15m from 10:45 */
	assert_int_equal(acts_due(w, "listen"), acts_at(0, 14, 0));
}

static void
test_tier_change_while_held_counts_from_the_resume(void **state)
{
	struct acts *w = *state;
	const struct am_note *n;

	opened(w, "mid");
	acts_tell(
	    w, acts_at(0, 9, 30), "complaint.held reason=waiting_third_party");
	acts_tell(w, acts_at(0, 10, 0), "complaint.updated tier=low");
	n = acts_note(w, "deadline.moved", "clock", "listen");
	assert_int_equal(acts_pair(n, "new").n, 0); /* it stands still */
	assert_int_equal(acts_pair_ms(n, "budget"), 4 * AM_HOUR);
	acts_tell(w, acts_at(0, 11, 0), "complaint.resumed");
	assert_int_equal(acts_due(w, "listen"), acts_at(0, 14, 30));
}

/* TI3, fine print 12: less than nothing is left. */
static void
test_tier_change_past_the_new_due_lapses_at_once_and_collapses(void **state)
{
	struct acts *w = *state;
	const struct am_note *n;

	opened(w, "mid");
	acts_tell(w, acts_at(0, 9, 45), "complaint.updated tier=high");
	assert_int_equal(acts_due(w, "listen"), acts_at(0, 9, 30));
	assert_true(w->f.up.wake_at <= acts_at(0, 9, 45));
	acts_wake(w, acts_at(0, 9, 45));
	n = acts_note(w, "deadline.missed", "clock", "listen");
	assert_int_equal(acts_pair_ms(n, "due_at"), acts_at(0, 9, 30));
	/* the warning passed over does not go out beside the lapse */
	assert_null(acts_followup(w, "warn"));
	assert_non_null(acts_followup(w, "lapse"));
	/* offsets count from the due, wherever it lies: +30m of 09:30 */
	assert_int_equal(
	    am_rung_due(w->f.def, acts_c(w), LISTEN, 3), acts_at(0, 10, 0));
}

/* TI3: can raise but never silently clear a breach. */
static void
test_tier_change_to_a_longer_budget_leaves_the_miss(void **state)
{
	struct acts *w = *state;

	opened(w, "mid");
	acts_wake(w, acts_at(0, 11, 0));
	assert_true(acts_c(w)->clocks[LISTEN].missed);
	acts_tell(w, acts_at(0, 11, 10), "complaint.updated tier=low");
	assert_int_equal(acts_due(w, "listen"), acts_at(0, 13, 0));
	assert_true(acts_c(w)->clocks[LISTEN].missed);
	acts_tell(w, acts_at(0, 11, 20), "stage.completed stage=listen");
	assert_non_null(acts_note(w, "stage.met", "late", "yes"));
	assert_int_equal(acts_tally(w, "complaint:met:listen"), 0);
}

/* The same with a lapse that no wake-up has seen yet. */
static void
test_tier_change_notes_the_lapse_that_nobody_saw(void **state)
{
	struct acts *w = *state;
	const struct am_note *n;

	opened(w, "mid");
	acts_tell(w, acts_at(0, 11, 10), "complaint.updated tier=low");
	n = acts_note(w, "deadline.missed", "clock", "listen");
	assert_int_equal(acts_pair_ms(n, "due_at"), acts_at(0, 11, 0));
	assert_true(acts_c(w)->clocks[LISTEN].missed);
}

static void
test_tier_change_moves_the_live_counts(void **state)
{
	struct acts *w = *state;

	opened(w, "mid");
	acts_tell(w, acts_at(0, 9, 5), "complaint.updated tier=high");
	assert_int_equal(acts_tally(w, "stage:complaint:listen:mid"), -1);
	assert_int_equal(acts_tally(w, "stage:complaint:listen:high"), 1);
}

static void
test_tier_that_is_not_in_the_loop_is_refused_with_the_list(void **state)
{
	struct acts *w = *state;

	opened(w, "mid");
	acts_tell(w, acts_at(0, 9, 5), "complaint.updated tier=gold");
	acts_refused(w, "bad_value", "tier");
	assert_non_null(strstr(w->f.up.reject.text, "high mid low"));
}

/* TI2: Friday 16:30 + 2h is Monday 10:30, for an emergency Friday 18:30. */
static void
test_emergency_ignores_calendars(void **state)
{
	struct acts *w = *state;

	acts_tell(w, acts_at(4, 16, 30),
	    "complaint.opened category=fire owner=li severity=emergency");
	assert_int_equal(acts_due(w, "listen"), acts_at(4, 18, 30));
	assert_int_equal(acts_due(w, "acknowledge"), acts_at(4, 17, 30));
}

/* TI2 and TI3: what was consumed in one way of counting stays in the other. */
static void
test_emergency_on_and_off_keeps_consumed_time(void **state)
{
	struct acts *w = *state;
	const struct am_note *n;

	acts_tell(w, acts_at(4, 16, 30),
	    "complaint.opened category=fire owner=li severity=minor");
	assert_int_equal(acts_due(w, "listen"), acts_at(7, 10, 30));
	acts_tell(
	    w, acts_at(4, 16, 45), "complaint.updated severity=emergency");
	/* 15m are gone, 1h45m are left and run through the evening */
	assert_int_equal(acts_due(w, "listen"), acts_at(4, 18, 30));
	n = acts_note(w, "deadline.moved", "clock", "listen");
	assert_int_equal(acts_pair_ms(n, "old"), acts_at(7, 10, 30));
	assert_true(am_str_is(acts_pair(n, "reason"), "severity"));
	acts_tell(w, acts_at(4, 17, 30), "complaint.updated severity=minor");
	/* 15m + 45m are gone, the last hour is Monday's first */
	assert_int_equal(acts_due(w, "listen"), acts_at(7, 10, 0));
	assert_int_equal(acts_c(w)->flags & AM_CF_EMERGENCY, 0);
}

static void
test_emergency_told_while_held_leaves_the_clock_standing(void **state)
{
	struct acts *w = *state;

	opened(w, "mid");
	acts_tell(
	    w, acts_at(0, 9, 30), "complaint.held reason=waiting_third_party");
	acts_tell(w, acts_at(0, 10, 0), "complaint.updated severity=emergency");
	assert_int_equal(acts_c(w)->clocks[LISTEN].state, AM_CLK_STOPPED);
	acts_tell(w, acts_at(0, 16, 0), "complaint.resumed");
	assert_int_equal(acts_due(w, "listen"), acts_at(0, 17, 30));
}

/* A rung's action: the message speaks of the tier that it brought. */
static void
test_tier_is_raised_by_a_rung_before_its_message(void **state)
{
	struct acts *w = *state;
	const struct am_followup *f;

	opened(w, "mid");
	acts_tell(w, acts_at(0, 9, 0), "stage.completed stage=listen");
	acts_wake(w, acts_at(0, 12, 0)); /* 2h and 1h after */
	tier_is(w, "high");
	assert_int_equal(acts_c(w)->version, 3);
	assert_non_null(acts_note(w, "complaint.updated", "reason", "raise"));
	f = acts_followup(w, "raise");
	assert_non_null(memmem(f->body.p, f->body.n, "\"version\":3", 11));
	assert_non_null(memmem(f->body.p, f->body.n, "\"tier\":\"high\"", 13));
	assert_int_equal(acts_tally(w, "stage:complaint:apologize:high"), 1);
}

/* IN5: one tier up, and counted. */
static void
test_repeat_opens_one_tier_up_and_counts(void **state)
{
	struct acts *w = *state;

	acts_tell(w, acts_at(0, 9, 0),
	    "complaint.opened category=card tier=low repeat_of=C-0");
	tier_is(w, "mid");
	assert_true(am_str_is(acts_c(w)->repeat_of, "C-0"));
	assert_int_equal(acts_due(w, "listen"), acts_at(0, 11, 0));
	assert_int_equal(acts_tally(w, "complaint:repeat"), 1);
	assert_non_null(acts_note(w, "complaint.opened", "repeat_of", "C-0"));
}

static void
test_repeat_of_the_highest_tier_stays_there(void **state)
{
	struct acts *w = *state;

	acts_tell(w, acts_at(0, 9, 0),
	    "complaint.opened category=card tier=high repeat_of=C-0");
	tier_is(w, "high");
}

static void
test_update_keeps_facts_and_tells_them(void **state)
{
	struct acts *w = *state;

	acts_tell(w, acts_at(0, 9, 0),
	    "complaint.opened category=card owner=li severity=minor "
	    "tz=Asia/Tokyo incident=I-1");
	assert_true(am_str_is(acts_c(w)->tz, "Asia/Tokyo"));
	assert_true(am_str_is(acts_c(w)->incident, "I-1"));
	assert_true(am_str_is(acts_c(w)->severity, "minor"));
	acts_tell(w, acts_at(0, 9, 5),
	    "complaint.updated category=loan incident=I-2 severity=major");
	assert_true(am_str_is(acts_c(w)->category, "loan"));
	assert_true(am_str_is(acts_c(w)->incident, "I-2"));
	assert_true(am_str_is(acts_c(w)->severity, "major"));
	assert_non_null(acts_note(w, "complaint.updated", "category", "loan"));
	assert_null(acts_note(w, "deadline.moved", NULL, NULL));
}

static void
test_update_with_nothing_new_is_ignored(void **state)
{
	struct acts *w = *state;

	opened(w, "mid");
	acts_tell(
	    w, acts_at(0, 9, 5), "complaint.updated tier=mid category=card");
	acts_ignored(w, "already_done");
	assert_int_equal(acts_c(w)->version, 1);
}

/* What it says is the daemon's to keep; the replay knows that it was said. */
static void
test_update_of_customer_facts_says_no_more_than_that(void **state)
{
	struct acts *w = *state;
	struct am_str line;

	opened(w, "mid");
	acts_tell(w, acts_at(0, 9, 5),
	    "complaint.updated customer.phone=+8613800138001");
	assert_int_equal(w->f.up.verdict, AM_APPLIED);
	assert_non_null(acts_note(w, "complaint.updated", "customer", "yes"));
	line = w->f.up.line;
	assert_null(memmem(line.p, line.n, "138", 3));
	acts_tell(w, acts_at(0, 9, 6), "complaint.withdrawn");
	acts_tell(w, acts_at(0, 9, 7), "complaint.updated tier=high");
	acts_ignored(w, "closed");
	acts_tell(w, acts_at(0, 9, 8),
	    "complaint.updated tier=high customer.phone=+8613800138002");
	assert_int_equal(w->f.up.verdict, AM_APPLIED);
	tier_is(w, "mid");
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, acts_setup, acts_teardown)
	const struct CMUnitTest tests[] = {
		T(test_tier_picks_budget_and_ladder_and_unknown_is_the_default),
		T(test_tier_high_climbs_the_rung_of_its_own),
		T(test_tier_rung_at_the_start_of_a_clock_is_for_its_tiers),
		T(test_tier_change_keeps_consumed_time),
		T(test_tier_change_after_a_hold_counts_no_held_time),
		T(test_tier_change_while_held_counts_from_the_resume),
		T(test_tier_change_past_the_new_due_lapses_at_once_and_collapses),
		T(test_tier_change_to_a_longer_budget_leaves_the_miss),
		T(test_tier_change_notes_the_lapse_that_nobody_saw),
		T(test_tier_change_moves_the_live_counts),
		T(test_tier_that_is_not_in_the_loop_is_refused_with_the_list),
		T(test_emergency_ignores_calendars),
		T(test_emergency_on_and_off_keeps_consumed_time),
		T(test_emergency_told_while_held_leaves_the_clock_standing),
		T(test_tier_is_raised_by_a_rung_before_its_message),
		T(test_repeat_opens_one_tier_up_and_counts),
		T(test_repeat_of_the_highest_tier_stays_there),
		T(test_update_keeps_facts_and_tells_them),
		T(test_update_with_nothing_new_is_ignored),
		T(test_update_of_customer_facts_says_no_more_than_that),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
