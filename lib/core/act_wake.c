/*
 * act_wake - time has passed: do what is due, in order of due.
 *
 * What is due is asked again after each thing done, since one can end or start
 * another (a hold that ends sets clocks running). Each round fires a rung,
 * records a lapse or ends a hold, so the loop ends.
 */

#include "core/followup.h"

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

/* Aftercare ends with its last rung. */
static void
end_aftercare(struct am_act *a)
{
	struct am_clock *k = &a->up->next.clocks[AM_CLOCK_AFTERCARE];
	size_t n = a->def->clocks[AM_CLOCK_AFTERCARE].rungs_n;

	if (k->state == AM_CLK_RUNNING && k->fired + 1u == 1u << n)
		am_clock_end(a->def, &a->up->next, AM_CLOCK_AFTERCARE, a->now,
		    AM_CLK_OVER);
}

/* The action first: a message speaks of the owner and the tier that are. */
static void
fire(struct am_act *a, size_t clock, size_t rung)
{
	am_ms due = am_clock_position(a->def, &a->up->next, clock, rung);

	am_act_rung_action(a, clock, rung);
	am_fu_rung(a, clock, rung, due);
}

void
am_climb(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;

	for (;;) {
		struct am_next next = am_wake_next(a->def, c);

		if (next.at > a->now)
			return;
		switch (next.kind) {
		case AM_NEXT_HOLD_END:
			end_hold(a, next.at);
			break;
		case AM_NEXT_LAPSE:
			am_act_miss(a, next.clock, next.at);
			break;
		case AM_NEXT_RUNG:
			fire(a, next.clock, next.rung);
			break;
		case AM_NEXT_FORGET: /* the journal goes, and needs no line */
			a->up->forget = true;
			a->silent = true;
			return;
		case AM_NEXT_NONE:
			return;
		}
		end_aftercare(a);
	}
}
