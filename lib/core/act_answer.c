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

/* Ends that an answer does not undo. */
AM_GUARD(am_is_final_end)
{
	return c->outcome == AM_OUTCOME_WITHDRAWN ||
	       c->outcome == AM_OUTCOME_DUPLICATE;
}

AM_GUARD(am_is_window_over)
{
	return ev->at - c->closed_at > confirm_stage(def)->reopen_window;
}

void
am_refuse_answer(struct am_act *a)
{
	am_act_refuse(a, "bad_value", "verdict",
	    "no answer that can be read; verdict satisfied, partial or "
	    "unsatisfied, or a score from 1 to 5");
}

static const char *
answer_str(enum answer answer)
{
	static const char *const words[] = { "", "satisfied", "partial",
		"unsatisfied" };

	return words[answer];
}

/* Remember the answer, tell it, and count it as a contact with the customer. */
static struct am_note *
take(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	enum answer answer = answer_of(a->def, a->ev);
	struct am_note *n = am_act_note(a, "customer.answered");

	c->answered_at = a->ev->at;
	c->score = score_of(a->ev);
	c->flags &= (uint16_t) ~(AM_CF_SATISFIED | AM_CF_UNSATISFIED);
	am_note_c(n, "verdict", answer_str(answer));
	am_note_str(n, "score", am_act_field(a, "score"));
	am_note_str(n, "via", am_act_field(a, "via"));
	am_note_c(n, "stage", a->def->stages[c->stage].name);
	am_tally_day(a, "answered", answer_str(answer));
	if (a->def->clocks[AM_CLOCK_INFORM].in_use && c->status != AM_CLOSED) {
		(void)am_act_end(a, AM_CLOCK_INFORM, a->ev->at, AM_CLK_MET);
		am_act_start(a, AM_CLOCK_INFORM, a->ev->at);
	}
	return n;
}

void
am_note_answer(struct am_act *a)
{
	bool satisfied = answer_of(a->def, a->ev) == SATISFIED;
	struct am_note *n = take(a);

	am_note_c(n, "effect", "noted");
	if (!satisfied)
		a->up->next.flags |= AM_CF_UNSATISFIED;
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
	struct am_note *n = take(a);

	am_act_change(a);
	c->flags |= AM_CF_SATISFIED;
	c->flags &= (uint16_t)~AM_CF_CONTRADICTORY;
	am_note_c(n, "effect", confirm && c->owed == 0 ? "closes" : "kept");
	if (confirm)
		am_act_settle(a);
}

/*
 * A task for a person: the first rung of the confirm ladder that is not the
 * question and has not fired, else whoever supervises.
 */
void
am_call_a_human(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	size_t clock = AM_CLOCK_STAGE0 + a->def->stages_n - 1;
	const struct am_clockdef *d = &a->def->clocks[clock];
	struct am_note *n = take(a);
	size_t r = 0;

	am_act_change(a);
	c->flags |= AM_CF_CONTRADICTORY;
	am_note_c(n, "effect", "contradiction");
	while (r < d->rungs_n && (d->rungs[r].reason == AM_REASON_ASK ||
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
	if (a->def->clocks[AM_CLOCK_INFORM].in_use)
		am_act_start(a, AM_CLOCK_INFORM, a->ev->at);
	am_tally_open(a, 1);
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
}

static void
restart_owed(struct am_act *a, size_t to)
{
	struct am_complaint *c = &a->up->next;

	for (size_t i = 0; i < to; i++) {
		size_t clock = AM_CLOCK_STAGE0 + i;

		if ((c->owed >> i & 1) != 0 &&
		    !am_clock_live(&c->clocks[clock]))
			am_act_start(a, clock, a->ev->at);
	}
}

/* The next cycle. A partly satisfied customer keeps owner and tier. */
void
am_reopen(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	size_t to = confirm_stage(a->def)->reopen_to;
	bool partial = answer_of(a->def, a->ev) == PARTIAL;
	struct am_note *n;

	am_act_change(a);
	am_note_c(take(a), "effect", "reopens");
	if (c->status == AM_CLOSED)
		open_again(a);
	else
		am_tally_stage(a, -1);
	rewind_stages(a, to);
	c->cycle++;
	c->reopens++;
	c->flags &= (uint16_t)~AM_CF_CONTRADICTORY;
	if (!partial && c->tier > 0)
		c->tier--;
	n = am_act_note(a, "loop.reopened");
	am_note_int(a, n, "cycle", c->cycle);
	am_note_c(n, "stage", a->def->stages[to].name);
	am_note_c(n, "tier", a->def->tiers[c->tier]);
	am_note_str(n, "owner", c->owner);
	am_tally_day(a, "reopened", NULL);
	restart_owed(a, to);
	am_act_enter(a, to);
	am_fu_notice(a, AM_CLOCK_STAGE0 + to, AM_NOTICE_REOPEN, AM_ROLE_OWNER);
	if (!partial)
		am_fu_notice(a, AM_CLOCK_STAGE0 + to, AM_NOTICE_REOPEN,
		    AM_ROLE_SUPERVISOR);
}

/*
 * No reopening is left: the loop stays open, a person decides, the customer is
 * told where else to go. The notices hang on `final`, which runs on.
 */
void
am_deadlock(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	size_t clock = AM_CLOCK_STAGE0 + c->stage;
	bool closed = c->status == AM_CLOSED;

	am_act_change(a);
	am_note_c(take(a), "effect", "deadlock");
	if (closed) {
		open_again(a);
		am_tally_stage(a, 1);
	}
	(void)am_act_end(a, clock, a->ev->at, AM_CLK_OVER);
	c->clocks[clock].state = AM_CLK_OVER;
	c->flags |= AM_CF_DEADLOCK;
	c->flags &= (uint16_t)~AM_CF_CONTRADICTORY;
	am_tally_day(a, "deadlock", NULL);
	am_fu_notice(a, AM_CLOCK_FINAL, AM_NOTICE_DEADLOCK, AM_ROLE_SUPERVISOR);
	am_fu_notice(a, AM_CLOCK_FINAL, AM_NOTICE_RECOURSE, AM_ROLE_CUSTOMER);
}
