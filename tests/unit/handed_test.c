/*
 * handed_test - a follow-up that its provider has, or may have; one of which
 * nobody can say what became of it; who is told, and when they may be.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "core/clock.h"
#include "core/person.h"
#include "tests/unit/told.h"

static uint8_t id[16];

/* In the confirm stage; the question waits at "text" and has gone. */
static void
asked(struct told *w, const char *handed)
{
	told_open(w, "owner=li");
	told_confirm(w, AM_HOUR);
	memcpy(id, told_waits(w, "text")->id, sizeof(id));
	told_handed(w, told_waits(w, "text"), handed);
}

static void
test_handed_then_it_is_told_and_no_business_change(void **state)
{
	struct told *w = *state;
	const struct am_note *n;

	asked(w, "state=accepted attempts=1 status=202 until=1795320080118");
	n = told_note(w, "followup.accepted", "endpoint", "text");
	assert_non_null(n);
	assert_true(am_str_is(told_pair(n, "until"), "1795320080118"));
	assert_true(am_str_is(told_pair(n, "late"), "no"));
	assert_true(told_waits_id(w, id)->handed);
	assert_false(w->f.up.changed);
	assert_null(told_change(w, id)); /* its row stays where it is */
}

static void
test_handed_uncertain_then_the_reason_is_told(void **state)
{
	struct told *w = *state;

	asked(w, "state=uncertain reason=timeout attempts=1 until=1");
	assert_non_null(
	    told_note(w, "followup.uncertain", "reason", "timeout"));
	assert_true(told_waits_id(w, id)->handed);
}

/* Its receipt may take half an hour: whatever is behind it does not wait. */
static void
test_handed_then_the_next_of_its_endpoint_goes(void **state)
{
	struct told *w = *state;
	const struct am_fu_change *next;
	uint8_t behind[16];

	told_open(w, "owner=li");
	told_confirm(w, AM_HOUR);
	memcpy(id, told_waits(w, "text")->id, sizeof(id));
	told_step(w, 2 * AM_HOUR, "callback.attempted outcome=wrong_number");
	assert_false(told_c(w)->waiting[told_c(w)->waiting_n - 1].queued);
	memcpy(behind, told_c(w)->waiting[told_c(w)->waiting_n - 1].id, 16);
	told_handed(w, told_waits_id(w, id), "state=accepted");
	next = told_change(w, behind);
	assert_non_null(next);
	assert_true(next->release);
	assert_true(told_waits_id(w, behind)->queued);
	/* what comes later goes at once, too: it stands behind nobody */
	told_handed(w, told_waits_id(w, behind), "state=accepted");
	told_step(w, 3 * AM_HOUR, "complaint.withdrawn");
	assert_true(told_born(w, "withdrawn:customer")->queued);
}

/* FU11: nobody can call it back; it ends as what became of it, late. */
static void
test_handed_when_its_stage_ends_then_is_not_suppressed(void **state)
{
	struct told *w = *state;

	asked(w, "state=accepted");
	told_step(w, 2 * AM_HOUR, "customer.answered verdict=satisfied");
	assert_non_null(told_waits_id(w, id));
	assert_null(told_change(w, id));
	told_receipt(w, id, "state=delivered");
	assert_non_null(told_note(w, "followup.delivered", "late", "yes"));
	assert_string_equal(told_change(w, id)->state, "delivered");
	assert_null(told_waits_id(w, id));
}

/* FU5, FU12: the next channel, once, whatever is said behind it. */
static void
test_unknown_then_the_next_channel_goes_once(void **state)
{
	struct told *w = *state;

	asked(w, "state=accepted");
	assert_true(am_fu_has_next(&w->def, told_c(w), told_waits_id(w, id)));
	told_ended(w, told_waits_id(w, id), "state=unknown reason=no_receipt");
	assert_non_null(
	    told_note(w, "followup.unknown", "reason", "no_receipt"));
	assert_true(am_str_is(told_born(w, "ask")->endpoint, "letter"));
	assert_false(
	    am_fu_has_next(&w->def, told_c(w), told_waits(w, "letter")));
	told_receipt(w, id, "state=failed");
	assert_string_equal(w->f.up.code, "already_done");
	told_receipt(w, id, "state=delivered"); /* better late than never */
	assert_non_null(told_note(w, "followup.delivered", NULL, NULL));
	assert_null(w->f.up.followups);
}

static void
test_unknown_when_its_stage_is_over_then_nothing_goes(void **state)
{
	struct told *w = *state;

	asked(w, "state=uncertain");
	told_step(w, 2 * AM_HOUR, "customer.answered verdict=satisfied");
	told_ended(w, told_waits_id(w, id), "state=unknown reason=uncertain");
	assert_non_null(told_note(w, "followup.unknown", "late", "yes"));
	assert_null(w->f.up.followups);
}

/* FU7, FU12: a channel that cannot be used is followed by the next. */
static void
test_suppressed_when_the_channel_is_closed_then_the_next_goes(void **state)
{
	static const struct {
		const char *reason;
		bool goes_on;
	} cases[] = { { "no_address", true }, { "opted_out", true },
		{ "cancelled", false }, { "superseded", false } };
	struct told *w = *state;
	char text[80];

	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		if (i > 0) {
			told_teardown(state);
			told_setup(state);
			w = *state;
		}
		told_open(w, "owner=li");
		told_confirm(w, AM_HOUR);
		snprintf(text, sizeof(text), "state=suppressed reason=%s",
		    cases[i].reason);
		told_ended(w, told_waits(w, "text"), text);
		assert_int_equal(
		    told_waits(w, "letter") != NULL, cases[i].goes_on);
	}
}

static void
test_handed_of_what_has_ended_is_ignored(void **state)
{
	struct told *w = *state;

	asked(w, "state=accepted");
	told_receipt(w, id, "state=delivered");
	told_handed(w, &(struct am_waiting){ .id = { 1 } }, "state=accepted");
	assert_int_equal(w->f.up.verdict, AM_IGNORED);
	assert_string_equal(w->f.up.code, "not_waiting");
}

/* ---- who is told, and in which zone ---- */

static const struct am_zone_step utc_step[] = { { INT64_MIN, 0 } };
static const struct am_zone theirs = { "Etc/UTC", 1, utc_step };

static const struct am_zone *
zone_of_wang(const void *people, struct am_str name)
{
	(void)people;
	return am_str_is(name, "wang") ? &theirs : NULL;
}

static void
test_person_told_is_the_owner_else_the_supervisor(void **state)
{
	struct told *w = *state;
	struct am_complaint c = { .supervisor = AM_STR("wang") };

	assert_true(
	    am_str_is(am_person_told(&w->def, &c, AM_ROLE_OWNER), "wang"));
	c.owner = AM_STR("li");
	assert_true(
	    am_str_is(am_person_told(&w->def, &c, AM_ROLE_OWNER), "li"));
	assert_true(
	    am_str_is(am_person_told(&w->def, &c, AM_ROLE_AGENT), "li"));
	assert_true(
	    am_str_is(am_person_told(&w->def, &c, AM_ROLE_SUPERVISOR), "wang"));
	assert_int_equal(am_person_told(&w->def, &c, AM_ROLE_CUSTOMER).n, 0);
	w->def.holders[AM_ROLE_MANAGER] =
	    (struct am_holders){ { "li", "anna" }, 2 };
	c.respondents = AM_STR("li");
	assert_true(
	    am_str_is(am_person_told(&w->def, &c, AM_ROLE_MANAGER), "anna"));
}

/* FU8 */
static void
test_person_zone_is_their_own_else_the_loops(void **state)
{
	struct told *w = *state;
	struct am_complaint c = { .owner = AM_STR("li"),
		.supervisor = AM_STR("wang") };

	w->def.person_zone = zone_of_wang;
	assert_ptr_equal(
	    am_person_zone(&w->def, &c, AM_ROLE_OWNER), w->def.zone);
	assert_ptr_equal(
	    am_person_zone(&w->def, &c, AM_ROLE_SUPERVISOR), &theirs);
	assert_ptr_equal(
	    am_person_zone(&w->def, &c, AM_ROLE_CUSTOMER), w->def.zone);
	w->def.person_zone = NULL;
	assert_ptr_equal(
	    am_person_zone(&w->def, &c, AM_ROLE_SUPERVISOR), w->def.zone);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, told_setup, told_teardown)
	const struct CMUnitTest tests[] = {
		T(test_handed_then_it_is_told_and_no_business_change),
		T(test_handed_uncertain_then_the_reason_is_told),
		T(test_handed_then_the_next_of_its_endpoint_goes),
		T(test_handed_when_its_stage_ends_then_is_not_suppressed),
		T(test_unknown_then_the_next_channel_goes_once),
		T(test_unknown_when_its_stage_is_over_then_nothing_goes),
		T(test_suppressed_when_the_channel_is_closed_then_the_next_goes),
		T(test_handed_of_what_has_ended_is_ignored),
		T(test_person_told_is_the_owner_else_the_supervisor),
		T(test_person_zone_is_their_own_else_the_loops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
