/*
 * receipt_test - what a provider says of a message, in time and late: of what
 * waits, of what has ended, of what nobody knows.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "base/str.h"
#include "core/clock.h"
#include "tests/unit/told.h"

static uint8_t id[16];

/* Remember the id of what waits at an endpoint. */
static void
take_id(struct told *w, const char *endpoint)
{
	const struct am_waiting *at = told_waits(w, endpoint);

	assert_non_null(at);
	memcpy(id, at->id, sizeof(id));
}

/* In the confirm stage; the question waits at "text". */
static void
asked(struct told *w)
{
	told_open(w, "owner=li");
	told_confirm(w, AM_HOUR);
	take_id(w, "text");
}

/* The written notice waits at "text", and nothing else. */
static void
written(struct told *w)
{
	asked(w);
	told_deliver(w);
	told_step(w, 2 * AM_HOUR, "callback.attempted outcome=wrong_number");
	take_id(w, "text");
}

static void
test_receipt_accepted_is_told_and_changes_nothing(void **state)
{
	struct told *w = *state;
	const struct am_note *n;

	asked(w);
	told_receipt(w, id, "state=accepted code=ok provider_seq=3");
	n = told_note(w, "followup.accepted", NULL, NULL);
	assert_non_null(n);
	assert_true(am_str_is(told_pair(n, "endpoint"), "text"));
	assert_true(am_str_is(told_pair(n, "code"), "ok"));
	assert_true(am_str_is(told_pair(n, "provider_seq"), "3"));
	assert_true(am_str_is(told_pair(n, "late"), "no"));
	assert_non_null(told_waits(w, "text"));
	assert_false(w->f.up.changed); /* no business change */
}

/* The receipt comes before the answer of the request: that is enough. */
static void
test_receipt_delivered_ends_what_waits(void **state)
{
	struct told *w = *state;

	asked(w);
	told_step(w, AM_HOUR, "customer.message reply=unclear");
	told_receipt(w, id, "state=delivered");
	assert_non_null(told_note(w, "followup.delivered", NULL, NULL));
	assert_null(told_waits_id(w, id));
	assert_string_equal(told_change(w, id)->state, "delivered");
	/* the next in order is let in */
	assert_true(told_waits(w, "text")->queued);
}

/* FU12: a failure ends it like dead: the next channel, and the next in order.
 */
static void
test_receipt_failed_goes_on_by_the_next_channel(void **state)
{
	struct told *w = *state;

	asked(w);
	told_receipt(w, id, "state=failed code=30005");
	assert_true(am_str_is(
	    told_pair(told_note(w, "followup.failed", NULL, NULL), "code"),
	    "30005"));
	assert_null(told_waits_id(w, id));
	assert_non_null(told_waits(w, "letter"));
	assert_string_equal(told_change(w, id)->state, "dead");
}

/* Of the day's follow-ups that were given up. */
static int64_t
given_up(const struct told *w)
{
	int64_t n = 0;

	for (const struct am_tally *t = w->f.up.tallies; t != NULL; t = t->next)
		if (t->day != NULL && strstr(t->field, "dead") != NULL)
			n += t->delta;
	return n;
}

static void
test_receipt_failed_counts_what_waits_as_dead(void **state)
{
	struct told *w = *state;

	asked(w);
	told_receipt(w, id, "state=failed code=30005");
	assert_int_equal(given_up(w), 1);
}

/* It was counted as delivered, and no letter was lost on our way. */
static void
test_receipt_failed_after_the_end_counts_nothing_as_dead(void **state)
{
	struct told *w = *state;

	asked(w);
	told_deliver(w);
	told_receipt(w, id, "state=failed code=30005");
	assert_int_equal(given_up(w), 0);
}

/* What is on the wire leaves the outbox by its own outcome. */
static void
test_receipt_of_what_is_on_the_wire_writes_no_change(void **state)
{
	struct told *w = *state;

	asked(w);
	told_waits_id(w, id)->in_flight = true;
	told_receipt(w, id, "state=delivered");
	assert_null(told_change(w, id));
	assert_null(told_waits_id(w, id));
}

/* The gateway had accepted it and says now that it failed. */
static void
test_receipt_failed_after_the_end_goes_on_by_the_next_channel(void **state)
{
	struct told *w = *state;

	asked(w);
	told_deliver(w);
	told_receipt(w, id, "state=failed code=30005");
	assert_int_equal(w->f.up.verdict, AM_APPLIED);
	assert_true(am_str_is(told_born(w, "ask")->endpoint, "letter"));
	assert_true(told_body_has(told_born(w, "ask"), "\"reason\":\"ask\""));
	/* that one fails too: it was the last */
	take_id(w, "letter");
	told_deliver(w);
	told_receipt(w, id, "state=failed");
	assert_int_equal(w->f.up.verdict, AM_APPLIED);
	assert_null(w->f.up.followups);
	/* said twice: no channel is used twice */
	told_receipt(w, id, "state=failed");
	assert_string_equal(w->f.up.code, "already_done");
}

/* Out of order: delivered stays delivered. */
static void
test_receipt_failed_behind_delivered_moves_nothing_back(void **state)
{
	struct told *w = *state;

	asked(w);
	told_receipt(w, id, "state=delivered");
	told_receipt(w, id, "state=failed");
	assert_string_equal(w->f.up.code, "already_done");
	told_receipt(w, id, "state=delivered");
	assert_string_equal(w->f.up.code, "already_done");
	assert_null(told_waits(w, "letter"));
}

/* A dead one had its next channel; the gateway's receipt comes behind. */
static void
test_receipt_failed_behind_dead_uses_no_channel_twice(void **state)
{
	struct told *w = *state;

	asked(w);
	told_ended(w, told_waits(w, "text"), "state=dead reason=exhausted");
	told_deliver(w);
	told_receipt(w, id, "state=failed");
	assert_string_equal(w->f.up.code, "already_done");
	assert_null(told_waits(w, "letter"));
}

static void
test_receipt_that_says_less_than_is_known_is_ignored(void **state)
{
	struct told *w = *state;

	asked(w);
	told_deliver(w);
	told_receipt(w, id, "state=accepted");
	assert_int_equal(w->f.up.verdict, AM_IGNORED);
	assert_string_equal(w->f.up.code, "already_done");
	assert_true(w->f.up.line.n > 0); /* journaled */
	told_receipt(w, id, "state=read");
	assert_int_equal(w->f.up.verdict, AM_APPLIED);
	assert_true(
	    am_str_is(told_pair(told_note(w, "followup.delivered", NULL, NULL),
			  "receipt"),
		"read"));
}

static void
test_receipt_of_nothing_known_is_unmatched(void **state)
{
	const uint8_t other[16] = { 1, 2, 3 };
	struct told *w = *state;

	asked(w);
	told_receipt(w, other, "state=delivered");
	assert_string_equal(w->f.up.code, "unmatched");
	assert_true(w->f.up.line.n > 0);
	told_step(
	    w, 2 * AM_HOUR, "followup.receipt provider_id=SM1 state=failed");
	assert_string_equal(w->f.up.code, "unmatched");
	/* a stage that is over: nothing goes on for it */
	told_step(w, 3 * AM_HOUR, "customer.answered verdict=satisfied");
	told_receipt(w, id, "state=failed");
	assert_string_equal(w->f.up.code, "unmatched");
}

/* ---- what the loop waits to hear ---- */

/* CF2: delivered or accepted, by receipt or by outcome: silence begins once. */
static void
test_receipt_of_the_written_notice_starts_silence_once(void **state)
{
	struct told *w = *state;
	const struct am_clock *silence;

	written(w);
	silence = &told_c(w)->clocks[AM_CLOCK_SILENCE];
	assert_false(am_clock_live(silence));
	told_receipt(w, id, "state=delivered");
	assert_true(am_clock_live(silence));
	assert_int_equal(silence->entry, 1);
	told_receipt(w, id, "state=read"); /* it has ended */
	assert_int_equal(w->f.up.verdict, AM_APPLIED);
	assert_int_equal(silence->entry, 1);
}

/* FU12: accepted, then failed, by every channel: nobody was told after all. */
static void
test_receipt_failed_of_the_written_notice_ends_with_a_person(void **state)
{
	struct told *w = *state;
	const struct am_clock *silence;

	written(w);
	silence = &told_c(w)->clocks[AM_CLOCK_SILENCE];
	told_deliver(w);
	assert_true(am_clock_live(silence));
	told_receipt(w, id, "state=failed");
	assert_true(am_str_is(told_born(w, "notice")->endpoint, "letter"));
	take_id(w, "letter");
	told_deliver(w);
	told_receipt(w, id, "state=failed");
	assert_false(am_clock_live(silence));
	assert_true((told_c(w)->flags & AM_CF_UNREACHABLE) != 0);
	assert_non_null(told_born(w, "unreachable:supervisor"));
	told_receipt(w, id, "state=failed code=again");
	assert_string_equal(w->f.up.code, "already_done");
}

/* CF7: a notice that an event called for is found by the ids of the events; and
 * its second channel by the first. */
static void
test_receipt_of_the_recourse_notice_is_its_state_on_record(void **state)
{
	struct told *w = *state;
	struct am_complaint *c = told_c(w);

	told_open(w, "owner=li");
	told_step(w, AM_HOUR, "customer.answered verdict=unsatisfied");
	told_step(w, 4 * AM_DAY, "wake"); /* final is over: a rung */
	take_id(w, "text");
	told_deliver(w);
	assert_int_equal(c->recourse, AM_RECOURSE_DELIVERED);
	told_receipt(w, id, "state=failed"); /* the gateway had accepted it */
	assert_non_null(told_waits(w, "letter"));
	told_deliver(w);
	assert_int_equal(c->recourse, AM_RECOURSE_DELIVERED);

	told_step(w, 5 * AM_DAY, "complaint.rejected reason=none");
	assert_int_equal(c->recourse, AM_RECOURSE_SENT);
	told_ended(w, told_waits(w, "text"), "state=dead reason=http_410");
	take_id(w, "letter");
	told_receipt(w, id, "state=delivered");
	assert_int_equal(c->recourse, AM_RECOURSE_DELIVERED);
	assert_int_equal(c->outcome, AM_OUTCOME_NOT_UPHELD);
}

/* Rule 17: after closing it changes channel state only. */
static void
test_receipt_after_closing_never_changes_the_outcome(void **state)
{
	struct told *w = *state;

	told_open(w, "owner=li");
	told_step(w, AM_HOUR, "complaint.withdrawn");
	take_id(w, "text"); /* the closing receipt */
	told_deliver(w);
	told_receipt(w, id, "state=failed");
	assert_int_equal(w->f.up.verdict, AM_APPLIED);
	assert_true(
	    am_str_is(told_born(w, "withdrawn:customer")->endpoint, "letter"));
	assert_int_equal(told_c(w)->outcome, AM_OUTCOME_WITHDRAWN);
	assert_false(w->f.up.changed);
}

/* A producer that names neither is told so. */
static void
test_receipt_without_an_id_is_refused(void **state)
{
	const struct am_pair fields[] = { { AM_STR("state"),
	    AM_STR("failed") } };
	const struct am_event ev = { .type = AM_EV_RECEIPT,
		.complaint_id = AM_STR("C-1"),
		.source = AM_STR("gw"),
		.event_id = AM_STR("1"),
		.occurred_at = AM_NEVER,
		.expected_version = -1,
		.fields = fields,
		.fields_n = 1 };
	struct am_reject why;

	(void)state;
	assert_int_equal(am_event_check(&ev, &why), -AM_EINVAL);
	assert_string_equal(why.code, "missing_field");
	assert_true(am_str_is(why.field, "followup_id"));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, told_setup, told_teardown)
	const struct CMUnitTest tests[] = {
		T(test_receipt_accepted_is_told_and_changes_nothing),
		T(test_receipt_delivered_ends_what_waits),
		T(test_receipt_failed_goes_on_by_the_next_channel),
		T(test_receipt_failed_counts_what_waits_as_dead),
		T(test_receipt_failed_after_the_end_counts_nothing_as_dead),
		T(test_receipt_of_what_is_on_the_wire_writes_no_change),
		T(test_receipt_failed_after_the_end_goes_on_by_the_next_channel),
		T(test_receipt_failed_behind_delivered_moves_nothing_back),
		T(test_receipt_failed_behind_dead_uses_no_channel_twice),
		T(test_receipt_that_says_less_than_is_known_is_ignored),
		T(test_receipt_of_nothing_known_is_unmatched),
		T(test_receipt_of_the_written_notice_starts_silence_once),
		T(test_receipt_failed_of_the_written_notice_ends_with_a_person),
		T(test_receipt_of_the_recourse_notice_is_its_state_on_record),
		T(test_receipt_after_closing_never_changes_the_outcome),
		T(test_receipt_without_an_id_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
