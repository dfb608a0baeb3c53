/*
 * act_message - what is told beside answers: the customer writes, wants no
 * calls, is forgotten; an improvement is marked.
 *
 * A message is no answer and changes no business fact, so the version stays:
 * two agents do not conflict over a letter. It ends a silence and, by its own
 * row of the table, a hold that waits for the customer; only these raise the
 * version. Words of complaint in it keep silence from closing the loop.
 *
 * A message that was to answer the question and does not is told so by its
 * field `reply` (daemon/replies.h). The customer is asked once more in this
 * confirm stage; then it is a person's, for a machine that asks a third time is
 * not listening.
 */

#include "base/str.h"
#include "core/followup.h"

/* ---- customer.message ---- */

AM_GUARD(am_is_awaited)
{
	return def->resume_on_customer &&
	       (c->flags & AM_CF_WAITS_CUSTOMER) != 0;
}

/* The question stands, and this was to answer it. */
AM_GUARD(am_is_unclear)
{
	return am_str_is(am_event_get(ev, "reply"), "unclear") &&
	       def->stages[c->stage].kind == AM_STAGE_CONFIRM &&
	       (c->flags & (AM_CF_DEADLOCK | AM_CF_NOT_UPHELD)) == 0;
}

/* They were asked again, or a person looks at what they said before. */
AM_GUARD(am_is_unclear_again)
{
	return am_is_unclear(def, c, ev, now) &&
	       (c->flags & (AM_CF_ASKED_AGAIN | AM_CF_CONTRADICTORY)) != 0;
}

static struct am_note *
note_message(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	struct am_note *n = am_act_note(a, "customer.message");

	am_note_str(n, "text_ref", am_act_field(a, "text_ref"));
	am_note_str(n, "via", am_act_field(a, "via"));
	am_note_c(n, "stage", a->def->stages[c->stage].name);
	am_note_c(n, "negative", a->ev->negative ? "yes" : NULL);
	am_note_str(n, "reply", am_act_field(a, "reply"));
	return n;
}

/* True when it has ended a silence. */
static bool
hear(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	bool ended;

	am_act_contact(a);
	if (a->def->stages[c->stage].kind == AM_STAGE_CONFIRM &&
	    a->ev->negative)
		c->flags |= AM_CF_NEGATIVE;
	ended = am_act_break_silence(a);
	if (ended)
		am_act_change(a);
	return ended;
}

static void
tell_owner(struct am_act *a)
{
	am_fu_notice(a, AM_CLOCK_STAGE0 + (size_t)a->up->next.stage,
	    AM_NOTICE_MESSAGE, AM_ROLE_OWNER);
}

void
am_take_message(struct am_act *a)
{
	struct am_note *n = note_message(a);

	if (a->up->next.status == AM_CLOSED)
		return; /* noted: no message undoes an end */
	if (!hear(a))
		return;
	am_note_c(n, "effect", "ends_silence");
	tell_owner(a);
}

/* Nothing closes by itself behind a silence that has ended: a person is told,
 * too. */
void
am_ask_again(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	size_t clock = AM_CLOCK_STAGE0 + (size_t)c->stage;
	struct am_note *n = note_message(a);
	bool alone = hear(a);

	am_note_c(n, "effect", "asks_again");
	c->flags |= AM_CF_ASKED_AGAIN;
	am_fu_notice(a, clock, AM_NOTICE_UNCLEAR, AM_ROLE_CUSTOMER);
	if (alone)
		tell_owner(a);
}

void
am_call_for_reply(struct am_act *a)
{
	struct am_note *n = note_message(a);

	(void)hear(a);
	am_note_c(n, "effect", "calls_a_person");
	tell_owner(a);
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
	if (!out && am_str_is(am_event_get(a->ev, "channel"), "sms"))
		c->flags &= (uint16_t)~AM_CF_NO_TEXTS;
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
	am_fu_drop_customers(a, "erased");
}
