/*
 * act_role - who owns a complaint, who may not, and what a rung does about it.
 *
 * Whoever is complained about (`respondents`) never gets it and never resolves
 * it. The first owner stays the loop's, whoever has it in hand.
 */

#include <string.h>

#include "base/str.h"
#include "core/followup.h"
#include "core/person.h"

bool
am_act_is_respondent(const struct am_complaint *c, struct am_str who)
{
	struct am_str rest = c->respondents;

	while (who.n > 0 && rest.n > 0) {
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t n = end != NULL ? (size_t)(end - rest.p) : rest.n;

		if (am_str_eq(who, (struct am_str){ rest.p, n }))
			return true;
		n += end != NULL;
		rest.p += n;
		rest.n -= n;
	}
	return false;
}

/* ---- assigned ---- */

/* The supervisor and the team stand beside the owner. */
static struct am_str *
place_of(struct am_complaint *c, struct am_str role)
{
	return am_str_is(role, "supervisor") ? &c->supervisor
	       : am_str_is(role, "team")     ? &c->team
					     : &c->owner;
}

static struct am_str
holder_now(const struct am_complaint *c, const struct am_event *ev)
{
	return *place_of((struct am_complaint *)c, am_event_get(ev, "role"));
}

AM_GUARD(am_is_same_owner)
{
	struct am_str team = am_event_get(ev, "team");

	return am_str_eq(am_event_get(ev, "owner"), holder_now(c, ev)) &&
	       (team.n == 0 || am_str_eq(team, c->team));
}

AM_GUARD(am_is_recused)
{
	return am_act_is_respondent(c, am_event_get(ev, "owner")) ||
	       am_act_is_respondent(c, am_event_get(ev, "team"));
}

AM_GUARD(am_is_not_theirs)
{
	struct am_str from = am_event_get(ev, "from");

	return from.n > 0 && !am_str_eq(from, holder_now(c, ev));
}

void
am_refuse_recused(struct am_act *a)
{
	am_act_refuse(a, "recused", "owner",
	    "the complaint is about them; give it to somebody who is not "
	    "among its respondents");
}

void
am_refuse_from(struct am_act *a)
{
	am_act_refuse(a, "conflict", "from",
	    "it is not theirs any more; look at it again and name who has it "
	    "now");
}

/* Give a place to somebody else, by an event or by a rung. */
static void
hand_over(struct am_act *a, struct am_str *place, struct am_str who,
    struct am_str role, const char *reason)
{
	struct am_complaint *c = &a->up->next;
	struct am_note *n = am_act_note(a, "owner.changed");

	am_act_change(a);
	am_note_str(n, "from", *place);
	am_note_str(n, "to", who);
	am_note_str(n, "role", role);
	am_note_c(n, "stage", a->def->stages[c->stage].name);
	am_note_c(n, "reason", reason);
	*place = who;
	if (c->loop_owner.n == 0) /* the first receiver keeps the loop */
		c->loop_owner = c->owner;
	am_act_watch_owner(a);
}

void
am_assign(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	struct am_str role = am_act_field(a, "role");

	if (am_event_get(a->ev, "team").n > 0)
		c->team = am_act_field(a, "team");
	hand_over(a, place_of(c, role), am_act_field(a, "owner"), role, NULL);
}

/* ---- who resolves, who confirms ---- */

static bool
is_last_work(const struct am_loopdef *def, const struct am_event *ev)
{
	int stage = am_loopdef_stage(def, am_event_get(ev, "stage"));

	return stage >= 0 && (size_t)stage + 2 == def->stages_n;
}

AM_GUARD(am_is_recused_work)
{
	return is_last_work(def, ev) &&
	       (am_act_is_respondent(c, ev->actor_id) ||
		   am_act_is_respondent(c, c->owner));
}

void
am_refuse_recused_work(struct am_act *a)
{
	am_act_refuse(a, "recused", "actor.id",
	    "who is complained about does not resolve it; somebody else, who "
	    "is not among its respondents");
}

AM_GUARD(am_is_own_work)
{
	return def->separate_confirm && c->resolver.n > 0 &&
	       am_str_eq(ev->actor_id, c->resolver) &&
	       !am_str_is(ev->actor_role, "customer");
}

void
am_refuse_own_work(struct am_act *a)
{
	am_act_refuse(a, "own_work", "actor.id",
	    "who resolved it does not record the customer's answer "
	    "(separate_confirm); a colleague, or the customer");
}

/* ---- what a rung does ---- */

bool
am_act_give(struct am_act *a, enum am_role to, const char *reason)
{
	struct am_complaint *c = &a->up->next;
	struct am_str who = am_person_holding(a->def, c, to);

	if (who.n > 0 && !am_str_eq(who, c->owner))
		hand_over(a, &c->owner, who, am_str_c(am_role_str(to)), reason);
	return who.n > 0;
}

static void
reassign(struct am_act *a, size_t clock, const struct am_rungdef *r)
{
	struct am_complaint *c = &a->up->next;
	struct am_note *n;

	if (am_act_give(a, r->to, r->name))
		return;
	n = am_act_note(a, "owner.unassignable");
	am_note_c(n, "role", am_role_str(r->to));
	am_note_c(n, "stage", a->def->stages[c->stage].name);
	am_note_c(n, "rung", r->name);
	am_fu_notice(a, clock, AM_NOTICE_UNOWNED, AM_ROLE_SUPERVISOR);
}

/* The next step of the stage's ladder that somebody on the staff would hear of:
 * there is no owner to tell. */
static size_t
next_for_staff(
    const struct am_loopdef *def, const struct am_complaint *c, size_t clock)
{
	const struct am_clockdef *d = &def->clocks[clock];
	const struct am_clock *k = &c->clocks[clock];
	size_t r = 0;

	if (!am_clock_live(k))
		return d->rungs_n;
	while (r < d->rungs_n &&
	       (d->rungs[r].to == AM_ROLE_CUSTOMER ||
		   d->rungs[r].to == AM_ROLE_OWNER || d->rungs[r].told ||
		   d->rungs[r].via_n == 0 || (k->fired >> r & 1) != 0 ||
		   (d->rungs[r].except_tiers >> c->tier & 1) != 0))
		r++;
	return r;
}

/* Nobody has owned the stage for unowned_max. */
static void
climb(struct am_act *a)
{
	const struct am_complaint *c = &a->up->next;
	size_t clock = AM_CLOCK_STAGE0 + (size_t)c->stage;
	size_t r = next_for_staff(a->def, c, clock);
	struct am_note *n;

	if (r == a->def->clocks[clock].rungs_n) {
		am_fu_notice(
		    a, AM_CLOCK_UNOWNED, AM_NOTICE_UNOWNED, AM_ROLE_SUPERVISOR);
		return;
	}
	n = am_act_note(a, "escalation.raised");
	am_note_c(n, "to", am_role_str(a->def->clocks[clock].rungs[r].to));
	am_note_c(n, "clock", a->def->clocks[clock].name);
	am_note_c(n, "rung", a->def->clocks[clock].rungs[r].name);
	am_note_c(n, "reason", "unowned");
	am_act_rung_action(a, clock, r);
	am_fu_rung_told(a, clock, r, "unowned");
}

void
am_act_rung_action(struct am_act *a, size_t clock, size_t rung)
{
	const struct am_rungdef *r = &a->def->clocks[clock].rungs[rung];

	if (a->up->next.status == AM_CLOSED)
		return; /* aftercare talks, it decides nothing */
	switch (r->action) {
	case AM_ACTION_NONE:
		break;
	case AM_ACTION_REASSIGN:
		reassign(a, clock, r);
		break;
	case AM_ACTION_CLIMB:
		climb(a);
		break;
	case AM_ACTION_RAISE_TIER:
		am_act_raise_tier(a, r->name);
		break;
	case AM_ACTION_CLOSE:
		am_act_silence_over(a);
		break;
	}
}
