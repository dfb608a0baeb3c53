/*
 * act_life - a complaint is opened, acknowledged, held and resumed, or ended by
 * a person.
 */

#include "base/buf.h"
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

/* `respondents`, `respondents[0]` … */
static bool
is_respondent(const struct am_pair *f)
{
	return f->value.n > 0 && (am_str_is(f->key, "respondents") ||
				     am_str_prefix(f->key, "respondents["));
}

/* With a line feed between them. */
static struct am_str
respondents(struct am_act *a)
{
	struct am_buf b;

	am_buf_arena(&b, a->up->arena, 64);
	for (size_t i = 0; i < a->ev->fields_n; i++) {
		if (!is_respondent(&a->ev->fields[i]))
			continue;
		if (b.n > 0)
			am_buf_addc(&b, '\n');
		am_buf_addstr(&b, a->ev->fields[i].value);
	}
	return am_buf_str(&b);
}

/* They are in the record that every step reads, a line each; leaving some out
 * would let them own what is about them. */
AM_GUARD(am_is_about_many)
{
	size_t n = 0;

	for (size_t i = 0; i < ev->fields_n; i++) {
		struct am_str who = ev->fields[i].value;

		if (!is_respondent(&ev->fields[i]))
			continue;
		n++;
		for (size_t k = 0; k < who.n; k++)
			n += who.p[k] == '\n';
	}
	return n > AM_LIST_MAX;
}

void
am_refuse_respondents(struct am_act *a)
{
	am_act_refuse(a, "too_long", "respondents",
	    "more respondents than are taken; at most 16, or their team");
}

/* Whoever is complained about does not get it. */
static struct am_str
person_field(struct am_act *a, const char *role)
{
	struct am_str who = am_act_field(a, role);
	struct am_note *n;

	if (!am_act_is_respondent(&a->up->next, who))
		return who;
	n = am_act_note(a, "owner.recused");
	am_note_str(n, "who", who);
	am_note_c(n, "role", role);
	return AM_STR("");
}

static void
take_people(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;

	c->respondents = respondents(a);
	c->owner = c->loop_owner = person_field(a, "owner");
	c->supervisor = person_field(a, "supervisor");
	c->team = person_field(a, "team");
}

/* A repeat is more urgent than what it repeats was. */
static void
take_facts(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	int tier = am_loopdef_tier(a->def, am_event_get(a->ev, "tier"));
	bool calls, texts;

	c->tier = (uint8_t)(tier >= 0 ? (size_t)tier : a->def->default_tier);
	c->category = am_act_field(a, "category");
	c->severity = am_act_field(a, "severity");
	c->incident = am_act_field(a, "incident");
	c->tz = am_act_field(a, "tz");
	c->lang = language(a);
	if (am_str_bool(am_event_get(a->ev, "consent.call"), &calls) == 0 &&
	    !calls)
		c->flags |= AM_CF_NO_CALLS;
	if (am_str_bool(am_event_get(a->ev, "consent.sms"), &texts) == 0 &&
	    !texts)
		c->flags |= AM_CF_NO_TEXTS;
	if (am_act_is_emergency(a->def, c->severity))
		c->flags |= AM_CF_EMERGENCY;
	c->repeat_of = am_act_field(a, "repeat_of");
	if (c->repeat_of.n > 0 && c->tier > 0)
		c->tier--;
}

void
am_open_loop(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	struct am_note *n;

	c->id = am_arena_dup(a->up->arena, c->id);
	c->loop_ref = am_str_c(a->def->ref);
	c->status = AM_OPEN;
	c->cycle = 1;
	c->opened_at = a->ev->at;
	c->hold_reason = AM_STR("");
	am_act_change(a);
	n = am_act_note(a, "complaint.opened");
	take_facts(a);
	take_people(a);
	am_note_str(n, "loop", c->loop_ref);
	am_note_c(n, "tier", a->def->tiers[c->tier]);
	am_note_str(n, "severity", c->severity);
	am_note_str(n, "category", c->category);
	am_note_str(n, "incident", c->incident);
	am_note_str(n, "owner", c->owner);
	am_note_str(n, "repeat_of", c->repeat_of);
	am_tally_open(a, 1);
	am_tally_day(a, "opened", NULL);
	if (c->repeat_of.n > 0)
		am_tally_day(a, "repeat", NULL);
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
	const struct am_clock *k = &c->clocks[AM_CLOCK_ACKNOWLEDGE];
	const char *name = a->def->clocks[AM_CLOCK_ACKNOWLEDGE].name;
	am_ms due = am_clock_due(a->def, c, AM_CLOCK_ACKNOWLEDGE);
	bool late =
	    live && am_act_late_original(a, AM_CLOCK_ACKNOWLEDGE, a->ev->at);
	struct am_note *n = am_act_note(a, "complaint.acknowledged");
	bool hit;

	c->flags |= AM_CF_ACKNOWLEDGED;
	hit = am_act_end(a, AM_CLOCK_ACKNOWLEDGE, a->ev->at, AM_CLK_MET);
	if (live) {
		am_note_int(a, n, "due_at", due);
		am_note_c(n, "late", hit ? "no" : "yes");
		if (k->extensions > 0)
			am_note_c(n, "late_original", late ? "yes" : "no");
		if (hit)
			am_tally_day(a, "met", name);
		if (hit && !late)
			am_tally_day(a, "met_original", name);
	}
	if (until > c->quiet_until)
		c->quiet_until = until;
	if (until != 0)
		am_note_int(a, n, "quiet_until", c->quiet_until);
	am_act_contact(a);
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

/* ---- ended by a person ---- */

void
am_force(struct am_act *a)
{
	uint16_t flags = a->up->next.flags;

	am_act_change(a);
	am_act_close(a,
	    (flags & AM_CF_DEADLOCK) != 0      ? AM_OUTCOME_DEADLOCK_CLOSED
	    : (flags & AM_CF_UNREACHABLE) != 0 ? AM_OUTCOME_UNREACHABLE
					       : AM_OUTCOME_FORCED,
	    "closed");
}
