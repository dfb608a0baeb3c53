/*
 * role_test - one accountable owner (RO1), the first receiver keeps the loop
 * (RO2), recusal and separate confirmation (RO3), reassign on neglect (ES6).
 *
 * Stages may be without an owner for 45m. `take`, an hour after the lapse of
 * listen (09:00 + 2h + 1h), gives the complaint to the manager: wang, or zhou.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "tests/unit/acts.h"

#define LISTEN AM_CLOCK_STAGE0

static void
owner_is(struct acts *w, const char *owner, const char *loop_owner)
{
	assert_true(am_str_is(acts_c(w)->owner, owner));
	assert_true(am_str_is(acts_c(w)->loop_owner, loop_owner));
}

/* ---- RO1 ---- */

/* RO1: a stage unowned longer than unowned_max fires the ladder. */
static void
test_unowned_longer_than_its_limit_fires_the_ladder(void **state)
{
	struct acts *w = *state;
	const struct am_followup *f;

	acts_tell(w, acts_at(0, 9, 0), "complaint.opened category=card");
	assert_int_equal(acts_due(w, "unowned"), acts_at(0, 9, 45));
	acts_wake(w, acts_at(0, 9, 44));
	assert_int_equal(acts_c(w)->clocks[LISTEN].fired, 0);
	acts_wake(w, acts_at(0, 9, 45));
	f = acts_followup(w, "escalate"); /* there is no owner to warn */
	assert_non_null(
	    memmem(f->body.p, f->body.n, "\"reason\":\"unowned\"", 18));
	assert_non_null(acts_note(w, "escalation.raised", "rung", "escalate"));
	acts_wake(w, acts_at(2, 17, 0)); /* +30m: it has fired before */
	assert_null(acts_followup(w, "escalate"));
	assert_non_null(acts_followup(w, "take"));
}

static void
test_owned_in_time_fires_nothing(void **state)
{
	struct acts *w = *state;

	acts_tell(w, acts_at(0, 9, 0), "complaint.opened category=card");
	acts_tell(
	    w, acts_at(0, 9, 30), "complaint.assigned owner=li role=agent");
	assert_int_equal(acts_c(w)->clocks[AM_CLOCK_UNOWNED].state, AM_CLK_MET);
	acts_wake(w, acts_at(0, 9, 59));
	assert_int_equal(acts_c(w)->clocks[LISTEN].fired, 0);
}

/* Every stage has its own 45m; a hold does not count. */
static void
test_unowned_counts_for_each_stage_and_not_while_held(void **state)
{
	struct acts *w = *state;

	acts_tell(w, acts_at(0, 9, 0), "complaint.opened category=card");
	acts_tell(w, acts_at(0, 9, 40), "stage.completed stage=listen");
	assert_int_equal(acts_due(w, "unowned"), acts_at(0, 10, 25));
	acts_tell(
	    w, acts_at(0, 10, 0), "complaint.held reason=waiting_third_party");
	acts_tell(w, acts_at(0, 11, 0), "complaint.resumed");
	assert_int_equal(acts_due(w, "unowned"), acts_at(0, 11, 25));
}

/* The rung that the neglect fires may give it an owner: then it has one. */
static void
test_unowned_fires_the_action_of_the_rung_too(void **state)
{
	struct acts *w = *state;
	struct am_clockdef *d = &w->def.clocks[LISTEN];

	d->rungs[0] = d->rungs[4]; /* take, in place of warn */
	acts_tell(w, acts_at(0, 9, 0), "complaint.opened category=card");
	acts_wake(w, acts_at(0, 9, 45));
	owner_is(w, "wang", "wang");
	assert_int_equal(acts_c(w)->clocks[AM_CLOCK_UNOWNED].state, AM_CLK_MET);
	assert_non_null(acts_followup(w, "take"));
}

static void
test_unowned_with_no_rung_left_tells_the_supervisor(void **state)
{
	struct acts *w = *state;

	w->def.clocks[LISTEN].rungs_n = 1;
	w->def.clocks[LISTEN].rungs[0].to = AM_ROLE_CUSTOMER;
	acts_tell(w, acts_at(0, 9, 0), "complaint.opened category=card");
	acts_wake(w, acts_at(0, 9, 45));
	assert_non_null(acts_followup(w, "unowned:supervisor"));
	/* and not when somebody has it before it goes out */
	acts_tell(
	    w, acts_at(0, 9, 46), "complaint.assigned owner=li role=agent");
	assert_non_null(
	    acts_note(w, "followup.suppressed", "reason", "superseded"));
}

/* ---- RO2 ---- */

/* RO2: loop_owner never changes on handover. */
static void
test_first_receiver_keeps_the_loop(void **state)
{
	struct acts *w = *state;

	acts_tell(w, acts_at(0, 9, 0), "complaint.opened category=card");
	owner_is(w, "", "");
	acts_tell(
	    w, acts_at(0, 9, 5), "complaint.assigned owner=li role=agent");
	owner_is(w, "li", "li");
	acts_tell(w, acts_at(0, 9, 10),
	    "complaint.assigned owner=zhao role=owner from=li team=cards");
	owner_is(w, "zhao", "li");
	assert_true(am_str_is(acts_c(w)->team, "cards"));
	acts_wake(w, acts_at(0, 12, 0));
	owner_is(w, "wang", "li"); /* by a rung, too */
	acts_tell(w, acts_at(0, 12, 5),
	    "complaint.assigned owner=sun role=supervisor");
	owner_is(w, "wang", "li");
	assert_true(am_str_is(acts_c(w)->supervisor, "sun"));
}

static void
test_assignment_from_somebody_else_is_a_conflict(void **state)
{
	struct acts *w = *state;

	acts_tell(
	    w, acts_at(0, 9, 0), "complaint.opened category=card owner=li");
	acts_tell(w, acts_at(0, 9, 5),
	    "complaint.assigned owner=zhao role=agent from=sun");
	acts_refused(w, "conflict", "from");
	acts_tell(w, acts_at(0, 9, 6),
	    "complaint.assigned owner=li role=agent from=sun");
	acts_ignored(w, "already_done"); /* it has come true */
	acts_tell(w, acts_at(0, 9, 7),
	    "complaint.assigned owner=li role=agent team=cards");
	assert_int_equal(w->f.up.verdict, AM_APPLIED);
}

/* ---- RO3 ---- */

/* RO3: whoever is complained about does not get it. */
static void
test_respondents_are_not_taken_as_owners(void **state)
{
	struct acts *w = *state;

	acts_tell(w, acts_at(0, 9, 0),
	    "complaint.opened category=card owner=li supervisor=chen team=t1 "
	    "respondents[0]=li respondents[1]=t1");
	assert_true(am_str_is(acts_c(w)->respondents, "li\nt1"));
	owner_is(w, "", "");
	assert_true(am_str_is(acts_c(w)->supervisor, "chen"));
	assert_int_equal(acts_c(w)->team.n, 0);
	assert_non_null(acts_note(w, "owner.recused", "who", "li"));
	assert_non_null(acts_note(w, "owner.recused", "role", "team"));
	acts_tell(
	    w, acts_at(0, 9, 5), "complaint.assigned owner=li role=agent");
	acts_refused(w, "recused", "owner");
	acts_tell(w, acts_at(0, 9, 6),
	    "complaint.assigned owner=zhao role=agent team=t1");
	acts_refused(w, "recused", "owner");
	acts_tell(w, acts_at(0, 9, 7), "complaint.assigned owner=l role=agent");
	assert_int_equal(w->f.up.verdict, AM_APPLIED); /* a whole name */
}

static void
test_respondents_are_sixteen_at_most(void **state)
{
	struct acts *w = *state;
	char text[512];
	int n = snprintf(
	    text, sizeof(text), "complaint.opened category=card owner=li");

	for (int i = 0; i < 16; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
		    " respondents[%d]=p%d", i, i);
	snprintf(text + n, sizeof(text) - (size_t)n, " respondents=li");
	acts_tell(w, acts_at(0, 9, 0), text);
	acts_refused(w, "too_long", "respondents");
	text[n] = '\0';
	acts_tell(w, acts_at(0, 9, 0), text);
	owner_is(w, "li", "li");
	acts_tell(
	    w, acts_at(0, 9, 5), "complaint.assigned owner=p15 role=agent");
	acts_refused(w, "recused", "owner");
}

/* RO3: refused for resolve; the apology may well be theirs. */
static void
test_respondent_may_apologize_but_not_resolve(void **state)
{
	struct acts *w = *state;

	acts_tell(w, acts_at(0, 9, 0),
	    "complaint.opened category=card owner=zhao respondents=li");
	acts_tell(
	    w, acts_at(0, 9, 5), "stage.completed stage=apologize actor=li");
	assert_int_equal(w->f.up.verdict, AM_APPLIED);
	acts_tell(
	    w, acts_at(0, 9, 6), "stage.completed stage=resolve actor=li");
	acts_refused(w, "recused", "actor.id");
	acts_tell(
	    w, acts_at(0, 9, 7), "stage.completed stage=resolve actor=zhao");
	assert_int_equal(w->f.up.verdict, AM_APPLIED);
}

static void
resolve(struct acts *w, const char *text)
{
	acts_tell(
	    w, acts_at(0, 9, 0), "complaint.opened category=card owner=li");
	acts_tell(w, acts_at(0, 9, 1), "stage.completed stage=listen");
	acts_tell(w, acts_at(0, 9, 2), "stage.completed stage=apologize");
	acts_tell(w, acts_at(0, 9, 3), text);
}

/* RO3: with separate_confirm=yes the resolver cannot record the confirmation.
 */
static void
test_resolver_does_not_record_the_confirmation(void **state)
{
	struct acts *w = *state;

	resolve(w, "stage.completed stage=resolve actor=zhao");
	assert_true(am_str_is(acts_c(w)->resolver, "zhao"));
	acts_tell(w, acts_at(0, 9, 4),
	    "customer.answered verdict=satisfied actor=zhao");
	acts_refused(w, "own_work", "actor.id");
	acts_tell(w, acts_at(0, 9, 5),
	    "customer.answered verdict=satisfied actor=li");
	assert_int_equal(acts_c(w)->outcome, AM_OUTCOME_SATISFIED);
}

static void
test_resolver_is_the_owner_when_no_actor_is_told(void **state)
{
	struct acts *w = *state;

	resolve(w, "stage.completed stage=resolve");
	acts_tell(w, acts_at(0, 9, 4),
	    "customer.answered verdict=unsatisfied actor=li");
	acts_refused(w, "own_work", "actor.id");
	acts_tell(w, acts_at(0, 9, 5), "customer.answered verdict=satisfied");
	assert_int_equal(acts_c(w)->status, AM_CLOSED);
}

static void
test_resolver_may_confirm_where_the_loop_does_not_mind(void **state)
{
	struct acts *w = *state;

	w->def.separate_confirm = false;
	resolve(w, "stage.completed stage=resolve actor=zhao");
	acts_tell(w, acts_at(0, 9, 4),
	    "customer.answered verdict=satisfied actor=zhao");
	assert_int_equal(acts_c(w)->status, AM_CLOSED);
}

/* ---- ES6 ---- */

/* ES6: owner.changed{from,to}; the loop owner is kept; and the message names
 * who has it now. */
static void
test_neglect_reassigns_and_keeps_the_loop_owner(void **state)
{
	struct acts *w = *state;
	const struct am_followup *f;
	const struct am_note *n;

	acts_tell(
	    w, acts_at(0, 9, 0), "complaint.opened category=card owner=li");
	acts_wake(w, acts_at(0, 11, 59));
	owner_is(w, "li", "li");
	acts_wake(w, acts_at(0, 12, 0));
	owner_is(w, "wang", "li");
	assert_int_equal(acts_c(w)->version, 2);
	n = acts_note(w, "owner.changed", "to", "wang");
	assert_true(am_str_is(acts_pair(n, "from"), "li"));
	assert_true(am_str_is(acts_pair(n, "role"), "manager"));
	assert_true(am_str_is(acts_pair(n, "reason"), "take"));
	f = acts_followup(w, "take");
	assert_non_null(memmem(f->body.p, f->body.n, "\"owner\":\"wang\"", 14));
	assert_non_null(memmem(f->body.p, f->body.n, "\"version\":2", 11));
}

static void
test_neglect_does_not_give_it_to_a_respondent(void **state)
{
	struct acts *w = *state;

	acts_tell(w, acts_at(0, 9, 0),
	    "complaint.opened category=card owner=li respondents=wang");
	acts_wake(w, acts_at(0, 12, 0));
	owner_is(w, "zhou", "li");
}

static void
test_neglect_by_the_manager_leaves_it_there(void **state)
{
	struct acts *w = *state;

	acts_tell(
	    w, acts_at(0, 9, 0), "complaint.opened category=card owner=wang");
	acts_wake(w, acts_at(0, 12, 0));
	assert_null(acts_note(w, "owner.changed", NULL, NULL));
	assert_int_equal(acts_c(w)->version, 1);
	assert_non_null(acts_followup(w, "take"));
}

static void
test_neglect_with_nobody_to_take_it_tells_the_supervisor(void **state)
{
	struct acts *w = *state;

	acts_tell(w, acts_at(0, 9, 0),
	    "complaint.opened category=card owner=li respondents[0]=wang "
	    "respondents[1]=zhou");
	acts_wake(w, acts_at(0, 12, 0));
	owner_is(w, "li", "li");
	assert_non_null(acts_note(w, "owner.unassignable", "rung", "take"));
	assert_non_null(acts_followup(w, "unowned:supervisor"));
}

/* The complaint's own supervisor and team come before conf's. */
static void
test_neglect_goes_to_the_complaints_own_people_first(void **state)
{
	struct acts *w = *state;
	struct am_rungdef *take = &w->def.clocks[LISTEN].rungs[4];

	take->to = AM_ROLE_SUPERVISOR;
	acts_tell(w, acts_at(0, 9, 0),
	    "complaint.opened category=card owner=li supervisor=sun "
	    "team=cards");
	acts_wake(w, acts_at(0, 12, 0));
	owner_is(w, "sun", "li");
}

static void
test_neglect_goes_to_confs_people_else(void **state)
{
	struct acts *w = *state;
	struct am_rungdef *take = &w->def.clocks[LISTEN].rungs[4];

	take->to = AM_ROLE_SUPERVISOR;
	acts_tell(
	    w, acts_at(0, 9, 0), "complaint.opened category=card owner=li");
	acts_wake(w, acts_at(0, 12, 0));
	owner_is(w, "chen", "li");
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, acts_setup, acts_teardown)
	const struct CMUnitTest tests[] = {
		T(test_unowned_longer_than_its_limit_fires_the_ladder),
		T(test_owned_in_time_fires_nothing),
		T(test_unowned_counts_for_each_stage_and_not_while_held),
		T(test_unowned_fires_the_action_of_the_rung_too),
		T(test_unowned_with_no_rung_left_tells_the_supervisor),
		T(test_first_receiver_keeps_the_loop),
		T(test_assignment_from_somebody_else_is_a_conflict),
		T(test_respondents_are_not_taken_as_owners),
		T(test_respondents_are_sixteen_at_most),
		T(test_respondent_may_apologize_but_not_resolve),
		T(test_resolver_does_not_record_the_confirmation),
		T(test_resolver_is_the_owner_when_no_actor_is_told),
		T(test_resolver_may_confirm_where_the_loop_does_not_mind),
		T(test_neglect_reassigns_and_keeps_the_loop_owner),
		T(test_neglect_does_not_give_it_to_a_respondent),
		T(test_neglect_by_the_manager_leaves_it_there),
		T(test_neglect_with_nobody_to_take_it_tells_the_supervisor),
		T(test_neglect_goes_to_the_complaints_own_people_first),
		T(test_neglect_goes_to_confs_people_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
