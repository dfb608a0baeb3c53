/*
 * link_test - complaints that have to do with each other, and what is noted
 * beside the loop. Events for another complaint are handed on here as the
 * daemon would: through the stream. Shows IN5 and ES7 as far as links go.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "tests/unit/confirm_world.h"

#define OF(id) (&fix_case(&cw, id)->c)

static void
open_two(void)
{
	cw_step_of("A", "Mon 09:00", "complaint.opened category=card owner=li");
	cw_step_of("B", "Mon 09:30", "complaint.opened category=card owner=li");
}

/* What is told to others and not yet heard: the stream. */
static struct {
	char id[AM_ID_MAX + 1], event[400];
} stream[64];
static size_t head, tail;

static int
setup(void **state)
{
	head = tail = 0;
	return cw_setup(state);
}

/* Step, and put what that tells others into the stream. */
static void
tell(const char *id, const char *when, const char *event)
{
	cw_step_of(id, when, event);
	for (const struct am_emit *e = cw.up.emits; e != NULL; e = e->next) {
		const char *result = cw_told(e, "result");

		assert_int_equal(e->type, AM_EV_LINKED);
		assert_true(tail < AM_COUNT(stream)); /* or it never ends */
		snprintf(stream[tail].id, sizeof(stream[0].id), "%.*s",
		    AM_ARG(e->complaint_id));
		snprintf(stream[tail].event, sizeof(stream[0].event),
		    "complaint.linked source=amends event_id=%.*s kind=%s "
		    "target=%s%s%s",
		    AM_ARG(e->event_id), cw_told(e, "kind"),
		    cw_told(e, "target"), result[0] != '\0' ? " result=" : "",
		    result);
		tail++;
	}
}

/* All of it is heard; how many events that were. */
static size_t
hand_on(const char *when)
{
	size_t from = head;

	while (head < tail) {
		size_t at = head++;

		tell(stream[at].id, when, stream[at].event);
	}
	return head - from;
}

/* ---- duplicates ---- */

static void
test_link_duplicate_ends_and_hears_of_the_outcome(void **state)
{
	(void)state;
	open_two();
	tell("B", "Mon 10:00", "complaint.linked kind=duplicate target=A");
	assert_int_equal(OF("B")->outcome, AM_OUTCOME_DUPLICATE);
	assert_true(am_str_is(OF("B")->target, "A"));
	assert_int_equal(OF("B")->waiting_n, 0);
	hand_on("Mon 10:00");
	assert_true(am_str_is(OF("A")->duplicates, "B"));
	assert_int_equal(OF("A")->version, 1); /* its agents see no conflict */

	tell("A", "Tue 09:00", "complaint.withdrawn");
	hand_on("Tue 09:00");
	assert_int_equal(cw_sent("outcome:customer"), 1);
	assert_string_equal(cw_said("complaint.linked", "result"), "withdrawn");
	assert_int_equal(OF("B")->waiting_n, 1);
	assert_false(am_fu_over(OF("B"), &OF("B")->waiting[0]));
	assert_int_equal(OF("B")->outcome, AM_OUTCOME_DUPLICATE);
	/* an answer does not undo this end */
	tell("B", "Tue 10:00", "customer.answered verdict=unsatisfied");
	assert_string_equal(cw.up.code, "closed");
}

/* Told twice, in one step and by two targets: once each. */
static void
test_link_events_for_others_have_ids_of_their_own(void **state)
{
	(void)state;
	open_two();
	tell("A", "Mon 10:00", "complaint.linked kind=duplicated_by target=X");
	tell("A", "Mon 10:00", "complaint.linked kind=duplicated_by target=Y");
	tell("A", "Mon 11:00", "complaint.withdrawn");
	assert_true(am_str_is(cw_emitted(0)->complaint_id, "X"));
	assert_true(am_str_is(cw_emitted(1)->complaint_id, "Y"));
	assert_false(
	    am_str_eq(cw_emitted(0)->event_id, cw_emitted(1)->event_id));
	assert_null(cw_emitted(2));
}

static void
test_link_duplicate_of_a_closed_one_hears_at_once(void **state)
{
	(void)state;
	open_two();
	tell("A", "Mon 10:00", "complaint.withdrawn");
	tell("B", "Mon 11:00", "complaint.linked kind=duplicate target=A");
	/* A hears of B and answers */
	assert_int_equal(hand_on("Mon 11:00"), 2);
	assert_int_equal(cw_sent("outcome:customer"), 1);
	assert_true(am_str_is(cw.up.next.id, "B"));
}

/* What follows a duplicate follows what that one follows. */
static void
test_link_followers_go_with_a_duplicate(void **state)
{
	(void)state;
	open_two();
	tell("C", "Mon 09:30", "complaint.opened category=card owner=li");
	tell("B", "Mon 10:00", "complaint.linked kind=duplicate target=A");
	hand_on("Mon 10:00");
	tell("A", "Mon 11:00", "complaint.linked kind=duplicate target=C");
	hand_on("Mon 11:00");
	assert_true(am_str_is(OF("C")->duplicates, "A\nB"));
	tell("C", "Tue 09:00", "complaint.closed by=wang reason=x");
	assert_true(am_str_is(cw_emitted(0)->complaint_id, "A"));
	assert_true(am_str_is(cw_emitted(1)->complaint_id, "B"));
}

static void
test_link_two_do_not_wait_for_each_other(void **state)
{
	(void)state;
	open_two();
	tell("B", "Mon 10:00", "complaint.linked kind=duplicate target=A");
	hand_on("Mon 10:00");
	tell("A", "Mon 11:00", "complaint.linked kind=duplicate target=B");
	assert_string_equal(cw.up.code, "ring");
	assert_int_equal(OF("A")->status, AM_OPEN);
}

/* Both were told at the same time: each hears, and nothing goes on for ever. */
static void
test_link_ring_of_duplicates_comes_to_rest(void **state)
{
	(void)state;
	open_two();
	tell("B", "Mon 10:00", "complaint.linked kind=duplicate target=A");
	tell("A", "Mon 10:00", "complaint.linked kind=duplicate target=B");
	/* each hears of the other, which is closed, and answers */
	assert_int_equal(hand_on("Mon 10:00"), 4);
	assert_int_equal(OF("A")->outcome, AM_OUTCOME_DUPLICATE);
	assert_int_equal(OF("B")->outcome, AM_OUTCOME_DUPLICATE);
}

static void
test_link_sixteen_follow_and_no_more(void **state)
{
	char event[80];

	(void)state;
	cw_step("Mon 09:00", "complaint.opened category=card owner=li");
	for (int i = 0; i < 17; i++) {
		snprintf(event, sizeof(event),
		    "complaint.linked kind=duplicated_by target=D-%d", i);
		cw_step("Mon 10:00", event);
		assert_int_equal(
		    cw.up.verdict, i < 16 ? AM_APPLIED : AM_IGNORED);
	}
	assert_string_equal(cw.up.code, "too_many");
	cw_step("Mon 10:00", "complaint.linked kind=duplicated_by target=D-3");
	assert_string_equal(cw.up.code, "already_done");
}

static void
test_link_bad_targets_are_refused(void **state)
{
	static const char *const events[] = {
		"complaint.linked kind=duplicate target=C-1",
		"complaint.linked kind=repeat_of target=C-1",
		"complaint.linked kind=duplicate target='no id'",
	};

	(void)state;
	cw_step("Mon 09:00", "complaint.opened category=card owner=li");
	for (size_t i = 0; i < AM_COUNT(events); i++) {
		cw_step("Mon 10:00", events[i]);
		assert_int_equal(cw.up.verdict, AM_REJECTED);
		assert_true(am_str_is(cw.up.reject.field, "target"));
	}
	cw_step("Mon 10:00", "complaint.linked kind=outcome target=A "
			     "result=satisfied");
	assert_string_equal(cw.up.code, "not_duplicate");
}

/* ---- repeats and incidents ---- */

/* IN5: seen and linked, and counts in the rate of repeats, once. */
static void
test_link_repeat_is_counted_once(void **state)
{
	(void)state;
	cw_step("Mon 09:00", "complaint.opened category=card owner=li");
	cw_step("Mon 10:00", "complaint.linked kind=repeat_of target=A");
	assert_true(am_str_is(CW->repeat_of, "A"));
	assert_int_equal(cw_tally("complaint:repeat"), 1);
	cw_step("Mon 11:00", "complaint.linked kind=repeat_of target=A");
	assert_string_equal(cw.up.code, "already_done");
	cw_step("Mon 12:00", "complaint.linked kind=repeat_of target=B");
	assert_true(am_str_is(CW->repeat_of, "B"));
	assert_int_equal(cw_tally("complaint:repeat"), 0);
}

/* ES7: staff hear of an incident's complaints together, customers alone. */
static void
test_link_incident_groups_what_staff_get(void **state)
{
	(void)state;
	cw_step("Mon 09:00", "complaint.opened category=card owner=li");
	cw_step("Mon 09:10", "complaint.linked kind=incident target='atm 7'");
	assert_true(am_str_is(CW->incident, "atm 7"));
	cw_step("Mon 09:11", "complaint.linked kind=incident target='atm 7'");
	assert_string_equal(cw.up.code, "already_done");
	cw_step("Mon 09:20", "stage.completed stage=apologize");
	cw_step("Mon 10:00", "stage.completed stage=resolve");
	assert_true(
	    am_str_is(cw_followup("attempt-1")->group, "incident:atm 7"));
	assert_true(am_str_is(cw_followup("ask")->group, ""));
	cw_step("Mon 11:00", "complaint.withdrawn");
	cw_step("Mon 12:00", "complaint.linked kind=incident target=other");
	assert_string_equal(cw.up.code, "closed");
}

/* ---- what is noted ---- */

static void
test_link_improvement_is_marked_by_category(void **state)
{
	(void)state;
	cw_step("Mon 09:00", "complaint.opened category=card owner=li");
	cw_step("Mon 10:00", "complaint.withdrawn");
	cw_step("Mon 11:00", "improvement.recorded category=card "
			     "action='new readers' date=2026-11-23 owner=li");
	assert_int_equal(cw.up.verdict, AM_APPLIED);
	assert_int_equal(cw_tally("complaint:improvement:card"), 1);
	assert_string_equal(
	    cw_said("improvement.recorded", "date"), "2026-11-23");
	assert_string_equal(cw_said("improvement.recorded", "action"), "");
}

/* AU6: the personal data leave, timings and outcome stay. */
static void
test_link_erasure_leaves_timings(void **state)
{
	(void)state;
	cw_step("Mon 09:00", "complaint.opened category=card owner=li");
	cw_step("Mon 10:00",
	    "customer.erased customer.id=X-1 approver=wang scope=all");
	assert_true(cw.up.erase);
	assert_int_equal(CW->flags & AM_CF_ERASED, AM_CF_ERASED);
	assert_string_equal(cw_said("customer.erased", "approver"), "wang");
	assert_null(memmem(cw.up.line.p, cw.up.line.n, "X-1", 3));
	assert_int_equal(CW->opened_at, cw_at("Mon 09:00"));
	cw_step("Mon 11:00", "customer.erased customer.id=X-1");
	assert_string_equal(cw.up.code, "already_done");
	assert_false(cw.up.erase);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, cw_teardown)
	const struct CMUnitTest tests[] = {
		T(test_link_duplicate_ends_and_hears_of_the_outcome),
		T(test_link_events_for_others_have_ids_of_their_own),
		T(test_link_duplicate_of_a_closed_one_hears_at_once),
		T(test_link_followers_go_with_a_duplicate),
		T(test_link_two_do_not_wait_for_each_other),
		T(test_link_ring_of_duplicates_comes_to_rest),
		T(test_link_sixteen_follow_and_no_more),
		T(test_link_bad_targets_are_refused),
		T(test_link_repeat_is_counted_once),
		T(test_link_incident_groups_what_staff_get),
		T(test_link_improvement_is_marked_by_category),
		T(test_link_erasure_leaves_timings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
