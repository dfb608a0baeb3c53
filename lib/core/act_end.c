/*
 * act_end - ends without the customer's consent: withdrawn, not upheld; and the
 * recourse notice that tells the customer where else to go.
 *
 * A rejection does not close: it asks for the recourse notice, and the loop
 * closes when a channel has accepted it. Until then the customer may still say
 * that it is solved. When no channel takes it a person is told, who closes.
 *
 * What became of the latest notice is kept, whatever called for it: a
 * rejection, a deadlock, or the end of `final`, by a rung of conf or without.
 */

#include "core/fu.h"

/* ---- the recourse notice ---- */

void
am_act_recourse_sent(struct am_act *a, size_t clock, uint8_t rung)
{
	a->up->next.recourse = AM_RECOURSE_SENT;
	if (am_act_is_untold(a, clock, rung))
		am_act_recourse_ended(a, false);
}

void
am_act_recourse(struct am_act *a)
{
	am_fu_notice(a, AM_CLOCK_FINAL, AM_NOTICE_RECOURSE, AM_ROLE_CUSTOMER);
	am_act_recourse_sent(a, AM_CLOCK_FINAL,
	    am_notice_rung(AM_NOTICE_RECOURSE, AM_ROLE_CUSTOMER));
}

void
am_act_final_over(struct am_act *a)
{
	const struct am_complaint *c = &a->up->next;
	const struct am_clockdef *d = &a->def->clocks[AM_CLOCK_FINAL];
	unsigned fired = c->clocks[AM_CLOCK_FINAL].fired;

	for (size_t r = 0; r < d->rungs_n; r++) {
		if (am_fu_is_recourse(a->def, AM_CLOCK_FINAL, (uint8_t)r) &&
		    (d->rungs[r].except_tiers >> c->tier & 1) == 0 &&
		    (fired >> r & 1) == 0)
			return;
	}
	am_act_recourse(a);
}

static void
note_recourse(struct am_act *a, const char *name)
{
	const struct am_complaint *c = &a->up->next;
	struct am_note *n = am_act_note(a, name);

	am_note_c(n, "stage", a->def->stages[c->stage].name);
	am_note_c(n, "reason",
	    (c->flags & AM_CF_NOT_UPHELD) != 0 ||
		    c->outcome == AM_OUTCOME_NOT_UPHELD
		? "rejected"
	    : (c->flags & AM_CF_DEADLOCK) != 0 ? "deadlock"
					       : "final");
}

void
am_act_recourse_ended(struct am_act *a, bool delivered)
{
	struct am_complaint *c = &a->up->next;

	if (!delivered && c->recourse != AM_RECOURSE_SENT)
		return; /* another one has told the customer */
	note_recourse(a, delivered ? "recourse.notified" : "recourse.failed");
	c->recourse = delivered ? AM_RECOURSE_DELIVERED : AM_RECOURSE_FAILED;
	if (c->status == AM_CLOSED)
		return;
	if (!delivered) {
		am_fu_notice(a, AM_CLOCK_FINAL, AM_NOTICE_UNREACHABLE,
		    AM_ROLE_SUPERVISOR);
	} else if ((c->flags & AM_CF_NOT_UPHELD) != 0) {
		am_act_change(a);
		am_act_close(a, AM_OUTCOME_NOT_UPHELD, "not_upheld");
	}
}

void
am_act_recourse_dropped(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;

	if (c->recourse != AM_RECOURSE_SENT)
		return;
	for (size_t i = 0; i < c->waiting_n; i++) {
		const struct am_waiting *w = &c->waiting[i];

		if (am_fu_is_recourse(a->def, w->clock, w->rung))
			return;
	}
	c->recourse = AM_RECOURSE_NONE;
}

/* ---- complaint.rejected ---- */

AM_GUARD(am_is_rejected)
{
	return (c->flags & AM_CF_NOT_UPHELD) != 0;
}

void
am_reject(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	struct am_note *n = am_act_note(a, "complaint.rejected");

	am_act_change(a);
	am_note_c(n, "stage", a->def->stages[c->stage].name);
	am_note_str(n, "approver", am_act_field(a, "approver"));
	am_note_str(n, "evidence_ref", am_act_field(a, "evidence_ref"));
	am_tally_day(a, "rejected", NULL);
	for (size_t i = AM_CLOCK_STAGE0; i < AM_CLOCKS_MAX; i++)
		(void)am_act_end(a, i, a->ev->at, AM_CLK_OVER);
	c->flags |= AM_CF_NOT_UPHELD;
	c->flags &= (uint16_t)~AM_CF_CONTRADICTORY;
	am_act_recourse(a);
}

/* ---- complaint.withdrawn ---- */

/* The receipt comes behind the closing, which drops what waits. */
void
am_withdraw(struct am_act *a)
{
	am_act_change(a);
	am_act_close(a, AM_OUTCOME_WITHDRAWN, "withdrawn");
	if (a->def->notify_withdrawal)
		am_fu_notice(
		    a, AM_CLOCK_FINAL, AM_NOTICE_WITHDRAWN, AM_ROLE_CUSTOMER);
}
