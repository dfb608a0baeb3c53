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

/* "4 1795395600000", or "4 never" */
static int
read_due(struct am_str text, struct was *w)
{
	const char *blank = memchr(text.p, ' ', text.n);
	struct am_str left, right;
	uint64_t clock;

	if (blank == NULL)
		return -AM_EINVAL;
	left = (struct am_str){ text.p, (size_t)(blank - text.p) };
	right = (struct am_str){ blank + 1, text.n - left.n - 1 };
	if (am_str_u64(left, &clock) != 0 || clock >= AM_CLOCKS_MAX)
		return -AM_EINVAL;
	w->clock = (size_t)clock;
	w->due = AM_NEVER;
	if (am_str_is(right, "never"))
		return 0;
	return am_str_i64(right, &w->due);
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
 * Bits are places in a ladder, and it is another ladder: what lies behind us
 * counts as fired. A rung that waits for an opening does not lie behind us.
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

/* The notice waits, unsent: it is the last rung of the new ladder, too. */
static void
renumber_notice(struct am_act *a, uint64_t from, size_t to)
{
	struct am_complaint *c = &a->up->next;
	struct am_waiting *w =
	    am_arena_alloc(a->up->arena, AM_WAITING_MAX * sizeof(*w));

	for (size_t i = 0; i < c->waiting_n; i++) {
		w[i] = c->waiting[i];
		if (w[i].clock == AM_CLOCK_CALLBACK && w[i].rung == from)
			w[i].rung = (uint8_t)to;
	}
	c->waiting = w;
	a->waiting_mine = true;
}

/*
 * Attempts are counted, not dated: those made stay made. The notice stands
 * behind the last one of the old loop, whose number the event says.
 */
static uint16_t
attempts_made(struct am_act *a)
{
	const struct am_complaint *c = &a->up->next;
	uint16_t fired = c->clocks[AM_CLOCK_CALLBACK].fired;
	size_t n = a->def->clocks[AM_CLOCK_CALLBACK].rungs_n - 1;
	unsigned before = (1u << n) - 1;
	uint64_t was;

	if (am_str_u64(am_event_get(a->ev, "attempts"), &was) != 0 ||
	    was >= AM_RUNGS_MAX)
		was = n;
	if ((fired >> was & 1) == 0)
		return (uint16_t)(fired & before);
	renumber_notice(a, was, n);
	return (uint16_t)(before | 1u << n);
}

static void
rebase_clock(struct am_act *a, size_t i)
{
	struct am_complaint *c = &a->up->next;
	struct am_clock *k = &c->clocks[i];

	if (!am_clock_live(k))
		return;
	if (!a->def->clocks[i].in_use) {
		am_clock_end(a->def, c, i, a->ev->at, AM_CLK_OVER);
		am_fu_drop_clock(a, i, "migrated");
		return;
	}
	k->budget = am_clock_budget(a->def, c, i, k->started) + k->extra;
	k->fired = i == AM_CLOCK_CALLBACK ? attempts_made(a) : passed(a, i);
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
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++)
		rebase_clock(a, i);
	if (counted) {
		am_tally_open(a, 1);
		am_tally_stage(a, 1);
		start_missing(a);
	}
	tell_moved(a, "migrated", AM_STR(""));
}
