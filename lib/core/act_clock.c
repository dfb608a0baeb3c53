/*
 * act_clock - moves that several events share: a clock starts or ends, a stage
 * is entered, a hold or the loop ends.
 */

#include "base/str.h"
#include "core/followup.h"

/* The written notice asks in place of the question. */
static bool
is_left_to_notice(struct am_act *a, size_t i, size_t rung)
{
	size_t last = a->def->stages_n - 1;

	return i == AM_CLOCK_STAGE0 + last &&
	       rung == a->def->stages[last].ask &&
	       am_act_is_uncalled(a->def, &a->up->next);
}

/*
 * Rungs at 0 % fire in the step that starts their clock, so that the question
 * goes out in the commit that enters the confirm stage.
 */
void
am_act_start(struct am_act *a, size_t i, am_ms at)
{
	struct am_complaint *c = &a->up->next;
	const struct am_clockdef *d = &a->def->clocks[i];

	am_clock_start(a->def, c, i, at, a->cause);
	for (size_t r = 0; r < d->rungs_n; r++) {
		if (!d->rungs[r].is_pct || d->rungs[r].pct != 0 ||
		    d->rungs[r].defer || d->rungs[r].told ||
		    (d->rungs[r].except_tiers >> c->tier & 1) != 0)
			continue;
		if (is_left_to_notice(a, i, r))
			c->clocks[i].fired |= (uint16_t)(1u << r);
		else
			am_fu_rung(a, i, r, at);
	}
}

void
am_act_contact(struct am_act *a)
{
	if (a->up->next.status == AM_CLOSED ||
	    !a->def->clocks[AM_CLOCK_INFORM].in_use)
		return;
	(void)am_act_end(a, AM_CLOCK_INFORM, a->ev->at, AM_CLK_MET);
	am_act_start(a, AM_CLOCK_INFORM, a->ev->at);
}

static void
miss(struct am_act *a, size_t i, am_ms due)
{
	struct am_complaint *c = &a->up->next;
	const char *name = a->def->clocks[i].name;
	struct am_note *n;

	c->clocks[i].missed = true;
	c->flags |= AM_CF_MISSED;
	n = am_act_note(a, "deadline.missed");
	am_note_c(n, "clock", name);
	am_note_int(a, n, "due_at", due);
	am_note_int(a, n, "fired_at", a->now);
	if (i >= AM_CLOCK_STAGE0 && i < AM_CLOCK_CALLBACK) {
		n = am_act_note(a, "stage.missed");
		am_note_c(n, "stage", name);
		am_note_int(a, n, "due_at", due);
		am_note_int(a, n, "fired_at", a->now);
	}
	am_tally_day(a, "missed", name);
}

void
am_act_miss(struct am_act *a, size_t i, am_ms due)
{
	miss(a, i, due);
	if (i == AM_CLOCK_FINAL)
		am_act_final_over(a);
}

/* The due, when it lies before `at` and is not recorded yet; else AM_NEVER. */
static am_ms
past_due(struct am_act *a, size_t i, am_ms at)
{
	const struct am_complaint *c = &a->up->next;
	am_ms due;

	if (c->clocks[i].missed || !am_clock_has_lapse(c, i))
		return AM_NEVER;
	due = am_clock_due(a->def, c, i);
	return due < at ? due : AM_NEVER;
}

void
am_act_miss_past(struct am_act *a, size_t i, am_ms at)
{
	am_ms due = past_due(a, i, at);

	if (due != AM_NEVER)
		am_act_miss(a, i, due);
}

void
am_act_stop(struct am_act *a, size_t i, am_ms at)
{
	am_act_miss_past(a, i, at);
	am_clock_stop(a->def, &a->up->next, i, at);
}

bool
am_act_end(struct am_act *a, size_t i, am_ms at, enum am_clock_state end)
{
	struct am_complaint *c = &a->up->next;

	if (am_clock_live(&c->clocks[i])) {
		am_act_miss_past(a, i, at);
		am_clock_end(a->def, c, i, at, end);
		am_fu_drop_clock(a, i, "superseded");
	}
	return !c->clocks[i].missed;
}

/* What runs beside the stages' clocks belongs to the stage that is left. */
static void
end_beside(struct am_act *a)
{
	static const size_t beside[] = { AM_CLOCK_CALLBACK, AM_CLOCK_SILENCE,
		AM_CLOCK_UNOWNED };

	for (size_t i = 0; i < AM_COUNT(beside); i++)
		(void)am_act_end(a, beside[i], a->ev->at, AM_CLK_OVER);
}

static void
start_beside(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;

	c->attempts = c->misses = c->parts = 0;
	c->flags &= (uint16_t) ~(
	    AM_CF_DECLINED | AM_CF_UNREACHABLE | AM_CF_ASKED_AGAIN);
	/* what the customer did in an earlier cycle ends no silence of this */
	c->clocks[AM_CLOCK_SILENCE].state = AM_CLK_OFF;
	if (a->def->stages[c->stage].kind == AM_STAGE_CONFIRM &&
	    a->def->clocks[AM_CLOCK_CALLBACK].in_use)
		am_act_call(a);
	am_act_watch_owner(a);
}

void
am_act_watch_owner(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	bool runs = am_clock_live(&c->clocks[AM_CLOCK_UNOWNED]);

	if (c->owner.n > 0 && runs)
		(void)am_act_end(a, AM_CLOCK_UNOWNED, a->ev->at, AM_CLK_MET);
	else if (c->owner.n == 0 && !runs &&
		 (c->flags & AM_CF_NOT_UPHELD) == 0 &&
		 a->def->clocks[AM_CLOCK_UNOWNED].in_use)
		am_act_start(a, AM_CLOCK_UNOWNED, a->ev->at);
}

void
am_act_enter(struct am_act *a, size_t stage)
{
	struct am_complaint *c = &a->up->next;
	size_t clock = AM_CLOCK_STAGE0 + stage;
	struct am_note *n;

	c->stage = (uint8_t)stage;
	c->quiet_until = 0; /* an acknowledgement's ttl ends with progress */
	end_beside(a);
	am_tally_stage(a, 1);
	n = am_act_note(a, "stage.entered");
	am_note_c(n, "stage", a->def->stages[stage].name);
	if (a->def->stages[stage].kind == AM_STAGE_CONFIRM &&
	    (c->flags & AM_CF_SATISFIED) != 0) {
		am_act_settle(a); /* answered before it was asked */
		return;
	}
	if (!am_clock_live(&c->clocks[clock]))
		am_act_start(a, clock, a->ev->at);
	start_beside(a);
	am_note_int(a, n, "due_at", am_clock_due(a->def, c, clock));
	am_note_str(n, "owner", c->owner);
}

void
am_act_settle(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	size_t clock = AM_CLOCK_STAGE0 + c->stage;

	c->done |= (uint16_t)(1u << c->stage);
	if (am_clock_live(&c->clocks[clock]))
		(void)am_act_end(a, clock, a->ev->at, AM_CLK_MET);
	else
		c->clocks[clock].state = AM_CLK_MET;
	/* who has answered is neither called nor reminded */
	(void)am_act_end(a, AM_CLOCK_CALLBACK, a->ev->at, AM_CLK_MET);
	(void)am_act_end(a, AM_CLOCK_SILENCE, a->ev->at, AM_CLK_MET);
	if (c->owed == 0)
		am_act_close(a,
		    c->reopens > 0 ? AM_OUTCOME_SATISFIED_AFTER_REOPEN
				   : AM_OUTCOME_SATISFIED,
		    "superseded");
}

void
am_act_resume(struct am_act *a, am_ms at, const char *reason)
{
	struct am_complaint *c = &a->up->next;
	struct am_note *n;

	if (at < c->held_since) /* told late */
		at = c->held_since;
	c->status = AM_OPEN;
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++)
		am_clock_resume(c, i, at);
	(void)am_act_end(a, AM_CLOCK_HOLD, at, AM_CLK_OVER);
	c->flags &= (uint16_t)~AM_CF_WAITS_CUSTOMER;
	if (c->quiet_until <= at) /* else an acknowledgement's ttl goes on */
		c->quiet_until = 0;
	if (a->def->resume_grace > 0 &&
	    c->quiet_until < at + a->def->resume_grace)
		c->quiet_until = at + a->def->resume_grace;
	n = am_act_note(a, "complaint.resumed");
	am_note_c(n, "reason", reason);
	am_note_str(n, "hold_reason", c->hold_reason);
	am_note_int(a, n, "held_since", c->held_since);
	am_note_int(a, n, "resumed_at", at);
	c->held_since = c->hold_until = 0;
	c->hold_reason = AM_STR("");
	am_tally_live(a, "held", -1);
	am_act_write_in_the_end(a);
}

void
am_act_close(struct am_act *a, enum am_outcome outcome, const char *why)
{
	struct am_complaint *c = &a->up->next;
	bool satisfied = outcome == AM_OUTCOME_SATISFIED ||
			 outcome == AM_OUTCOME_SATISFIED_AFTER_REOPEN;
	struct am_note *n;

	if (c->status == AM_HELD)
		am_tally_live(a, "held", -1);
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		am_ms due;

		if (i == AM_CLOCK_AFTERCARE || !am_clock_live(&c->clocks[i]))
			continue;
		due = past_due(a, i, a->ev->at);
		if (due != AM_NEVER) /* recorded, and nobody is written to */
			miss(a, i, due);
		am_clock_end(a->def, c, i, a->ev->at, AM_CLK_OVER);
	}
	c->status = AM_CLOSED;
	c->outcome = outcome;
	c->closed_at = a->ev->at;
	c->held_since = c->hold_until = c->quiet_until = 0;
	c->hold_reason = AM_STR("");
	c->flags &= (uint16_t) ~(AM_CF_WAITS_CUSTOMER | AM_CF_NOT_UPHELD);
	am_fu_drop_all(a, why);
	am_act_recourse_dropped(a);
	n = am_act_note(a, "loop.closed");
	am_note_c(n, "outcome", am_outcome_str(outcome));
	am_note_c(
	    n, "verdict", (c->flags & AM_CF_MISSED) != 0 ? "missed" : "hit");
	am_note_c(n, "stage", a->def->stages[c->stage].name);
	am_note_str(n, "by", am_act_field(a, "by"));
	am_note_int(a, n, "opened_at", c->opened_at);
	am_note_int(a, n, "closed_at", c->closed_at);
	am_tally_open(a, -1);
	am_tally_stage(a, -1);
	am_tally_day(a, "closed", am_outcome_str(outcome));
	am_act_tell_duplicates(a);
	if (satisfied && a->def->clocks[AM_CLOCK_AFTERCARE].in_use) {
		am_act_start(a, AM_CLOCK_AFTERCARE, a->ev->at);
		am_act_end_aftercare(a);
	}
}
