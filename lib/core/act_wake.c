/*
 * act_wake - time has passed: do what is due, in order of due.
 *
 * What is due is asked again after each thing done, since one can end or start
 * another (a hold that ends sets clocks running). Each round ends a hold,
 * records a lapse or fires a rung, none of which comes twice for one entry of a
 * clock: so the loop ends. ROUNDS bounds it all the same; what is left is due
 * at once and has its own wake-up. When all is done, what one message can say
 * is left to that one.
 */

#include "core/fu.h"

#define ROUNDS (2 * AM_CLOCKS_MAX * (AM_RUNGS_MAX + 1))

AM_GUARD(am_is_due)
{
	return am_wake_next(def, c).at <= now;
}

static void
end_hold(struct am_act *a, am_ms at)
{
	const struct am_complaint *c = &a->up->next;

	am_act_change(a);
	am_act_resume(a, at, at == c->hold_until ? "until" : "max_hold");
}

void
am_act_end_aftercare(struct am_act *a)
{
	const struct am_clockdef *d = &a->def->clocks[AM_CLOCK_AFTERCARE];
	struct am_complaint *c = &a->up->next;
	struct am_clock *k = &c->clocks[AM_CLOCK_AFTERCARE];
	size_t left = 0;

	for (size_t r = 0; r < d->rungs_n; r++)
		left += (k->fired >> r & 1) == 0 &&
			(d->rungs[r].except_tiers >> c->tier & 1) == 0;
	if (k->state == AM_CLK_RUNNING && left == 0)
		am_clock_end(
		    a->def, c, AM_CLOCK_AFTERCARE, a->now, AM_CLK_OVER);
}

/*
 * The action first: a message speaks of the owner and the tier that are. When
 * the action has ended the clock, started it anew or put the rung off, the rung
 * has no more to say.
 */
static void
fire(struct am_act *a, const struct am_next *next)
{
	struct am_complaint *c = &a->up->next;
	struct am_clock *k = &c->clocks[next->clock];
	am_ms due = am_clock_position(a->def, c, next->clock, next->rung);
	uint16_t entry = k->entry;

	k->fired |= (uint16_t)(1u << next->rung);
	am_act_rung_action(a, next->clock, next->rung);
	if (k->entry == entry && am_clock_live(k) &&
	    (k->fired >> next->rung & 1) != 0)
		am_fu_rung_ready(a, next->clock, next->rung, due, next->at);
}

/* False when nothing is due any more. */
static bool
climb_once(struct am_act *a)
{
	struct am_next next = am_wake_next(a->def, &a->up->next);

	if (next.at > a->now)
		return false;
	a->doing = next;
	a->called_by = am_fu_due_cause(&a->up->next, &next);
	switch (next.kind) {
	case AM_NEXT_HOLD_END:
		end_hold(a, next.at);
		return true;
	case AM_NEXT_LAPSE:
		am_act_miss(a, next.clock, next.at);
		am_act_write_in_the_end(a);
		return true;
	case AM_NEXT_RUNG:
		fire(a, &next);
		am_act_end_aftercare(a);
		return true;
	case AM_NEXT_FORGET: /* the journal goes, and needs no line */
		a->up->forget = true;
		a->silent = true;
		return false;
	case AM_NEXT_NONE:
		break;
	}
	return false;
}

void
am_climb(struct am_act *a)
{
	for (size_t i = 0; i < ROUNDS && climb_once(a); i++)
		;
	am_fu_collapse(a);
}
