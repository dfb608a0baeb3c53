/*
 * act_answer - what the customer says decides: close, go round again, or a
 * person looks at it.
 *
 * A loop closes satisfied by the customer's clear word and nothing else. Words
 * that contradict each other, a bad score under a good verdict or two opposite
 * answers within contradict_window call a person. Answers of an earlier cycle
 * do not count against the present one: the work in between was to change them.
 */

#include "base/str.h"
#include "core/followup.h"

enum answer { NO_ANSWER, SATISFIED, PARTIAL, UNSATISFIED };

static const struct am_stagedef *
confirm_stage(const struct am_loopdef *def)
{
	return &def->stages[def->stages_n - 1];
}

static uint8_t
score_of(const struct am_event *ev)
{
	struct am_str text = am_event_get(ev, "score");

	if (text.n != 1 || text.p[0] < '1' || text.p[0] > '5')
		return 0;
	return (uint8_t)(text.p[0] - '0');
}

static enum answer
answer_of(const struct am_loopdef *def, const struct am_event *ev)
{
	struct am_str verdict = am_event_get(ev, "verdict");
	uint8_t score = score_of(ev);

	if (am_str_is(verdict, "satisfied"))
		return SATISFIED;
	if (am_str_is(verdict, "partial"))
		return PARTIAL;
	if (am_str_is(verdict, "unsatisfied"))
		return UNSATISFIED;
	if (verdict.n > 0 || score == 0)
		return NO_ANSWER;
	return score <= confirm_stage(def)->reopen_at ? UNSATISFIED : SATISFIED;
}

AM_GUARD(am_is_no_answer)
{
	return answer_of(def, ev) == NO_ANSWER;
}

AM_GUARD(am_is_deadlocked)
{
	return (c->flags & AM_CF_DEADLOCK) != 0;
}

AM_GUARD(am_is_satisfied)
{
	return answer_of(def, ev) == SATISFIED;
}

/* Not satisfied, but nobody has asked yet: the work is still going on. */
AM_GUARD(am_is_unasked)
{
	return def->stages[c->stage].kind != AM_STAGE_CONFIRM;
}

AM_GUARD(am_contradicts)
{
	enum answer answer = answer_of(def, ev);
	uint8_t score = score_of(ev);
	unsigned opposite =
	    answer == SATISFIED ? AM_CF_UNSATISFIED : AM_CF_SATISFIED;

	if (answer == SATISFIED &&
	    (ev->negative ||
		(score > 0 && score <= confirm_stage(def)->reopen_at)))
		return true;
	return (c->flags & opposite) != 0 && c->answered_at != 0 &&
	       ev->at - c->answered_at <= def->contradict_window;
}

AM_GUARD(am_has_reopens_left)
{
	return c->reopens < confirm_stage(def)->max_reopens;
}

AM_GUARD(am_lacks_reopens)
{
	return !am_has_reopens_left(def, c, ev, now);
}

AM_GUARD(am_is_withdrawn)
{
	return c->outcome == AM_OUTCOME_WITHDRAWN;
}

/* Ends that nothing undoes. */
AM_GUARD(am_is_final_end)
{
	return c->outcome == AM_OUTCOME_WITHDRAWN ||
	       c->outcome == AM_OUTCOME_DUPLICATE;
}

/* Another complaint was made of it. */
AM_GUARD(am_is_carried_on)
{
	return c->target.n > 0 && c->outcome != AM_OUTCOME_DUPLICATE;
}

/* Rejected, and the customer accepts: nothing that is owed stands between. */
AM_GUARD(am_accepts_rejection)
{
	return (c->flags & AM_CF_NOT_UPHELD) != 0 && c->owed == 0 &&
	       am_is_satisfied(def, c, ev, now) &&
	       !am_contradicts(def, c, ev, now);
}

AM_GUARD(am_is_window_over)
{
	return ev->at - c->closed_at > confirm_stage(def)->reopen_window;
}

/* Who takes back his word at once is not too late, however short the window. */
AM_GUARD(am_is_too_late)
{
	return am_is_window_over(def, c, ev, now) &&
	       !am_contradicts(def, c, ev, now);
}

AM_GUARD(am_is_bad_reopen_to)
{
	struct am_str to = am_event_get(ev, "reopen_to");
	int stage = am_loopdef_stage(def, to);

	return to.n > 0 &&
	       (stage < 0 || def->stages[stage].kind != AM_STAGE_WORK);
}

void
am_refuse_answer(struct am_act *a)
{
	am_act_refuse(a, "bad_value", "verdict",
	    "no answer that can be read; verdict satisfied, partial or "
	    "unsatisfied, or a score from 1 to 5");
}

void
am_refuse_reopen_to(struct am_act *a)
{
	am_act_refuse(a, "bad_value", "reopen_to",
	    "no work stage of that name in this complaint's loop; `amendsctl "
	    "show` names its stages");
}

static const char *
answer_str(enum answer answer)
{
	static const char *const words[] = { "", "satisfied", "partial",
		"unsatisfied" };

	return words[answer];
}

static struct am_note *
note_answer(struct am_act *a, const char *effect)
{
	const struct am_complaint *c = &a->up->next;
	enum answer answer = answer_of(a->def, a->ev);
	struct am_note *n = am_act_note(a, "customer.answered");

	am_note_c(n, "verdict", answer_str(answer));
	am_note_str(n, "score", am_act_field(a, "score"));
	am_note_str(n, "via", am_act_field(a, "via"));
	am_note_c(n, "stage", a->def->stages[c->stage].name);
	am_note_c(n, "effect", effect);
	am_tally_day(a, "answered", answer_str(answer));
	return n;
}

/* Tell the answer and remember it. */
static void
take(struct am_act *a, const char *effect)
{
	struct am_complaint *c = &a->up->next;

	(void)note_answer(a, effect);
	c->answered_at = a->ev->at;
	c->score = score_of(a->ev);
	c->flags &= (uint16_t) ~(AM_CF_SATISFIED | AM_CF_UNSATISFIED);
	if (a->ev->negative &&
	    a->def->stages[c->stage].kind == AM_STAGE_CONFIRM)
		c->flags |= AM_CF_NEGATIVE;
}

void
am_note_answer(struct am_act *a)
{
	take(a, "noted");
	if (answer_of(a->def, a->ev) != SATISFIED)
		a->up->next.flags |= AM_CF_UNSATISFIED;
	am_act_contact(a);
	if ((a->up->next.flags & AM_CF_DEADLOCK) != 0) /* a person decides */
		am_fu_notice(
		    a, AM_CLOCK_FINAL, AM_NOTICE_MESSAGE, AM_ROLE_OWNER);
}

/*
 * Before the confirm stage, or with something owed, the answer is kept; the
 * loop then closes without a question.
 */
void
am_satisfy(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	bool confirm = a->def->stages[c->stage].kind == AM_STAGE_CONFIRM;

	am_act_change(a);
	take(a, confirm && c->owed == 0 ? "closes" : "kept");
	c->flags |= AM_CF_SATISFIED;
	c->flags &= (uint16_t) ~(AM_CF_CONTRADICTORY | AM_CF_NEGATIVE);
	am_act_contact(a);
	if (confirm)
		am_act_settle(a);
}

/* The customer is content with a rejection that is on its way. */
void
am_accept_rejection(struct am_act *a)
{
	am_act_change(a);
	take(a, "closes");
	a->up->next.flags |= AM_CF_SATISFIED;
	am_act_close(a,
	    a->up->next.reopens > 0 ? AM_OUTCOME_SATISFIED_AFTER_REOPEN
				    : AM_OUTCOME_SATISFIED,
	    "superseded");
}

/* Too late for this complaint: it goes on as another one. */
void
am_answer_anew(struct am_act *a)
{
	struct am_note *n = note_answer(a, "new_complaint");

	am_act_change(a);
	a->up->next.target = am_act_open_repeat(a);
	am_note_str(n, "complaint", a->up->next.target);
}

/* A rung that somebody on the staff hears of, in this tier, and has not yet. */
static bool
may_tell_staff(
    const struct am_rungdef *r, const struct am_complaint *c, bool fired)
{
	return r->to != AM_ROLE_CUSTOMER && r->via_n > 0 && !fired &&
	       (r->except_tiers >> c->tier & 1) == 0;
}

/*
 * A task for a person: the first rung of the confirm ladder that tells staff
 * and has not fired, else whoever supervises.
 */
void
am_call_a_human(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	size_t clock = AM_CLOCK_STAGE0 + a->def->stages_n - 1;
	const struct am_clockdef *d = &a->def->clocks[clock];
	size_t r = 0;

	am_act_change(a);
	take(a, "contradiction");
	c->flags |= AM_CF_CONTRADICTORY;
	am_act_contact(a);
	(void)am_act_break_silence(a);
	if (c->clocks[clock].state == AM_CLK_MET) {
		/* by an answer that was kept: its ladder tells nobody now */
		clock = AM_CLOCK_FINAL;
		r = d->rungs_n;
	}
	while (r < d->rungs_n && !may_tell_staff(&d->rungs[r], c,
				     (c->clocks[clock].fired >> r & 1) != 0))
		r++;
	if (r < d->rungs_n)
		am_fu_rung_told(a, clock, r, "contradiction");
	else
		am_fu_notice(
		    a, clock, AM_NOTICE_CONTRADICTION, AM_ROLE_SUPERVISOR);
}

/* `final` runs as if the loop had never been closed. */
static void
open_again(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	struct am_clock *final = &c->clocks[AM_CLOCK_FINAL];

	c->status = AM_OPEN;
	c->outcome = AM_OUTCOME_NONE;
	c->closed_at = 0;
	(void)am_act_end(a, AM_CLOCK_AFTERCARE, a->ev->at, AM_CLK_OVER);
	if (final->state == AM_CLK_OVER) {
		final->state = AM_CLK_RUNNING;
		final->running_since = final->started;
		final->consumed = 0;
	}
	am_tally_open(a, 1);
	am_tally_stage(a, 1);
}

/* Owed before it was closed, and owed still. */
static void
restart_owed(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;

	for (size_t i = 0; i < a->def->stages_n; i++) {
		size_t clock = AM_CLOCK_STAGE0 + i;

		if ((c->owed >> i & 1) != 0 &&
		    !am_clock_live(&c->clocks[clock]))
			am_act_start(a, clock, a->ev->at);
	}
}

/* Clocks of the stages that are gone through again are as never started. */
static void
rewind_stages(struct am_act *a, size_t to)
{
	struct am_complaint *c = &a->up->next;
	uint16_t keep = (uint16_t)((1u << to) - 1);

	for (size_t i = to; i < a->def->stages_n; i++) {
		size_t clock = AM_CLOCK_STAGE0 + i;

		(void)am_act_end(a, clock, a->ev->at, AM_CLK_OVER);
		c->clocks[clock].state = AM_CLK_OFF;
	}
	c->done &= keep;
	c->owed &= keep;
	for (size_t i = 0; i < to; i++) { /* closed before it came to them */
		if ((c->done >> i & 1) == 0 &&
		    !a->def->stages[i].implied_by_later)
			c->owed |= (uint16_t)(1u << i);
	}
}

/*
 * The next cycle, at stage `to`. The tier first: budgets are half of the new
 * one's. A partly satisfied customer keeps owner and tier.
 */
static void
go_round(struct am_act *a, size_t to, bool partial)
{
	struct am_complaint *c = &a->up->next;
	struct am_note *n;

	if (c->status == AM_CLOSED)
		open_again(a);
	rewind_stages(a, to);
	if (!partial)
		am_act_raise_tier(a, "reopened");
	am_tally_stage(a, -1);
	am_act_contact(a);
	c->cycle++;
	c->reopens++;
	/* what was said of the cycle before is no answer to this one */
	c->flags &=
	    (uint16_t) ~(AM_CF_SATISFIED | AM_CF_UNSATISFIED |
			 AM_CF_CONTRADICTORY | AM_CF_NEGATIVE | AM_CF_DEADLOCK);
	n = am_act_note(a, "loop.reopened");
	am_note_int(a, n, "cycle", c->cycle);
	am_note_c(n, "stage", a->def->stages[to].name);
	am_note_c(n, "tier", a->def->tiers[c->tier]);
	am_note_str(n, "owner", c->owner);
	am_tally_day(a, "reopened", NULL);
	restart_owed(a);
	am_act_enter(a, to);
	if (c->clocks[AM_CLOCK_FINAL].missed && c->recourse == AM_RECOURSE_NONE)
		am_act_final_over(a); /* the closing had let it go */
	am_fu_notice(a, AM_CLOCK_STAGE0 + to, AM_NOTICE_REOPEN, AM_ROLE_OWNER);
	if (!partial)
		am_fu_notice(a, AM_CLOCK_STAGE0 + to, AM_NOTICE_REOPEN,
		    AM_ROLE_SUPERVISOR);
}

void
am_reopen(struct am_act *a)
{
	am_act_change(a);
	take(a, "reopens");
	go_round(a, confirm_stage(a->def)->reopen_to,
	    answer_of(a->def, a->ev) == PARTIAL);
}

void
am_reopen_by_person(struct am_act *a)
{
	struct am_note *n = am_act_note(a, "complaint.reopened");
	int to = am_loopdef_stage(a->def, am_event_get(a->ev, "reopen_to"));

	am_act_change(a);
	am_note_str(n, "by", am_act_field(a, "by"));
	am_note_str(n, "reopen_to", am_act_field(a, "reopen_to"));
	go_round(
	    a, to >= 0 ? (size_t)to : confirm_stage(a->def)->reopen_to, false);
}

/*
 * No reopening is left: the loop stays open, a person whose name is known
 * decides, the customer is told where else to go. Nobody calls and no silence
 * closes. The notices hang on `final`, which runs on.
 */
void
am_deadlock(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	size_t clock = AM_CLOCK_STAGE0 + (size_t)c->stage;

	am_act_change(a);
	take(a, "deadlock");
	if (c->status == AM_CLOSED)
		open_again(a);
	am_act_contact(a);
	(void)am_act_end(a, clock, a->ev->at, AM_CLK_OVER);
	(void)am_act_end(a, AM_CLOCK_CALLBACK, a->ev->at, AM_CLK_OVER);
	(void)am_act_end(a, AM_CLOCK_SILENCE, a->ev->at, AM_CLK_OVER);
	c->clocks[clock].state = AM_CLK_OVER;
	c->flags |= AM_CF_DEADLOCK;
	c->flags &= (uint16_t)~AM_CF_CONTRADICTORY;
	am_tally_day(a, "deadlock", NULL);
	restart_owed(a);
	(void)am_act_give(a, AM_ROLE_SUPERVISOR, "deadlock");
	am_fu_notice(a, AM_CLOCK_FINAL, AM_NOTICE_DEADLOCK, AM_ROLE_SUPERVISOR);
	am_act_recourse(a);
}
