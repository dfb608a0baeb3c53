/*
 * act_stage - a stage was done: in its turn, ahead of it, or long owed.
 *
 * A stage done ahead of its turn settles those before it by their own rule:
 * `implied_by_later` ones are done with it, the others stay owed with their
 * clocks running, and the loop cannot close satisfied before they are done.
 */

#include "base/str.h"
#include "core/followup.h"

static int
which(const struct am_loopdef *def, const struct am_event *ev)
{
	return am_loopdef_stage(def, am_event_get(ev, "stage"));
}

AM_GUARD(am_is_no_stage)
{
	return which(def, ev) < 0;
}

AM_GUARD(am_is_done)
{
	return (c->done >> which(def, ev) & 1) != 0;
}

AM_GUARD(am_is_for_customer)
{
	return def->stages[which(def, ev)].kind == AM_STAGE_CONFIRM;
}

AM_GUARD(am_lacks_fields)
{
	const struct am_stagedef *st = &def->stages[which(def, ev)];

	for (size_t i = 0; i < st->requires_n; i++) {
		if (am_event_get(ev, st->requires[i]).n == 0)
			return true;
	}
	return false;
}

AM_GUARD(am_is_owed)
{
	return (c->owed >> which(def, ev) & 1) != 0;
}

AM_GUARD(am_is_current)
{
	return which(def, ev) == c->stage;
}

AM_GUARD(am_is_later)
{
	return which(def, ev) > c->stage;
}

void
am_refuse_stage(struct am_act *a)
{
	am_act_refuse(a, "bad_value", "stage",
	    "no stage of that name in this complaint's loop; `amendsctl show` "
	    "names its stages");
}

void
am_refuse_fields(struct am_act *a)
{
	const struct am_stagedef *st = &a->def->stages[which(a->def, a->ev)];
	size_t i = 0;

	while (am_event_get(a->ev, st->requires[i]).n > 0)
		i++;
	am_act_refuse(a, "missing_field", st->requires[i],
	    "the loop asks for this field when the stage is done; send it with "
	    "stage.completed");
}

static void
note_met(struct am_act *a, size_t stage, const char *how, bool hit)
{
	struct am_note *n = am_act_note(a, "stage.met");
	const char *name = a->def->stages[stage].name;

	am_note_c(n, "stage", name);
	am_note_c(n, "how", how);
	am_note_c(n, "late", hit ? "no" : "yes");
	am_note_str(n, "result", am_act_field(a, "result"));
	if (hit)
		am_tally_day(a, "met", name);
}

/* Done by the event itself, whether its clock had started or not. */
static void
meet(struct am_act *a, size_t stage, const char *how)
{
	struct am_complaint *c = &a->up->next;
	size_t clock = AM_CLOCK_STAGE0 + stage;
	bool hit = true;

	if (am_clock_live(&c->clocks[clock]))
		hit = am_act_end(a, clock, a->ev->at, AM_CLK_MET);
	else
		c->clocks[clock].state = AM_CLK_MET;
	c->done |= (uint16_t)(1u << stage);
	c->owed &= (uint16_t) ~(1u << stage);
	note_met(a, stage, how, hit);
}

void
am_advance(struct am_act *a)
{
	size_t stage = a->up->next.stage;

	am_act_change(a);
	meet(a, stage, "done");
	am_tally_stage(a, -1);
	am_act_enter(a, stage + 1); /* the last stage is the customer's */
}

/* A stage before the one that was done. */
static void
pass_over(struct am_act *a, size_t stage)
{
	struct am_complaint *c = &a->up->next;
	size_t clock = AM_CLOCK_STAGE0 + stage;
	bool hit = true;

	if ((c->done >> stage & 1) != 0)
		return;
	if (a->def->stages[stage].implied_by_later) {
		if (am_clock_live(&c->clocks[clock]))
			hit = am_act_end(a, clock, a->ev->at, AM_CLK_IMPLIED);
		else
			c->clocks[clock].state = AM_CLK_IMPLIED;
		c->done |= (uint16_t)(1u << stage);
		note_met(a, stage, "implied", hit);
		return;
	}
	c->owed |= (uint16_t)(1u << stage);
	if (!am_clock_live(&c->clocks[clock]))
		am_act_start(a, clock, a->ev->at);
}

static void
note_owed(struct am_act *a, size_t stage)
{
	struct am_note *n = am_act_note(a, "stage.owed");

	am_note_c(n, "stage", a->def->stages[stage].name);
	am_note_int(a, n, "due_at",
	    am_clock_due(a->def, &a->up->next, AM_CLOCK_STAGE0 + stage));
}

void
am_leap(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	size_t from = c->stage, to = (size_t)which(a->def, a->ev);

	am_act_change(a);
	for (size_t i = from; i < to; i++)
		pass_over(a, i);
	for (size_t i = from; i < to; i++) {
		if ((c->owed >> i & 1) != 0)
			note_owed(a, i);
	}
	meet(a, to, "ahead");
	am_tally_stage(a, -1);
	am_act_enter(a, to + 1);
}

void
am_pay_owed(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;

	am_act_change(a);
	meet(a, (size_t)which(a->def, a->ev), "owed");
	if (c->owed == 0 && (c->flags & AM_CF_SATISFIED) != 0 &&
	    a->def->stages[c->stage].kind == AM_STAGE_CONFIRM)
		am_act_settle(a);
}
