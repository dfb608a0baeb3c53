/*
 * step_test - rules that a trace cannot show well: what is kept, what is
 * counted, what is refused. The stories are in tests/trace.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "tests/unit/fixture.h"

#define C1 (&fix_case(&f, "C-1")->c)

static struct fix f;
static struct am_loopdef def;

static int
setup(void **state)
{
	(void)state;
	fix_init(&f, NULL);
	def = *f.def;
	f.def = &def;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fix_fini(&f);
	return 0;
}

static struct am_update *
step(const char *text)
{
	return fix_step(&f, "C-1", f.now + AM_SECOND, text);
}

static void
walk_to_confirm(void)
{
	step("complaint.opened category=card owner=li supervisor=wang "
	     "tier=low");
	step("complaint.acknowledged");
	step("stage.completed stage=listen");
	step("stage.completed stage=apologize");
	step("stage.completed stage=resolve root_cause=x action=y");
	assert_string_equal(def.stages[C1->stage].name, "callback-confirm");
}

static int64_t
tally(const char *field)
{
	int64_t sum = 0;

	for (const struct am_tally *t = f.up.tallies; t != NULL; t = t->next)
		if (strcmp(t->field, field) == 0)
			sum += t->delta;
	return sum;
}

/* by definition, so that a reload knows who needs what it takes away */
static int64_t
tally_open(void)
{
	char field[96];

	snprintf(field, sizeof(field), "open:%s", def.ref);
	return tally(field);
}

static size_t
followups(const char *rung)
{
	size_t n = 0;

	for (const struct am_followup *fu = f.up.followups; fu != NULL;
	     fu = fu->next)
		n += am_str_is(fu->rung_name, rung);
	return n;
}

/* LC6: the complaint names the loop that it was opened with. */
static void
test_step_opening_pins_the_loop_and_starts_its_clocks(void **state)
{
	(void)state;
	step("complaint.opened category=card owner=li tier=vip locale=zh-CN");
	assert_true(am_str_is(C1->loop_ref, def.ref));
	assert_int_equal(C1->version, 1);
	assert_int_equal(C1->seq, 1);
	assert_string_equal(def.tiers[C1->tier], "mid"); /* vip is unknown */
	assert_true(am_str_is(C1->lang, "zh-cn"));
	assert_true(am_str_is(C1->loop_owner, "li"));
	assert_int_equal(
	    C1->clocks[AM_CLOCK_ACKNOWLEDGE].state, AM_CLK_RUNNING);
	assert_int_equal(C1->clocks[AM_CLOCK_FINAL].state, AM_CLK_RUNNING);
	assert_int_equal(C1->clocks[AM_CLOCK_STAGE0].state, AM_CLK_RUNNING);
	assert_int_equal(C1->clocks[AM_CLOCK_STAGE0 + 1].state, AM_CLK_OFF);
	assert_int_equal(C1->clocks[AM_CLOCK_AFTERCARE].state, AM_CLK_OFF);
	assert_int_equal(tally_open(), 1);
	assert_int_equal(tally("stage:complaint:listen:mid"), 1);
	assert_int_equal(tally("complaint:opened"), 1);
	for (const struct am_tally *t = f.up.tallies; t != NULL; t = t->next)
		if (t->day != NULL)
			assert_string_equal(t->day, "20261123");
}

static void
test_step_counts_follow_the_complaint(void **state)
{
	(void)state;
	step("complaint.opened category=card");
	step("stage.completed stage=listen");
	assert_int_equal(tally("stage:complaint:listen:mid"), -1);
	assert_int_equal(tally("stage:complaint:apologize:mid"), 1);
	assert_int_equal(tally("complaint:met:listen"), 1);
	step("complaint.held reason=waiting_customer");
	assert_int_equal(tally("held"), 1);
	step("complaint.withdrawn");
	assert_int_equal(tally("held"), -1);
	assert_int_equal(tally_open(), -1);
	assert_int_equal(tally("stage:complaint:apologize:mid"), -1);
	assert_int_equal(tally("complaint:closed:withdrawn"), 1);
}

/* RO2: the first owner stays the loop's; roles have their own places. */
static void
test_step_assignment_keeps_the_loop_owner(void **state)
{
	(void)state;
	step("complaint.opened category=card");
	step("complaint.assigned owner=li role=agent");
	step("complaint.assigned owner=zhao role=agent team=cards");
	step("complaint.assigned owner=wang role=supervisor");
	assert_true(am_str_is(C1->owner, "zhao"));
	assert_true(am_str_is(C1->loop_owner, "li"));
	assert_true(am_str_is(C1->supervisor, "wang"));
	assert_true(am_str_is(C1->team, "cards"));
	step("stage.completed stage=listen");
	assert_true(am_str_is(C1->owner, "zhao")); /* stays through stages */
}

/* EV4 */
static void
test_step_resolve_without_its_required_fields_is_refused(void **state)
{
	uint32_t seq;

	(void)state;
	step("complaint.opened category=card");
	seq = C1->seq;
	step("stage.completed stage=resolve root_cause=x");
	assert_int_equal(f.up.verdict, AM_REJECTED);
	assert_string_equal(f.up.reject.code, "missing_field");
	assert_true(am_str_is(f.up.reject.field, "action"));
	assert_int_equal(f.up.line.n, 0);
	assert_int_equal(C1->seq, seq);
	step("stage.completed stage=resolve root_cause=x action=y");
	assert_int_equal(f.up.verdict, AM_APPLIED);
}

/* LC7 */
static void
test_step_of_two_agents_with_one_version_one_succeeds(void **state)
{
	(void)state;
	step("complaint.opened category=card");
	step("stage.completed stage=listen expect=1 actor=a");
	assert_int_equal(f.up.verdict, AM_APPLIED);
	step("stage.completed stage=listen expect=1 actor=b");
	assert_int_equal(f.up.verdict, AM_REJECTED);
	assert_string_equal(f.up.reject.code, "conflict");
	/* a lapse in between is no change of theirs */
	fix_step(&f, "C-1", fix_case(&f, "C-1")->wake_at, "wake");
	assert_int_equal(f.up.verdict, AM_APPLIED);
	step("stage.completed stage=apologize expect=2 actor=b");
	assert_int_equal(f.up.verdict, AM_APPLIED);
}

/* CF1: the customer's word, and nothing else, makes the outcome satisfied. */
static void
test_step_only_the_customer_closes_satisfied(void **state)
{
	(void)state;
	walk_to_confirm();
	step("stage.completed stage=callback-confirm");
	assert_int_equal(C1->status, AM_OPEN);
	fix_step(&f, "C-1", FIX_START + 300 * AM_DAY, "wake");
	assert_int_equal(C1->status, AM_OPEN);
	step("customer.answered score=3"); /* above reopen_at */
	assert_int_equal(C1->status, AM_CLOSED);
	assert_int_equal(C1->outcome, AM_OUTCOME_SATISFIED);
}

/* CF4 */
static void
test_step_unsatisfied_reopens_in_the_same_step_and_tells_two(void **state)
{
	const struct am_clock *k = &C1->clocks[AM_CLOCK_STAGE0 + 2];
	am_ms full;

	(void)state;
	walk_to_confirm();
	full = k->budget;
	step("customer.answered verdict=unsatisfied");
	assert_int_equal(C1->cycle, 2);
	assert_string_equal(def.stages[C1->stage].name, "resolve");
	assert_string_equal(def.tiers[C1->tier], "mid"); /* was low */
	assert_int_equal(followups("reopen:owner"), 1);
	assert_int_equal(followups("reopen:supervisor"), 1);
	assert_in_range(full / 2 - k->budget, 0, AM_MINUTE);
	assert_int_equal(C1->done, 3); /* listen and apologize stay done */
	step("stage.completed stage=resolve root_cause=x action=y");
	step("customer.answered verdict=satisfied");
	assert_int_equal(C1->outcome, AM_OUTCOME_SATISFIED_AFTER_REOPEN);
}

static void
test_step_reopening_ends_with_its_window_and_its_count(void **state)
{
	am_ms closed;

	(void)state;
	walk_to_confirm();
	step("customer.answered verdict=satisfied");
	closed = C1->closed_at;
	fix_step(
	    &f, "C-1", closed + 14 * AM_DAY + 1, "complaint.reopened reason=x");
	assert_string_equal(f.up.code, "window_over");
	fix_step(&f, "C-1", closed + 14 * AM_DAY,
	    "customer.answered verdict=unsatisfied");
	assert_int_equal(C1->status, AM_OPEN);
	/* design 7.7: final runs on from the receipt, aftercare ends */
	assert_int_equal(C1->clocks[AM_CLOCK_FINAL].state, AM_CLK_RUNNING);
	assert_int_equal(
	    C1->clocks[AM_CLOCK_FINAL].running_since, C1->opened_at);
	assert_int_equal(C1->clocks[AM_CLOCK_AFTERCARE].state, AM_CLK_OVER);
	step("stage.completed stage=resolve root_cause=x action=y");
	step("customer.answered verdict=unsatisfied"); /* one was allowed */
	assert_int_equal(C1->flags & AM_CF_DEADLOCK, AM_CF_DEADLOCK);
	assert_int_equal(C1->status, AM_OPEN);
	assert_int_equal(C1->cycle, 2);
	assert_int_equal(followups("recourse:customer"), 1);
}

static void
test_step_opposite_answers_within_the_window_call_a_person(void **state)
{
	(void)state;
	step("complaint.opened category=card");
	step("customer.answered verdict=unsatisfied");
	assert_int_equal(C1->version, 1); /* a note, before the question */
	step("customer.answered verdict=satisfied");
	assert_int_equal(C1->flags & AM_CF_CONTRADICTORY, AM_CF_CONTRADICTORY);
	assert_int_equal(C1->flags & AM_CF_SATISFIED, 0);
	fix_step(&f, "C-1", f.now + 25 * AM_HOUR,
	    "customer.answered verdict=satisfied");
	assert_int_equal(C1->flags & AM_CF_SATISFIED, AM_CF_SATISFIED);
}

/* LC4: counted apart, whatever waits is dropped with its reason. */
static void
test_step_withdrawal_drops_what_waits(void **state)
{
	size_t waiting;

	(void)state;
	walk_to_confirm();
	fix_step(&f, "C-1", fix_case(&f, "C-1")->wake_at, "wake");
	waiting = C1->waiting_n;
	assert_int_equal(waiting, 2);
	step("complaint.withdrawn");
	assert_int_equal(C1->waiting_n, 0);
	for (const struct am_fu_change *c = f.up.changes; c != NULL;
	     c = c->next) {
		assert_string_equal(c->state, "suppressed");
		assert_string_equal(c->reason, "withdrawn");
		waiting--;
	}
	assert_int_equal(waiting, 0);
	assert_int_equal(C1->outcome, AM_OUTCOME_WITHDRAWN);
	assert_int_equal(C1->clocks[AM_CLOCK_AFTERCARE].state, AM_CLK_OFF);
	assert_int_equal(tally("complaint:closed:satisfied"), 0);
}

static void
test_step_broken_record_is_not_stepped(void **state)
{
	const struct am_event ev = { .type = AM_EV_WAKE, .at = FIX_START };
	struct am_complaint bad;
	struct am_waiting waiting[1];
	struct am_update up = { .arena = f.up.arena };

	(void)state;
	walk_to_confirm();
	up.arena = f.up.arena;
	bad = *C1;
	bad.stage = 7;
	assert_int_equal(am_step(&def, &bad, &ev, FIX_START, &up), -AM_EINVAL);
	bad = *C1;
	bad.status = AM_CLOSED; /* without an outcome */
	assert_int_equal(am_step(&def, &bad, &ev, FIX_START, &up), -AM_EINVAL);
	bad = *C1;
	bad.id = AM_STR("C 1");
	assert_int_equal(am_step(&def, &bad, &ev, FIX_START, &up), -AM_EINVAL);
	bad = *C1;
	bad.clocks[0].budget = AM_NEVER; /* a percent of it is no number */
	assert_int_equal(am_step(&def, &bad, &ev, FIX_START, &up), -AM_EINVAL);
	bad = *C1;
	waiting[0] = bad.waiting[0];
	waiting[0].rung = 255; /* of no notice, to no role */
	bad.waiting = waiting;
	bad.waiting_n = 1;
	assert_int_equal(am_step(&def, &bad, &ev, FIX_START, &up), -AM_EINVAL);
}

static void
test_step_applied_list_remembers_the_last_256(void **state)
{
	(void)state;
	step("complaint.opened category=card event_id=first");
	for (int i = 0; i < AM_APPLIED_MAX - 1; i++)
		step("complaint.resumed");
	assert_int_equal(C1->applied_n, AM_APPLIED_MAX);
	step("complaint.opened category=card event_id=first");
	assert_int_equal(f.up.verdict, AM_DUPLICATE);
	step("complaint.resumed");
	assert_int_equal(C1->applied_n, AM_APPLIED_MAX);
	step("complaint.opened category=card event_id=first");
	assert_int_equal(f.up.verdict, AM_IGNORED); /* rule 4 holds it */
	assert_string_equal(f.up.code, "already_done");
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_step_opening_pins_the_loop_and_starts_its_clocks),
		T(test_step_counts_follow_the_complaint),
		T(test_step_assignment_keeps_the_loop_owner),
		T(test_step_resolve_without_its_required_fields_is_refused),
		T(test_step_of_two_agents_with_one_version_one_succeeds),
		T(test_step_only_the_customer_closes_satisfied),
		T(test_step_unsatisfied_reopens_in_the_same_step_and_tells_two),
		T(test_step_reopening_ends_with_its_window_and_its_count),
		T(test_step_opposite_answers_within_the_window_call_a_person),
		T(test_step_withdrawal_drops_what_waits),
		T(test_step_broken_record_is_not_stepped),
		T(test_step_applied_list_remembers_the_last_256),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
