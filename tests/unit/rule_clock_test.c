/*
 * The clocks that rules start, made from keys of the loop (loop.md 2.1, 17):
 * CF2 attempts, CF6 silence, LC3 reminders in a hold, RO1 unowned_max.
 */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf_world.h"

#define ASK                                                                    \
	"stage \"confirm\" { rung \"ask\" { at = \"0%\" to = \"customer\" "    \
	"via = {\"crm\"} message = \"late\" }"

/* The base of conf_world.c with a question, and one more edit. */
static struct am_conf *
load(const char *find, const char *put)
{
	char *asks =
	    conf_world_edit(conf_world_base, "stage \"confirm\" {", ASK);
	char *text = conf_world_edit(asks, find, put);
	struct am_conf *c = conf_world_must(text);

	free(asks);
	free(text);
	return c;
}

/* CF2: a rung an attempt, and last the notice that an event calls for. */
static void
test_rule_clock_attempts_are_a_ladder_to_the_owner(void **state)
{
	struct am_conf *c = load("", "");
	const struct am_loopdef *d = c->loops[0];
	const struct am_clockdef *k = &d->clocks[AM_CLOCK_CALLBACK];
	const struct am_clockdef *own = &d->clocks[AM_CLOCK_STAGE0 + 1];
	const struct am_rungdef *notice = &k->rungs[3];

	(void)state;
	assert_true(k->in_use);
	assert_true(k->from_start);
	assert_string_equal(k->name, "callback");
	assert_int_equal(k->budget.n, 0);
	assert_ptr_equal(k->bd_calendar, own->bd_calendar);
	assert_int_equal(k->rungs_n, 4);
	for (size_t i = 0; i < 3; i++) {
		char name[16];

		snprintf(name, sizeof(name), "attempt-%zu", i + 1);
		assert_string_equal(k->rungs[i].name, name);
		assert_int_equal(k->rungs[i].to, AM_ROLE_OWNER);
		assert_int_equal(k->rungs[i].reason, AM_REASON_OPERATOR);
		assert_int_equal(k->rungs[i].via_n, 0); /* the owner's */
		assert_false(k->rungs[i].is_pct);
		assert_false(k->rungs[i].told);
	}
	assert_int_equal(k->rungs[0].offset.n, 0);
	assert_int_equal(k->rungs[1].offset.n, 4 * AM_HOUR);
	assert_int_equal(k->rungs[2].offset.unit, AM_UNIT_BD);
	assert_string_equal(notice->name, "notice");
	assert_string_equal(notice->via[0].endpoint, "crm");
	assert_true(notice->told);
	assert_int_equal(notice->to, AM_ROLE_CUSTOMER);
	assert_int_equal(notice->reason, AM_REASON_ASK);
	assert_int_equal(d->stages[1].ask, 0);
	am_conf_unref(c);
}

/* CF6: half of the silence is a reminder, the whole of it closes. */
static void
test_rule_clock_silence_reminds_and_closes(void **state)
{
	struct am_conf *c = load("kind = \"confirm\"",
	    "kind = \"confirm\" silence = \"3bd\" calendar = \"office\"");
	const struct am_clockdef *k = &c->loops[0]->clocks[AM_CLOCK_SILENCE];

	(void)state;
	assert_true(k->in_use);
	assert_string_equal(k->name, "silence");
	assert_int_equal(k->budget.unit, AM_UNIT_BD);
	assert_int_equal(k->budget.n, 3);
	assert_true(k->tier_budget[0].n < 0);
	assert_string_equal(k->calendar->name, "office");
	assert_int_equal(k->rungs_n, 2);
	assert_string_equal(k->rungs[0].name, "reminder");
	assert_int_equal(k->rungs[0].pct, 50);
	assert_int_equal(k->rungs[0].to, AM_ROLE_CUSTOMER);
	assert_int_equal(k->rungs[0].via_n, 1);
	assert_string_equal(k->rungs[0].message_name, "late");
	assert_string_equal(k->rungs[1].name, "close");
	assert_int_equal(k->rungs[1].pct, 100);
	assert_int_equal(k->rungs[1].action, AM_ACTION_CLOSE);
	assert_int_equal(k->rungs[1].via_n, 0);
	am_conf_unref(c);
}

/* In place of the built-in text, or of the question's message; the reminder
 * keeps that unless it is given one itself. */
static void
test_rule_clock_rungs_say_what_notices_give_them(void **state)
{
	struct am_conf *c = load("loop \"complaint\" {",
	    "message \"call\" { text = \"call\" } message \"last\" { text = "
	    "\"last\" } loop \"complaint\" { hold_reminders = {\"+1h\"}\n"
	    "notice \"attempt\" { message = \"call\" } notice \"notice\" { "
	    "message = \"last\" } notice \"hold\" { message = \"late\" }");
	const struct am_loopdef *d = c->loops[0];
	const struct am_clockdef *k = d->clocks;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(
		    k[AM_CLOCK_CALLBACK].rungs[i].message->name, "call");
	assert_string_equal(
	    k[AM_CLOCK_CALLBACK].rungs[3].message->name, "last");
	assert_string_equal(k[AM_CLOCK_SILENCE].rungs[0].message->name, "late");
	assert_string_equal(k[AM_CLOCK_HOLD].rungs[0].message->name, "late");
	assert_null(k[AM_CLOCK_SILENCE].rungs[1].message);
	assert_string_equal(
	    am_saying_message(d, AM_SAYING_NOTICE)->name, "last");
	assert_string_equal(
	    am_saying_message(d, AM_SAYING_REMINDER)->name, "late");
	assert_null(am_saying_message(d, AM_SAYING_HOLD_OWNER));
	am_conf_unref(c);
}

static void
test_rule_clock_without_attempts_asks_in_writing(void **state)
{
	struct am_conf *c =
	    load("kind = \"confirm\"", "kind = \"confirm\" attempts = {}");
	const struct am_loopdef *d = c->loops[0];

	(void)state;
	assert_true(d->clocks[AM_CLOCK_CALLBACK].in_use);
	assert_int_equal(d->clocks[AM_CLOCK_CALLBACK].rungs_n, 1);
	assert_string_equal(
	    d->clocks[AM_CLOCK_CALLBACK].rungs[0].name, "notice");
	assert_true(d->clocks[AM_CLOCK_SILENCE].in_use);
	assert_false(d->clocks[AM_CLOCK_HOLD].in_use);
	assert_false(d->clocks[AM_CLOCK_UNOWNED].in_use);
	assert_string_equal(d->clocks[AM_CLOCK_HOLD].name, "hold");
	am_conf_unref(c);
}

/* Without a question the owner is told by the nearest rung's way. */
static void
test_rule_clock_notice_without_a_question_goes_the_nearest_way(void **state)
{
	struct am_conf *c = conf_world_must(conf_world_base);
	const struct am_loopdef *d = c->loops[0];
	const struct am_clockdef *k = &d->clocks[AM_CLOCK_CALLBACK];

	(void)state;
	assert_int_equal(d->stages[1].ask, AM_RUNGS_MAX);
	assert_string_equal(k->rungs[3].via[0].endpoint, "crm");
	assert_null(k->rungs[3].message); /* the built-in question */
	am_conf_unref(c);
}

/* LC3, RO1 */
static void
test_rule_clock_hold_reminders_and_unowned_max_are_ladders(void **state)
{
	struct am_conf *c =
	    load("tiers =", "unowned_max = \"1bd\" hold_reminders = {\"+4h\", "
			    "\"+2bd\"} tiers =");
	const struct am_clockdef *hold = &c->loops[0]->clocks[AM_CLOCK_HOLD];
	const struct am_clockdef *k = &c->loops[0]->clocks[AM_CLOCK_UNOWNED];

	(void)state;
	assert_true(hold->in_use);
	assert_true(hold->from_start);
	assert_null(hold->bd_calendar); /* that of the held stage */
	assert_int_equal(hold->rungs_n, 2);
	assert_string_equal(hold->rungs[1].name, "hold-2");
	assert_int_equal(hold->rungs[1].offset.unit, AM_UNIT_BD);
	assert_int_equal(hold->rungs[1].to, AM_ROLE_CUSTOMER);
	assert_int_equal(hold->rungs[1].reason, AM_REASON_INFORM);
	assert_true(k->in_use);
	assert_int_equal(k->budget.unit, AM_UNIT_BD);
	assert_int_equal(k->rungs_n, 1);
	assert_int_equal(k->rungs[0].pct, 100);
	assert_int_equal(k->rungs[0].action, AM_ACTION_CLIMB);
	assert_int_equal(k->rungs[0].to, AM_ROLE_SUPERVISOR);
	assert_int_equal(k->rungs[0].reason, AM_REASON_ESCALATE);
	am_conf_unref(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_rule_clock_attempts_are_a_ladder_to_the_owner),
		cmocka_unit_test(test_rule_clock_silence_reminds_and_closes),
		cmocka_unit_test(
		    test_rule_clock_rungs_say_what_notices_give_them),
		cmocka_unit_test(
		    test_rule_clock_without_attempts_asks_in_writing),
		cmocka_unit_test(
		    test_rule_clock_notice_without_a_question_goes_the_nearest_way),
		cmocka_unit_test(
		    test_rule_clock_hold_reminders_and_unowned_max_are_ladders),
	};

	return cmocka_run_group_tests(
	    tests, conf_world_setup, conf_world_teardown);
}
