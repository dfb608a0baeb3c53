/*
 * act_message - what is told beside answers: the customer writes, wants no
 * calls, is forgotten; an improvement is marked.
 *
 * A message is no answer and changes no business fact, so the version stays:
 * two agents do not conflict over a letter. It ends a silence and, by its own
 * row of the table, a hold that waits for the customer; only these raise the
 * version. Words of complaint in it keep silence from closing the loop.
 */

#include "base/str.h"
#include "core/followup.h"

/* ---- customer.message ---- */

AM_GUARD(am_is_awaited)
{
	return def->resume_on_customer &&
	       (c->flags & AM_CF_WAITS_CUSTOMER) != 0;
}

void
am_take_message(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	size_t clock = AM_CLOCK_STAGE0 + (size_t)c->stage;
	struct am_note *n = am_act_note(a, "customer.message");

	am_note_str(n, "text_ref", am_act_field(a, "text_ref"));
	am_note_str(n, "via", am_act_field(a, "via"));
	am_note_c(n, "stage", a->def->stages[c->stage].name);
	am_note_c(n, "negative", a->ev->negative ? "yes" : NULL);
	if (c->status == AM_CLOSED)
		return; /* noted: no message undoes an end */
	am_act_contact(a);
	if (a->def->stages[c->stage].kind == AM_STAGE_CONFIRM &&
	    a->ev->negative)
		c->flags |= AM_CF_NEGATIVE;
	if (!am_act_break_silence(a))
		return;
	am_act_change(a);
	am_note_c(n, "effect", "ends_silence");
	am_fu_notice(a, clock, AM_NOTICE_MESSAGE, AM_ROLE_OWNER);
}

/* ---- contact.opted_out, contact.opted_in ---- */

/*
 * Calls are ours to plan. Other channels are gated by the address when
 * something is sent; here they leave their line.
 */
void
am_opt(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	bool out = a->ev->type == AM_EV_OPTED_OUT;
	struct am_note *n = am_act_note(a, am_event_spec(a->ev->type)->name);

	am_note_str(n, "channel", am_act_field(a, "channel"));
	am_note_str(n, "scope", am_act_field(a, "scope"));
	if (!am_str_is(am_event_get(a->ev, "channel"), "call"))
		return;
	if (out)
		c->flags |= AM_CF_NO_CALLS;
	else
		c->flags &= (uint16_t)~AM_CF_NO_CALLS;
	if (out)
		am_act_write(a);
}

/* ---- improvement.recorded ---- */

void
am_mark_improvement(struct am_act *a)
{
	struct am_note *n = am_act_note(a, "improvement.recorded");
	struct am_str category = am_act_field(a, "category");

	am_note_str(n, "category", category);
	am_note_str(n, "date", am_act_field(a, "date"));
	am_note_str(n, "owner", am_act_field(a, "owner"));
	am_tally_day(a, "improvement", am_arena_cstr(a->up->arena, category));
}

/* ---- customer.erased ---- */

AM_GUARD(am_is_erased)
{
	return (c->flags & AM_CF_ERASED) != 0;
}

void
am_erase(struct am_act *a)
{
	struct am_note *n = am_act_note(a, "customer.erased");

	am_note_str(n, "scope", am_act_field(a, "scope"));
	am_note_str(n, "approver", am_act_field(a, "approver"));
	a->up->next.flags |= AM_CF_ERASED;
	a->up->erase = true;
}
