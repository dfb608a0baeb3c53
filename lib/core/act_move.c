/*
 * act_move - a complaint goes on by other rules: its calendar was edited, or it
 * is migrated to another definition of its loop.
 *
 * Dues are derived, so an edit needs no change of state: the event brings the
 * dues that the old rules gave, and the step tells which of them are others
 * now. What has fired stays fired, what was missed stays missed.
 */

#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "core/followup.h"

struct am_note *
am_act_moved(struct am_act *a, size_t i, am_ms old, const char *reason)
{
	const struct am_complaint *c = &a->up->next;
	am_ms due = am_clock_due(a->def, c, i);
	struct am_note *n = am_act_note(a, "deadline.moved");

	am_note_c(n, "clock", a->def->clocks[i].name);
	if (old != AM_NEVER) /* it stands still: there is none */
		am_note_int(a, n, "old", old);
	if (due != AM_NEVER)
		am_note_int(a, n, "new", due);
	am_note_int(a, n, "budget", c->clocks[i].budget);
	am_note_c(n, "reason", reason);
	return n;
}

/* ---- the dues that were ---- */

struct was {
	size_t clock;
	am_ms due;
};

static bool
is_due(const struct am_pair *f)
{
	return am_str_is(f->key, "due") || am_str_prefix(f->key, "due[");
}

/* A number and the blank behind it leave the text. */
static int
next_number(struct am_str *text, uint64_t max, size_t *n)
{
	const char *blank = memchr(text->p, ' ', text->n);
	struct am_str digits = { text->p, 0 };
	uint64_t v;

	if (blank == NULL)
		return -AM_EINVAL;
	digits.n = (size_t)(blank - text->p);
	if (am_str_u64(digits, &v) != 0 || v >= max)
		return -AM_EINVAL;
	*n = (size_t)v;
	text->p += digits.n + 1;
	text->n -= digits.n + 1;
	return 0;
}

/* "4 1795395600000", or "4 never" */
static int
read_due(struct am_str text, struct was *w)
{
	if (next_number(&text, AM_CLOCKS_MAX, &w->clock) != 0)
		return -AM_EINVAL;
	w->due = AM_NEVER;
	return am_str_is(text, "never") ? 0 : am_str_i64(text, &w->due);
}

AM_GUARD(am_is_bad_due)
{
	struct was w;

	for (size_t i = 0; i < ev->fields_n; i++) {
		if (is_due(&ev->fields[i]) && ev->fields[i].value.n > 0 &&
		    read_due(ev->fields[i].value, &w) != 0)
			return true;
	}
	return false;
}

void
am_refuse_due(struct am_act *a)
{
	am_act_refuse(a, "bad_value", "due",
	    "not a clock and its due; the slot's number, a blank and "
	    "milliseconds");
}

/* The next due of the event that is another now; false: there is none. */
static bool
next_moved(const struct am_loopdef *def, const struct am_complaint *c,
    const struct am_event *ev, size_t *at, struct was *w)
{
	while (*at < ev->fields_n) {
		const struct am_pair *f = &ev->fields[(*at)++];

		if (is_due(f) && f->value.n > 0 && read_due(f->value, w) == 0 &&
		    c->clocks[w->clock].state == AM_CLK_RUNNING &&
		    am_clock_due(def, c, w->clock) != w->due)
			return true;
	}
	return false;
}

/* Told one by one; a lapse of the old rules that nobody saw is still one. */
static void
tell_moved(struct am_act *a, const char *reason, struct am_str calendar)
{
	struct am_complaint *c = &a->up->next;
	struct was w;

	for (size_t at = 0; next_moved(a->def, c, a->ev, &at, &w);) {
		if (!c->clocks[w.clock].missed && w.due < a->ev->at &&
		    am_clock_has_lapse(c, w.clock))
			am_act_miss(a, w.clock, w.due);
		am_note_str(am_act_moved(a, w.clock, w.due, reason), "calendar",
		    calendar);
	}
}

/* ---- the rungs that had fired ---- */

struct rung {
	size_t clock, place;
	struct am_str name;
};

/* "4 0 warn" */
static int
read_rung(struct am_str text, struct rung *r)
{
	if (next_number(&text, AM_CLOCKS_MAX, &r->clock) != 0 ||
	    next_number(&text, AM_RUNGS_MAX, &r->place) != 0)
		return -AM_EINVAL;
	r->name = text;
	return 0;
}

static bool
next_rung(const struct am_event *ev, size_t *at, struct rung *r)
{
	while (*at < ev->fields_n) {
		const struct am_pair *f = &ev->fields[(*at)++];

		if (am_str_prefix(f->key, "fired[") && f->value.n > 0 &&
		    read_rung(f->value, r) == 0)
			return true;
	}
	return false;
}

/* -1: the new ladder does not have it. */
static int
place_in(const struct am_loopdef *def, const struct rung *r)
{
	const struct am_clockdef *d = &def->clocks[r->clock];

	for (size_t i = 0; i < d->rungs_n; i++) {
		if (am_str_is(r->name, d->rungs[i].name))
			return (int)i;
	}
	return -1;
}

/* A rung that has fired and is not named could fire again. */
AM_GUARD(am_is_bad_fired)
{
	uint16_t named[AM_CLOCKS_MAX] = { 0 };
	struct rung r;

	for (size_t at = 0; next_rung(ev, &at, &r);)
		named[r.clock] |= (uint16_t)(1u << r.place);
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		if (am_clock_live(&c->clocks[i]) &&
		    (c->clocks[i].fired & ~named[i]) != 0)
			return true;
	}
	return false;
}

void
am_refuse_fired(struct am_act *a)
{
	am_act_refuse(a, "bad_value", "fired",
	    "not all rungs that have fired; each as the clock's slot, the "
	    "rung's place and its name");
}

/* ---- calendar.changed ---- */

AM_GUARD(am_is_same_due)
{
	struct was w;
	size_t at = 0;

	return !next_moved(def, c, ev, &at, &w);
}

void
am_reproject(struct am_act *a)
{
	tell_moved(a, "calendar", am_act_field(a, "reason"));
}

/* ---- loop.migrated ---- */

AM_GUARD(am_is_there)
{
	return am_str_is(c->loop_ref, def->ref);
}

AM_GUARD(am_is_elsewhere)
{
	return !am_str_eq(c->loop_ref, am_event_get(ev, "from"));
}

/* Would the record be whole under the new definition? */
AM_GUARD(am_is_misfit)
{
	int tier = am_loopdef_tier(def, am_event_get(ev, "tier"));
	struct am_complaint as = *c;

	if (tier < 0)
		return true;
	as.tier = (uint8_t)tier;
	return am_complaint_check(def, &as) != 0;
}

void
am_refuse_elsewhere(struct am_act *a)
{
	am_act_refuse(a, "conflict", "from",
	    "it is not on that loop any more; look at it again and name the "
	    "one that it is on");
}

void
am_refuse_misfit(struct am_act *a)
{
	am_act_refuse(a, "misfit", "loop",
	    "its stages or its tier are not in the new loop; a loop with the "
	    "same stages and a tier of that name");
}

/* "stage:LOOP:STAGE:TIER" in the words of the loop that it leaves. */
static void
leave_tally(struct am_act *a)
{
	const struct am_complaint *c = &a->up->next;
	const char *end = memchr(c->loop_ref.p, '@', c->loop_ref.n);
	struct am_str loop = c->loop_ref;
	struct am_buf b;

	if (end != NULL)
		loop.n = (size_t)(end - loop.p);
	am_buf_arena(&b, a->up->arena, 96);
	am_buf_adds(&b, "stage:");
	am_buf_addstr(&b, loop);
	am_buf_addc(&b, ':');
	am_buf_adds(&b, a->def->stages[c->stage].name);
	am_buf_addc(&b, ':');
	am_buf_addstr(&b, am_event_get(a->ev, "tier"));
	am_buf_addc(&b, '\0');
	am_tally_live(a, b.p, -1);
	am_tally_open(a, -1);
}

/*
 * What lies behind us counts as fired, be it only in the new ladder. A rung
 * that waits for an opening does not lie behind us.
 */
static uint16_t
passed(struct am_act *a, size_t i)
{
	struct am_complaint *c = &a->up->next;
	const struct am_clockdef *d = &a->def->clocks[i];
	struct am_clock *k = &c->clocks[i], was = *k;
	uint16_t fired = 0;

	if (k->state == AM_CLK_STOPPED) { /* as if it went on now */
		k->state = AM_CLK_RUNNING;
		k->running_since = a->ev->at;
	}
	for (size_t r = 0; r < d->rungs_n; r++) {
		am_ms at = am_clock_position(a->def, c, i, r);

		if (d->rungs[r].defer && at != AM_NEVER &&
		    am_calendar_next_open(
			am_clock_calendar(a->def, c, i), at, &at) != 0)
			at = AM_NEVER;
		if (at <= a->ev->at)
			fired |= (uint16_t)(1u << r);
	}
	*k = was;
	return fired;
}

/* Rungs that had fired, where they stand in the new ladder. */
static uint16_t
fired(struct am_act *a, size_t i)
{
	uint16_t bits = 0;
	struct rung r;
	int place;

	for (size_t at = 0; next_rung(a->ev, &at, &r);) {
		place = r.clock == i ? place_in(a->def, &r) : -1;
		if (place >= 0)
			bits |= (uint16_t)(1u << place);
	}
	return bits;
}

/* Attempts are counted, not dated; with the notice out none is left. */
static uint16_t
attempts_made(struct am_act *a)
{
	const struct am_clockdef *d = &a->def->clocks[AM_CLOCK_CALLBACK];
	uint16_t bits = fired(a, AM_CLOCK_CALLBACK);

	for (size_t r = 0; r < d->rungs_n; r++) {
		if (d->rungs[r].told && (bits >> r & 1) != 0)
			return (uint16_t)((1u << d->rungs_n) - 1);
	}
	return bits;
}

/* What waits knows its rung by its place. */
static void
renumber_waiting(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	struct am_waiting *list =
	    am_arena_alloc(a->up->arena, AM_WAITING_MAX * sizeof(*list));
	struct rung r;

	for (size_t i = 0; i < c->waiting_n; i++) {
		struct am_waiting *w = &list[i];
		int place = -1;

		*w = c->waiting[i];
		if (w->rung >= AM_RUNG_NOTICE)
			continue;
		for (size_t at = 0; next_rung(a->ev, &at, &r);) {
			if (r.clock == w->clock && r.place == w->rung)
				place = place_in(a->def, &r);
		}
		w->rung = (uint8_t)(place >= 0 ? place : AM_RUNGS_MAX);
	}
	c->waiting = list;
	a->waiting_mine = true;
}

static void
rebase_clock(struct am_act *a, size_t i)
{
	struct am_complaint *c = &a->up->next;
	struct am_clock *k = &c->clocks[i];

	if (!am_clock_live(k))
		return;
	if (!a->def->clocks[i].in_use) {
		/* `final` holds notices whether it is in use or not */
		k->state = i == AM_CLOCK_FINAL ? AM_CLK_OFF : AM_CLK_OVER;
		am_fu_drop_rungs(a, i, "migrated");
		return;
	}
	k->budget = am_clock_budget(a->def, c, i, k->started) + k->extra;
	k->fired = i == AM_CLOCK_CALLBACK
		       ? attempts_made(a)
		       : (uint16_t)(fired(a, i) | passed(a, i));
}

/* Clocks of the whole loop that the old one did not have. */
static void
start_missing(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;

	if (a->def->clocks[AM_CLOCK_FINAL].in_use &&
	    c->clocks[AM_CLOCK_FINAL].state == AM_CLK_OFF) {
		am_clock_start(
		    a->def, c, AM_CLOCK_FINAL, c->opened_at, a->cause);
		c->clocks[AM_CLOCK_FINAL].fired = passed(a, AM_CLOCK_FINAL);
	}
	if (a->def->clocks[AM_CLOCK_INFORM].in_use &&
	    c->clocks[AM_CLOCK_INFORM].state == AM_CLK_OFF)
		am_act_start(a, AM_CLOCK_INFORM, a->ev->at);
	if (c->status == AM_OPEN)
		am_act_watch_owner(a);
}

void
am_migrate(struct am_act *a)
{
	struct am_complaint *c = &a->up->next;
	bool counted = c->status != AM_CLOSED;
	struct am_note *n = am_act_note(a, "loop.migrated");

	am_act_change(a);
	am_note_str(n, "from", am_act_field(a, "from"));
	am_note_c(n, "to", a->def->ref);
	am_note_str(n, "tier", am_act_field(a, "tier"));
	am_note_str(n, "by", am_act_field(a, "by"));
	if (counted)
		leave_tally(a);
	c->loop_ref = am_str_c(a->def->ref);
	c->tier = (uint8_t)am_loopdef_tier(a->def, am_event_get(a->ev, "tier"));
	c->flags &= (uint16_t)~AM_CF_EMERGENCY;
	if (am_act_is_emergency(a->def, c->severity))
		c->flags |= AM_CF_EMERGENCY;
	if (c->waiting_n > 0)
		renumber_waiting(a);
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++)
		rebase_clock(a, i);
	if (counted) {
		am_tally_open(a, 1);
		am_tally_stage(a, 1);
		start_missing(a);
	} else {
		am_act_end_aftercare(a);
	}
	tell_moved(a, "migrated", AM_STR(""));
}

/* ---- what only the old definition knows ---- */

static struct am_pair
field(struct am_arena *a, const char *list, size_t n, struct am_str value)
{
	struct am_buf b;

	am_buf_arena(&b, a, 16);
	am_buf_adds(&b, list);
	am_buf_addc(&b, '[');
	am_buf_addi(&b, (int64_t)n);
	am_buf_addc(&b, ']');
	return (struct am_pair){ am_buf_str(&b), value };
}

static struct am_str
due_text(struct am_arena *a, size_t clock, am_ms due)
{
	struct am_buf b;

	am_buf_arena(&b, a, 24);
	am_buf_addi(&b, (int64_t)clock);
	am_buf_addc(&b, ' ');
	if (due == AM_NEVER)
		am_buf_adds(&b, "never");
	else
		am_buf_addi(&b, due);
	return am_buf_str(&b);
}

static struct am_str
rung_text(struct am_arena *a, size_t clock, size_t place, const char *name)
{
	struct am_buf b;

	am_buf_arena(&b, a, 32);
	am_buf_addi(&b, (int64_t)clock);
	am_buf_addc(&b, ' ');
	am_buf_addi(&b, (int64_t)place);
	am_buf_addc(&b, ' ');
	am_buf_adds(&b, name);
	return am_buf_str(&b);
}

struct am_pair *
am_migration_fields(const struct am_loopdef *was, const struct am_complaint *c,
    size_t room, struct am_arena *a, size_t *n)
{
	size_t max = 2 + AM_CLOCKS_MAX * (1 + AM_RUNGS_MAX) + room;
	struct am_pair *f = am_arena_alloc(a, max * sizeof(*f));
	size_t dues = 0, rungs = 0, at = 0;

	f[at++] = (struct am_pair){ AM_STR("from"), c->loop_ref };
	f[at++] =
	    (struct am_pair){ AM_STR("tier"), am_str_c(was->tiers[c->tier]) };
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		const struct am_clockdef *d = &was->clocks[i];
		const struct am_clock *k = &c->clocks[i];

		if (k->state == AM_CLK_RUNNING)
			f[at++] = field(a, "due", dues++,
			    due_text(a, i, am_clock_due(was, c, i)));
		for (size_t r = 0; r < d->rungs_n; r++) {
			if (am_clock_live(k) && (k->fired >> r & 1) != 0)
				f[at++] = field(a, "fired", rungs++,
				    rung_text(a, i, r, d->rungs[r].name));
		}
	}
	*n = at;
	return f;
}
