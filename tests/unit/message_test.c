/* act_message: a reply that was to answer the question and does not (FU6). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "tests/unit/confirm_world.h"

#define UNCLEAR "customer.message via=sms reply=unclear"

static bool
asked_again(void)
{
	return (CW->flags & AM_CF_ASKED_AGAIN) != 0;
}

/* FU6: ambiguous = asked once more, then a human task. */
static void
test_message_when_unclear_then_asked_once_more_and_then_a_person(void **state)
{
	const struct am_followup *f;
	uint32_t version;

	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	version = CW->version;
	cw_step("Mon 11:00", UNCLEAR);
	assert_string_equal(
	    cw_said("customer.message", "effect"), "asks_again");
	assert_string_equal(cw_said("customer.message", "reply"), "unclear");
	f = cw_followup("unclear:customer");
	assert_non_null(f);
	assert_int_equal(f->reason, AM_REASON_ASK);
	assert_int_equal(f->to, AM_ROLE_CUSTOMER);
	assert_non_null(
	    memmem(f->body.p, f->body.n, "Reply 1 for yes, 2 for no.", 26));
	assert_int_equal(cw_sent("message:owner"), 0);
	assert_int_equal(CW->version, version); /* no fact of the business */
	assert_true(asked_again());

	cw_step("Mon 12:00", UNCLEAR);
	assert_string_equal(
	    cw_said("customer.message", "effect"), "calls_a_person");
	assert_int_equal(cw_sent("unclear:customer"), 0);
	assert_int_equal(cw_sent("message:owner"), 1);
	cw_step("Mon 13:00", "customer.answered verdict=satisfied via=sms");
	assert_int_equal(CW->outcome, AM_OUTCOME_SATISFIED);
}

static void
test_message_when_loop_goes_round_then_asked_once_more_again(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 11:00", UNCLEAR);
	cw_step("Mon 12:00", "customer.answered verdict=unsatisfied via=sms");
	assert_false(asked_again());
	cw_step("Mon 12:30", UNCLEAR); /* nobody asks now */
	assert_string_equal(cw_said("customer.message", "effect"), "");
	cw_step("Mon 13:00", "stage.completed stage=resolve");
	cw_step("Mon 14:00", UNCLEAR);
	assert_int_equal(cw_sent("unclear:customer"), 1);
}

/* A person looks at what they said: a machine asks no more. */
static void
test_message_when_contradictory_then_a_person_at_once(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 10:10", "customer.answered verdict=satisfied score=1");
	cw_step("Mon 11:00", UNCLEAR);
	assert_int_equal(cw_sent("unclear:customer"), 0);
	assert_int_equal(cw_sent("message:owner"), 1);
}

/* CF6: nothing closes by itself behind the silence it ends. */
static void
test_message_when_silence_then_asked_again_and_a_person_told(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 10:30", "callback.attempted outcome=wrong_number");
	cw_end("Mon 10:31", "callback", "notice", "delivered");
	assert_int_equal(CW->clocks[AM_CLOCK_SILENCE].state, AM_CLK_RUNNING);
	cw_step("Tue 10:00", UNCLEAR);
	assert_int_equal(CW->clocks[AM_CLOCK_SILENCE].state, AM_CLK_MET);
	assert_int_equal(cw_sent("unclear:customer"), 1);
	assert_int_equal(cw_sent("message:owner"), 1);
}

/* Held in the confirm stage, the question stands; in a deadlock it does not. */
static void
test_message_when_held_or_deadlocked_then_by_the_question(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 10:10", "complaint.held reason=waiting_third_party");
	cw_step("Mon 11:00", UNCLEAR);
	assert_int_equal(CW->status, AM_HELD);
	assert_int_equal(cw_sent("unclear:customer"), 1);
	for (int round = 0; round < 3; round++) {
		cw_step("Mon 12:00", "customer.answered verdict=unsatisfied");
		cw_step("Mon 12:00", "stage.completed stage=resolve");
	}
	assert_int_equal(CW->flags & AM_CF_DEADLOCK, AM_CF_DEADLOCK);
	cw_step("Mon 13:00", UNCLEAR);
	assert_int_equal(cw_sent("unclear:customer"), 0);
	assert_string_equal(cw_said("customer.message", "effect"), "");
}

/* CF5: words of complaint count in it, too. */
static void
test_message_when_unclear_and_negative_then_flagged(void **state)
{
	(void)state;
	cw_walk_to_confirm("Mon 10:00");
	cw_step("Mon 11:00", UNCLEAR " negative=1");
	assert_int_equal(CW->flags & AM_CF_NEGATIVE, AM_CF_NEGATIVE);
	assert_int_equal(cw_sent("unclear:customer"), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, cw_setup, cw_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_message_when_unclear_then_asked_once_more_and_then_a_person),
		T(test_message_when_loop_goes_round_then_asked_once_more_again),
		T(test_message_when_contradictory_then_a_person_at_once),
		T(test_message_when_silence_then_asked_again_and_a_person_told),
		T(test_message_when_held_or_deadlocked_then_by_the_question),
		T(test_message_when_unclear_and_negative_then_flagged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
