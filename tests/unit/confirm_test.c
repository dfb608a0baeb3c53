/*
 * confirm_test - the customer is asked: attempts, the written notice, silence,
 * messages, words that contradict each other. Shows CF2, CF5, CF6.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "core/clock.h"
#include "tests/unit/confirm_world.h"

#define SILENCE (&CW->clocks[AM_CLOCK_SILENCE])

/* Three calls that reach nobody; the third at Tuesday 18:00 brings the notice.
 */
static void
miss_three_times(void)
{
	cw_walk_to_confirm("Mon 10:00");
	cw_end("Mon 10:01", "callback-confirm", "ask", "delivered");
	cw_step("Mon 10:30", "callback.attempted outcome=no_answer by=li");
	cw_sleep("Mon 14:00");
	cw_step("Mon 14:30", "callback.attempted outcome=busy");
	cw_sleep("Tue 18:00");
	assert_int_equal(cw_sent("attempt-3"), 1);
	cw_step("Tue 18:10", "callback.attempted outcome=voicemail");
}

/*
 * CF2: attempts +0, +4h, +1bd in different day parts; after N no_answer a
 * written notice must be delivered, then silence, then outcome unconfirmed.
 *
 * 5bd from Tuesday 24th: Wed 25, Fri 27 (26 is a holiday), Mon 30, Tue 1, and
 * Wed 2 December is the fifth, whose close is 20:00. That is 1:50 of Tuesday
 * and 60 h, less the minute until delivery; half of 61:49 is 30:54:30, which
 * leaves 5:05:30 for Monday after Tuesday's 1:49 and two days of 12 h.
 */
static void
test_confirm_three_misses_a_notice_and_silence_close_unconfirmed(void **state)
{
	const struct am_followup *f;

	(void)state;
	miss_three_times();
	assert_int_equal(CW->attempts, 3);
	assert_int_equal(CW->misses, 3);
	f = cw_followup("notice");
	assert_non_null(f);
	assert_int_equal(f->to, AM_ROLE_CUSTOMER);
	assert_int_equal(f->reason, AM_REASON_ASK);
	assert_non_null(strstr(f->body.p, "Is C-1 solved? 1 yes, 2 no."));
	assert_int_equal(SILENCE->state, AM_CLK_OFF); /* nobody is told yet */
	cw_end("Tue 18:11", "callback", "notice", "delivered");
	assert_int_equal(SILENCE->state, AM_CLK_RUNNING);
	assert_int_equal(
	    am_clock_due(cw_def(), CW, AM_CLOCK_SILENCE), cw_at("Wed+1 20:00"));

	cw_sleep("Mon+1 13:05");
	assert_int_equal(cw_sent("reminder"), 0);
	assert_int_equal(cw_wake(), cw_at("Mon+1 13:05") + 30 * AM_SECOND);
	assert_int_equal(cw_sent("reminder"), 1);
	assert_int_equal(cw_followup("reminder")->to, AM_ROLE_CUSTOMER);
	cw_end("Mon+1 13:06", "silence", "reminder", "delivered");

	cw_sleep("Wed+1 20:00");
	assert_int_equal(CW->status, AM_CLOSED);
	assert_int_equal(CW->outcome, AM_OUTCOME_UNCONFIRMED);
	assert_int_equal(CW->closed_at, cw_at("Wed+1 20:00"));
	assert_int_equal(cw_tally("complaint:closed:unconfirmed"), 1);
	/* rule 14: no survey and no aftercare for it */
	assert_int_equal(CW->clocks[AM_CLOCK_AFTERCARE].state, AM_CLK_OFF);
	assert_null(cw.up.followups);
}

/* 2.1.8: reached is no miss, but the attempt is used. */
static void
test_confirm_reached_without_an_answer_keeps_the_stage_open(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 10:30", "callback.attempted outcome=reached");
	assert_int_equal(CW->status, AM_OPEN);
	assert_int_equal(CW->attempts, 1);
	assert_int_equal(CW->misses, 0);
	/* a contact with the customer */
	assert_int_equal(
	    CW->clocks[AM_CLOCK_INFORM].started, cw_at("Mon 10:30"));
	cw_step("Mon 14:30", "callback.attempted outcome=no_answer");
	assert_int_equal(cw_sent("notice"), 0);
	/* what they said may still be recorded, up to the lapse of the stage */
	cw_step("Tue 18:10", "callback.attempted outcome=reached");
	assert_int_equal(cw_sent("notice"), 0);
	/* it never was: the loop must not hang on it */
	cw_sleep("Fri+2 20:00");
	assert_int_equal(CW->clocks[AM_CLOCK_CALLBACK].fired, 15);
}

/* Rule 12: the written channel at once, and nobody calls again. */
static void
test_confirm_wrong_number_stops_calling(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 10:30", "callback.attempted outcome=wrong_number");
	assert_int_equal(cw_sent("notice"), 1);
	assert_int_equal(CW->flags & AM_CF_NO_CALLS, AM_CF_NO_CALLS);
	cw_sleep("Fri 20:00");
	assert_int_equal(CW->clocks[AM_CLOCK_CALLBACK].fired, 15);
	assert_int_equal(CW->attempts, 1);
	/* once */
	cw_step("Mon+1 10:00", "callback.attempted outcome=wrong_number");
	assert_int_equal(cw_sent("notice"), 0);
}

/* Who wants no calls is asked once, in writing, when the stage begins. */
static void
test_confirm_who_wants_no_calls_is_asked_in_writing(void **state)
{
	(void)state;
	cw_step("Mon 09:00", "complaint.opened category=card owner=li "
			     "consent.call=no");
	cw_step("Mon 09:00", "stage.completed stage=apologize");
	cw_step("Mon 10:00", "stage.completed stage=resolve");
	assert_int_equal(cw_sent("notice"), 1);
	assert_int_equal(cw_sent("ask"), 0);
	assert_int_equal(cw_sent("attempt-1"), 0);
	assert_string_equal(
	    cw_said("confirmation.requested", "clock"), "callback-confirm");
	cw_end("Mon 10:01", "callback", "notice", "delivered");
	assert_int_equal(SILENCE->state, AM_CLK_RUNNING);
}

static void
test_confirm_opt_out_of_calls_ends_the_attempts(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 11:00", "contact.opted_out channel=sms address=+861380");
	assert_int_equal(CW->flags & AM_CF_NO_CALLS, 0);
	cw_step("Mon 11:00", "contact.opted_out channel=call address=+861380 "
			     "keyword=STOP scope=all");
	assert_int_equal(cw_sent("notice"), 1);
	assert_string_equal(cw_said("contact.opted_out", "scope"), "all");
	assert_string_equal(cw_said("contact.opted_out", "address"), "");
	cw_step("Mon 12:00", "contact.opted_in channel=call address=+861380");
	assert_int_equal(CW->flags & AM_CF_NO_CALLS, 0);
}

/* 2.1.8: refused ends the attempts; then notice, silence, declined. */
static void
test_confirm_refusal_ends_as_declined(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 10:30", "callback.attempted outcome=refused");
	assert_int_equal(cw_sent("notice"), 1);
	cw_end("Mon 10:31", "callback", "notice", "delivered");
	/* 5bd from Monday 23rd: Tue, Wed, Fri, Mon, Tue 1 December */
	cw_sleep("Tue+1 20:00");
	assert_int_equal(CW->outcome, AM_OUTCOME_DECLINED);
	assert_int_equal(CW->closed_at, cw_at("Tue+1 20:00"));
}

/* Rule 13: if every channel fails a person gets it, because nobody was told. */
static void
test_confirm_notice_that_no_channel_takes_goes_to_a_person(void **state)
{
	(void)state;
	miss_three_times();
	cw_end("Tue 18:20", "callback", "notice", "dead");
	assert_int_equal(cw_sent("notice"), 1); /* the next channel: mail */
	assert_int_equal(CW->flags & AM_CF_UNREACHABLE, 0);
	cw_end("Tue 18:30", "callback", "notice", "dead");
	assert_int_equal(CW->flags & AM_CF_UNREACHABLE, AM_CF_UNREACHABLE);
	assert_int_equal(cw_sent("unreachable:supervisor"), 1);
	assert_int_equal(cw_tally("complaint:unreachable"), 1);
	assert_int_equal(SILENCE->state, AM_CLK_OFF);
	cw_sleep("Fri+1 20:00");
	assert_int_equal(CW->status, AM_OPEN);
	cw_step("Sat+1 10:00", "complaint.closed by=wang reason=x");
	assert_int_equal(CW->outcome, AM_OUTCOME_UNREACHABLE);
}

static void
test_confirm_notice_without_any_channel_goes_to_a_person(void **state)
{
	struct am_rungdef *notice =
	    &cw_def()->clocks[AM_CLOCK_CALLBACK].rungs[3];

	(void)state;
	for (size_t i = 0; i < notice->via_n; i++)
		notice->via[i].usable = false;
	miss_three_times();
	assert_true(cw_followup("notice")->dead);
	assert_int_equal(CW->flags & AM_CF_UNREACHABLE, AM_CF_UNREACHABLE);
	assert_int_equal(cw_sent("unreachable:supervisor"), 1);
}

/* ---- CF6: what silence must not close ---- */

static void
stay_silent(void)
{
	miss_three_times();
	cw_end("Tue 18:11", "callback", "notice", "delivered");
}

static void
assert_not_closed(const char *why)
{
	while (cw_said("silence.over", "reason") == NULL &&
	       cw.now < cw_at("Fri+1 20:00"))
		(void)cw_wake();
	assert_string_equal(cw_said("silence.over", "reason"), why);
	assert_int_equal(cw_sent("autoclose:supervisor"), 1);
	assert_int_equal(CW->status, AM_OPEN);
	assert_int_equal(SILENCE->state, AM_CLK_OVER);
}

static void
test_confirm_silence_never_closes_with_an_owed_apology(void **state)
{
	(void)state;
	cw_step("Mon 10:00", "complaint.opened category=card owner=li");
	cw_step("Mon 10:00", "stage.completed stage=resolve");
	cw_step("Mon 10:30", "callback.attempted outcome=wrong_number");
	cw_end("Mon 10:31", "callback", "notice", "delivered");
	assert_not_closed("owed");
}

static void
test_confirm_silence_never_closes_with_a_negative_comment(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 10:10", "customer.message text=x negative=1");
	assert_int_equal(CW->flags & AM_CF_NEGATIVE, AM_CF_NEGATIVE);
	cw_step("Mon 10:30", "callback.attempted outcome=wrong_number");
	cw_end("Mon 10:31", "callback", "notice", "delivered");
	assert_not_closed("negative");
}

static void
test_confirm_silence_never_closes_a_contradiction(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 10:10", "customer.answered verdict=satisfied score=1");
	cw_step("Mon 10:30", "callback.attempted outcome=wrong_number");
	cw_end("Mon 10:31", "callback", "notice", "delivered");
	assert_not_closed("contradictory");
}

/* CF6: reminder first. What an outage made fall due together, or a channel has
 * not taken yet, leaves half of the window from then on. */
static void
test_confirm_silence_does_not_close_before_its_reminder_went(void **state)
{
	am_ms due;

	(void)state;
	stay_silent();
	cw_step("Thu+1 10:00", "wake");
	assert_int_equal(cw_sent("reminder"), 1);
	assert_int_equal(CW->status, AM_OPEN);
	due = am_clock_due(cw_def(), CW, AM_CLOCK_SILENCE);
	assert_int_equal(due, fix_case(&cw, "C-1")->wake_at);
	assert_true(due > cw_at("Fri+1 20:00"));
	cw_end("Thu+1 10:05", "silence", "reminder", "delivered");
	cw_sleep("Fri+2 20:00");
	assert_int_equal(CW->closed_at, due);
	assert_int_equal(CW->outcome, AM_OUTCOME_UNCONFIRMED);
}

/* LC3: silence stands still in a hold, and closes nothing that is held. */
static void
test_confirm_silence_waits_out_a_hold(void **state)
{
	(void)state;
	stay_silent();
	cw_step("Wed 10:00", "complaint.held reason=waiting_third_party");
	assert_int_equal(SILENCE->state, AM_CLK_STOPPED);
	cw_step("Wed 16:00", "complaint.resumed");
	/* Wed+1 20:00 and six hours of work */
	cw_sleep("Thu+1 13:59");
	cw_end("Thu+1 13:59", "silence", "reminder", "delivered");
	assert_int_equal(CW->status, AM_OPEN);
	cw_sleep("Thu+1 14:00");
	assert_int_equal(CW->outcome, AM_OUTCOME_UNCONFIRMED);
}

static void
test_confirm_notice_that_arrives_in_a_hold_counts_from_its_end(void **state)
{
	(void)state;
	miss_three_times();
	cw_step("Tue 18:15", "complaint.held reason=waiting_third_party");
	cw_end("Tue 18:20", "callback", "notice", "delivered");
	assert_int_equal(SILENCE->state, AM_CLK_STOPPED);
	assert_int_equal(SILENCE->consumed, 0);
	cw_step("Wed 10:00", "complaint.resumed");
	assert_int_equal(SILENCE->state, AM_CLK_RUNNING);
}

/* ---- messages and answers ---- */

static void
test_confirm_message_ends_silence_and_tells_the_owner(void **state)
{
	uint32_t version;

	(void)state;
	stay_silent();
	version = CW->version;
	cw_step("Wed 10:00", "customer.message text=x via=sms");
	assert_int_equal(SILENCE->state, AM_CLK_MET);
	assert_int_equal(cw_sent("message:owner"), 1);
	assert_string_equal(
	    cw_said("customer.message", "effect"), "ends_silence");
	assert_int_equal(CW->version, version + 1);
	assert_int_equal(
	    CW->clocks[AM_CLOCK_INFORM].started, cw_at("Wed 10:00"));
	cw_step("Wed 11:00", "customer.message text=y");
	assert_int_equal(CW->version, version + 1); /* a letter is no fact */
	assert_int_equal(cw_sent("message:owner"), 0);
	cw_sleep("Fri+1 20:00");
	assert_int_equal(CW->status, AM_OPEN);
}

static void
test_confirm_message_ends_a_hold_on_the_customer_only(void **state)
{
	(void)state;
	cw_step("Mon 09:00", "complaint.opened category=card owner=li");
	cw_step("Mon 10:00", "complaint.held reason=waiting_third_party");
	cw_step("Mon 11:00", "customer.message text=x");
	assert_int_equal(CW->status, AM_HELD);
	cw_step("Mon 12:00", "complaint.resumed");
	cw_step("Mon 12:00", "complaint.held reason=waiting_customer");
	cw_def()->resume_on_customer = false;
	cw_step("Mon 13:00", "customer.message text=x");
	assert_int_equal(CW->status, AM_HELD);
	cw_def()->resume_on_customer = true;
	cw_step("Mon 14:00", "customer.message text=x");
	assert_int_equal(CW->status, AM_OPEN);
	assert_string_equal(
	    cw_said("complaint.resumed", "reason"), "customer.message");
	assert_non_null(cw_said("customer.message", "stage"));
}

/* Rule 17: journaled, and the outcome stands. */
static void
test_confirm_message_after_closing_is_noted(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 11:00", "customer.answered verdict=satisfied");
	cw_step("Mon 12:00", "customer.message text=x negative=1");
	assert_int_equal(cw.up.verdict, AM_APPLIED);
	assert_string_equal(cw_said("customer.message", "negative"), "yes");
	assert_int_equal(CW->outcome, AM_OUTCOME_SATISFIED);
	assert_int_equal(CW->flags & AM_CF_NEGATIVE, 0);
	assert_int_equal(CW->clocks[AM_CLOCK_INFORM].state, AM_CLK_OVER);
}

static void
test_confirm_answer_in_the_silence_closes_satisfied(void **state)
{
	(void)state;
	stay_silent();
	cw_step("Mon+1 10:00", "customer.answered verdict=satisfied");
	assert_int_equal(CW->outcome, AM_OUTCOME_SATISFIED);
	assert_int_equal(CW->clocks[AM_CLOCK_AFTERCARE].state, AM_CLK_RUNNING);
}

/* 2.1.8: met, and closes without a question: nobody calls who has answered. */
static void
test_confirm_answer_with_something_owed_ends_the_calls(void **state)
{
	(void)state;
	cw_step("Mon 10:00", "complaint.opened category=card owner=li");
	cw_step("Mon 10:00", "stage.completed stage=resolve");
	cw_step("Mon 10:30", "customer.answered verdict=satisfied");
	assert_int_equal(CW->status, AM_OPEN);
	assert_int_equal(CW->clocks[AM_CLOCK_CALLBACK].state, AM_CLK_MET);
	cw_step("Tue 10:00", "stage.waived stage=apologize reason=x "
			     "approver=wang");
	assert_int_equal(CW->outcome, AM_OUTCOME_SATISFIED);
}

/* CF5: human review, never auto-close. */
static void
test_confirm_contradictory_answers_go_to_a_person(void **state)
{
	static const char *const answers[] = {
		"customer.answered verdict=satisfied score=2",
		"customer.answered verdict=satisfied negative=1",
		"customer.answered verdict=satisfied score=1 negative=1",
	};

	(void)state;
	stay_silent();
	for (size_t i = 0; i < AM_COUNT(answers); i++) {
		cw_step("Wed 10:00", answers[i]);
		assert_int_equal(CW->status, AM_OPEN);
		assert_int_equal(
		    CW->flags & AM_CF_CONTRADICTORY, AM_CF_CONTRADICTORY);
		assert_int_equal(SILENCE->state, AM_CLK_MET);
	}
	cw_sleep("Fri+1 20:00");
	assert_int_equal(CW->status, AM_OPEN);
	cw_step("Sat+1 10:00", "customer.answered verdict=satisfied score=5");
	assert_int_equal(CW->outcome, AM_OUTCOME_SATISFIED);
	assert_int_equal(CW->flags & AM_CF_NEGATIVE, 0);
}

/* 2.1.6: the opposite word within contradict_window undoes a closing, also
 * where reopen_window would not. */
static void
test_confirm_opposite_answer_soon_after_closing_reopens(void **state)
{
	struct am_loopdef *def = cw_def();

	(void)state;
	def->stages[3].reopen_window = AM_HOUR;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 11:00", "customer.answered verdict=satisfied");
	cw_step("Tue 10:59", "customer.answered verdict=unsatisfied");
	assert_int_equal(CW->status, AM_OPEN);
	assert_int_equal(CW->cycle, 2);
}

/* ---- attempts out of place ---- */

static void
test_confirm_attempt_before_the_question_is_ignored(void **state)
{
	(void)state;
	cw_step("Mon 09:00", "complaint.opened category=card owner=li");
	cw_step("Mon 09:10", "callback.attempted outcome=no_answer");
	assert_string_equal(cw.up.code, "not_asked");
	cw_step("Mon 09:20", "callback.attempted outcome=reached");
	assert_int_equal(cw.up.verdict, AM_APPLIED); /* a contact */
	assert_int_equal(
	    CW->clocks[AM_CLOCK_INFORM].started, cw_at("Mon 09:20"));
	assert_int_equal(CW->attempts, 0);
	assert_int_equal(CW->version, 1);
	cw_step("Mon 09:30", "callback.attempted outcome=wrong_number");
	assert_int_equal(CW->flags & AM_CF_NO_CALLS, AM_CF_NO_CALLS);
	cw_step("Mon 09:40", "complaint.withdrawn");
	cw_step("Mon 09:50", "callback.attempted outcome=reached");
	assert_string_equal(cw.up.code, "closed");
}

/* Each cycle asks anew: attempts, misses and parts begin at nothing. */
static void
test_confirm_next_cycle_has_its_own_attempts(void **state)
{
	(void)state;
	stay_silent();
	cw_step("Wed 10:00", "customer.message text=x");
	cw_step("Wed 11:00", "customer.answered verdict=unsatisfied");
	assert_int_equal(CW->cycle, 2);
	assert_int_equal(CW->attempts | CW->misses | CW->parts, 0);
	assert_int_equal(CW->clocks[AM_CLOCK_CALLBACK].state, AM_CLK_OVER);
	cw_step("Wed 12:00", "stage.completed stage=resolve");
	assert_int_equal(cw_sent("ask"), 1);
	cw_step("Wed 12:10", "callback.attempted outcome=wrong_number");
	cw_end("Wed 12:11", "callback", "notice", "delivered");
	/* the message of the first cycle does not end this one's silence */
	assert_int_equal(SILENCE->state, AM_CLK_RUNNING);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, cw_setup, cw_teardown)
	const struct CMUnitTest tests[] = {
		T(test_confirm_three_misses_a_notice_and_silence_close_unconfirmed),
		T(test_confirm_reached_without_an_answer_keeps_the_stage_open),
		T(test_confirm_wrong_number_stops_calling),
		T(test_confirm_who_wants_no_calls_is_asked_in_writing),
		T(test_confirm_opt_out_of_calls_ends_the_attempts),
		T(test_confirm_refusal_ends_as_declined),
		T(test_confirm_notice_that_no_channel_takes_goes_to_a_person),
		T(test_confirm_notice_without_any_channel_goes_to_a_person),
		T(test_confirm_silence_never_closes_with_an_owed_apology),
		T(test_confirm_silence_never_closes_with_a_negative_comment),
		T(test_confirm_silence_never_closes_a_contradiction),
		T(test_confirm_silence_does_not_close_before_its_reminder_went),
		T(test_confirm_silence_waits_out_a_hold),
		T(test_confirm_notice_that_arrives_in_a_hold_counts_from_its_end),
		T(test_confirm_message_ends_silence_and_tells_the_owner),
		T(test_confirm_message_ends_a_hold_on_the_customer_only),
		T(test_confirm_message_after_closing_is_noted),
		T(test_confirm_answer_in_the_silence_closes_satisfied),
		T(test_confirm_answer_with_something_owed_ends_the_calls),
		T(test_confirm_contradictory_answers_go_to_a_person),
		T(test_confirm_opposite_answer_soon_after_closing_reopens),
		T(test_confirm_attempt_before_the_question_is_ignored),
		T(test_confirm_next_cycle_has_its_own_attempts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
