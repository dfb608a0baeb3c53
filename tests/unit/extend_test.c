/*
 * extend_test - deadlines that are moved out (DL10): with a reason and an
 * approver, capped, told to the customer when asked for, and judged against
 * both dues.
 *
 * Listening takes 2h of office time from Monday 09:00; final stands at four
 * weeks. A clock may be extended twice.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/str.h"
#include "tests/unit/acts.h"

#define LISTEN AM_CLOCK_STAGE0
#define EXTEND "deadline.extended reason=parts approver=chen "

static void
opened(struct acts *w)
{
	acts_tell(
	    w, acts_at(0, 9, 0), "complaint.opened category=card owner=li");
	assert_int_equal(acts_due(w, "listen"), acts_at(0, 11, 0));
}

/* DL10: the due moves, with its approver in the journal. */
static void
test_extension_by_a_duration_moves_the_due(void **state)
{
	struct acts *w = *state;
	const struct am_note *n;

	opened(w);
	acts_tell(w, acts_at(0, 10, 0), EXTEND "clock=listen by=1h");
	assert_int_equal(acts_due(w, "listen"), acts_at(0, 12, 0));
	assert_int_equal(acts_c(w)->version, 2);
	n = acts_note(w, "deadline.moved", "clock", "listen");
	assert_int_equal(acts_pair_ms(n, "old"), acts_at(0, 11, 0));
	assert_int_equal(acts_pair_ms(n, "new"), acts_at(0, 12, 0));
	assert_true(am_str_is(acts_pair(n, "reason"), "extended"));
	assert_true(am_str_is(acts_pair(n, "approver"), "chen"));
	assert_int_equal(acts_pair(n, "cut").n, 0);
	assert_int_equal(acts_tally(w, "complaint:extended:listen"), 1);
	assert_null(w->f.up.followups); /* nobody asked for a notice */
}

/* Counted on the clock's calendar: Monday 11:00 + 8h is Tuesday 11:00, and 1bd
 * is Tuesday's close. */
static void
test_extension_counts_in_the_clocks_calendar(void **state)
{
	struct acts *w = *state;

	opened(w);
	acts_tell(w, acts_at(0, 9, 10), EXTEND "clock=listen by=8h");
	assert_int_equal(acts_due(w, "listen"), acts_at(1, 11, 0));
	acts_tell(w, acts_at(0, 9, 20), EXTEND "clock=acknowledge by=1bd");
	assert_int_equal(acts_due(w, "acknowledge"), acts_at(1, 17, 0));
}

static void
test_extension_until_an_instant(void **state)
{
	struct acts *w = *state;

	opened(w);
	acts_tell(w, acts_at(0, 9, 10),
	    EXTEND "clock=listen until=2026-11-24T10:30:00+08:00");
	assert_int_equal(acts_due(w, "listen"), acts_at(1, 10, 30));
	/* at night nothing counts: the close before it */
	acts_tell(w, acts_at(0, 9, 20),
	    EXTEND "clock=listen until=2026-11-24T20:00:00+08:00");
	assert_int_equal(acts_due(w, "listen"), acts_at(1, 17, 0));
}

/* Percent rungs not yet fired follow the new budget (fine print 10). */
static void
test_extension_moves_the_rungs_that_have_not_fired(void **state)
{
	struct acts *w = *state;

	opened(w);
	acts_tell(w, acts_at(0, 9, 10), EXTEND "clock=listen by=2h");
	/* half of 4h, and 30m behind them */
	assert_int_equal(
	    am_rung_due(w->f.def, acts_c(w), LISTEN, 0), acts_at(0, 11, 0));
	assert_int_equal(
	    am_rung_due(w->f.def, acts_c(w), LISTEN, 3), acts_at(0, 13, 30));
}

/* DL10: is capped, by the loop's count … */
static void
test_extension_is_capped_by_max_extensions(void **state)
{
	struct acts *w = *state;

	opened(w);
	acts_tell(w, acts_at(0, 9, 1), EXTEND "clock=listen by=10m");
	acts_tell(w, acts_at(0, 9, 2), EXTEND "clock=listen by=10m");
	acts_tell(w, acts_at(0, 9, 3), EXTEND "clock=listen by=10m");
	acts_ignored(w, "max_extensions");
	assert_int_equal(acts_due(w, "listen"), acts_at(0, 11, 20));
	/* each clock has its own */
	acts_tell(w, acts_at(0, 9, 4), EXTEND "clock=acknowledge by=10m");
	assert_int_equal(w->f.up.verdict, AM_APPLIED);
}

/* … and cut to final: four weeks from Monday 09:00 are Monday 09:00, and the
 * last working instant at or before that is Friday's close. */
static void
test_extension_past_final_is_cut_to_it(void **state)
{
	struct acts *w = *state;

	opened(w);
	acts_tell(w, acts_at(0, 9, 1), EXTEND "clock=listen by=60bd");
	assert_non_null(acts_note(w, "deadline.moved", "cut", "yes"));
	assert_int_equal(acts_due(w, "listen"), acts_at(25, 17, 0));
	acts_tell(w, acts_at(0, 9, 2), EXTEND "clock=listen by=1h");
	acts_ignored(w, "no_gain");
	acts_tell(w, acts_at(0, 9, 3), EXTEND "clock=final by=1d");
	acts_ignored(w, "final_stands");
}

static void
test_extension_backwards_gains_nothing(void **state)
{
	struct acts *w = *state;

	opened(w);
	acts_tell(w, acts_at(0, 9, 1),
	    EXTEND "clock=listen until=2026-11-23T10:00:00+08:00");
	acts_ignored(w, "no_gain");
	assert_int_equal(acts_due(w, "listen"), acts_at(0, 11, 0));
}

static void
test_extension_does_not_undo_a_miss(void **state)
{
	struct acts *w = *state;

	opened(w);
	acts_tell(w, acts_at(0, 11, 1), EXTEND "clock=listen by=1h");
	acts_ignored(w, "lapsed"); /* seen by no wake-up yet */
	acts_wake(w, acts_at(0, 11, 2));
	acts_tell(w, acts_at(0, 11, 3), EXTEND "clock=listen by=1h");
	acts_ignored(w, "lapsed");
}

static void
test_extension_of_a_clock_that_does_not_run_is_ignored(void **state)
{
	struct acts *w = *state;

	opened(w);
	acts_tell(w, acts_at(0, 9, 1), EXTEND "clock=resolve by=1h");
	acts_ignored(w, "not_running");
	acts_tell(w, acts_at(0, 9, 2), "complaint.acknowledged");
	acts_tell(w, acts_at(0, 9, 3), EXTEND "clock=acknowledge by=1h");
	acts_ignored(w, "not_running");
	acts_tell(w, acts_at(0, 9, 4), "complaint.withdrawn");
	acts_tell(w, acts_at(0, 9, 5), EXTEND "clock=listen by=1h");
	acts_ignored(w, "closed");
}

static void
test_extension_says_one_thing_and_a_clock_that_is_there(void **state)
{
	struct acts *w = *state;

	opened(w);
	acts_tell(w, acts_at(0, 9, 1), EXTEND "clock=listen");
	acts_refused(w, "bad_value", "by");
	acts_tell(w, acts_at(0, 9, 1),
	    EXTEND "clock=listen by=1h until=2026-11-24T10:30:00+08:00");
	acts_refused(w, "bad_value", "until");
	acts_tell(w, acts_at(0, 9, 1), EXTEND "clock=listen by=soon");
	acts_refused(w, "bad_value", "by");
	acts_tell(w, acts_at(0, 9, 1), EXTEND "clock=listen until=soon");
	acts_refused(w, "bad_value", "until");
	acts_tell(w, acts_at(0, 9, 1), EXTEND "clock=unowned by=1h");
	acts_refused(w, "bad_value", "clock");
	acts_tell(w, acts_at(0, 9, 1), EXTEND "clock=inform by=1h");
	acts_refused(w, "bad_value", "clock"); /* not of this loop */
}

/* A held clock has no due: it is given time, not an instant. */
static void
test_extension_while_held_gives_time(void **state)
{
	struct acts *w = *state;

	opened(w);
	acts_tell(
	    w, acts_at(0, 9, 30), "complaint.held reason=waiting_customer");
	acts_tell(w, acts_at(0, 10, 0),
	    EXTEND "clock=listen until=2026-11-24T10:30:00+08:00");
	acts_refused(w, "held", "until");
	acts_tell(w, acts_at(0, 10, 0), EXTEND "clock=listen by=1h");
	assert_int_equal(w->f.up.verdict, AM_APPLIED);
	acts_tell(w, acts_at(0, 11, 0), "complaint.resumed");
	/* 3h less the 30m before the hold */
	assert_int_equal(acts_due(w, "listen"), acts_at(0, 13, 30));
}

/* DL10: may notify the customer. */
static void
test_extension_tells_the_customer_when_asked_to(void **state)
{
	struct acts *w = *state;
	const struct am_followup *f;

	opened(w);
	acts_tell(w, acts_at(0, 9, 1), EXTEND "clock=listen by=1h notice=yes");
	f = acts_followup(w, "extended:customer");
	assert_non_null(f);
	assert_int_equal(f->to, AM_ROLE_CUSTOMER);
	assert_int_equal(f->reason, AM_REASON_INFORM);
}

/* DL10: on-time is reported against original and extended due. */
static void
test_extension_is_judged_against_both_dues(void **state)
{
	struct acts *w = *state;
	const struct am_note *n;

	opened(w);
	acts_tell(w, acts_at(0, 9, 1), EXTEND "clock=listen by=1h");
	acts_tell(w, acts_at(0, 11, 30), "stage.completed stage=listen");
	n = acts_note(w, "stage.met", "stage", "listen");
	assert_true(am_str_is(acts_pair(n, "late"), "no"));
	assert_true(am_str_is(acts_pair(n, "late_original"), "yes"));
	assert_int_equal(acts_tally(w, "complaint:met:listen"), 1);
	assert_int_equal(acts_tally(w, "complaint:met_original:listen"), 0);
}

static void
test_extension_that_was_not_needed_counts_for_both(void **state)
{
	struct acts *w = *state;
	const struct am_note *n;

	opened(w);
	acts_tell(w, acts_at(0, 9, 1), EXTEND "clock=listen by=1h");
	acts_tell(w, acts_at(0, 10, 59), "stage.completed stage=listen");
	n = acts_note(w, "stage.met", "stage", "listen");
	assert_true(am_str_is(acts_pair(n, "late_original"), "no"));
	assert_int_equal(acts_tally(w, "complaint:met:listen"), 1);
	assert_int_equal(acts_tally(w, "complaint:met_original:listen"), 1);
}

static void
test_extension_that_did_not_help_counts_for_neither(void **state)
{
	struct acts *w = *state;
	const struct am_note *n;

	opened(w);
	acts_tell(w, acts_at(0, 9, 1), EXTEND "clock=acknowledge by=1h");
	acts_tell(w, acts_at(0, 11, 30), "complaint.acknowledged");
	n = acts_note(w, "complaint.acknowledged", "late", "yes");
	assert_true(am_str_is(acts_pair(n, "late_original"), "yes"));
	assert_int_equal(acts_tally(w, "complaint:met:acknowledge"), 0);
	assert_int_equal(
	    acts_tally(w, "complaint:met_original:acknowledge"), 0);
}

/* A tier change keeps what was granted: 30m + 1h in place of 2h + 1h. */
static void
test_extension_stays_when_the_tier_changes(void **state)
{
	struct acts *w = *state;

	opened(w);
	acts_tell(w, acts_at(0, 9, 1), EXTEND "clock=listen by=1h");
	acts_tell(w, acts_at(0, 9, 10), "complaint.updated tier=high");
	assert_int_equal(acts_due(w, "listen"), acts_at(0, 10, 30));
	acts_tell(w, acts_at(0, 10, 0), "stage.completed stage=listen");
	assert_non_null(acts_note(w, "stage.met", "late_original", "yes"));
}

/* DL10: needs reason + approver. */
static void
test_extension_needs_a_reason_and_an_approver(void **state)
{
	struct am_pair pairs[] = { { AM_STR("clock"), AM_STR("listen") },
		{ AM_STR("by"), AM_STR("1h") },
		{ AM_STR("reason"), AM_STR("parts") },
		{ AM_STR("approver"), AM_STR("chen") } };
	struct am_event ev = { .type = AM_EV_EXTENDED,
		.complaint_id = AM_STR("C-1"),
		.fields = pairs,
		.fields_n = AM_COUNT(pairs) };
	struct am_reject why;

	(void)state;
	assert_int_equal(am_event_check(&ev, &why), 0);
	for (size_t i = 2; i < AM_COUNT(pairs); i++) {
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
		T(test_extension_by_a_duration_moves_the_due),
		T(test_extension_counts_in_the_clocks_calendar),
		T(test_extension_until_an_instant),
		T(test_extension_moves_the_rungs_that_have_not_fired),
		T(test_extension_is_capped_by_max_extensions),
		T(test_extension_past_final_is_cut_to_it),
		T(test_extension_backwards_gains_nothing),
		T(test_extension_does_not_undo_a_miss),
		T(test_extension_of_a_clock_that_does_not_run_is_ignored),
		T(test_extension_says_one_thing_and_a_clock_that_is_there),
		T(test_extension_while_held_gives_time),
		T(test_extension_tells_the_customer_when_asked_to),
		T(test_extension_is_judged_against_both_dues),
		T(test_extension_that_was_not_needed_counts_for_both),
		T(test_extension_that_did_not_help_counts_for_neither),
		T(test_extension_stays_when_the_tier_changes),
		T(test_extension_needs_a_reason_and_an_approver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
