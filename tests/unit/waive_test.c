/*
 * waive_test - stages that are let off, by name and with an approver (LC2), and
 * loops that a person ends.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/str.h"
#include "tests/unit/acts.h"

#define WAIVE " reason=agreed approver=chen"

static void
opened(struct acts *w)
{
	acts_tell(
	    w, acts_at(0, 9, 0), "complaint.opened category=card owner=li");
}

static void
stage_is(struct acts *w, const char *stage)
{
	assert_string_equal(w->def.stages[acts_c(w)->stage].name, stage);
}

static enum am_clock_state
clock_of(struct acts *w, size_t stage)
{
	return acts_c(w)->clocks[AM_CLOCK_STAGE0 + stage].state;
}

/* LC2: the loop cannot close until it is done or waived by name. */
static void
test_waive_of_what_is_owed_closes_a_loop_that_waited_for_it(void **state)
{
	struct acts *w = *state;

	opened(w);
	acts_tell(w, acts_at(0, 9, 30), "stage.completed stage=resolve");
	assert_int_equal(acts_c(w)->owed, 1 << 1); /* the apology */
	acts_tell(w, acts_at(0, 9, 40), "customer.answered verdict=satisfied");
	assert_int_equal(acts_c(w)->status, AM_OPEN);
	acts_tell(w, acts_at(0, 9, 50), "stage.waived stage=apologize" WAIVE);
	assert_int_equal(acts_c(w)->status, AM_CLOSED);
	assert_int_equal(acts_c(w)->outcome, AM_OUTCOME_SATISFIED);
	assert_int_equal(clock_of(w, 1), AM_CLK_WAIVED);
	assert_non_null(acts_note(w, "stage.waived", "approver", "chen"));
	assert_non_null(acts_note(w, "stage.waived", "stage", "apologize"));
	/* counted apart from met */
	assert_int_equal(acts_tally(w, "complaint:waived:apologize"), 1);
	assert_int_equal(acts_tally(w, "complaint:met:apologize"), 0);
}

static void
test_waive_of_the_present_stage_goes_on_to_the_next(void **state)
{
	struct acts *w = *state;

	opened(w);
	acts_tell(w, acts_at(0, 9, 10), "stage.completed stage=listen");
	acts_tell(w, acts_at(0, 9, 20), "stage.waived stage=apologize" WAIVE);
	stage_is(w, "resolve");
	assert_int_equal(clock_of(w, 1), AM_CLK_WAIVED);
	assert_int_equal(clock_of(w, 2), AM_CLK_RUNNING);
	assert_int_equal(acts_tally(w, "stage:complaint:apologize:mid"), -1);
	assert_int_equal(acts_tally(w, "stage:complaint:resolve:mid"), 1);
	acts_tell(w, acts_at(0, 9, 30), "stage.waived stage=apologize" WAIVE);
	acts_ignored(w, "already_done");
}

static void
test_waive_of_a_stage_to_come_is_passed_over_in_its_turn(void **state)
{
	struct acts *w = *state;

	opened(w);
	acts_tell(w, acts_at(0, 9, 10), "stage.waived stage=apologize" WAIVE);
	stage_is(w, "listen");
	assert_int_equal(clock_of(w, 1), AM_CLK_WAIVED);
	acts_tell(w, acts_at(0, 9, 20), "stage.completed stage=apologize");
	acts_ignored(w, "already_done");
	acts_tell(w, acts_at(0, 9, 30), "stage.completed stage=listen");
	stage_is(w, "resolve");
	assert_int_equal(acts_c(w)->owed, 0);
}

/* A leap over it leaves nothing owed, and one that ends before it skips it. */
static void
test_waive_of_stages_to_come_holds_for_leaps(void **state)
{
	struct acts *w = *state;

	opened(w);
	acts_tell(w, acts_at(0, 9, 10), "stage.waived stage=resolve" WAIVE);
	acts_tell(w, acts_at(0, 9, 20), "stage.completed stage=apologize");
	stage_is(w, "callback-confirm");
	assert_int_equal(acts_c(w)->owed, 0);
}

static void
test_waive_of_the_last_work_asks_the_customer(void **state)
{
	struct acts *w = *state;

	opened(w);
	acts_tell(w, acts_at(0, 9, 10), "stage.waived stage=apologize" WAIVE);
	acts_tell(w, acts_at(0, 9, 20), "stage.completed stage=listen");
	acts_tell(w, acts_at(0, 9, 30), "stage.waived stage=resolve" WAIVE);
	stage_is(w, "callback-confirm");
	assert_non_null(acts_followup(w, "ask"));
}

static void
test_waive_ends_a_hold_of_the_stage(void **state)
{
	struct acts *w = *state;

	opened(w);
	acts_tell(w, acts_at(0, 9, 10), "stage.completed stage=listen");
	acts_tell(
	    w, acts_at(0, 9, 20), "complaint.held reason=waiting_customer");
	acts_tell(w, acts_at(0, 9, 25), "stage.waived stage=resolve" WAIVE);
	assert_int_equal(acts_c(w)->status, AM_HELD); /* not its stage */
	acts_tell(w, acts_at(0, 9, 30), "stage.waived stage=apologize" WAIVE);
	assert_int_equal(acts_c(w)->status, AM_OPEN);
	stage_is(w, "callback-confirm");
}

/* A miss is not made good by letting the stage off. */
static void
test_waive_leaves_the_miss(void **state)
{
	struct acts *w = *state;

	opened(w);
	acts_tell(w, acts_at(0, 9, 0), "stage.completed stage=listen");
	acts_tell(w, acts_at(0, 11, 30), "stage.waived stage=apologize" WAIVE);
	assert_non_null(acts_note(w, "stage.missed", "stage", "apologize"));
	assert_true(acts_c(w)->clocks[AM_CLOCK_STAGE0 + 1].missed);
}

static void
test_waive_needs_the_loops_leave(void **state)
{
	struct acts *w = *state;

	opened(w);
	acts_tell(w, acts_at(0, 9, 10), "stage.waived stage=listen" WAIVE);
	acts_refused(w, "not_waivable", "stage");
	acts_tell(w, acts_at(0, 9, 10), "stage.waived stage=dance" WAIVE);
	acts_refused(w, "bad_value", "stage");
	acts_tell(
	    w, acts_at(0, 9, 10), "stage.waived stage=callback-confirm" WAIVE);
	acts_ignored(w, "not_by_staff");
	acts_tell(w, acts_at(0, 9, 20), "complaint.withdrawn");
	acts_tell(w, acts_at(0, 9, 30), "stage.waived stage=apologize" WAIVE);
	acts_ignored(w, "closed");
}

/* ---- ended by a person ---- */

static void
test_force_says_who_and_is_no_other_outcome(void **state)
{
	struct acts *w = *state;

	opened(w);
	acts_tell(
	    w, acts_at(0, 9, 10), "complaint.held reason=waiting_customer");
	acts_tell(w, acts_at(0, 9, 20), "complaint.closed by=chen reason=x");
	assert_int_equal(acts_c(w)->outcome, AM_OUTCOME_FORCED);
	assert_non_null(acts_note(w, "loop.closed", "by", "chen"));
	assert_int_equal(acts_tally(w, "held"), -1);
	assert_int_equal(acts_tally(w, "complaint:closed:forced"), 1);
	acts_tell(w, acts_at(0, 9, 30), "complaint.closed by=chen reason=x");
	acts_ignored(w, "closed");
}

static void
test_force_ends_a_deadlock_as_one(void **state)
{
	struct acts *w = *state;

	opened(w);
	acts_tell(w, acts_at(0, 9, 10), "stage.waived stage=apologize" WAIVE);
	acts_tell(w, acts_at(0, 9, 20), "stage.completed stage=resolve");
	acts_tell(
	    w, acts_at(0, 9, 30), "customer.answered verdict=unsatisfied");
	assert_int_equal(acts_c(w)->flags & AM_CF_DEADLOCK, AM_CF_DEADLOCK);
	acts_tell(w, acts_at(1, 9, 0), "complaint.closed by=chen reason=x");
	assert_int_equal(acts_c(w)->outcome, AM_OUTCOME_DEADLOCK_CLOSED);
}

static void
test_force_of_whom_nobody_reached_says_so(void **state)
{
	struct acts *w = *state;

	w->no_replay = true; /* the flag is set by hand */
	opened(w);
	acts_c(w)->flags |= AM_CF_UNREACHABLE;
	acts_tell(w, acts_at(0, 9, 10), "complaint.closed by=chen reason=x");
	assert_int_equal(acts_c(w)->outcome, AM_OUTCOME_UNREACHABLE);
}

/* LC2: waived by name, with a reason and by somebody. */
static void
test_waive_needs_a_reason_and_an_approver(void **state)
{
	struct am_pair pairs[] = { { AM_STR("stage"), AM_STR("apologize") },
		{ AM_STR("reason"), AM_STR("parts") },
		{ AM_STR("approver"), AM_STR("chen") } };
	struct am_event ev = { .type = AM_EV_STAGE_WAIVED,
		.complaint_id = AM_STR("C-1"),
		.fields = pairs,
		.fields_n = AM_COUNT(pairs) };
	struct am_reject why;

	(void)state;
	assert_int_equal(am_event_check(&ev, &why), 0);
	for (size_t i = 1; i < AM_COUNT(pairs); i++) {
		struct am_str value = pairs[i].value;

		pairs[i].value.n = 0;
		assert_int_equal(am_event_check(&ev, &why), -AM_EINVAL);
		assert_string_equal(why.code, "missing_field");
		assert_true(am_str_eq(why.field, pairs[i].key));
		pairs[i].value = value;
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, acts_setup, acts_teardown)
	const struct CMUnitTest tests[] = {
		T(test_waive_of_what_is_owed_closes_a_loop_that_waited_for_it),
		T(test_waive_of_the_present_stage_goes_on_to_the_next),
		T(test_waive_of_a_stage_to_come_is_passed_over_in_its_turn),
		T(test_waive_of_stages_to_come_holds_for_leaps),
		T(test_waive_of_the_last_work_asks_the_customer),
		T(test_waive_ends_a_hold_of_the_stage),
		T(test_waive_leaves_the_miss),
		T(test_waive_needs_the_loops_leave),
		T(test_force_says_who_and_is_no_other_outcome),
		T(test_force_ends_a_deadlock_as_one),
		T(test_force_of_whom_nobody_reached_says_so),
		T(test_waive_needs_a_reason_and_an_approver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
