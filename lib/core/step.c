/*
 * step - the life of a complaint as a table.
 *
 * Every event in every status has a row: an action, or a line of the ignore
 * list with its code. A table and not a switch per state, so that what can
 * happen is read in one place, is checked for holes by a test, and grows by
 * rows. Actions are in act_*.c and followup.c.
 */

#include <amends/step.h>

#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "core/act.h"
#include "core/journal.h"

#define S(status) (1u << AM_##status)
#define LIVE (S(OPEN) | S(HELD))
#define THERE (LIVE | S(CLOSED))
#define ENDS (S(OPEN) | S(CLOSED)) /* it may end by this, or go on */

struct rule {
	struct am_rule_view view;
	am_guard *guard;
	am_action_fn *act;
};

static void resume_and_apply(struct am_act *a);

#define ROW(st, on, act)                                                       \
	{                                                                      \
		{ st, on, 0, "", #act, NULL, NULL }, NULL, act                 \
	}
#define IF(st, on, guard, act)                                                 \
	{                                                                      \
		{ st, on, 0, #guard, #act, NULL, NULL }, guard, act            \
	}
#define SKIP(st, on, code, why)                                                \
	{                                                                      \
		{ st, on, 0, "", "", code, why }, NULL, NULL                   \
	}
#define SKIP_IF(st, on, guard, code, why)                                      \
	{                                                                      \
		{ st, on, 0, #guard, "", code, why }, guard, NULL              \
	}
/* The same for actions that may leave the status: in one of `to`. */
#define MOVE(st, on, to, act)                                                  \
	{                                                                      \
		{ st, on, to, "", #act, NULL, NULL }, NULL, act                \
	}
#define MOVE_IF(st, on, guard, to, act)                                        \
	{                                                                      \
		{ st, on, to, #guard, #act, NULL, NULL }, guard, act           \
	}

/*
 * The whole life cycle. Rows are tried in order; the first whose status, event
 * and guard match rules. A SKIP row is the ignore list: journaled with its
 * code, never an error, for producers may be late and a stale event must not
 * stop the stream. Stage names are data; kinds are not.
 */
/* clang-format off */
static const struct rule rules[] = {
	/*      status    on                     guard               action or code */
	IF     (S(NONE),  AM_EV_OPENED,          am_is_about_many,   am_refuse_respondents),
	MOVE   (S(NONE),  AM_EV_OPENED,          S(OPEN),            am_open_loop),
	ROW    (S(NONE),  AM_EV_NONE,                                am_refuse_unknown),
	SKIP   (THERE,    AM_EV_OPENED,          "already_done",     "it is open, or was"),

	SKIP_IF(THERE,    AM_EV_UPDATED,         am_is_no_news,      "already_done", "it says nothing new"),
	SKIP_IF(S(CLOSED), AM_EV_UPDATED,        am_is_not_of_customer, "closed", "only the customer's own facts still count"),
	IF     (LIVE,     AM_EV_UPDATED,         am_is_no_tier,      am_refuse_tier),
	ROW    (THERE,    AM_EV_UPDATED,                             am_update_facts),

	SKIP_IF(LIVE,     AM_EV_ASSIGNED,        am_is_same_owner,   "already_done", "they have it"),
	IF     (LIVE,     AM_EV_ASSIGNED,        am_is_recused,      am_refuse_recused),
	IF     (LIVE,     AM_EV_ASSIGNED,        am_is_not_theirs,   am_refuse_from),
	ROW    (LIVE,     AM_EV_ASSIGNED,                            am_assign),
	SKIP   (S(CLOSED), AM_EV_ASSIGNED,       "closed",           "there is nothing to own"),

	SKIP_IF(LIVE,     AM_EV_ACKNOWLEDGED,    am_is_acknowledged, "already_done", "the first one counts"),
	IF     (LIVE,     AM_EV_ACKNOWLEDGED,    am_is_bad_ttl,      am_refuse_ttl),
	ROW    (LIVE,     AM_EV_ACKNOWLEDGED,                        am_acknowledge),
	SKIP   (S(CLOSED), AM_EV_ACKNOWLEDGED,   "closed",           "its clocks are over"),

	SKIP   (S(CLOSED), AM_EV_STAGE_COMPLETED, "closed",          "its stages are over"),
	SKIP_IF(LIVE,     AM_EV_STAGE_COMPLETED, am_is_rejected,     "rejected", "its stages are over"),
	IF     (LIVE,     AM_EV_STAGE_COMPLETED, am_is_no_stage,     am_refuse_stage),
	SKIP_IF(LIVE,     AM_EV_STAGE_COMPLETED, am_is_done,         "already_done", "it was met in this cycle"),
	SKIP_IF(LIVE,     AM_EV_STAGE_COMPLETED, am_is_for_customer, "not_by_staff", "only the customer's answer completes it"),
	SKIP_IF(LIVE,     AM_EV_STAGE_COMPLETED, am_is_past,         "already_done", "the loop is past it"),
	IF     (LIVE,     AM_EV_STAGE_COMPLETED, am_is_recused_work, am_refuse_recused_work),
	IF     (LIVE,     AM_EV_STAGE_COMPLETED, am_lacks_fields,    am_refuse_fields),
	MOVE   (S(HELD),  AM_EV_STAGE_COMPLETED, ENDS,               resume_and_apply),
	MOVE_IF(S(OPEN),  AM_EV_STAGE_COMPLETED, am_is_owed, ENDS, am_pay_owed),
	MOVE_IF(S(OPEN),  AM_EV_STAGE_COMPLETED, am_is_current, ENDS, am_advance),
	MOVE   (S(OPEN),  AM_EV_STAGE_COMPLETED, ENDS,               am_leap),

	SKIP   (S(CLOSED), AM_EV_STAGE_WAIVED,   "closed",           "its stages are over"),
	SKIP_IF(LIVE,     AM_EV_STAGE_WAIVED,    am_is_rejected,     "rejected", "its stages are over"),
	IF     (LIVE,     AM_EV_STAGE_WAIVED,    am_is_no_stage,     am_refuse_stage),
	SKIP_IF(LIVE,     AM_EV_STAGE_WAIVED,    am_is_done,         "already_done", "it was met in this cycle"),
	SKIP_IF(LIVE,     AM_EV_STAGE_WAIVED,    am_is_for_customer, "not_by_staff", "the customer is always asked"),
	IF     (LIVE,     AM_EV_STAGE_WAIVED,    am_is_not_waivable, am_refuse_waiver),
	MOVE_IF(S(HELD),  AM_EV_STAGE_WAIVED,    am_is_current, ENDS, resume_and_apply),
	MOVE   (S(OPEN),  AM_EV_STAGE_WAIVED,    ENDS,               am_waive),
	MOVE   (S(HELD),  AM_EV_STAGE_WAIVED,    S(HELD) | S(CLOSED), am_waive),

	SKIP   (S(CLOSED), AM_EV_EXTENDED,       "closed",           "its clocks are over"),
	IF     (LIVE,     AM_EV_EXTENDED,        am_is_no_clock,     am_refuse_clock),
	SKIP_IF(LIVE,     AM_EV_EXTENDED,        am_is_final_clock,  "final_stands", "nothing moves the backstop"),
	SKIP_IF(LIVE,     AM_EV_EXTENDED,        am_is_no_due,       "not_running", "it has no due now"),
	SKIP_IF(LIVE,     AM_EV_EXTENDED,        am_is_lapsed,       "lapsed", "a miss is not undone"),
	SKIP_IF(LIVE,     AM_EV_EXTENDED,        am_is_extended_out, "max_extensions", "it was extended as often as the loop allows"),
	IF     (LIVE,     AM_EV_EXTENDED,        am_is_until_while_held, am_refuse_held_until),
	IF     (LIVE,     AM_EV_EXTENDED,        am_is_bad_extension, am_refuse_extension),
	SKIP_IF(LIVE,     AM_EV_EXTENDED,        am_is_no_gain,      "no_gain", "the due would not move, final cuts it"),
	ROW    (LIVE,     AM_EV_EXTENDED,                            am_extend),

	SKIP   (S(HELD),  AM_EV_HELD,            "already_held",     "one hold at a time"),
	SKIP_IF(S(OPEN),  AM_EV_HELD,            am_is_rejected,     "rejected", "its stages are over"),
	IF     (S(OPEN),  AM_EV_HELD,            am_is_unlisted,     am_refuse_reason),
	IF     (S(OPEN),  AM_EV_HELD,            am_is_bad_until,    am_refuse_until),
	MOVE   (S(OPEN),  AM_EV_HELD,            S(HELD),            am_hold),
	SKIP   (S(CLOSED), AM_EV_HELD,           "closed",           "its clocks are over"),
	MOVE   (S(HELD),  AM_EV_RESUMED,         S(OPEN),            am_resume),
	SKIP   (S(OPEN),  AM_EV_RESUMED,         "not_held",         "its clocks run"),
	SKIP   (S(CLOSED), AM_EV_RESUMED,        "closed",           "its clocks are over"),

	IF     (THERE,    AM_EV_ANSWERED,        am_is_no_answer,    am_refuse_answer),
	IF     (THERE,    AM_EV_ANSWERED,        am_is_own_work,     am_refuse_own_work),
	MOVE   (S(HELD),  AM_EV_ANSWERED,        ENDS,               resume_and_apply),
	MOVE_IF(S(OPEN),  AM_EV_ANSWERED,        am_accepts_rejection, ENDS, am_accept_rejection),
	IF     (S(OPEN),  AM_EV_ANSWERED,        am_is_rejected,     am_note_answer),
	IF     (S(OPEN),  AM_EV_ANSWERED,        am_is_deadlocked,   am_note_answer),
	IF     (S(OPEN),  AM_EV_ANSWERED,        am_contradicts,     am_call_a_human),
	MOVE_IF(S(OPEN),  AM_EV_ANSWERED,        am_is_satisfied, ENDS, am_satisfy),
	IF     (S(OPEN),  AM_EV_ANSWERED,        am_is_unasked,      am_note_answer),
	SKIP_IF(S(CLOSED), AM_EV_ANSWERED,       am_is_satisfied,    "closed", "it agrees with the end, or comes too late to"),
	SKIP_IF(S(CLOSED), AM_EV_ANSWERED,       am_is_carried_on,   "carried_on", "it goes on as another complaint"),
	IF     (S(CLOSED), AM_EV_ANSWERED,       am_is_withdrawn,    am_answer_anew),
	SKIP_IF(S(CLOSED), AM_EV_ANSWERED,       am_is_final_end,    "closed", "an answer does not undo this end"),
	IF     (S(CLOSED), AM_EV_ANSWERED,       am_is_too_late,     am_answer_anew),
	MOVE_IF(ENDS,     AM_EV_ANSWERED,        am_has_reopens_left, S(OPEN), am_reopen),
	MOVE   (ENDS,     AM_EV_ANSWERED,        S(OPEN),            am_deadlock),

	SKIP_IF(LIVE,     AM_EV_ATTEMPTED,       am_is_rejected,     "rejected", "nobody asks any more"),
	SKIP_IF(LIVE,     AM_EV_ATTEMPTED,       am_is_idle_call,    "not_asked", "the customer is not asked yet"),
	ROW    (LIVE,     AM_EV_ATTEMPTED,                           am_attempt),
	SKIP   (S(CLOSED), AM_EV_ATTEMPTED,      "closed",           "nobody asks any more"),

	MOVE_IF(S(HELD),  AM_EV_MESSAGE,         am_is_awaited, ENDS, resume_and_apply),
	IF     (LIVE,     AM_EV_MESSAGE,         am_is_unclear_again, am_call_for_reply),
	IF     (LIVE,     AM_EV_MESSAGE,         am_is_unclear,      am_ask_again),
	ROW    (THERE,    AM_EV_MESSAGE,                             am_take_message),

	SKIP_IF(LIVE,     AM_EV_REOPENED,        am_is_deadlocked,   "deadlock", "its reopenings are used up, a person decides"),
	SKIP_IF(LIVE,     AM_EV_REOPENED,        am_is_rejected,     "rejected", "it is about to close; reopen it then"),
	SKIP_IF(LIVE,     AM_EV_REOPENED,        am_is_unasked,      "not_closed", "its work goes on"),
	SKIP_IF(S(CLOSED), AM_EV_REOPENED,       am_is_carried_on,   "carried_on", "it goes on as another complaint"),
	SKIP_IF(S(CLOSED), AM_EV_REOPENED,       am_is_final_end,    "closed", "nothing undoes this end"),
	SKIP_IF(S(CLOSED), AM_EV_REOPENED,       am_is_window_over,  "window_over", "reopen_window has passed; open a new one"),
	SKIP_IF(THERE,    AM_EV_REOPENED,        am_lacks_reopens,   "no_reopens_left", "max_reopens are used up"),
	IF     (THERE,    AM_EV_REOPENED,        am_is_bad_reopen_to, am_refuse_reopen_to),
	MOVE   (S(HELD),  AM_EV_REOPENED,        ENDS,               resume_and_apply),
	MOVE   (ENDS,     AM_EV_REOPENED,        S(OPEN),            am_reopen_by_person),

	SKIP_IF(LIVE,     AM_EV_REJECTED,        am_is_rejected,     "already_done", "the recourse notice is on its way"),
	MOVE   (S(HELD),  AM_EV_REJECTED,        ENDS,               resume_and_apply),
	ROW    (S(OPEN),  AM_EV_REJECTED,                            am_reject),
	SKIP   (S(CLOSED), AM_EV_REJECTED,       "closed",           "it has its end"),

	IF     (THERE,    AM_EV_LINKED,          am_is_bad_target,   am_refuse_target),
	SKIP_IF(THERE,    AM_EV_LINKED,          am_is_linked,       "already_done", "it is linked so"),
	SKIP_IF(THERE,    AM_EV_LINKED,          am_is_followed_by_many, "too_many", "16 complaints follow it"),
	SKIP_IF(THERE,    AM_EV_LINKED,          am_is_no_duplicate, "not_duplicate", "it follows no other"),
	IF     (THERE,    AM_EV_LINKED,          am_is_duplicated_by, am_remember_duplicate),
	IF     (THERE,    AM_EV_LINKED,          am_is_outcome,      am_hear_outcome),
	IF     (THERE,    AM_EV_LINKED,          am_is_repeat,       am_link_repeat),
	SKIP   (S(CLOSED), AM_EV_LINKED,         "closed",           "it has its end"),
	IF     (LIVE,     AM_EV_LINKED,          am_is_incident,     am_join_incident),
	SKIP_IF(LIVE,     AM_EV_LINKED,          am_is_ring,         "ring", "the other one follows this one"),
	MOVE   (LIVE,     AM_EV_LINKED,          S(CLOSED),          am_end_duplicate),

	ROW    (THERE,    AM_EV_OPTED_OUT,                           am_opt),
	ROW    (THERE,    AM_EV_OPTED_IN,                            am_opt),
	ROW    (THERE,    AM_EV_IMPROVEMENT,                         am_mark_improvement),
	SKIP_IF(THERE,    AM_EV_ERASED,          am_is_erased,       "already_done", "they have left"),
	ROW    (THERE,    AM_EV_ERASED,                              am_erase),

	MOVE   (LIVE,     AM_EV_WITHDRAWN,       S(CLOSED),          am_withdraw),
	SKIP   (S(CLOSED), AM_EV_WITHDRAWN,      "closed",           "it has its end"),

	MOVE   (LIVE,     AM_EV_FORCED,          S(CLOSED),          am_force),
	SKIP   (S(CLOSED), AM_EV_FORCED,         "closed",           "it has its end"),

	IF     (THERE,    AM_EV_CALENDAR,        am_is_bad_due,      am_refuse_due),
	SKIP_IF(THERE,    AM_EV_CALENDAR,        am_is_same_due,     "same", "no due has moved"),
	ROW    (THERE,    AM_EV_CALENDAR,                            am_reproject),

	SKIP_IF(THERE,    AM_EV_MIGRATED,        am_is_there,        "already_done", "it is on that loop"),
	IF     (THERE,    AM_EV_MIGRATED,        am_is_elsewhere,    am_refuse_elsewhere),
	IF     (THERE,    AM_EV_MIGRATED,        am_is_misfit,       am_refuse_misfit),
	IF     (THERE,    AM_EV_MIGRATED,        am_is_bad_due,      am_refuse_due),
	IF     (THERE,    AM_EV_MIGRATED,        am_is_bad_fired,    am_refuse_fired),
	ROW    (THERE,    AM_EV_MIGRATED,                            am_migrate),

	MOVE_IF(S(OPEN),  AM_EV_WAKE,            am_is_due, ENDS,    am_climb),
	MOVE_IF(S(HELD),  AM_EV_WAKE,            am_is_due, THERE,   am_climb),
	IF     (S(CLOSED), AM_EV_WAKE,           am_is_due,          am_climb),
	SKIP   (THERE,    AM_EV_WAKE,            "nothing_due",      "no line is written for it"),

	MOVE_IF(S(OPEN),  AM_EV_FOLLOWUP_ENDED,  am_is_waiting, ENDS, am_end_followup),
	IF     (S(HELD) | S(CLOSED), AM_EV_FOLLOWUP_ENDED, am_is_waiting, am_end_followup),
	SKIP   (THERE,    AM_EV_FOLLOWUP_ENDED,  "not_waiting",      "it had ended before"),
	IF     (THERE,    AM_EV_FOLLOWUP_HANDED, am_is_waiting,      am_hand_followup),
	SKIP   (THERE,    AM_EV_FOLLOWUP_HANDED, "not_waiting",      "it had ended before"),
	IF     (THERE,    AM_EV_FOLLOWUP_REVIVED, am_is_bad_revival, am_refuse_revival),
	SKIP_IF(THERE,    AM_EV_FOLLOWUP_REVIVED, am_is_waiting,     "already_done", "it waits already"),
	SKIP_IF(THERE,    AM_EV_FOLLOWUP_REVIVED, am_has_no_room,    "too_many", "too many follow-ups wait"),
	ROW    (THERE,    AM_EV_FOLLOWUP_REVIVED,                    am_revive),

	SKIP_IF(THERE,    AM_EV_RECEIPT,         am_is_unmatched,    "unmatched", "about no follow-up that can be told from the complaint"),
	SKIP_IF(THERE,    AM_EV_RECEIPT,         am_is_behind,       "already_done", "more than that is known of it"),
	MOVE   (S(OPEN),  AM_EV_RECEIPT,         ENDS,               am_receive),
	ROW    (S(HELD) | S(CLOSED), AM_EV_RECEIPT,                  am_receive),
};
/* clang-format on */

bool
am_rule_at(size_t i, struct am_rule_view *rule)
{
	if (i >= AM_COUNT(rules))
		return false;
	*rule = rules[i].view;
	return true;
}

static const struct rule *
find_rule(const struct am_loopdef *def, const struct am_complaint *c,
    const struct am_event *ev, am_ms now)
{
	for (size_t i = 0; i < AM_COUNT(rules); i++) {
		const struct rule *r = &rules[i];

		if ((r->view.statuses >> c->status & 1) != 0 &&
		    (r->view.on == ev->type || r->view.on == AM_EV_NONE) &&
		    (r->guard == NULL || r->guard(def, c, ev, now)))
			return r;
	}
	return NULL;
}

static void
ignore(struct am_act *a, const char *code)
{
	struct am_note *n;

	a->up->verdict = AM_IGNORED;
	a->up->code = code;
	if (a->ev->type == AM_EV_WAKE) {
		a->silent = true;
		return;
	}
	n = am_act_note(a, "event.ignored");
	am_note_c(n, "event", am_event_spec(a->ev->type)->name);
	am_note_c(n, "code", code);
}

static void
apply(struct am_act *a)
{
	const struct rule *r = find_rule(a->def, &a->up->next, a->ev, a->now);
	unsigned to = 1u << a->up->next.status;

	AM_ASSERT(r != NULL); /* the table has no holes; a test says so */
	if (r->act == NULL) {
		ignore(a, r->view.code);
		return;
	}
	a->up->verdict = AM_APPLIED;
	r->act(a);
	if (r->view.to != 0)
		to = r->view.to;
	AM_ASSERT(a->up->verdict == AM_REJECTED ||
		  (to >> a->up->next.status & 1) != 0);
}

/* What ends a hold by itself: then the event finds the complaint open. */
static void
resume_and_apply(struct am_act *a)
{
	am_act_change(a);
	am_act_resume(a, a->ev->at, am_event_spec(a->ev->type)->name);
	apply(a);
}

static bool
was_applied(const struct am_complaint *c, uint64_t hash)
{
	for (size_t i = 0; i < c->applied_n; i++) {
		if (c->applied[i] == hash)
			return true;
	}
	return false;
}

/* The complaint knows the last AM_APPLIED_MAX events. */
static void
remember(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	size_t drop = c->applied_n == AM_APPLIED_MAX;
	size_t keep = c->applied_n - drop;
	uint64_t *list =
	    am_arena_alloc(a->up->arena, (keep + 1) * sizeof(*list));

	if (keep > 0)
		memcpy(list, c->applied + drop, keep * sizeof(*list));
	list[keep] = a->cause;
	c->applied = list;
	c->applied_n = keep + 1;
}

/*
 * What is on the wire is input of the step. The engine marks it in cur; in a
 * replay the journal's "@in_flight" does.
 */
static void
read_in_flight(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	struct am_str told = am_event_get(a->ev, "@in_flight");
	struct am_buf list = { .arena = a->up->arena };
	struct am_waiting *mine = NULL;

	for (size_t i = 0; i < c->waiting_n; i++) {
		char id[AM_FU_ID_LEN + 1];
		bool flying = c->waiting[i].in_flight;

		if (!flying && told.n == 0)
			continue;
		am_fu_id_format(c->waiting[i].id, id);
		for (size_t at = 0; !flying && at + AM_FU_ID_LEN <= told.n;
		     at += AM_FU_ID_LEN + 1)
			flying = memcmp(told.p + at, id, AM_FU_ID_LEN) == 0;
		if (!flying)
			continue;
		if (list.n > 0)
			am_buf_addc(&list, ',');
		am_buf_adds(&list, id);
		if (c->waiting[i].in_flight)
			continue;
		if (mine == NULL) {
			mine = am_arena_alloc(
			    a->up->arena, AM_WAITING_MAX * sizeof(*mine));
			memcpy(mine, c->waiting, c->waiting_n * sizeof(*mine));
			c->waiting = mine;
			a->waiting_mine = true;
		}
		c->waiting[i].in_flight = true;
	}
	a->in_flight = am_buf_str(&list);
}

static void
init(struct am_act *a, const struct am_complaint *cur)
{
	struct am_update *up = a->up;
	struct am_arena *arena = up->arena;

	*up = (struct am_update){ .arena = arena, .next = *cur };
	up->followups_tail = &up->followups;
	up->changes_tail = &up->changes;
	up->notes_tail = &up->notes;
	up->tallies_tail = &up->tallies;
	up->emits_tail = &up->emits;
	if (cur->waiting_n > 0)
		read_in_flight(a);
}

static void
seal(struct am_act *a, const struct am_complaint *cur, bool remembered)
{
	struct am_update *up = a->up;

	if (!a->silent) {
		AM_ASSERT(up->notes != NULL); /* a line says something */
		if (remembered)
			remember(a);
		am_journal_seal(up, a->def, a->ev, a->in_flight, a->now);
	}
	up->wake_at = up->forget ? AM_NEVER : am_wake_at(a->def, &up->next);
	/* what ends on the wire seldom moves a wake-up; asked for these only */
	up->wake_same = a->ev->type == AM_EV_FOLLOWUP_ENDED &&
			up->wake_at == am_wake_at(a->def, cur);
}

/* An event of the engine has no id of its own: the end of a follow-up is told
 * apart by the follow-up, a wake-up by what is due (am_climb). */
static uint64_t
cause_of(const struct am_event *ev)
{
	bool ended = ev->type == AM_EV_FOLLOWUP_ENDED ||
		     ev->type == AM_EV_FOLLOWUP_HANDED ||
		     ev->type == AM_EV_FOLLOWUP_REVIVED;

	return am_event_hash(
	    ev->source, ended ? am_event_get(ev, "followup_id") : ev->event_id);
}

/* LC7: with the state that is, so that one look less is needed. */
static void
refuse_stale(struct am_act *a)
{
	const struct am_complaint *c = &a->up->next;
	struct am_buf b;

	am_buf_arena(&b, a->up->arena, 160);
	am_buf_adds(&b, "the complaint has changed since: it is at version ");
	am_buf_addi(&b, c->version);
	am_buf_adds(&b, ", ");
	am_buf_adds(&b, am_status_str(c->status));
	if (c->stage < a->def->stages_n) { /* a migration's def is another */
		am_buf_adds(&b, " in ");
		am_buf_adds(&b, a->def->stages[c->stage].name);
	}
	am_buf_adds(&b, "; send the version that you have seen");
	am_buf_addc(&b, '\0');
	am_act_refuse(a, "conflict", "expected_version", b.p);
}

int
am_step(const struct am_loopdef *def, const struct am_complaint *cur,
    const struct am_event *ev, am_ms now, struct am_update *up)
{
	/* what a walk over many complaints tells may come twice, too */
	bool remembered = am_event_spec(ev->type)->inbound ||
			  ev->type == AM_EV_CALENDAR ||
			  ev->type == AM_EV_MIGRATED;
	struct am_act a = { .def = def, .ev = ev, .now = now, .up = up };

	/* a record that leaves another definition is checked against the new
	 * one by its own row */
	if (ev->type != AM_EV_MIGRATED && am_complaint_check(def, cur) != 0)
		return -AM_EINVAL;
	init(&a, cur);
	a.cause = cause_of(ev);
	if (remembered && was_applied(cur, a.cause)) {
		up->verdict = AM_DUPLICATE;
	} else if (cur->status != AM_NONE && ev->expected_version >= 0 &&
		   ev->expected_version < cur->version) {
		refuse_stale(&a);
	} else {
		apply(&a);
	}
	if (up->verdict == AM_DUPLICATE || up->verdict == AM_REJECTED) {
		up->next = *cur;
		up->wake_at = am_wake_at(def, cur);
	} else {
		seal(&a, cur, remembered);
	}
	return 0;
}
