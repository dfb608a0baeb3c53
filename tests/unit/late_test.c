/*
 * late_test - events that are told late, or at a time when little is left to
 * do: no instant counts twice, nothing runs on behind the end of its stage, and
 * somebody is told of whatever stands open.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "core/clock.h"
#include "tests/unit/confirm_world.h"

#define APOLOGIZE (AM_CLOCK_STAGE0 + 1)
#define RESOLVE (AM_CLOCK_STAGE0 + 2)
#define CONFIRM (AM_CLOCK_STAGE0 + 3)

static am_ms
due(size_t clock)
{
	return am_clock_due(cw_def(), CW, clock);
}

/* Does something wait that will still be sent, at this endpoint? */
static bool
is_told(const char *endpoint)
{
	for (size_t i = 0; i < CW->waiting_n; i++) {
		if (am_str_is(CW->waiting[i].endpoint, endpoint) &&
		    !am_fu_over(CW, &CW->waiting[i]))
			return true;
	}
	return false;
}

/* In apologize since Mon 10:30, due at 12:30. */
static void
walk_to_apologize(void)
{
	cw_step("Mon 10:00", "complaint.opened category=card owner=li");
	cw_step("Mon 10:30", "stage.completed stage=listen");
	assert_int_equal(due(APOLOGIZE), cw_at("Mon 12:30"));
}

/* LC3: a hold that begins before the stage did stops nothing before it. */
static void
test_late_hold_when_older_than_its_stage_then_nothing_counts_twice(void **state)
{
	(void)state;
	walk_to_apologize();
	cw_step("Mon 10:00", "complaint.held reason=waiting_third_party");
	cw_step("Mon 10:10", "complaint.resumed");
	assert_int_equal(due(APOLOGIZE), cw_at("Mon 12:30"));
}

static void
test_late_emergency_when_older_than_its_stage_then_nothing_counts_twice(
    void **state)
{
	(void)state;
	walk_to_apologize();
	cw_step("Mon 10:00", "complaint.updated severity=emergency");
	assert_int_equal(due(APOLOGIZE), cw_at("Mon 12:30"));
	cw_step("Mon 09:00", "complaint.updated severity=minor");
	assert_int_equal(due(APOLOGIZE), cw_at("Mon 12:30"));
}

/* DL9: the emergency that was one from the start, and the one that is found to
 * be one at once, have the same time. */
static void
test_late_emergency_when_it_ends_then_business_days_are_what_they_were(
    void **state)
{
	am_ms normal;

	(void)state;
	cw_def()->clocks[RESOLVE].budget =
	    (struct am_duration){ AM_UNIT_BD, 2 };
	cw_step("Mon 10:00", "complaint.opened category=card owner=li "
			     "severity=emergency");
	cw_step("Mon 10:00", "stage.completed stage=apologize");
	cw_step("Mon 10:00", "complaint.updated severity=minor");
	cw_step_of("C-2", "Mon 10:00", "complaint.opened category=card");
	cw_step_of("C-2", "Mon 10:00", "stage.completed stage=apologize");
	normal = am_clock_due(cw_def(), &fix_case(&cw, "C-2")->c, RESOLVE);
	assert_int_equal(due(RESOLVE), normal);
}

/* ES2: what was acknowledged stays quiet for as long as was said. */
static void
test_late_ttl_when_a_hold_comes_between_then_it_lasts(void **state)
{
	(void)state;
	walk_to_apologize();
	cw_step("Mon 10:40", "complaint.acknowledged ttl=4h");
	cw_step("Mon 10:50", "complaint.held reason=waiting_third_party");
	cw_step("Mon 11:00", "complaint.resumed");
	assert_int_equal(CW->quiet_until, cw_at("Mon 14:40"));
}

/* CF5: an answer that contradicts one that was kept for the sake of something
 * owed calls a person, though the confirm clock is over. */
static void
test_late_contradiction_when_the_answer_was_kept_then_a_person_hears(
    void **state)
{
	(void)state;
	cw_step("Mon 10:00", "complaint.opened category=card owner=li");
	cw_step("Mon 10:00", "stage.completed stage=resolve");
	assert_int_equal(CW->owed, 1u << 1);
	cw_step("Mon 11:00", "customer.answered verdict=satisfied");
	assert_int_equal(CW->clocks[CONFIRM].state, AM_CLK_MET);
	while (CW->waiting_n > 0) {
		char id[AM_FU_ID_LEN + 1], event[120];

		am_fu_id_format(CW->waiting[0].id, id);
		snprintf(event, sizeof(event),
		    "followup.ended followup_id=%s state=delivered", id);
		cw_step("Mon 11:01", event);
	}
	cw_step("Mon 12:00", "customer.answered verdict=unsatisfied");
	assert_true((CW->flags & AM_CF_CONTRADICTORY) != 0);
	assert_true(is_told("desk"));
}

/* LC5: nothing of a stage runs behind a rejection. */
static void
test_late_supervisor_when_rejected_then_nobody_is_asked_to_own_it(void **state)
{
	(void)state;
	cw_def()->clocks[AM_CLOCK_UNOWNED].in_use = true;
	cw_def()->clocks[AM_CLOCK_UNOWNED].budget =
	    (struct am_duration){ AM_UNIT_TIME, AM_HOUR };
	cw_step("Mon 10:00", "complaint.opened category=card");
	assert_int_equal(CW->clocks[AM_CLOCK_UNOWNED].state, AM_CLK_RUNNING);
	cw_step("Mon 10:10", "complaint.rejected");
	assert_int_equal(CW->clocks[AM_CLOCK_UNOWNED].state, AM_CLK_OVER);
	cw_step("Mon 10:20", "complaint.assigned owner=wang role=supervisor");
	assert_int_equal(CW->clocks[AM_CLOCK_UNOWNED].state, AM_CLK_OVER);
}

/* CF6: silence is not counted while the notice looks for another channel. */
static void
test_late_failure_when_the_notice_goes_on_then_silence_starts_anew(void **state)
{
	char id[AM_FU_ID_LEN + 1], event[120];
	const struct am_waiting *notice = NULL;

	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 11:00", "callback.attempted outcome=wrong_number");
	for (size_t i = 0; i < CW->waiting_n; i++)
		if (CW->waiting[i].clock == AM_CLOCK_CALLBACK)
			notice = &CW->waiting[i];
	assert_non_null(notice);
	am_fu_id_format(notice->id, id);
	cw_end("Mon 11:00", "callback", "notice", "delivered");
	assert_int_equal(CW->clocks[AM_CLOCK_SILENCE].state, AM_CLK_RUNNING);
	snprintf(event, sizeof(event),
	    "followup.receipt followup_id=%s state=failed", id);
	cw_step("Mon 12:00", event);
	assert_true(is_told("mail"));
	assert_false(am_clock_live(&CW->clocks[AM_CLOCK_SILENCE]));
	cw_end("Tue 12:00", "callback", "notice", "delivered");
	assert_int_equal(CW->clocks[AM_CLOCK_SILENCE].state, AM_CLK_RUNNING);
	assert_int_equal(
	    CW->clocks[AM_CLOCK_SILENCE].started, cw_at("Tue 12:00"));
}

/* DL12: what was missed once is missed, whatever starts anew. */
static void
test_late_closing_when_a_clock_began_anew_then_its_miss_counts(void **state)
{
	(void)state;
	cw_step("Mon 10:00", "complaint.opened category=card owner=li");
	cw_step("Mon 10:00", "stage.completed stage=listen");
	cw_step("Mon 10:00", "stage.completed stage=apologize");
	cw_sleep("Wed+1 11:00");
	cw_step("Wed+1 11:00", "stage.completed stage=resolve");
	cw_step("Wed+1 12:00", "customer.answered verdict=unsatisfied");
	cw_step("Wed+1 12:30", "stage.completed stage=resolve");
	cw_step("Wed+1 13:00", "customer.answered verdict=satisfied");
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++)
		assert_false(CW->clocks[i].missed);
	assert_string_equal(cw_said("loop.closed", "verdict"), "missed");
}

/* LC1: what is long behind us ends no hold. */
static void
test_late_completion_when_the_loop_is_past_it_then_the_hold_stands(void **state)
{
	(void)state;
	cw_step("Mon 10:00", "complaint.opened category=card owner=li");
	cw_step("Mon 10:10", "complaint.closed by=li");
	cw_step("Mon 11:00", "customer.answered verdict=unsatisfied");
	assert_int_equal(CW->stage, 2);
	cw_step("Mon 11:10", "complaint.held reason=waiting_third_party");
	cw_step("Mon 11:20", "stage.completed stage=listen");
	assert_int_equal(cw.up.verdict, AM_IGNORED);
	assert_false(cw.up.changed);
	assert_int_equal(CW->status, AM_HELD);
}

/* LC2: a reopening ahead of what was never done leaves it owed. */
static void
test_late_reopening_when_ahead_of_a_stage_then_it_is_owed(void **state)
{
	(void)state;
	cw_step("Mon 10:00", "complaint.opened category=card owner=li");
	cw_step("Mon 10:10", "complaint.closed by=li");
	cw_step("Mon 11:00", "customer.answered verdict=unsatisfied");
	assert_int_equal(CW->stage, 2);
	assert_int_equal(CW->owed, 1u << 1); /* listen is implied by later */
	assert_int_equal(CW->clocks[APOLOGIZE].state, AM_CLK_RUNNING);
}

/* LC5: a deadlock behind a closing ends no debt. */
static void
test_late_deadlock_when_something_was_owed_then_its_clock_runs(void **state)
{
	(void)state;
	cw_def()->stages[3].max_reopens = 0;
	cw_step("Mon 10:00", "complaint.opened category=card owner=li");
	cw_step("Mon 10:00", "stage.completed stage=resolve");
	cw_step("Mon 10:10", "complaint.closed by=li");
	cw_step("Mon 11:00", "customer.answered verdict=unsatisfied");
	assert_true((CW->flags & AM_CF_DEADLOCK) != 0);
	assert_int_equal(CW->owed, 1u << 1);
	assert_int_equal(CW->clocks[APOLOGIZE].state, AM_CLK_RUNNING);
}

/* DL11: recourse that the closing has dropped goes out at the reopening. */
static void
test_late_reopening_when_recourse_was_dropped_then_it_goes(void **state)
{
	(void)state;
	cw_def()->stages[3].reopen_window = 90 * AM_DAY;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon+8 10:05", "customer.answered verdict=satisfied");
	assert_int_equal(CW->status, AM_CLOSED);
	assert_true(CW->clocks[AM_CLOCK_FINAL].missed);
	assert_int_equal(CW->recourse, AM_RECOURSE_NONE);
	cw_step("Wed+8 10:05", "customer.answered verdict=unsatisfied");
	assert_int_equal(CW->status, AM_OPEN);
	assert_int_equal(cw_sent("recourse:customer"), 1);
}

/* RO3: one name a field. */
static void
test_late_respondents_when_lines_hide_names_then_they_are_counted(void **state)
{
	(void)state;
	cw_step("Mon 10:00", "complaint.opened category=card "
			     "respondents[0]='a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n"
			     "k\nl\nm\nn\no\np\nq'");
	assert_int_equal(cw.up.verdict, AM_REJECTED);
}

/* A day long ago is no reason for a clock that never ends. */
static void
test_late_opening_when_before_all_calendars_then_it_lapses(void **state)
{
	(void)state;
	fix_step(&cw, "C-1", AM_DAY, "complaint.opened category=card");
	assert_true(due(AM_CLOCK_STAGE0) < cw_at("Mon 10:00"));
	fix_step(&cw, "C-1", AM_DAY + AM_HOUR,
	    "complaint.held reason=waiting_third_party");
	assert_true(am_hold_end(cw_def(), CW) < cw_at("Mon 10:00"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, cw_setup, cw_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_late_hold_when_older_than_its_stage_then_nothing_counts_twice),
		T(test_late_emergency_when_older_than_its_stage_then_nothing_counts_twice),
		T(test_late_emergency_when_it_ends_then_business_days_are_what_they_were),
		T(test_late_ttl_when_a_hold_comes_between_then_it_lasts),
		T(test_late_contradiction_when_the_answer_was_kept_then_a_person_hears),
		T(test_late_supervisor_when_rejected_then_nobody_is_asked_to_own_it),
		T(test_late_failure_when_the_notice_goes_on_then_silence_starts_anew),
		T(test_late_closing_when_a_clock_began_anew_then_its_miss_counts),
		T(test_late_completion_when_the_loop_is_past_it_then_the_hold_stands),
		T(test_late_reopening_when_ahead_of_a_stage_then_it_is_owed),
		T(test_late_deadlock_when_something_was_owed_then_its_clock_runs),
		T(test_late_reopening_when_recourse_was_dropped_then_it_goes),
		T(test_late_respondents_when_lines_hide_names_then_they_are_counted),
		T(test_late_opening_when_before_all_calendars_then_it_lapses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
