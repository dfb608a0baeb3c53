/*
 * notice_test - what goes out and why: reasons, roles, quiet hours, digests,
 * texts, the next channel; of rungs that rules have made and of notices.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "core/followup.h"
#include "tests/unit/told.h"

#define MONDAY_2130 (12 * AM_HOUR + 30 * AM_MINUTE) /* FIX_START is 09:00 */
#define TUESDAY_0800 (23 * AM_HOUR)

static struct am_str
reason(const struct told *w, const char *rung)
{
	return told_pair(
	    told_note(w, "followup.queued", "rung", rung), "reason");
}

/* ---- AU3: why ---- */

/* AU3: attempts, the notice, its reminder say which they are. */
static void
test_notice_rungs_of_rules_have_precise_reasons(void **state)
{
	struct told *w = *state;
	const struct am_followup *f;

	told_open(w, "owner=li");
	told_confirm(w, AM_HOUR);
	assert_true(am_str_is(reason(w, "ask"), "ask"));
	f = told_born(w, "attempt-1");
	assert_non_null(f);
	assert_true(am_str_is(reason(w, "attempt-1"), "attempt_1"));
	assert_true(told_body_has(f, "\"reason\":\"attempt_1\",\"attempt\":1"));
	assert_true(told_body_has(f, "\"type\":\"followup.operator\""));
	assert_true(told_body_has(f, "Please call the customer of C-1 (card), "
				     "attempt 1"));
	assert_null(told_note(w, "escalation.raised", NULL, NULL));
	told_step(w, 2 * AM_HOUR, "callback.attempted outcome=no_answer");
	told_step(w, 6 * AM_HOUR, "callback.attempted outcome=no_answer");
	assert_true(am_str_is(reason(w, "notice"), "notice"));
	f = told_born(w, "notice");
	assert_int_equal(f->to, AM_ROLE_CUSTOMER);
	assert_true(told_body_has(f, "\"type\":\"followup.ask\""));
	assert_true(told_body_has(f, "Reply 1 for yes, 2 for no"));
	told_deliver(w); /* the notice: silence begins */
	told_step(w, 2 * AM_DAY, "wake");
	assert_true(am_str_is(reason(w, "reminder"), "reminder"));
	assert_true(told_body_has(told_born(w, "reminder"), "it closes 20"));
	assert_null(told_note(w, "deadline.warned", "clock", "silence"));
}

/* CF1: nobody tells the owner anything in this loop but to call, and the
 * customers' channel does not know the owner: it goes as to other staff. */
static void
test_notice_of_a_call_goes_by_staffs_channels(void **state)
{
	struct told *w = *state;

	told_open(w, "owner=li");
	told_confirm(w, AM_HOUR);
	assert_true(am_str_is(told_born(w, "attempt-1")->endpoint, "crm"));
	told_deliver(w);
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		struct am_clockdef *k = &w->def.clocks[i];

		for (size_t r = 0; i != AM_CLOCK_CALLBACK && r < k->rungs_n;
		     r++) {
			if (k->rungs[r].to == AM_ROLE_OWNER)
				k->rungs[r].to = AM_ROLE_SUPERVISOR;
		}
	}
	told_step(w, 6 * AM_HOUR, "wake");
	assert_true(am_str_is(told_born(w, "attempt-2")->endpoint, "crm"));
}

/* AU3: every notice, to everybody it is for, says its name and renders. */
static void
test_notice_every_one_has_its_reason_type_and_text(void **state)
{
	struct told *w = *state;
	char seen[AM_NOTICES_N][40];
	size_t n = 0;

	told_open(w, "owner=li");
	for (int notice = 0; notice < AM_NOTICES_N; notice++) {
		struct am_arena arena;
		struct am_update up = { .arena = &arena };
		const struct am_event ev = { .type = AM_EV_ASSIGNED,
			.at = FIX_START };
		struct am_act a = { .def = w->f.def,
			.ev = &ev,
			.now = FIX_START,
			.cause = 7,
			.up = &up };
		const struct am_followup *f;
		enum am_role to = AM_ROLE_OWNER;
		size_t clock = 0;

		while (!am_notice_is_for((enum am_notice)notice, to))
			to++;
		while (!am_notice_hangs_on(
		    w->f.def, (enum am_notice)notice, clock))
			clock++;
		am_arena_init(&arena, 0);
		up.next = *told_c(w);
		up.notes_tail = &up.notes;
		up.followups_tail = &up.followups;
		up.changes_tail = &up.changes;
		up.tallies_tail = &up.tallies;
		am_fu_notice(&a, clock, (enum am_notice)notice, to);
		f = up.followups;
		assert_non_null(f);
		snprintf(seen[n], sizeof(seen[n]), "\"reason\":\"%.*s\"",
		    AM_ARG(told_pair(up.notes, "reason")));
		assert_true(told_body_has(f, seen[n]));
		assert_false(told_body_has(f, "\"text\":\"\""));
		assert_true(told_body_has(f, "C-1"));
		for (size_t i = 0; i < n; i++)
			assert_string_not_equal(seen[i], seen[n]);
		n++;
		am_arena_fini(&arena);
	}
}

/* AU3: no rung of any clock goes out without saying precisely why. */
static void
test_notice_every_rung_says_why_in_body_and_journal(void **state)
{
	static const char *const want[][2] = { { "listen", "warn_50" },
		{ "listen", "warn_80" }, { "listen", "stage_due" },
		{ "listen", "rung_2" },
		{ "listen", "rung_4" }, /* one tier up */
		{ "inform", "inform_due" }, { "final", "warn_50" },
		{ "final", "final" } };
	struct told *w = *state;
	bool seen[AM_COUNT(want)] = { false };

	told_open(w, "owner=li");
	for (int i = 0; i < 20; i++) {
		am_ms at = fix_case(&w->f, "C-1")->wake_at;
		const struct am_followup *f;

		if (at == AM_NEVER)
			break;
		told_step(w, at - FIX_START, "wake");
		for (f = w->f.up.followups; f != NULL; f = f->next) {
			char id[AM_FU_ID_LEN + 1], text[60];
			const struct am_note *q;
			struct am_str why, clock;

			am_fu_id_format(f->id, id);
			q = told_note(w, "followup.queued", "followup", id);
			why = told_pair(q, "reason");
			clock = told_pair(q, "clock");
			assert_true(why.n > 0);
			snprintf(text, sizeof(text), "\"reason\":\"%.*s\"",
			    AM_ARG(why));
			assert_true(told_body_has(f, text));
			for (size_t k = 0; k < AM_COUNT(want); k++)
				seen[k] =
				    seen[k] || (am_str_is(clock, want[k][0]) &&
						   am_str_is(why, want[k][1]));
		}
	}
	for (size_t k = 0; k < AM_COUNT(want); k++)
		if (!seen[k])
			fail_msg("no %s of %s", want[k][1], want[k][0]);
}

/* ES1: a rung that is not for the tier neither fires nor counts as a step. */
static void
test_notice_rung_of_another_tier_is_no_step_of_the_ladder(void **state)
{
	struct told *w = *state;

	told_open(w, "owner=li tier=high");
	told_step(w, 2 * AM_HOUR + 15 * AM_MINUTE, "wake");
	assert_true(am_str_is(reason(w, "vip"), "rung_2"));
	told_step(w, 2 * AM_HOUR + 30 * AM_MINUTE, "wake");
	assert_true(am_str_is(reason(w, "escalate"), "rung_3"));
}

/* ---- holds ---- */

/* ES4: reminders follow the list and end with it. */
static void
test_notice_hold_reminders_are_the_list_and_then_end(void **state)
{
	static const am_ms list[] = { AM_HOUR, 4 * AM_HOUR, AM_DAY };
	static const char *const why[] = { "hold_1", "hold_2", "hold_3" };
	struct told *w = *state;
	size_t n = 0;

	told_open(w, "owner=li");
	told_step(w, AM_MINUTE, "complaint.held reason=waiting_customer");
	for (int i = 0; i < 40 && told_c(w)->status == AM_HELD; i++) {
		am_ms at = fix_case(&w->f, "C-1")->wake_at;

		told_step(w, at - FIX_START, "wake");
		for (const struct am_followup *f = w->f.up.followups; f != NULL;
		     f = f->next) {
			char text[40];

			if (f->clock != AM_CLOCK_HOLD)
				continue;
			assert_true(n < AM_COUNT(list));
			assert_int_equal(at, FIX_START + AM_MINUTE + list[n]);
			assert_int_equal(f->to, AM_ROLE_CUSTOMER);
			snprintf(
			    text, sizeof(text), "\"reason\":\"%s\"", why[n]);
			assert_true(told_body_has(f, text));
			assert_true(told_body_has(f, "waits for you"));
			n++;
		}
	}
	assert_int_equal(told_c(w)->status, AM_OPEN); /* max_hold */
	assert_int_equal(n, AM_COUNT(list));
}

static void
test_notice_hold_on_somebody_else_reminds_the_owner(void **state)
{
	struct told *w = *state;
	const struct am_followup *f;

	told_open(w, "owner=li");
	told_step(w, 0, "complaint.held reason=waiting_third_party");
	told_step(w, AM_HOUR, "wake");
	f = told_born(w, "hold-1");
	assert_non_null(f);
	assert_int_equal(f->to, AM_ROLE_OWNER);
	assert_true(told_body_has(f, "\"type\":\"followup.operator\""));
	assert_true(told_body_has(f, "on hold since 2026-11-23 09:00 "
				     "(waiting_third_party)"));
	/* ES5: the hold ends, its reminder that waits goes with it */
	told_step(w, AM_HOUR + AM_MINUTE, "complaint.resumed");
	assert_non_null(
	    told_note(w, "followup.suppressed", "reason", "superseded"));
	assert_int_equal(told_c(w)->waiting_n, 0);
}

/* ---- ES5: quiet hours ---- */

/* ES5, FU8: the question waits for the morning and says why and until when. */
static void
test_notice_question_at_night_waits_for_the_morning(void **state)
{
	struct told *w = *state;
	const struct am_note *n;
	const struct am_followup *f;
	char until[24];

	told_open(w, "owner=li");
	told_confirm(w, MONDAY_2130);
	f = told_born(w, "ask");
	assert_true(am_str_is(f->endpoint, "text"));
	assert_int_equal(f->not_before, FIX_START + TUESDAY_0800);
	n = told_note(w, "followup.queued", "rung", "ask");
	assert_true(am_str_is(told_pair(n, "held"), "quiet"));
	snprintf(until, sizeof(until), "%lld", (long long)f->not_before);
	assert_true(am_str_is(told_pair(n, "until"), until));
}

/* ES5: its stage ends while it is held back: dropped, and said so. */
static void
test_notice_held_back_is_dropped_when_its_stage_ends(void **state)
{
	struct told *w = *state;

	told_open(w, "owner=li");
	told_confirm(w, MONDAY_2130);
	told_step(w, MONDAY_2130 + AM_HOUR,
	    "customer.answered verdict=satisfied via=phone");
	assert_int_equal(told_c(w)->status, AM_CLOSED);
	assert_non_null(
	    told_note(w, "followup.suppressed", "endpoint", "text"));
	assert_null(told_waits(w, "text"));
}

/* What stands behind it is let in for the morning, not for the night. */
static void
test_notice_let_in_at_night_waits_for_the_morning_too(void **state)
{
	struct told *w = *state;
	const struct am_fu_change *ch;

	told_open(w, "owner=li");
	told_confirm(w, MONDAY_2130);
	told_step(w, MONDAY_2130 + AM_MINUTE,
	    "callback.attempted outcome=wrong_number");
	assert_false(told_born(w, "notice")->queued); /* behind the question */
	told_ended(w, told_waits(w, "text"), "state=delivered");
	ch = w->f.up.changes;
	assert_non_null(ch);
	assert_true(ch->release);
	assert_int_equal(ch->at, FIX_START + TUESDAY_0800);
}

/* TI2: an emergency does not let staff sleep; the customer does. */
static void
test_notice_emergency_wakes_staff_and_not_the_customer(void **state)
{
	struct told *w = *state;

	told_open(w, "owner=li severity=emergency tier=high");
	told_step(w, MONDAY_2130, "wake");
	assert_int_equal(told_born(w, "take")->not_before, 0);
	told_confirm(w, MONDAY_2130);
	assert_int_equal(
	    told_born(w, "ask")->not_before, FIX_START + TUESDAY_0800);
}

static void
test_notice_staff_have_quiet_hours_of_the_loops_zone(void **state)
{
	struct told *w = *state;

	told_open(w, "owner=li tz=Europe/Berlin");
	told_step(w, MONDAY_2130, "wake");
	assert_int_equal(
	    told_born(w, "take")->not_before, FIX_START + TUESDAY_0800);
}

/* ---- ES7: digests ---- */

/* ES7: staff's belong together, the customer's stay alone. */
static void
test_notice_incident_groups_staff_and_not_customers(void **state)
{
	struct told *w = *state;
	const struct am_followup *f;

	told_open(w, "owner=li incident=I-7");
	told_step(w, AM_HOUR, "wake");
	f = told_born(w, "warn");
	assert_true(am_str_is(f->group, "incident:I-7"));
	assert_true(told_body_has(f, "\"incident\":\"I-7\""));
	assert_non_null(
	    told_note(w, "followup.queued", "group", "incident:I-7"));
	told_confirm(w, 90 * AM_MINUTE);
	assert_int_equal(told_born(w, "ask")->group.n, 0);
	assert_true(
	    am_str_is(told_born(w, "attempt-1")->group, "incident:I-7"));
}

static void
test_notice_without_group_wait_nothing_is_grouped(void **state)
{
	struct told *w = *state;

	w->def.group_wait = 0;
	told_open(w, "owner=li incident=I-7");
	told_step(w, AM_HOUR, "wake");
	assert_int_equal(told_born(w, "warn")->group.n, 0);
}

/* ---- FU12: channels ---- */

/* FU12: the next listed channel is used once, for a rung. */
static void
test_notice_rung_tries_each_channel_once(void **state)
{
	struct told *w = *state;

	told_open(w, "owner=li");
	told_confirm(w, AM_HOUR);
	told_ended(w, told_waits(w, "text"), "state=dead reason=http_410");
	assert_true(am_str_is(told_born(w, "ask")->endpoint, "letter"));
	assert_true(am_str_is(reason(w, "ask"), "ask"));
	told_ended(w, told_waits(w, "letter"), "state=dead reason=http_410");
	assert_null(w->f.up.followups);
	assert_null(told_note(w, "followup.queued", NULL, NULL));
}

/* FU12, CF7: the recourse notice by the second channel, then by none. */
static void
test_notice_of_recourse_tries_each_channel_once_and_is_told_apart(void **state)
{
	struct told *w = *state;
	struct am_complaint *c = told_c(w);
	uint8_t first[16];

	told_open(w, "owner=li");
	told_step(w, AM_HOUR, "complaint.rejected reason=none");
	assert_int_equal(c->recourse, AM_RECOURSE_SENT);
	memcpy(first, told_waits(w, "text")->id, sizeof(first));
	told_ended(w, told_waits(w, "text"), "state=dead reason=http_410");
	assert_true(
	    am_str_is(told_born(w, "recourse:customer")->endpoint, "letter"));
	assert_memory_not_equal(
	    told_born(w, "recourse:customer")->id, first, 16);
	assert_int_equal(c->recourse, AM_RECOURSE_SENT);
	told_ended(w, told_waits(w, "letter"), "state=dead reason=http_410");
	assert_null(told_born(w, "recourse:customer"));
	assert_int_equal(c->recourse, AM_RECOURSE_FAILED);
	assert_int_equal(c->status, AM_OPEN); /* nobody was told */
}

/* CF7: its delivery is part of the record, and ends what waits for it. */
static void
test_notice_of_recourse_delivered_is_on_record(void **state)
{
	struct told *w = *state;
	struct am_complaint *c = told_c(w);

	told_open(w, "owner=li");
	told_step(w, AM_HOUR, "complaint.rejected reason=none");
	told_ended(w, told_waits(w, "text"), "state=delivered");
	assert_int_equal(c->recourse, AM_RECOURSE_DELIVERED);
	assert_int_equal(c->outcome, AM_OUTCOME_NOT_UPHELD);
}

/* CF7: the rung of `final` is the same notice. */
static void
test_notice_of_recourse_by_finals_rung_is_on_record(void **state)
{
	struct told *w = *state;

	told_open(w, "owner=li");
	told_step(w, 4 * AM_DAY, "wake");
	assert_non_null(told_born(w, "recourse"));
	assert_int_equal(told_c(w)->recourse, AM_RECOURSE_SENT);
	/* FIX_START + 4 d is 09:00: loud */
	assert_int_equal(told_born(w, "recourse")->not_before, 0);
	told_ended(w, told_waits(w, "text"), "state=expired");
	assert_true(am_str_is(told_born(w, "recourse")->endpoint, "letter"));
	told_ended(w, told_waits(w, "letter"), "state=delivered");
	assert_int_equal(told_c(w)->recourse, AM_RECOURSE_DELIVERED);
	assert_int_equal(told_c(w)->status, AM_OPEN);
}

/* Cancelled by a person: no other way is tried, and the loop hears of it. */
static void
test_notice_cancelled_goes_by_no_other_channel(void **state)
{
	struct told *w = *state;

	told_open(w, "owner=li");
	told_step(w, AM_HOUR, "complaint.rejected reason=none");
	told_ended(
	    w, told_waits(w, "text"), "state=suppressed reason=cancelled");
	assert_null(told_waits(w, "letter"));
	assert_int_equal(told_c(w)->recourse, AM_RECOURSE_FAILED);
}

/* An address that has opted out is a channel that is closed. */
static void
test_notice_opted_out_goes_by_the_next_channel(void **state)
{
	struct told *w = *state;

	told_open(w, "owner=li");
	told_confirm(w, AM_HOUR);
	told_ended(
	    w, told_waits(w, "text"), "state=suppressed reason=opted_out");
	assert_true(am_str_is(told_born(w, "ask")->endpoint, "letter"));
}

/* FU12: no channel took the written notice: a person is told, no silence. */
static void
test_notice_that_no_channel_took_starts_no_silence(void **state)
{
	struct told *w = *state;

	told_open(w, "owner=li");
	told_confirm(w, AM_HOUR);
	told_deliver(w);
	told_step(w, 2 * AM_HOUR, "callback.attempted outcome=wrong_number");
	told_ended(w, told_waits(w, "text"), "state=dead reason=http_410");
	assert_true(am_str_is(told_born(w, "notice")->endpoint, "letter"));
	assert_true(am_str_is(reason(w, "notice"), "notice"));
	told_ended(w, told_waits(w, "letter"), "state=dead reason=http_410");
	assert_true((told_c(w)->flags & AM_CF_UNREACHABLE) != 0);
	assert_non_null(told_born(w, "unreachable:supervisor"));
	assert_false(am_clock_live(&told_c(w)->clocks[AM_CLOCK_SILENCE]));
}

/* A contradiction is told by a rung: its own words, on every channel. */
static void
test_notice_told_rung_keeps_its_reason_on_the_next_channel(void **state)
{
	struct told *w = *state;
	struct am_rungdef *r = &w->def.clocks[AM_CLOCK_STAGE0 + 2].rungs[1];

	r->via[1] = r->via[0];
	r->via[1].endpoint = "duty";
	r->via_n = 2;
	told_open(w, "owner=li");
	told_confirm(w, AM_HOUR);
	told_deliver(w);
	told_step(
	    w, 2 * AM_HOUR, "customer.answered verdict=satisfied score=1");
	assert_true(am_str_is(reason(w, "lapse"), "contradiction"));
	assert_true(told_body_has(told_born(w, "lapse"), "contradict"));
	told_ended(w, told_waits(w, "desk"), "state=dead reason=http_410");
	assert_true(am_str_is(told_born(w, "lapse")->endpoint, "duty"));
	assert_true(am_str_is(reason(w, "lapse"), "contradiction"));
	assert_true(told_body_has(told_born(w, "lapse"), "contradict"));
}

/* Nobody but staff reads that the customer contradicts themselves. */
static void
test_notice_of_a_contradiction_is_never_told_the_customer(void **state)
{
	struct told *w = *state;

	w->def.clocks[AM_CLOCK_STAGE0 + 2].rungs[1].to = AM_ROLE_CUSTOMER;
	told_open(w, "owner=li");
	told_confirm(w, AM_HOUR);
	told_deliver(w);
	told_step(
	    w, 2 * AM_HOUR, "customer.answered verdict=satisfied score=1");
	assert_int_equal(told_born_to(w, AM_ROLE_CUSTOMER), 0);
	assert_non_null(told_born(w, "contradiction:supervisor"));
}

/* ---- ES1, ES2, ES3, DL7 ---- */

/* ES2: an acknowledgement pauses the ladder and expires; then the next rung. */
static void
test_ladder_acknowledged_waits_and_goes_on_without_progress(void **state)
{
	struct told *w = *state;

	told_open(w, "owner=li");
	told_step(w, 2 * AM_HOUR, "wake"); /* the lapse */
	told_step(w, 2 * AM_HOUR + AM_MINUTE, "complaint.acknowledged ttl=1h");
	assert_int_equal(fix_case(&w->f, "C-1")->wake_at,
	    FIX_START + 3 * AM_HOUR + AM_MINUTE);
	told_step(w, 2 * AM_HOUR + 30 * AM_MINUTE, "wake");
	assert_null(told_note(w, "escalation.raised", NULL, NULL));
	told_step(w, 3 * AM_HOUR + AM_MINUTE, "wake");
	assert_non_null(told_note(w, "escalation.raised", "rung", "escalate"));
	assert_non_null(told_note(w, "escalation.raised", "rung", "take"));
	assert_non_null(told_born(w, "take"));
}

/* ES1, ES3: k+1 never fires once the stage is done, and none fires twice. */
static void
test_ladder_ends_with_its_stage_and_fires_once(void **state)
{
	struct told *w = *state;
	size_t raised = 0;

	told_open(w, "owner=li");
	for (int i = 0; i < 12; i++) {
		told_step(w, i * 15 * AM_MINUTE, "wake");
		raised += told_notes(w, "escalation.raised", "clock", "listen");
	}
	assert_int_equal(raised, 1); /* +30m; +1h is still to come */
	told_step(
	    w, 2 * AM_HOUR + 50 * AM_MINUTE, "stage.completed stage=listen");
	for (int i = 12; i < 24; i++) {
		told_step(w, i * 15 * AM_MINUTE, "wake");
		assert_int_equal(
		    told_notes(w, "escalation.raised", "clock", "listen"), 0);
		assert_null(told_note(w, "deadline.warned", "clock", "listen"));
	}
}

/* DL7: one warning each, at its share of the budget, none after the end. */
static void
test_ladder_warns_once_a_position(void **state)
{
	struct told *w = *state;
	size_t warned = 0;

	told_open(w, "owner=li");
	for (am_ms t = 0; t < 2 * AM_HOUR; t += 6 * AM_MINUTE) {
		told_step(w, t, "wake");
		warned += told_notes(w, "deadline.warned", "clock", "listen");
		assert_int_equal(
		    warned, (t >= AM_HOUR) + (t >= 96 * AM_MINUTE));
	}
	assert_int_equal(warned, 2);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, told_setup, told_teardown)
	const struct CMUnitTest tests[] = {
		T(test_notice_rungs_of_rules_have_precise_reasons),
		T(test_notice_of_a_call_goes_by_staffs_channels),
		T(test_notice_every_one_has_its_reason_type_and_text),
		T(test_notice_every_rung_says_why_in_body_and_journal),
		T(test_notice_rung_of_another_tier_is_no_step_of_the_ladder),
		T(test_notice_hold_reminders_are_the_list_and_then_end),
		T(test_notice_hold_on_somebody_else_reminds_the_owner),
		T(test_notice_question_at_night_waits_for_the_morning),
		T(test_notice_held_back_is_dropped_when_its_stage_ends),
		T(test_notice_let_in_at_night_waits_for_the_morning_too),
		T(test_notice_emergency_wakes_staff_and_not_the_customer),
		T(test_notice_staff_have_quiet_hours_of_the_loops_zone),
		T(test_notice_incident_groups_staff_and_not_customers),
		T(test_notice_without_group_wait_nothing_is_grouped),
		T(test_notice_rung_tries_each_channel_once),
		T(test_notice_of_recourse_tries_each_channel_once_and_is_told_apart),
		T(test_notice_of_recourse_delivered_is_on_record),
		T(test_notice_of_recourse_by_finals_rung_is_on_record),
		T(test_notice_cancelled_goes_by_no_other_channel),
		T(test_notice_opted_out_goes_by_the_next_channel),
		T(test_notice_that_no_channel_took_starts_no_silence),
		T(test_notice_told_rung_keeps_its_reason_on_the_next_channel),
		T(test_notice_of_a_contradiction_is_never_told_the_customer),
		T(test_ladder_acknowledged_waits_and_goes_on_without_progress),
		T(test_ladder_ends_with_its_stage_and_fires_once),
		T(test_ladder_warns_once_a_position),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
