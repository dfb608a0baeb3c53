/*
 * act_life - a complaint is opened, given to somebody, acknowledged, held and
 * resumed, withdrawn.
 */

#include "base/str.h"
#include "base/time.h"
#include "core/followup.h"

/* ---- opened ---- */

/* "zh-CN" is kept as "zh-cn": tags are compared without regard to case. */
static struct am_str
language(struct am_act *a)
{
	struct am_str v = am_act_field(a, "locale");
	char *p = (char *)v.p;

	for (size_t i = 0; i < v.n; i++) {
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] - 'A' + 'a');
	}
	return v;
}

static void
start_clocks(struct am_act *a)
{
	const struct am_loopdef *def = a->def;

	for (size_t i = 0; i < AM_CLOCK_STAGE0; i++) {
		if (i != AM_CLOCK_AFTERCARE && def->clocks[i].in_use)
			am_act_start(a, i, a->ev->at);
	}
	/* the question is not asked before its stage, whatever conf says */
	for (size_t i = 1; i < def->stages_n; i++) {
		if (def->clocks[AM_CLOCK_STAGE0 + i].from_receipt &&
		    def->stages[i].kind == AM_STAGE_WORK)
			am_act_start(a, AM_CLOCK_STAGE0 + i, a->ev->at);
	}
}

void
am_open_loop(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	int tier = am_loopdef_tier(a->def, am_event_get(a->ev, "tier"));
	struct am_note *n;

	c->id = am_arena_dup(a->up->arena, c->id);
	c->loop_ref = am_str_c(a->def->ref);
	c->status = AM_OPEN;
	c->tier = (uint8_t)(tier >= 0 ? (size_t)tier : a->def->default_tier);
	c->cycle = 1;
	c->opened_at = a->ev->at;
	c->owner = c->loop_owner = am_act_field(a, "owner");
	c->supervisor = am_act_field(a, "supervisor");
	c->team = am_act_field(a, "team");
	c->category = am_act_field(a, "category");
	c->lang = language(a);
	c->hold_reason = AM_STR("");
	am_act_change(a);
	n = am_act_note(a, "complaint.opened");
	am_note_str(n, "loop", c->loop_ref);
	am_note_c(n, "tier", a->def->tiers[c->tier]);
	am_note_str(n, "category", c->category);
	am_note_str(n, "owner", c->owner);
	am_tally_open(a, 1);
	am_tally_day(a, "opened", NULL);
	start_clocks(a);
	am_act_enter(a, 0);
}

void
am_refuse_unknown(struct am_act *a)
{
	am_act_refuse(a, "unknown_complaint", "complaint_id",
	    "no open or closed complaint of that id; complaint.opened comes "
	    "first, then replay this");
}

/* ---- assigned ---- */

AM_GUARD(am_is_same_owner)
{
	struct am_str who = am_event_get(ev, "owner");
	struct am_str role = am_event_get(ev, "role");

	return am_str_eq(who, am_str_is(role, "supervisor") ? c->supervisor
			      : am_str_is(role, "team")	    ? c->team
							    : c->owner);
}

void
am_assign(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	struct am_str who = am_act_field(a, "owner");
	struct am_str role = am_act_field(a, "role");
	struct am_str *place = &c->owner;
	struct am_note *n = am_act_note(a, "owner.changed");

	if (am_str_is(role, "supervisor"))
		place = &c->supervisor;
	else if (am_str_is(role, "team"))
		place = &c->team;
	am_note_str(n, "from", *place);
	am_note_str(n, "to", who);
	am_note_str(n, "role", role);
	am_note_c(n, "stage", a->def->stages[c->stage].name);
	*place = who;
	if (am_event_get(a->ev, "team").n > 0)
		c->team = am_act_field(a, "team");
	if (c->loop_owner.n == 0) /* the first receiver keeps the loop */
		c->loop_owner = c->owner;
	am_act_change(a);
}

/* ---- acknowledged ---- */

AM_GUARD(am_is_acknowledged)
{
	return (c->flags & AM_CF_ACKNOWLEDGED) != 0 &&
	       am_event_get(ev, "ttl").n == 0;
}

/* Until when the ladders wait; 0 without a ttl, AM_NEVER when it is none. */
static am_ms
ttl_end(const struct am_loopdef *def, const struct am_complaint *c,
    const struct am_event *ev)
{
	struct am_str ttl = am_event_get(ev, "ttl");
	struct am_duration d;

	if (ttl.n == 0)
		return 0;
	if (am_duration_parse(ttl, &d) != 0)
		return AM_NEVER;
	return am_clock_after(
	    def, c, AM_CLOCK_STAGE0 + (size_t)c->stage, ev->at, d);
}

AM_GUARD(am_is_bad_ttl)
{
	return ttl_end(def, c, ev) == AM_NEVER;
}

void
am_refuse_ttl(struct am_act *a)
{
	am_act_refuse(a, "bad_value", "ttl",
	    "not a duration within reach; digits and one of s m h bd d w, "
	    "as in 30m");
}

void
am_acknowledge(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	am_ms until = ttl_end(a->def, c, a->ev);
	bool live = am_clock_live(&c->clocks[AM_CLOCK_ACKNOWLEDGE]);
	am_ms due = am_clock_due(a->def, c, AM_CLOCK_ACKNOWLEDGE);
	struct am_note *n = am_act_note(a, "complaint.acknowledged");
	bool hit;

	c->flags |= AM_CF_ACKNOWLEDGED;
	hit = am_act_end(a, AM_CLOCK_ACKNOWLEDGE, a->ev->at, AM_CLK_MET);
	if (live) {
		am_note_int(a, n, "due_at", due);
		am_note_c(n, "late", hit ? "no" : "yes");
		if (hit)
			am_tally_day(a, "met",
			    a->def->clocks[AM_CLOCK_ACKNOWLEDGE].name);
	}
	if (until > c->quiet_until)
		c->quiet_until = until;
	if (until != 0)
		am_note_int(a, n, "quiet_until", c->quiet_until);
	if (a->def->clocks[AM_CLOCK_INFORM].in_use) {
		(void)am_act_end(a, AM_CLOCK_INFORM, a->ev->at, AM_CLK_MET);
		am_act_start(a, AM_CLOCK_INFORM, a->ev->at);
	}
	am_act_change(a);
}

/* ---- held, resumed ---- */

AM_GUARD(am_is_unlisted)
{
	struct am_str reason = am_event_get(ev, "reason");

	for (size_t i = 0; i < def->hold_reasons_n; i++) {
		if (am_str_is(reason, def->hold_reasons[i]))
			return false;
	}
	return true;
}

static am_ms
until(const struct am_event *ev)
{
	struct am_str text = am_event_get(ev, "until");
	am_ms t;

	if (text.n == 0)
		return AM_NEVER;
	return am_rfc3339_parse(text, &t) == 0 ? t : 0;
}

AM_GUARD(am_is_bad_until)
{
	return until(ev) <= ev->at;
}

void
am_refuse_reason(struct am_act *a)
{
	am_act_refuse(a, "bad_value", "reason",
	    "not a reason to hold; one of the loop's hold_reasons");
}

void
am_refuse_until(struct am_act *a)
{
	am_act_refuse(a, "bad_value", "until",
	    "not a time after the event's own; RFC 3339, "
	    "2026-11-21T09:00:00+08:00");
}

/* As the event says; else the shipped reason waiting_customer says it. */
static bool
waits_for_customer(const struct am_event *ev)
{
	struct am_str on = am_event_get(ev, "waiting_on");

	if (on.n > 0)
		return am_str_is(on, "customer");
	return am_str_is(am_event_get(ev, "reason"), "waiting_customer");
}

void
am_hold(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	struct am_note *n = am_act_note(a, "complaint.held");

	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		if (am_clock_holds(i))
			am_act_stop(a, i, a->ev->at);
	}
	c->status = AM_HELD;
	c->held_since = a->ev->at;
	c->hold_until = until(a->ev);
	c->hold_reason = am_act_field(a, "reason");
	c->flags &= (uint16_t)~AM_CF_WAITS_CUSTOMER;
	if (waits_for_customer(a->ev))
		c->flags |= AM_CF_WAITS_CUSTOMER;
	if (a->def->clocks[AM_CLOCK_HOLD].rungs_n > 0)
		am_act_start(a, AM_CLOCK_HOLD, a->ev->at);
	am_note_str(n, "reason", c->hold_reason);
	am_note_str(n, "waiting_on", am_act_field(a, "waiting_on"));
	am_note_c(n, "stage", a->def->stages[c->stage].name);
	am_note_int(a, n, "until", am_hold_end(a->def, c));
	am_tally_live(a, "held", 1);
	am_act_change(a);
}

void
am_resume(struct am_act *a)
{
	am_act_change(a);
	am_act_resume(a, a->ev->at, "resumed");
}

/* ---- withdrawn ---- */

void
am_withdraw(struct am_act *a)
{
	am_act_change(a);
	am_act_close(a, AM_OUTCOME_WITHDRAWN, "withdrawn");
}
