/* totality_test - the transition table has no holes and no dead rows. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include <amends/step.h>

static const enum am_status statuses[] = { AM_NONE, AM_OPEN, AM_HELD,
	AM_CLOSED };

/* Every event in every status meets a row without a guard in the end. */
static void
test_rules_every_event_in_every_status_has_a_row(void **state)
{
	struct am_rule_view r;

	(void)state;
	for (int ev = AM_EV_NONE + 1; ev < AM_EVENTS_N; ev++) {
		for (size_t s = 0; s < AM_COUNT(statuses); s++) {
			bool found = false;

			for (size_t i = 0; am_rule_at(i, &r); i++)
				found = found ||
					((r.statuses >> statuses[s] & 1) != 0 &&
					    ((int)r.on == ev ||
						r.on == AM_EV_NONE) &&
					    r.guard[0] == '\0');
			if (!found)
				fail_msg("%s in status %s has no row",
				    am_event_spec(ev)->name,
				    am_status_str(statuses[s]));
		}
	}
}

/* A row behind an unguarded one of the same event and status never rules. */
static void
test_rules_no_row_is_shadowed(void **state)
{
	struct am_rule_view r, later;

	(void)state;
	for (size_t i = 0; am_rule_at(i, &r); i++) {
		for (size_t j = i + 1; am_rule_at(j, &later); j++) {
			if (r.guard[0] != '\0' || later.on != r.on)
				continue;
			assert_int_equal(later.statuses & r.statuses, 0);
		}
	}
}

/* The ignore list says why, and an action has a name. */
static void
test_rules_every_row_says_what_it_does(void **state)
{
	struct am_rule_view r;
	size_t n = 0;

	(void)state;
	for (; am_rule_at(n, &r); n++) {
		if (r.action[0] != '\0')
			continue;
		assert_non_null(r.code);
		assert_true(strlen(r.why) > 0);
	}
	assert_true(n > 50);
}

/* What is not built is only ever ignored: its rows are the next issue's. */
static void
test_rules_unbuilt_events_have_no_action(void **state)
{
	struct am_rule_view r;

	(void)state;
	for (size_t i = 0; am_rule_at(i, &r); i++) {
		if (r.on != AM_EV_NONE && !am_event_spec(r.on)->built)
			assert_string_equal(r.code, "unsupported");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_rules_every_event_in_every_status_has_a_row),
		cmocka_unit_test(test_rules_no_row_is_shadowed),
		cmocka_unit_test(test_rules_every_row_says_what_it_does),
		cmocka_unit_test(test_rules_unbuilt_events_have_no_action),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
