/*
 * Loops that are right key by key and still cannot be meant: each row is one
 * edit of a loop that loads, and the exact lines that must come of it, without
 * the name of the file in front. Shows the "a loop that cannot end, a
 * stage without a way out, an unreachable rung, a role nobody holds, a message
 * that names an unknown field", and ES4, ES6, CF3, CF6 as far as conf goes.
 */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/str.h"
#include "conf_world.h"

/* clang-format off */
static const char base[] =
    "calendar \"office\" { timezone = \"UTC\"  open = {\"Mon-Fri 09:00-17:00\"} }\n"
    "endpoint \"crm\" { url = \"https://crm.example/\" secret = {\"file:ok.secret\"} }\n"
    "message \"ask\" { text = \"Is {complaint.id} solved?\" }\n"
    "person \"wang\" { }\n"
    "role \"manager\" { person = {\"wang\"} }\n"
    "loop \"complaint\" {\n"
    "    tiers = {\"high\", \"low\"}\n"
    "    hold_reminders = {\"+1d\", \"+2d\"}  max_hold = \"5d\"\n"
    "    clock \"aftercare\" { budget = \"7d\"\n"
    "        rung \"check\" { at = \"100%\"  to = \"customer\"  via = {\"crm\"} } }\n"
    "    stage \"resolve\" { budget = \"30m\"  calendar = \"office\"  requires = {\"root_cause\", \"ticket\"}\n"
    "        rung \"warn\"  { at = \"50%\"   to = \"owner\"    via = {\"crm\"} }\n"
    "        rung \"lapse\" { at = \"100%\"  to = \"owner\"    via = {\"crm\"} }\n"
    "        rung \"boss\"  { at = \"+15m\"  to = \"manager\"  via = {\"crm\"}  action = \"reassign\" }\n"
    "        rung \"up\"    { at = \"+1h\"   to = \"manager\"  via = {\"crm\"}  action = \"raise-tier\" }\n"
    "    }\n"
    "    stage \"confirm\" { kind = \"confirm\"  budget = \"1bd\"  attempts = {}\n"
    "        rung \"ask\"   { at = \"0%\"    to = \"customer\" via = {\"crm\"}  message = \"ask\" }\n"
    "        rung \"again\" { at = \"50%\"   to = \"customer\" via = {\"crm\"}  message = \"ask\" }\n"
    "    }\n"
    "}\n";

struct row {
	const char *name, *find, *put, *told;
};

static const struct row rows[] = {
	/* a loop that cannot end */
	{ "test_judge_when_the_customer_is_never_asked_then_refused",
	    "        rung \"ask\"   { at = \"0%\"", "        rung \"ask\"   { at = \"1%\"",
	    "17: loop \"complaint\" cannot end: stage \"confirm\" never asks the customer; add rung \"ask\" { at = \"0%\" to = \"customer\" via = {…} }, or attempts\n"
	    "19: rung \"again\" reminds the customer once more than survey_reminders (1) allows; remove it, or raise survey_reminders" },
	{ "test_judge_when_the_notice_asks_a_tier_then_loads",
	    "at = \"0%\" ", "tiers = {\"high\"} at = \"0%\" ", NULL },
	/* a stage without a way out */
	{ "test_judge_when_requires_names_the_envelope_then_refused",
	    "\"ticket\"}", "\"actor.id\"}",
	    "11: requires: 'actor.id' is taken from every event, so stage \"resolve\" could never be completed; remove it" },
	{ "test_judge_when_requires_is_misspelt_then_refused",
	    "\"root_cause\"", "\"root_couse\"",
	    "11: requires: stage.completed has no field 'root_couse'; did you mean 'root_cause'?" },
	{ "test_judge_when_requires_is_half_a_name_then_refused",
	    "\"root_cause\"", "\"apology\"",
	    "11: requires: stage.completed has no field 'apology'; did you mean 'apology.by'?" },
	{ "test_judge_when_confirm_requires_fields_then_refused",
	    "attempts = {}", "attempts = {} requires = {\"result\"}",
	    "17: requires: only the customer's answer completes stage \"confirm\"; move it to a work stage" },
	{ "test_judge_when_confirm_is_waivable_then_refused",
	    "attempts = {}", "attempts = {} waivable = true",
	    "17: waivable: only the customer's answer completes stage \"confirm\"; remove it" },
	/* a rung that never fires or is never sent */
	{ "test_judge_when_attempts_fall_then_refused",
	    "attempts = {}", "attempts = {\"+0\", \"+4h\", \"+1h\"}",
	    "17: attempts: +1h stands behind +4h; list them in the order of time, each once" },
	{ "test_judge_when_attempts_repeat_then_refused",
	    "attempts = {}", "attempts = {\"+1bd\", \"+1bd\"}",
	    "17: attempts: +1bd stands behind +1bd; list them in the order of time, each once" },
	{ "test_judge_when_an_attempt_is_at_zero_twice_then_refused",
	    "attempts = {}", "attempts = {\"+0\", \"+0\"}",
	    "17: attempts: +0s stands behind +0s; list them in the order of time, each once" },
	{ "test_judge_when_hold_reminders_fall_then_refused",
	    "\"+1d\", \"+2d\"", "\"+2d\", \"+1d\"",
	    "8: hold_reminders: +1d stands behind +2d; list them in the order of time, each once" },
	{ "test_judge_when_hold_reminder_at_the_end_of_the_hold_then_refused",
	    "\"+2d\"", "\"+5d\"",
	    "8: hold_reminders: +5d never comes, as max_hold ends the hold after 5d; remove it, or make max_hold longer" },
	{ "test_judge_when_nothing_is_held_then_refused",
	    "max_hold = \"5d\"", "hold_reasons = {}",
	    "8: hold_reminders: nothing is ever held, as hold_reasons is empty; name reasons, or remove the reminders" },
	{ "test_judge_when_rung_is_for_no_tier_then_refused",
	    "rung \"warn\"  {", "rung \"warn\"  { tiers = {}",
	    "12: tiers: the list is empty, so rung \"warn\" is for nobody; name tiers, or leave the key out for all" },
	{ "test_judge_when_rung_is_for_an_unknown_tier_then_refused",
	    "rung \"warn\"  {", "rung \"warn\"  { tiers = {\"hihg\"}",
	    "12: tiers: no tier 'hihg'; did you mean 'high'?" },
	{ "test_judge_when_two_rungs_stand_at_one_place_then_refused",
	    "\"50%\"   to = \"owner\"", "\"100%\"  to = \"owner\"",
	    "13: rung \"lapse\" is never sent: \"warn\" tells the owner at the same place; join the two, or move one" },
	{ "test_judge_when_lapse_and_offset_zero_then_refused",
	    "\"+15m\"  to = \"manager\" ", "\"+0\"  to = \"owner\" via = {\"crm\"} } rung \"x\" { at = \"+15m\" to = \"manager\"",
	    "13: rung \"lapse\" is never sent: \"boss\" tells the owner at the same place; join the two, or move one" },
	{ "test_judge_when_reminders_exceed_then_refused",
	    "attempts = {}", "attempts = {} survey_reminders = 0",
	    "19: rung \"again\" reminds the customer once more than survey_reminders (0) allows; remove it, or raise survey_reminders" },
	/* a role that nobody holds, an action that changes nothing */
	{ "test_judge_when_an_action_stands_at_the_start_then_refused",
	    "at = \"+15m\"  to = \"manager\"", "at = \"0%\"    to = \"manager\"",
	    "14: action: at 0% nothing has been waited for, and nothing is done; say at = \"1%\", or give the complaint its owner and tier when it is opened" },
	{ "test_judge_when_nobody_is_manager_then_refused",
	    "role \"manager\"", "role \"agent\"",
	    "14: action: reassign to the manager, and nobody is; add role \"manager\" { person = {…} }" },
	{ "test_judge_when_reassigned_to_the_owner_then_refused",
	    "\"manager\"  via = {\"crm\"}  action = \"reassign\"", "\"owner\"  via = {\"crm\"}  action = \"reassign\"",
	    "14: action: reassign to the owner changes nothing; say to = \"supervisor\", \"manager\", \"agent\" or \"team\"" },
	{ "test_judge_when_reassigned_to_the_customer_then_refused",
	    "\"manager\"  via = {\"crm\"}  action = \"reassign\"", "\"customer\"  via = {\"crm\"}  action = \"reassign\"",
	    "14: action: reassign to the customer changes nothing; say to = \"supervisor\", \"manager\", \"agent\" or \"team\"" },
	{ "test_judge_when_one_tier_is_raised_then_refused",
	    "tiers = {\"high\", \"low\"}", "tiers = {\"all\"}",
	    "15: action: raise-tier in a loop of one tier; list tiers, highest first, or remove the action" },
	{ "test_judge_when_the_highest_tier_is_raised_then_refused",
	    "rung \"up\"    {", "rung \"up\" { tiers = {\"high\"}",
	    "15: action: raise-tier of the highest tier changes nothing; name a lower one in tiers, or remove the action" },
	{ "test_judge_when_a_rung_closes_the_loop_then_refused",
	    "at = \"50%\"   to = \"customer\" via = {\"crm\"}", "at = \"+1bd\" action = \"close\" to = \"customer\" via = {\"crm\"}",
	    "19: action: no rung closes a loop, as the customer must have been told first; set attempts and silence of the confirm stage" },
	{ "test_judge_when_aftercare_acts_then_refused",
	    "rung \"check\" {", "rung \"check\" { action = \"raise-tier\"",
	    "10: action: the loop is closed when aftercare runs; remove the action" },
	/* a message that names an unknown field */
	{ "test_judge_when_a_message_names_an_unknown_field_then_refused",
	    "{complaint.id} solved", "{customer.name} solved",
	    "3: text: unknown field {customer.name}; did you mean {clock.name}?" },
};

/* Edits that are as odd, and right. */
static const struct row right[] = {
	{ "test_judge_when_the_owner_calls_then_loads",
	    "  attempts = {}\n        rung \"ask\"   { at = \"0%\"    to = \"customer\" via = {\"crm\"}  message = \"ask\" }\n", "\n", NULL },
	{ "test_judge_when_every_tier_has_its_question_then_loads",
	    "at = \"0%\" ", "tiers = {\"high\"} at = \"0%\" to = \"customer\" via = {\"crm\"} }  rung \"ask2\" { tiers = {\"low\"} at = \"0%\" ", NULL },
	{ "test_judge_when_a_field_is_the_producers_own_then_loads",
	    "\"ticket\"", "\"回访编号\"", NULL },
	{ "test_judge_when_units_are_mixed_then_loads",
	    "attempts = {}", "attempts = {\"+0\", \"+4h\", \"+1bd\", \"+1w\"}", NULL },
	{ "test_judge_when_one_place_is_for_two_tiers_then_loads",
	    "at = \"50%\"   to = \"owner\"", "tiers = {\"high\"} at = \"50%\" via = {\"crm\"} } rung \"w2\" { tiers = {\"low\"} at = \"50%\" to = \"owner\"", NULL },
	{ "test_judge_when_one_place_is_for_two_roles_then_loads",
	    "\"50%\"   to = \"owner\"", "\"100%\"  to = \"team\"", NULL },
	{ "test_judge_when_an_action_stands_beside_a_message_then_loads",
	    "rung \"boss\"  { at = \"+15m\"", "rung \"a\" { at = \"+15m\" to = \"manager\" action = \"raise-tier\" } rung \"boss\" { at = \"+15m\"", NULL },
	{ "test_judge_when_reassigned_to_who_comes_with_it_then_loads",
	    "\"manager\"  via = {\"crm\"}  action = \"reassign\"", "\"supervisor\"  via = {\"crm\"}  action = \"reassign\"", NULL },
};
/* clang-format on */

static void
check_row(void **state)
{
	const struct row *row = *state;
	char *text = conf_world_edit(base, row->find, row->put);
	char told[4096] = "";
	struct am_diag *diags;
	size_t n, at = 0;

	if (row->told == NULL) {
		am_conf_unref(conf_world_must(text));
		free(text);
		return;
	}
	assert_null(conf_world_load(text, &diags, &n));
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(diags[i].file, "amends.conf");
		at += (size_t)snprintf(told + at, sizeof(told) - at, "%s%d: %s",
		    i > 0 ? "\n" : "", diags[i].line, diags[i].text);
	}
	assert_string_equal(told, row->told);
	free(diags);
	free(text);
}

/* LC6: what is open keeps its promise, whatever a later version refuses. */
static void
test_judge_when_a_loop_was_kept_then_it_runs_on(void **state)
{
	struct am_conf *c = conf_world_must(base);
	const struct am_loopdef *def = NULL;
	struct am_diag diag = { .text = "" };
	struct am_arena a;
	char *kept, *text;

	(void)state;
	am_arena_init(&a, 0);
	kept = strndup(c->loops[0]->text.p, c->loops[0]->text.n);
	text = conf_world_edit(kept, "\"root_cause\"", "\"root_couse\"");
	assert_int_equal(
	    am_conf_bind_loop(c, am_str_c(text), &a, &def, &diag), 0);
	assert_string_equal(def->stages[0].requires[0], "root_couse");
	free(text);
	free(kept);
	am_arena_fini(&a);
	am_conf_unref(c);
}

#define ROWS (sizeof(rows) / sizeof(rows[0]))
#define RIGHT (sizeof(right) / sizeof(right[0]))

int
main(void)
{
	struct CMUnitTest tests[ROWS + RIGHT + 1];

	for (size_t i = 0; i < ROWS + RIGHT; i++) {
		const struct row *row = i < ROWS ? &rows[i] : &right[i - ROWS];

		tests[i] = (struct CMUnitTest){ row->name, check_row, NULL,
			NULL, (void *)row };
	}
	tests[ROWS + RIGHT] = (struct CMUnitTest)cmocka_unit_test(
	    test_judge_when_a_loop_was_kept_then_it_runs_on);
	return _cmocka_run_group_tests("judge", tests, ROWS + RIGHT + 1,
	    conf_world_setup, conf_world_teardown);
}
