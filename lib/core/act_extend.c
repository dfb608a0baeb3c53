/*
 * act_extend - a deadline is moved out, by somebody's leave.
 *
 * What an extension adds becomes budget, so rungs that have not fired follow it
 * and holds and tiers work on. Its share is kept apart (`extra`): whether the
 * promise first made was held can still be told.
 */

#include "base/str.h"
#include "base/time.h"
#include "core/followup.h"

/* -1: no clock of that name that could ever be extended. */
static int
which(const struct am_loopdef *def, const struct am_event *ev)
{
	struct am_str name = am_event_get(ev, "clock");

	for (size_t i = 0; i < AM_CLOCK_CALLBACK; i++) {
		if (i != AM_CLOCK_AFTERCARE && def->clocks[i].in_use &&
		    am_str_is(name, def->clocks[i].name))
			return (int)i;
	}
	return -1;
}

static const struct am_clock *
its_clock(const struct am_loopdef *def, const struct am_complaint *c,
    const struct am_event *ev)
{
	return &c->clocks[which(def, ev)];
}

/* When the clock would lapse; one that is held as if it went on now. */
static am_ms
lapse(const struct am_loopdef *def, const struct am_complaint *c, size_t i,
    am_ms at)
{
	const struct am_clock *k = &c->clocks[i];
	am_ms due;

	if (k->state == AM_CLK_RUNNING)
		return am_clock_due(def, c, i);
	if (am_calendar_add(am_clock_calendar(def, c, i), at,
		k->budget - k->consumed, &due) != 0)
		return AM_NEVER;
	return due;
}

/* What an extension asks for and what of it can be had. */
struct gain {
	am_ms from, to; /* to is AM_NEVER when it cannot be read or reached */
	am_ms work;	/* on the clock */
	bool cut;	/* by final */
};

static struct gain
gain(const struct am_loopdef *def, const struct am_complaint *c,
    const struct am_event *ev)
{
	size_t i = (size_t)which(def, ev);
	struct am_str by = am_event_get(ev, "by");
	struct am_str until = am_event_get(ev, "until");
	am_ms final = am_clock_due(def, c, AM_CLOCK_FINAL);
	struct gain g = { .from = lapse(def, c, i, ev->at), .to = AM_NEVER };
	struct am_duration d;

	if (by.n > 0 && until.n > 0)
		return g;
	if (am_duration_parse(by, &d) == 0)
		g.to = am_clock_after(def, c, i, g.from, d);
	else if (am_rfc3339_parse(until, &g.to) != 0)
		g.to = AM_NEVER;
	if (g.to == AM_NEVER)
		return g;
	if (g.to > final) {
		g.to = final;
		g.cut = true;
	}
	g.work = am_calendar_span(am_clock_calendar(def, c, i), g.from, g.to);
	return g;
}

AM_GUARD(am_is_no_clock)
{
	return which(def, ev) < 0;
}

AM_GUARD(am_is_final_clock)
{
	return which(def, ev) == AM_CLOCK_FINAL;
}

AM_GUARD(am_is_no_due)
{
	const struct am_clock *k = its_clock(def, c, ev);

	return !am_clock_live(k) || k->budget <= 0;
}

AM_GUARD(am_is_lapsed)
{
	return its_clock(def, c, ev)->missed ||
	       am_clock_due(def, c, (size_t)which(def, ev)) < ev->at;
}

AM_GUARD(am_is_extended_out)
{
	return its_clock(def, c, ev)->extensions >= def->max_extensions;
}

/* A clock that stands still has no due that an instant could replace. */
AM_GUARD(am_is_until_while_held)
{
	return its_clock(def, c, ev)->state == AM_CLK_STOPPED &&
	       am_event_get(ev, "until").n > 0;
}

AM_GUARD(am_is_bad_extension)
{
	return gain(def, c, ev).to == AM_NEVER;
}

AM_GUARD(am_is_no_gain)
{
	return gain(def, c, ev).work <= 0;
}

void
am_refuse_clock(struct am_act *a)
{
	am_act_refuse(a, "bad_value", "clock",
	    "no clock of this loop that can be extended; a stage's name, "
	    "acknowledge or inform");
}

void
am_refuse_held_until(struct am_act *a)
{
	am_act_refuse(a, "held", "until",
	    "its clock stands still and has no due to replace; say by how "
	    "much longer, or resume the complaint first");
}

void
am_refuse_extension(struct am_act *a)
{
	am_act_refuse(a, "bad_value",
	    am_event_get(a->ev, "until").n > 0 ? "until" : "by",
	    "not one extension within reach; either by, a duration as in 2h "
	    "or 3bd, or until, a time as in 2026-11-21T09:00:00+08:00");
}

void
am_extend(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	size_t i = (size_t)which(a->def, a->ev);
	struct gain g = gain(a->def, c, a->ev);
	struct am_clock *k = &c->clocks[i];
	struct am_note *n;
	bool notice;

	am_act_change(a);
	k->budget += g.work;
	k->extra += g.work;
	k->extensions++;
	n = am_act_moved(
	    a, i, k->state == AM_CLK_RUNNING ? g.from : AM_NEVER, "extended");
	am_note_str(n, "approver", am_act_field(a, "approver"));
	am_note_c(n, "cut", g.cut ? "yes" : "");
	am_tally_day(a, "extended", a->def->clocks[i].name);
	if (am_str_bool(am_event_get(a->ev, "notice"), &notice) == 0 && notice)
		am_fu_notice(a, i, AM_NOTICE_EXTENDED, AM_ROLE_CUSTOMER);
}

bool
am_act_late_original(struct am_act *a, size_t i, am_ms at)
{
	struct am_complaint *c = &a->up->next;
	struct am_clock *k = &c->clocks[i];
	am_ms due;

	k->budget -= k->extra;
	due = am_clock_due(a->def, c, i);
	k->budget += k->extra;
	return due < at;
}
