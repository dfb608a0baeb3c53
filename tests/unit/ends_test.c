/*
 * ends_test - how a loop ends, goes round again, or comes to a deadlock. Shows
 * CF1, CF7, DL11, LC4, LC5.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/str.h"
#include "core/clock.h"
#include "tests/unit/confirm_world.h"

#define RESOLVE (AM_CLOCK_STAGE0 + 2)

static void
assert_stage(const char *name)
{
	assert_string_equal(cw_def()->stages[CW->stage].name, name);
}

static void
close_satisfied(const char *when)
{
	cw_walk_to_confirm("Mon 10:00");
	cw_step(when, "customer.answered verdict=satisfied");
	assert_int_equal(CW->outcome, AM_OUTCOME_SATISFIED);
}

/* ---- LC4: withdrawn ---- */

static void
test_ends_withdrawal_closes_in_one_commit_with_one_receipt(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	assert_int_equal(CW->waiting_n, 2); /* the question, the first call */
	cw_step("Mon 11:00", "complaint.withdrawn");
	assert_int_equal(CW->outcome, AM_OUTCOME_WITHDRAWN);
	for (const struct am_fu_change *ch = cw.up.changes; ch != NULL;
	     ch = ch->next)
		assert_string_equal(ch->reason, "withdrawn");
	/* the receipt alone is left, and nobody judges it to be over */
	assert_int_equal(cw_sent("withdrawn:customer"), 1);
	assert_int_equal(CW->waiting_n, 1);
	assert_false(am_fu_over(CW, &CW->waiting[0]));
	assert_int_equal(cw_tally("complaint:closed:withdrawn"), 1);
	assert_int_equal(cw_tally("complaint:answered:satisfied"), 0);
	assert_int_equal(CW->clocks[AM_CLOCK_AFTERCARE].state, AM_CLK_OFF);
	cw_end_notice(
	    "Mon 11:01", AM_NOTICE_WITHDRAWN, AM_ROLE_CUSTOMER, "delivered");
	assert_string_equal(cw_said("followup.delivered", "late"), "no");
}

static void
test_ends_withdrawal_is_silent_where_the_loop_says_so(void **state)
{
	(void)state;
	cw_def()->notify_withdrawal = false;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 11:00", "complaint.withdrawn");
	assert_null(cw.up.followups);
	assert_int_equal(CW->waiting_n, 0);
}

/* Rule 15: a later answer opens a new complaint; one is enough. */
static void
test_ends_answer_after_a_withdrawal_opens_a_new_complaint(void **state)
{
	const struct am_emit *e;

	(void)state;
	cw_step("Mon 09:00", "complaint.opened category=card owner=li "
			     "supervisor=wang team=cards tier=low locale=zh "
			     "tz=Asia/Tokyo severity=bad respondents[0]=chen");
	cw_step("Mon 10:00", "complaint.withdrawn");
	cw_step("Mon 11:00", "customer.answered verdict=satisfied");
	assert_string_equal(cw.up.code, "closed");
	cw_step("Tue 10:00", "customer.answered verdict=unsatisfied "
			     "comment='it broke again'");
	assert_int_equal(cw.up.verdict, AM_APPLIED);
	e = cw_emitted(0);
	assert_non_null(e);
	assert_null(cw_emitted(1));
	assert_int_equal(e->type, AM_EV_OPENED);
	assert_true(am_complaint_id_ok(e->complaint_id));
	assert_string_equal(cw_told(e, "repeat_of"), "C-1");
	assert_string_equal(cw_told(e, "loop"), "complaint");
	assert_string_equal(cw_told(e, "category"), "card");
	assert_string_equal(cw_told(e, "summary"), "it broke again");
	assert_string_equal(cw_told(e, "owner"), "li");
	assert_string_equal(cw_told(e, "supervisor"), "wang");
	assert_string_equal(cw_told(e, "tier"), "low"); /* it rises there */
	assert_string_equal(cw_told(e, "severity"), "bad");
	assert_string_equal(cw_told(e, "locale"), "zh");
	assert_string_equal(cw_told(e, "tz"), "Asia/Tokyo");
	assert_string_equal(cw_told(e, "respondents[0]"), "chen");
	/* the old one keeps its end; its line names the new one and holds no
	 * word of the customer's */
	assert_int_equal(CW->outcome, AM_OUTCOME_WITHDRAWN);
	assert_true(am_str_is(
	    e->complaint_id, cw_said("customer.answered", "complaint")));
	assert_null(memmem(cw.up.line.p, cw.up.line.n, "broke", 5));
	cw_step("Tue 11:00", "customer.answered verdict=unsatisfied");
	assert_string_equal(cw.up.code, "carried_on");
}

/* The same event makes the same complaint, and one that is opened so passes
 * the checks of an event. */
static void
test_ends_new_complaint_follows_from_its_cause(void **state)
{
	char id[2][AM_ID_MAX + 1];
	struct am_reject why;
	struct am_event ev;

	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *c = i == 0 ? "C-1" : "C-2";

		cw_step_of(c, "Mon 09:00", "complaint.opened category=card");
		cw_step_of(c, "Mon 10:00", "complaint.withdrawn");
		cw_step_of(c, "Tue 10:00",
		    "customer.answered verdict=partial event_id=same");
		strcpy(id[i],
		    am_arena_cstr(cw.up.arena, cw_emitted(0)->complaint_id));
	}
	assert_string_not_equal(id[0], id[1]);
	assert_string_equal(cw_told(cw_emitted(0), "summary"),
	    "The customer is not satisfied with what became of C-2.");
	ev = (struct am_event){ .type = AM_EV_OPENED,
		.complaint_id = cw_emitted(0)->complaint_id,
		.source = AM_STR("amends"),
		.event_id = cw_emitted(0)->event_id,
		.expected_version = -1,
		.fields = cw_emitted(0)->pairs,
		.fields_n = cw_emitted(0)->pairs_n };
	assert_int_equal(am_event_check(&ev, &why), 0);
}

/* ---- LC5: round again ---- */

/* Cycle n+1 at reopen_to; half of the new tier's budget: mid has 24 h, high
 * has 6. The next halves the original again, never a quarter. */
static void
test_ends_unsatisfied_starts_the_next_cycle(void **state)
{
	(void)state;
	close_satisfied("Mon 11:00");
	cw_step("Tue 10:00", "customer.answered verdict=unsatisfied");
	assert_int_equal(CW->cycle, 2);
	assert_stage("resolve");
	assert_string_equal(cw_def()->tiers[CW->tier], "high");
	assert_int_equal(CW->clocks[RESOLVE].budget, 3 * AM_HOUR);
	assert_int_equal(cw_sent("reopen:owner"), 1);
	assert_int_equal(cw_sent("reopen:supervisor"), 1);
	assert_int_equal(CW->clocks[AM_CLOCK_AFTERCARE].state, AM_CLK_OVER);
	assert_int_equal(cw_tally("stage:complaint:resolve:high"), 1);
	assert_int_equal(cw_tally("stage:complaint:callback-confirm:mid"), 0);
	assert_int_equal(cw_tally("stage:complaint:callback-confirm:high"), 0);
	cw_step("Tue 11:00", "stage.completed stage=resolve");
	cw_step("Tue 12:00", "customer.answered verdict=unsatisfied");
	assert_int_equal(CW->cycle, 3);
	assert_int_equal(CW->clocks[RESOLVE].budget, 3 * AM_HOUR);
	assert_int_equal(cw_tally("stage:complaint:resolve:high"), 1);
	assert_int_equal(cw_tally("stage:complaint:callback-confirm:high"), -1);
}

static void
test_ends_partly_satisfied_keeps_owner_and_tier(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 11:00", "customer.answered verdict=partial");
	assert_string_equal(cw_def()->tiers[CW->tier], "mid");
	assert_int_equal(CW->clocks[RESOLVE].budget, 12 * AM_HOUR);
	assert_int_equal(cw_sent("reopen:owner"), 1);
	assert_int_equal(cw_sent("reopen:supervisor"), 0);
}

static void
test_ends_a_person_reopens_within_window_and_count(void **state)
{
	(void)state;
	cw_step("Mon 09:00", "complaint.opened category=card owner=li");
	cw_step("Mon 09:10", "complaint.reopened reason=x");
	assert_string_equal(cw.up.code, "not_closed");
	cw_step("Mon 09:20", "stage.completed stage=apologize");
	cw_step("Mon 09:20", "stage.completed stage=resolve");
	cw_step("Mon 09:30", "complaint.reopened reason=x reopen_to=heaven");
	assert_int_equal(cw.up.verdict, AM_REJECTED);
	assert_true(am_str_is(cw.up.reject.field, "reopen_to"));
	cw_step("Mon 09:30",
	    "complaint.reopened reason=x reopen_to=callback-confirm");
	assert_int_equal(cw.up.verdict, AM_REJECTED);
	/* in the confirm stage, also out of a hold */
	cw_step("Mon 09:40", "complaint.held reason=waiting_customer");
	cw_step("Mon 09:50",
	    "complaint.reopened reason=x reopen_to=listen by=wang");
	assert_stage("listen");
	assert_int_equal(CW->cycle, 2);
	assert_string_equal(cw_said("complaint.reopened", "by"), "wang");
	assert_string_equal(cw_said("complaint.reopened", "reason"), "");
	cw_step("Mon 10:00", "stage.completed stage=apologize");
	cw_step("Mon 10:00", "stage.completed stage=resolve");
	cw_step("Mon 10:10", "customer.answered verdict=satisfied");
	/* 14 days after closing it is too late */
	cw_step("Mon+2 10:11", "complaint.reopened reason=x");
	assert_string_equal(cw.up.code, "window_over");
	cw_step("Mon+2 10:10", "complaint.reopened reason=x");
	assert_int_equal(CW->status, AM_OPEN);
	assert_stage("resolve");
	assert_int_equal(CW->cycle, 3);
	/* the answer of the cycle before does not close this one */
	cw_step("Mon+2 11:00", "stage.completed stage=resolve");
	assert_int_equal(CW->status, AM_OPEN);
	assert_int_equal(cw_sent("ask"), 1);
	cw_step("Mon+2 11:00", "complaint.reopened reason=x");
	assert_string_equal(cw.up.code, "no_reopens_left");
}

static void
test_ends_nothing_reopens_a_withdrawal(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 11:00", "complaint.withdrawn");
	cw_step("Mon 12:00", "complaint.reopened reason=x");
	assert_string_equal(cw.up.code, "closed");
}

/* Rule 10: after reopen_window a new complaint with repeat_of. */
static void
test_ends_answer_after_the_window_opens_a_new_complaint(void **state)
{
	(void)state;
	close_satisfied("Mon 11:00");
	cw_step("Mon+2 11:01", "customer.answered verdict=unsatisfied");
	assert_int_equal(CW->status, AM_CLOSED);
	assert_string_equal(
	    cw_said("customer.answered", "effect"), "new_complaint");
	assert_string_equal(cw_told(cw_emitted(0), "repeat_of"), "C-1");
	/* and that one can no longer be gone round with the old one */
	cw_step("Mon+2 11:02", "complaint.reopened reason=x");
	assert_string_equal(cw.up.code, "carried_on");
}

/* ---- LC5, CF7: deadlock ---- */

static void
come_to_a_deadlock(void)
{
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 11:00", "customer.answered verdict=unsatisfied");
	cw_step("Mon 12:00", "stage.completed stage=resolve");
	cw_step("Mon 13:00", "customer.answered verdict=unsatisfied");
	cw_step("Mon 14:00", "stage.completed stage=resolve");
	cw_step("Mon 14:10", "callback.attempted outcome=wrong_number");
	cw_end("Mon 14:20", "callback", "notice", "delivered");
	assert_int_equal(CW->clocks[AM_CLOCK_SILENCE].state, AM_CLK_RUNNING);
	cw_step("Mon 15:00", "customer.answered verdict=unsatisfied");
}

/* A named human owns it, auto-close is off, the recourse notice is sent and
 * its delivery is part of the record; final keeps running. */
static void
test_ends_deadlock_has_a_named_owner_and_no_auto_close(void **state)
{
	(void)state;
	come_to_a_deadlock();
	assert_int_equal(CW->flags & AM_CF_DEADLOCK, AM_CF_DEADLOCK);
	assert_int_equal(CW->status, AM_OPEN);
	assert_int_equal(CW->cycle, 3);
	assert_true(am_str_is(CW->owner, "wang"));
	assert_true(am_str_is(CW->loop_owner, "li"));
	assert_string_equal(cw_said("owner.changed", "reason"), "deadlock");
	assert_int_equal(cw_sent("deadlock:supervisor"), 1);
	assert_int_equal(cw_sent("recourse:customer"), 1);
	assert_int_equal(CW->recourse, AM_RECOURSE_SENT);
	assert_int_equal(CW->clocks[AM_CLOCK_SILENCE].state, AM_CLK_OVER);
	assert_int_equal(CW->clocks[AM_CLOCK_CALLBACK].state, AM_CLK_OVER);
	assert_int_equal(CW->clocks[AM_CLOCK_FINAL].state, AM_CLK_RUNNING);
	cw_end_notice(
	    "Mon 15:01", AM_NOTICE_RECOURSE, AM_ROLE_CUSTOMER, "delivered");
	assert_int_equal(CW->recourse, AM_RECOURSE_DELIVERED);
	assert_string_equal(cw_said("recourse.notified", "reason"), "deadlock");
	assert_int_equal(CW->status, AM_OPEN);

	cw_step("Mon 16:00", "complaint.reopened reason=x");
	assert_string_equal(cw.up.code, "deadlock");
	cw_step("Mon 17:00", "customer.answered verdict=satisfied");
	assert_string_equal(cw_said("customer.answered", "effect"), "noted");
	cw_sleep("Fri+1 20:00");
	assert_int_equal(CW->status, AM_OPEN);
	cw_step("Sat+1 10:00", "complaint.closed by=wang reason=x");
	assert_int_equal(CW->outcome, AM_OUTCOME_DEADLOCK_CLOSED);
}

/* The supervisor of the complaint before the one of the loop; never somebody
 * who is complained about. */
static void
test_ends_deadlock_goes_to_nobody_who_is_complained_about(void **state)
{
	(void)state;
	cw_def()->stages[3].max_reopens = 0;
	cw_step("Mon 09:00", "complaint.opened category=card owner=li "
			     "respondents[0]=wang");
	cw_step("Mon 10:00", "stage.completed stage=apologize");
	cw_step("Mon 10:00", "stage.completed stage=resolve");
	cw_step("Mon 11:00", "customer.answered score=1");
	assert_int_equal(CW->flags & AM_CF_DEADLOCK, AM_CF_DEADLOCK);
	assert_true(am_str_is(CW->owner, "zhao"));
}

static void
test_ends_deadlock_after_closing_opens_it_for_a_person(void **state)
{
	(void)state;
	cw_def()->stages[3].max_reopens = 0;
	close_satisfied("Mon 11:00");
	cw_step("Tue 10:00", "customer.answered verdict=unsatisfied");
	assert_int_equal(CW->status, AM_OPEN);
	assert_int_equal(CW->flags & AM_CF_DEADLOCK, AM_CF_DEADLOCK);
	assert_int_equal(cw_tally("stage:complaint:callback-confirm:mid"), 1);
	assert_int_equal(CW->clocks[AM_CLOCK_FINAL].state, AM_CLK_RUNNING);
}

/* ---- CF7: rejected ---- */

static void
reject(void)
{
	cw_step("Mon 09:00", "complaint.opened category=card owner=li");
	cw_step("Mon 10:00", "complaint.rejected reason=x approver=wang");
}

static void
test_ends_rejection_closes_when_the_recourse_notice_is_accepted(void **state)
{
	(void)state;
	reject();
	assert_string_equal(cw_said("complaint.rejected", "approver"), "wang");
	assert_int_equal(cw_sent("recourse:customer"), 1);
	assert_int_equal(CW->status, AM_OPEN);
	assert_int_equal(CW->clocks[AM_CLOCK_STAGE0].state, AM_CLK_OVER);
	assert_int_equal(CW->clocks[AM_CLOCK_FINAL].state, AM_CLK_RUNNING);
	assert_int_equal(CW->recourse, AM_RECOURSE_SENT);
	cw_end_notice(
	    "Mon 10:05", AM_NOTICE_RECOURSE, AM_ROLE_CUSTOMER, "delivered");
	assert_string_equal(cw_said("recourse.notified", "reason"), "rejected");
	assert_int_equal(CW->recourse, AM_RECOURSE_DELIVERED);
	assert_int_equal(CW->outcome, AM_OUTCOME_NOT_UPHELD);
	assert_int_equal(CW->clocks[AM_CLOCK_AFTERCARE].state, AM_CLK_OFF);
	/* the customer may still say no */
	cw_step("Tue 10:00", "customer.answered verdict=unsatisfied");
	assert_int_equal(CW->status, AM_OPEN);
	assert_int_equal(CW->cycle, 2);
	assert_int_equal(CW->flags & AM_CF_NOT_UPHELD, 0);
	cw_step("Tue 11:00", "stage.completed stage=resolve");
	assert_int_equal(cw.up.verdict, AM_APPLIED);
}

static void
test_ends_rejection_that_reaches_nobody_goes_to_a_person(void **state)
{
	(void)state;
	reject();
	cw_end_notice(
	    "Mon 10:05", AM_NOTICE_RECOURSE, AM_ROLE_CUSTOMER, "dead");
	assert_int_equal(cw_sent("recourse:customer"), 1); /* by mail */
	assert_int_equal(CW->recourse, AM_RECOURSE_SENT);
	cw_end_notice(
	    "Mon 10:10", AM_NOTICE_RECOURSE, AM_ROLE_CUSTOMER, "dead");
	assert_int_equal(CW->recourse, AM_RECOURSE_FAILED);
	assert_int_equal(CW->status, AM_OPEN);
	assert_int_equal(cw_sent("unreachable:supervisor"), 1);
	cw_step("Mon 12:00", "complaint.closed by=wang reason=x");
	assert_int_equal(CW->status, AM_CLOSED);
}

static void
test_ends_customer_may_accept_a_rejection(void **state)
{
	(void)state;
	reject();
	cw_step("Mon 10:10", "customer.answered verdict=unsatisfied");
	assert_string_equal(cw_said("customer.answered", "effect"), "noted");
	assert_int_equal(CW->status, AM_OPEN);
	/* the opposite word within a day is a contradiction: noted, too */
	cw_step("Mon 10:20", "customer.answered verdict=satisfied");
	assert_int_equal(CW->status, AM_OPEN);
	cw_step("Wed 10:00", "customer.answered verdict=satisfied");
	assert_int_equal(CW->outcome, AM_OUTCOME_SATISFIED);
	/* what the notice says is no longer so, and nobody was told it */
	assert_int_equal(CW->waiting_n, 0);
	assert_int_equal(CW->recourse, AM_RECOURSE_NONE);
}

static void
test_ends_work_on_a_rejected_complaint_is_ignored(void **state)
{
	static const char *const events[] = {
		"stage.completed stage=listen",
		"stage.waived stage=apologize reason=x approver=wang",
		"complaint.held reason=waiting_customer",
		"callback.attempted outcome=no_answer",
		"complaint.reopened reason=x",
	};

	(void)state;
	reject();
	for (size_t i = 0; i < AM_COUNT(events); i++) {
		cw_step("Mon 11:00", events[i]);
		assert_int_equal(cw.up.verdict, AM_IGNORED);
		assert_string_equal(cw.up.code, "rejected");
	}
	cw_step("Mon 11:00", "complaint.rejected reason=y");
	assert_string_equal(cw.up.code, "already_done");
}

/* ---- DL11: the backstop ---- */

/* 8 weeks from Monday 09:00, through a hold and a reopening: the customer is
 * told by the built-in notice, and the loop goes on. */
static void
test_ends_final_ignores_hold_and_reopening_and_sends_recourse(void **state)
{
	(void)state;
	cw_step("Mon 09:00", "complaint.opened category=card owner=li");
	cw_step("Mon 09:10", "stage.completed stage=apologize");
	cw_step("Mon 09:20", "stage.completed stage=resolve");
	cw_step("Mon 10:00", "customer.answered verdict=satisfied");
	cw_step("Tue 10:00", "customer.answered verdict=unsatisfied");
	cw_def()->max_hold = (struct am_duration){ AM_UNIT_DAYS, 100 * AM_DAY };
	cw_step("Tue 11:00", "complaint.held reason=waiting_customer");
	assert_int_equal(
	    am_clock_due(cw_def(), CW, AM_CLOCK_FINAL), cw_at("Mon+8 09:00"));
	cw_sleep("Mon+8 08:59");
	assert_int_equal(CW->recourse, AM_RECOURSE_NONE);
	cw_sleep("Mon+8 09:00");
	assert_string_equal(cw_said("deadline.missed", "clock"), "final");
	assert_int_equal(cw_sent("recourse:customer"), 1);
	assert_int_equal(CW->recourse, AM_RECOURSE_SENT);
	assert_int_equal(CW->status, AM_HELD);
	cw_end_notice(
	    "Mon+8 09:01", AM_NOTICE_RECOURSE, AM_ROLE_CUSTOMER, "delivered");
	assert_string_equal(cw_said("recourse.notified", "reason"), "final");
	assert_int_equal(CW->recourse, AM_RECOURSE_DELIVERED);
	assert_int_equal(CW->status, AM_HELD);
}

/* 2.1.9: a rung at 100 % is the notice, and its delivery is kept as well. */
static void
test_ends_final_has_its_own_recourse_rung(void **state)
{
	struct am_clockdef *final = &cw_def()->clocks[AM_CLOCK_FINAL];

	(void)state;
	final->rungs[1] =
	    cw_def()->clocks[AM_CLOCK_STAGE0 + 3].rungs[0]; /* by text */
	final->rungs[1].name = "expiry";
	final->rungs[1].pct = 100;
	final->rungs[1].reason = AM_REASON_RECOURSE;
	final->rungs_n = 2;
	cw_step("Mon 09:00", "complaint.opened category=card owner=li");
	cw_sleep("Mon+8 09:00");
	assert_int_equal(cw_sent("expiry"), 1);
	assert_int_equal(cw_sent("recourse:customer"), 0);
	assert_int_equal(CW->recourse, AM_RECOURSE_SENT);
	cw_end("Mon+8 09:01", "final", "expiry", "delivered");
	assert_int_equal(CW->recourse, AM_RECOURSE_DELIVERED);
	assert_int_equal(CW->status, AM_OPEN);
}

/* 2.1.14: what final passed while the loop was closed fires at the reopening,
 * and a closing itself writes nothing of the kind. */
static void
test_ends_final_that_passed_while_closed_fires_at_reopening(void **state)
{
	(void)state;
	cw_def()->stages[3].reopen_window = 100 * AM_DAY;
	close_satisfied("Mon 11:00");
	cw_step("Tue+8 10:00", "customer.answered verdict=unsatisfied");
	assert_int_equal(CW->status, AM_OPEN);
	if (CW->recourse == AM_RECOURSE_NONE)
		(void)cw_wake();
	assert_int_equal(CW->recourse, AM_RECOURSE_SENT);
}

static void
test_ends_closing_behind_final_sends_no_recourse(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Tue+8 10:00", "customer.answered verdict=satisfied");
	assert_true(CW->clocks[AM_CLOCK_FINAL].missed);
	assert_string_equal(cw_said("loop.closed", "verdict"), "missed");
	assert_int_equal(CW->recourse, AM_RECOURSE_NONE);
	assert_int_equal(cw_sent("recourse:customer"), 0);
}

/* ---- CF1 ---- */

/* Outcome satisfied needs customer.answered; every other end has its own. */
static void
test_ends_every_other_end_has_another_outcome(void **state)
{
	static const struct {
		const char *event;
		enum am_outcome outcome;
	} ends[] = {
		{ "complaint.withdrawn", AM_OUTCOME_WITHDRAWN },
		{ "complaint.linked kind=duplicate target=C-9",
		    AM_OUTCOME_DUPLICATE },
		{ "complaint.closed by=wang reason=x", AM_OUTCOME_FORCED },
		{ "customer.answered score=5", AM_OUTCOME_SATISFIED },
	};

	(void)state;
	for (size_t i = 0; i < AM_COUNT(ends); i++) {
		char id[] = "D-0";

		id[2] = (char)('0' + i);
		cw_step_of(id, "Mon 09:00", "complaint.opened category=card");
		cw_step_of(id, "Mon 09:00", "stage.completed stage=apologize");
		cw_step_of(id, "Mon 09:00", "stage.completed stage=resolve");
		cw_step_of(id, "Mon 10:00", ends[i].event);
		assert_int_equal(cw.up.next.outcome, ends[i].outcome);
		assert_string_equal(cw_said("loop.closed", "outcome"),
		    am_outcome_str(ends[i].outcome));
	}
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, cw_setup, cw_teardown)
	const struct CMUnitTest tests[] = {
		T(test_ends_withdrawal_closes_in_one_commit_with_one_receipt),
		T(test_ends_withdrawal_is_silent_where_the_loop_says_so),
		T(test_ends_answer_after_a_withdrawal_opens_a_new_complaint),
		T(test_ends_new_complaint_follows_from_its_cause),
		T(test_ends_unsatisfied_starts_the_next_cycle),
		T(test_ends_partly_satisfied_keeps_owner_and_tier),
		T(test_ends_a_person_reopens_within_window_and_count),
		T(test_ends_nothing_reopens_a_withdrawal),
		T(test_ends_answer_after_the_window_opens_a_new_complaint),
		T(test_ends_deadlock_has_a_named_owner_and_no_auto_close),
		T(test_ends_deadlock_goes_to_nobody_who_is_complained_about),
		T(test_ends_deadlock_after_closing_opens_it_for_a_person),
		T(test_ends_rejection_closes_when_the_recourse_notice_is_accepted),
		T(test_ends_rejection_that_reaches_nobody_goes_to_a_person),
		T(test_ends_customer_may_accept_a_rejection),
		T(test_ends_work_on_a_rejected_complaint_is_ignored),
		T(test_ends_final_ignores_hold_and_reopening_and_sends_recourse),
		T(test_ends_final_has_its_own_recourse_rung),
		T(test_ends_final_that_passed_while_closed_fires_at_reopening),
		T(test_ends_closing_behind_final_sends_no_recourse),
		T(test_ends_every_other_end_has_another_outcome),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
