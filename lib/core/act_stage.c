/*
 * act_stage - a stage was done: in its turn, ahead of it, or long owed; or it
 * is let off.
 *
 * A stage done ahead of its turn settles those before it by their own rule:
 * `implied_by_later` ones are done with it, the others stay owed with their
 * clocks running, and the loop cannot close satisfied before they are done. A
 * waived stage is done in all of this, and counted apart.
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

/* Behind us and not owed: a reopening has gone on without it. */
AM_GUARD(am_is_past)
{
	return which(def, ev) < c->stage && !am_is_owed(def, c, ev, now);
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

/* A clock that never ran was in time. */
static bool
end_clock(struct am_act *a, size_t stage, enum am_clock_state end)
{
	size_t clock = AM_CLOCK_STAGE0 + stage;
	struct am_clock *k = &a->up->next.clocks[clock];

	if (am_clock_live(k))
		return am_act_end(a, clock, a->ev->at, end);
	k->state = (uint8_t)end;
	return true;
}

/*
 * In time is told twice of a stage that was extended: by the due in force, and
 * by the one first promised.
 */
static void
finish(struct am_act *a, size_t stage, const char *how, enum am_clock_state end)
{
	struct am_complaint *c = &a->up->next;
	size_t clock = AM_CLOCK_STAGE0 + stage;
	const char *name = a->def->stages[stage].name;
	bool extended =
	    am_clock_live(&c->clocks[clock]) && c->clocks[clock].extensions > 0;
	bool late = extended && am_act_late_original(a, clock, a->ev->at);
	bool hit = end_clock(a, stage, end);
	struct am_note *n = am_act_note(a, "stage.met");

	c->done |= (uint16_t)(1u << stage);
	c->owed &= (uint16_t) ~(1u << stage);
	am_note_c(n, "stage", name);
	am_note_c(n, "how", how);
	am_note_c(n, "late", hit ? "no" : "yes");
	if (extended)
		am_note_c(n, "late_original", late ? "yes" : "no");
	am_note_str(n, "result", am_act_field(a, "result"));
	if (hit)
		am_tally_day(a, "met", name);
	if (hit && !late)
		am_tally_day(a, "met_original", name);
}

/* Done by the event itself, whether its clock had started or not. */
static void
meet(struct am_act *a, size_t stage, const char *how)
{
	struct am_complaint *c = &a->up->next;

	finish(a, stage, how, AM_CLK_MET);
	if (stage + 2 == a->def->stages_n)
		c->resolver = a->ev->actor_id.n > 0
				  ? am_arena_dup(a->up->arena, a->ev->actor_id)
				  : c->owner;
}

/* Go on behind `stage`; the last stage is the customer's and never skipped. */
static void
go_on(struct am_act *a, size_t stage)
{
	const struct am_complaint *c = &a->up->next;

	do
		stage++;
	while ((c->done >> stage & 1) != 0 &&
	       a->def->stages[stage].kind == AM_STAGE_WORK);
	am_tally_stage(a, -1);
	am_act_enter(a, stage);
}

void
am_advance(struct am_act *a)
{
	size_t stage = a->up->next.stage;

	am_act_change(a);
	meet(a, stage, "done");
	go_on(a, stage);
}

/* A stage before the one that was done. */
static void
pass_over(struct am_act *a, size_t stage)
{
	struct am_complaint *c = &a->up->next;
	size_t clock = AM_CLOCK_STAGE0 + stage;

	if ((c->done >> stage & 1) != 0)
		return;
	if (a->def->stages[stage].implied_by_later) {
		finish(a, stage, "implied", AM_CLK_IMPLIED);
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
	go_on(a, to);
}

/* Something owed is settled, and the customer may have waited for it. */
static void
settle_owed(struct am_act *a)
{
	const struct am_complaint *c = &a->up->next;

	if (c->owed == 0 && (c->flags & AM_CF_SATISFIED) != 0 &&
	    a->def->stages[c->stage].kind == AM_STAGE_CONFIRM)
		am_act_settle(a);
}

void
am_pay_owed(struct am_act *a)
{
	am_act_change(a);
	meet(a, (size_t)which(a->def, a->ev), "owed");
	settle_owed(a);
}

/* ---- waived ---- */

AM_GUARD(am_is_not_waivable)
{
	return !def->stages[which(def, ev)].waivable;
}

void
am_refuse_waiver(struct am_act *a)
{
	am_act_refuse(a, "not_waivable", "stage",
	    "the loop does not let this stage off; do it, or set waivable in "
	    "the loop");
}

/* In its turn, owed, or still to come. */
void
am_waive(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	size_t stage = (size_t)which(a->def, a->ev);
	const char *name = a->def->stages[stage].name;
	uint16_t bit = (uint16_t)(1u << stage);
	bool owed = (c->owed & bit) != 0;
	struct am_note *n;

	am_act_change(a);
	n = am_act_note(a, "stage.waived");
	am_note_c(n, "stage", name);
	am_note_c(n, "how",
	    owed		? "owed"
	    : stage == c->stage ? "now"
				: "ahead");
	am_note_str(n, "approver", am_act_field(a, "approver"));
	(void)end_clock(a, stage, AM_CLK_WAIVED);
	c->done |= bit;
	c->owed &= (uint16_t)~bit;
	am_tally_day(a, "waived", name);
	if (owed)
		settle_owed(a);
	else if (stage == c->stage)
		go_on(a, stage);
}
