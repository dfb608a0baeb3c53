#pragma once

/*
 * act - what a row of the transition table does (internal to the core).
 *
 * An action gets one struct am_act, changes a->up->next and tells what it did
 * by notes, follow-ups and tallies. Nothing here reads cur: next starts as a
 * copy of it.
 */

#include "base/arena.h"
#include "core/clock.h"

#include <amends/step.h>

struct am_act {
	const struct am_loopdef *def;
	const struct am_event *ev;
	am_ms now;
	struct am_next doing;	 /* of a wake-up: what is due; at 0: none */
	uint64_t called_by;	 /* its cause, see am_fu_due_cause() */
	uint64_t cause;		 /* hash of the event */
	struct am_update *up;	 /* up->next is the state being made */
	struct am_str in_flight; /* ids on the wire, for the journal */
	bool waiting_mine;	 /* next.waiting lies in our arena */
	bool silent;		 /* ignored without a line */
	char day[9];		 /* YYYYMMDD of the event, "" not yet needed */
};

typedef bool am_guard(const struct am_loopdef *def,
    const struct am_complaint *c, const struct am_event *ev, am_ms now);
typedef void am_action_fn(struct am_act *a);

/* Head of a guard: not every guard looks at everything. */
#define AM_GUARD(name)                                                         \
	bool name(const struct am_loopdef *def __attribute__((unused)),        \
	    const struct am_complaint *c __attribute__((unused)),              \
	    const struct am_event *ev __attribute__((unused)),                 \
	    am_ms now __attribute__((unused)))

/* ---- act.c: telling ---- */

/* The version rises, once a step; before anything is rendered. */
void am_act_change(struct am_act *a);
struct am_note *am_act_note(struct am_act *a, const char *name);
/* value is borrowed and must live as long as the update */
void am_note_str(struct am_note *n, const char *key, struct am_str value);
void am_note_c(struct am_note *n, const char *key, const char *value);
void am_note_int(
    struct am_act *a, struct am_note *n, const char *key, int64_t value);
/* Copy of a field of the event, "" when absent. */
struct am_str am_act_field(struct am_act *a, const char *name);
/* Live count: `what` or `what:LOOP:STAGE:TIER` of next. */
void am_tally_live(struct am_act *a, const char *what, int64_t delta);
/* "open:NAME@HASH": open complaints by definition; a reload asks for them */
void am_tally_open(struct am_act *a, int64_t delta);
void am_tally_stage(struct am_act *a, int64_t delta);
/* The day's figures: `LOOP:what` or `LOOP:what:which`. */
void am_tally_day(struct am_act *a, const char *what, const char *which);
/* An event for another complaint, see step.h; n tells several of one step
 * apart. Values are borrowed and must live as long as the update. */
struct am_emit *am_act_emit(struct am_act *a, enum am_event_type type,
    struct am_str complaint_id, unsigned n);
void am_emit_str(struct am_emit *e, const char *key, struct am_str value);
void am_act_refuse(
    struct am_act *a, const char *code, const char *field, const char *text);
/* Of a follow-up that this step has made: it had no way out. */
bool am_act_is_untold(const struct am_act *a, size_t clock, uint8_t rung);

/* ---- act_clock.c: clocks, stages ---- */

/* Start clock i at `at` and fire its rungs at 0 %. */
void am_act_start(struct am_act *a, size_t i, am_ms at);
/* End it at `at`: a lapse that was passed is noted, what waits is dropped.
 * False when it was missed. */
bool am_act_end(struct am_act *a, size_t i, am_ms at, enum am_clock_state end);
/* Stop it for a hold; a lapse that was passed is noted. */
void am_act_stop(struct am_act *a, size_t i, am_ms at);
void am_act_miss(struct am_act *a, size_t i, am_ms due);
/* Note a lapse that lies before `at` and that no wake-up has seen yet. */
void am_act_miss_past(struct am_act *a, size_t i, am_ms at);
/* deadline.moved: from `old` to the due as it is now (act_move.c). */
struct am_note *
am_act_moved(struct am_act *a, size_t i, am_ms old, const char *reason);
/* Would clock i, which runs, be late at `at` without its extensions
 * (act_extend.c)? */
bool am_act_late_original(struct am_act *a, size_t i, am_ms at);
/* Go to a stage, from none: the caller has counted the one left. Closes instead
 * when it is the confirm stage, the customer has answered and nothing is owed.
 */
void am_act_enter(struct am_act *a, size_t stage);
/* The customer was in touch: the inform clock starts anew. */
void am_act_contact(struct am_act *a);
/* "unowned" runs while nobody owns the stage; call when the owner changes. */
void am_act_watch_owner(struct am_act *a);
/* What a rung does beside its follow-up (act_role.c). */
void am_act_rung_action(struct am_act *a, size_t clock, size_t rung);
/* Own it is who stands for the role and is not complained about; false when
 * nobody does (act_role.c). */
bool am_act_give(struct am_act *a, enum am_role to, const char *reason);
/* The confirm stage has begun: attempts to reach the customer, or the written
 * notice when they may not be called (act_callback.c). */
void am_act_call(struct am_act *a);
/* True when the customer is asked in writing only. */
bool
am_act_is_uncalled(const struct am_loopdef *def, const struct am_complaint *c);
/* Nobody calls any more: the written notice goes, once. */
void am_act_write(struct am_act *a);
/* The same when the confirm stage has lapsed and all attempts are used. */
void am_act_write_in_the_end(struct am_act *a);
/* What became of the written notice: accepted by a channel, or failed by the
 * last one; told by whoever judges the follow-up's end. */
void am_act_notice_ended(struct am_act *a, bool delivered);
/* It has failed behind its acceptance and goes by the next channel: silence is
 * counted from that one's. */
void am_act_notice_again(struct am_act *a);
/* The customer has spoken. True when silence was counted. */
bool am_act_break_silence(struct am_act *a);
/* Silence is over: close unconfirmed or declined, or tell a person why not. */
void am_act_silence_over(struct am_act *a);
/* The recourse notice goes to the customer (act_end.c). */
void am_act_recourse(struct am_act *a);
/* `final` is over: the same, unless a rung of conf has still to say it. */
void am_act_final_over(struct am_act *a);
/* It has gone, by notice or by the rung of `final`; what became of it. */
void am_act_recourse_sent(struct am_act *a, size_t clock, uint8_t rung);
void am_act_recourse_ended(struct am_act *a, bool delivered);
/* What waited has been dropped: was it this notice, the customer was not told.
 */
void am_act_recourse_dropped(struct am_act *a);
/* What follows this complaint hears how it was closed (act_link.c). */
void am_act_tell_duplicates(struct am_act *a);
/* The event opens another complaint that repeats this one: gives its id. */
struct am_str am_act_open_repeat(struct am_act *a);
/* One tier up, if there is one; what is consumed stays (act_tier.c). */
void am_act_raise_tier(struct am_act *a, const char *reason);
/* Severities of the fast lane (act_tier.c). */
bool am_act_is_emergency(const struct am_loopdef *def, struct am_str severity);
/* Is the complaint about them? (act_role.c) */
bool am_act_is_respondent(const struct am_complaint *c, struct am_str who);
/* End of a hold. */
void am_act_resume(struct am_act *a, am_ms at, const char *reason);
/* Aftercare is over when no rung is left that is for this tier
 * (act_wake.c). */
void am_act_end_aftercare(struct am_act *a);
/* Close with an outcome; why: reason of the follow-ups that are dropped. */
void am_act_close(struct am_act *a, enum am_outcome outcome, const char *why);
/* The customer is satisfied: close, unless something is owed. */
void am_act_settle(struct am_act *a);

/* ---- guards and actions of the table ---- */

/* act_life.c */
am_guard am_is_about_many, am_is_acknowledged, am_is_bad_ttl, am_is_unlisted,
    am_is_bad_until;
am_action_fn am_open_loop, am_acknowledge, am_hold, am_resume, am_force,
    am_refuse_unknown, am_refuse_ttl, am_refuse_reason, am_refuse_until,
    am_refuse_respondents;
/* act_role.c */
am_guard am_is_same_owner, am_is_recused, am_is_not_theirs, am_is_recused_work,
    am_is_own_work;
am_action_fn am_assign, am_refuse_recused, am_refuse_from,
    am_refuse_recused_work, am_refuse_own_work;
/* act_tier.c */
am_guard am_is_no_news, am_is_not_of_customer, am_is_no_tier;
am_action_fn am_update_facts, am_refuse_tier;
/* act_extend.c */
am_guard am_is_no_clock, am_is_final_clock, am_is_no_due, am_is_lapsed,
    am_is_extended_out, am_is_until_while_held, am_is_bad_extension,
    am_is_no_gain;
am_action_fn am_extend, am_refuse_clock, am_refuse_held_until,
    am_refuse_extension;
/* act_move.c */
am_guard am_is_bad_due, am_is_bad_fired, am_is_same_due, am_is_there,
    am_is_elsewhere, am_is_misfit;
am_action_fn am_reproject, am_migrate, am_refuse_due, am_refuse_fired,
    am_refuse_elsewhere, am_refuse_misfit;
/* act_stage.c */
am_guard am_is_no_stage, am_is_done, am_is_for_customer, am_lacks_fields,
    am_is_owed, am_is_current, am_is_past, am_is_not_waivable;
am_action_fn am_advance, am_leap, am_pay_owed, am_waive, am_refuse_stage,
    am_refuse_fields, am_refuse_waiver;
/* act_answer.c */
am_guard am_is_deadlocked, am_contradicts, am_is_satisfied, am_is_unasked,
    am_has_reopens_left, am_lacks_reopens, am_is_withdrawn, am_is_final_end,
    am_is_carried_on, am_is_window_over, am_is_too_late, am_is_no_answer,
    am_accepts_rejection, am_is_bad_reopen_to;
am_action_fn am_call_a_human, am_satisfy, am_note_answer, am_accept_rejection,
    am_answer_anew, am_reopen, am_reopen_by_person, am_deadlock,
    am_refuse_answer, am_refuse_reopen_to;
/* act_callback.c */
am_guard am_is_idle_call;
am_action_fn am_attempt;
/* act_message.c */
am_guard am_is_awaited, am_is_unclear, am_is_unclear_again, am_is_erased;
am_action_fn am_take_message, am_ask_again, am_call_for_reply, am_opt,
    am_mark_improvement, am_erase;
/* act_end.c */
am_guard am_is_rejected;
am_action_fn am_reject, am_withdraw;
/* act_link.c */
am_guard am_is_bad_target, am_is_linked, am_is_ring, am_is_followed_by_many,
    am_is_no_duplicate, am_is_duplicated_by, am_is_outcome, am_is_repeat,
    am_is_incident;
am_action_fn am_end_duplicate, am_remember_duplicate, am_hear_outcome,
    am_join_incident, am_link_repeat, am_refuse_target;
/* act_wake.c */
am_guard am_is_due;
am_action_fn am_climb;
/* fu_end.c */
am_guard am_is_waiting, am_is_bad_revival, am_has_no_room;
am_action_fn am_end_followup, am_hand_followup, am_revive, am_refuse_revival;
/* fu_receipt.c */
am_guard am_is_unmatched, am_is_behind;
am_action_fn am_receive;
