/*
 * wake - clocks, dues and wake-ups.
 *
 * Stored is consumed working time; a due is running_since + what is left. That
 * makes holds, tiers and halved budgets one subtraction. Storing dues and
 * moving them was rejected: hold time added to a due is wrong at weekends.
 *
 * am_wake_next() is the one derivation of what happens by itself: am_wake_at()
 * gives its instant to the wake-up index, and the wake-up event asks it again
 * and again until nothing is due.
 */

#include "core/clock.h"

static bool
is_stage_clock(size_t i)
{
	return i >= AM_CLOCK_STAGE0 && i < AM_CLOCK_STAGE0 + AM_STAGES_MAX;
}

bool
am_clock_holds(size_t i)
{
	return is_stage_clock(i) || i == AM_CLOCK_CALLBACK ||
	       i == AM_CLOCK_SILENCE || i == AM_CLOCK_UNOWNED;
}

/* In an emergency staff are called day and night; customers are not. */
static bool
is_fast(const struct am_complaint *c, size_t i)
{
	return (c->flags & AM_CF_EMERGENCY) != 0 && i != AM_CLOCK_CALLBACK &&
	       i != AM_CLOCK_SILENCE;
}

/* Whose calendars clock i goes by. */
static const struct am_clockdef *
beat(const struct am_loopdef *def, const struct am_complaint *c, size_t i)
{
	if (i == AM_CLOCK_HOLD || i == AM_CLOCK_UNOWNED)
		i = AM_CLOCK_STAGE0 + (size_t)c->stage;
	return &def->clocks[i];
}

/* The common budget's unit says for all tiers what the clock counts in. */
static const struct am_calendar *
measure(const struct am_loopdef *def, const struct am_complaint *c, size_t i)
{
	if (def->clocks[i].budget.unit == AM_UNIT_DAYS)
		return NULL;
	return beat(def, c, i)->calendar;
}

const struct am_calendar *
am_clock_calendar(
    const struct am_loopdef *def, const struct am_complaint *c, size_t i)
{
	return is_fast(c, i) ? NULL : measure(def, c, i);
}

static am_ms
add(const struct am_calendar *cal, am_ms t, am_ms work)
{
	am_ms due;

	return am_calendar_add(cal, t, work, &due) == 0 ? due : AM_NEVER;
}

am_ms
am_clock_after(const struct am_loopdef *def, const struct am_complaint *c,
    size_t i, am_ms t, struct am_duration dur)
{
	const struct am_clockdef *d = beat(def, c, i);
	bool emergency = is_fast(c, i);
	am_ms due;

	if (t == AM_NEVER)
		return AM_NEVER;
	switch (dur.unit) {
	case AM_UNIT_TIME:
		return add(emergency ? NULL : d->calendar, t, dur.n);
	case AM_UNIT_DAYS:
		return add(NULL, t, dur.n);
	case AM_UNIT_BD:
		break;
	}
	if (dur.n < 1)
		return t;
	if (am_calendar_bd_close(d->bd_calendar, t, dur.n, &due) != 0)
		return AM_NEVER;
	return due;
}

/*
 * As one figure in what the clock counts in. It is the same in an emergency,
 * which has it counted day and night: or the end of one would leave a figure of
 * days and nights to be counted in working time.
 */
static am_ms
budget_from(const struct am_loopdef *def, const struct am_complaint *c,
    size_t i, struct am_duration dur, am_ms at)
{
	const struct am_calendar *cal = measure(def, c, i);
	am_ms due;

	if (dur.n <= 0)
		return 0;
	if ((dur.unit == AM_UNIT_TIME &&
		(cal != NULL || beat(def, c, i)->calendar == NULL ||
		    is_fast(c, i))) ||
	    (dur.unit == AM_UNIT_DAYS && cal == NULL))
		return dur.n;
	due = am_clock_after(def, c, i, at, dur);
	if (due == AM_NEVER) /* beyond the horizon, and so is the due */
		return dur.unit == AM_UNIT_BD ? dur.n * AM_DAY : dur.n;
	return am_calendar_span(cal, at, due);
}

am_ms
am_clock_budget(const struct am_loopdef *def, const struct am_complaint *c,
    size_t i, am_ms at)
{
	const struct am_clockdef *d = &def->clocks[i];
	struct am_duration dur = d->budget;
	am_ms budget;

	if (c->tier < def->tiers_n && d->tier_budget[c->tier].n >= 0)
		dur = d->tier_budget[c->tier];
	budget = budget_from(def, c, i, dur, at);
	if (c->cycle > 1 && is_stage_clock(i))
		budget -= budget / 2;
	return budget;
}

void
am_clock_start(const struct am_loopdef *def, struct am_complaint *c, size_t i,
    am_ms at, uint64_t cause)
{
	c->clocks[i] = (struct am_clock){
		.state = AM_CLK_RUNNING,
		.entry = (uint16_t)(c->clocks[i].entry + 1),
		.cause = cause,
		.started = at,
		.budget = am_clock_budget(def, c, i, at),
		.running_since = at,
	};
}

void
am_clock_stop(
    const struct am_loopdef *def, struct am_complaint *c, size_t i, am_ms at)
{
	struct am_clock *k = &c->clocks[i];

	if (k->state != AM_CLK_RUNNING)
		return;
	k->consumed += am_calendar_span(
	    am_clock_calendar(def, c, i), k->running_since, at);
	if (at > k->running_since)
		k->running_since = at;
	k->state = AM_CLK_STOPPED;
}

void
am_clock_resume(struct am_complaint *c, size_t i, am_ms at)
{
	struct am_clock *k = &c->clocks[i];

	if (k->state != AM_CLK_STOPPED)
		return;
	k->state = AM_CLK_RUNNING;
	if (at > k->running_since) /* told late: no instant counts twice */
		k->running_since = at;
}

void
am_clock_end(const struct am_loopdef *def, struct am_complaint *c, size_t i,
    am_ms at, enum am_clock_state end)
{
	am_clock_stop(def, c, i, at);
	if (c->clocks[i].state == AM_CLK_STOPPED)
		c->clocks[i].state = (uint8_t)end;
}

bool
am_clock_live(const struct am_clock *k)
{
	return k->state == AM_CLK_RUNNING || k->state == AM_CLK_STOPPED;
}

bool
am_clock_has_lapse(const struct am_complaint *c, size_t i)
{
	return (i < AM_CLOCK_AFTERCARE || is_stage_clock(i)) &&
	       c->clocks[i].budget > 0;
}

/*
 * Last instant from which `work` ms of open time reach to t. Needed when a
 * clock stood still behind its lapse: the lapse moves with it. Bisection, as it
 * is rare and calendars only walk forwards.
 */
static am_ms
back(const struct am_calendar *cal, am_ms low, am_ms t, am_ms work)
{
	am_ms high = t;

	if (cal == NULL)
		return t - work;
	while (low < high) {
		am_ms mid = low + (high - low + 1) / 2;

		if (am_calendar_span(cal, mid, t) >= work)
			low = mid;
		else
			high = mid - 1;
	}
	return low;
}

am_ms
am_clock_counted(const struct am_loopdef *def, const struct am_complaint *c,
    size_t i, am_ms work)
{
	const struct am_calendar *cal = am_clock_calendar(def, c, i);
	const struct am_clock *k = &c->clocks[i];
	am_ms left = work - k->consumed;

	if (left >= 0)
		return add(cal, k->running_since, left);
	return back(cal, k->started, k->running_since, -left);
}

am_ms
am_clock_position(const struct am_loopdef *def, const struct am_complaint *c,
    size_t i, size_t rung)
{
	const struct am_rungdef *r = &def->clocks[i].rungs[rung];
	const struct am_clock *k = &c->clocks[i];
	am_ms from = def->clocks[i].from_start ? 0 : k->budget;

	if (r->told)
		return AM_NEVER;
	if (i == AM_CLOCK_CALLBACK)
		return am_attempt_at(def, c, rung);
	if (r->is_pct)
		return am_clock_counted(def, c, i, k->budget * r->pct / 100);
	if (r->offset.unit == AM_UNIT_TIME &&
	    def->clocks[i].budget.unit != AM_UNIT_DAYS)
		return am_clock_counted(def, c, i, from + r->offset.n);
	return am_clock_after(
	    def, c, i, am_clock_counted(def, c, i, from), r->offset);
}

am_ms
am_rung_due(const struct am_loopdef *def, const struct am_complaint *c,
    size_t clock, size_t rung)
{
	const struct am_clock *k = &c->clocks[clock];

	if (k->state != AM_CLK_RUNNING || rung >= def->clocks[clock].rungs_n ||
	    (k->fired >> rung & 1) != 0 ||
	    (def->clocks[clock].rungs[rung].except_tiers >> c->tier & 1) != 0)
		return AM_NEVER;
	return am_clock_position(def, c, clock, rung);
}

am_ms
am_clock_due(
    const struct am_loopdef *def, const struct am_complaint *c, size_t clock)
{
	const struct am_clock *k = &c->clocks[clock];

	if (k->state != AM_CLK_RUNNING || k->budget <= 0)
		return AM_NEVER;
	return am_clock_counted(def, c, clock, k->budget);
}

am_ms
am_hold_end(const struct am_loopdef *def, const struct am_complaint *c)
{
	am_ms end;

	if (c->status != AM_HELD)
		return AM_NEVER;
	if (def->max_hold.n <= 0)
		return c->hold_until;
	end =
	    am_clock_after(def, c, AM_CLOCK_HOLD, c->held_since, def->max_hold);
	return end < c->hold_until ? end : c->hold_until;
}

/* When a rung that stands at `due` may fire. */
static am_ms
fire_at(const struct am_loopdef *def, const struct am_complaint *c,
    size_t clock, size_t rung, am_ms due)
{
	am_ms open;

	if (due == AM_NEVER)
		return AM_NEVER;
	if (am_clock_holds(clock) && due < c->quiet_until)
		due = c->quiet_until;
	if (def->clocks[clock].rungs[rung].defer &&
	    (c->flags & AM_CF_EMERGENCY) == 0 &&
	    am_calendar_next_open(beat(def, c, clock)->calendar, due, &open) ==
		0)
		return open;
	return due;
}

static void
consider(
    struct am_next *next, am_ms at, enum am_next_kind kind, size_t i, size_t r)
{
	if (at < next->at)
		*next = (struct am_next){ at, kind, i, r };
}

/*
 * Rungs are sorted by position: before the lapse the first that has not fired
 * is the earliest, unless something lets it wait. Behind the lapse, where
 * offsets count in days of several kinds, all are looked at.
 */
static void
consider_clock(const struct am_loopdef *def, const struct am_complaint *c,
    size_t i, struct am_next *next)
{
	const struct am_clockdef *d = &def->clocks[i];
	const struct am_clock *k = &c->clocks[i];
	size_t r = 0;

	while (r < d->rungs_n &&
	       ((k->fired >> r & 1) != 0 ||
		   (d->rungs[r].except_tiers >> c->tier & 1) != 0))
		r++;
	if (r < d->rungs_n && d->rungs[r].is_pct && d->rungs[r].pct < 100 &&
	    !d->rungs[r].defer && c->quiet_until == 0) {
		consider(
		    next, am_clock_position(def, c, i, r), AM_NEXT_RUNG, i, r);
		return;
	}
	if (!k->missed && am_clock_has_lapse(c, i))
		consider(next, am_clock_due(def, c, i), AM_NEXT_LAPSE, i, 0);
	for (; r < d->rungs_n; r++) {
		am_ms due = am_rung_due(def, c, i, r);

		consider(next, fire_at(def, c, i, r, due), AM_NEXT_RUNG, i, r);
		if (i == AM_CLOCK_CALLBACK)
			break; /* no attempt stands before an earlier one */
	}
}

struct am_next
am_wake_next(const struct am_loopdef *def, const struct am_complaint *c)
{
	struct am_next next = { .at = AM_NEVER };
	bool live = false;

	if (c->status == AM_NONE)
		return next;
	consider(&next, am_hold_end(def, c), AM_NEXT_HOLD_END, 0, 0);
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		live = live || am_clock_live(&c->clocks[i]);
		if (c->clocks[i].state == AM_CLK_RUNNING)
			consider_clock(def, c, i, &next);
	}
	if (c->status == AM_CLOSED && !live && c->waiting_n == 0 &&
	    c->closed_at < AM_NEVER - def->retain)
		consider(
		    &next, c->closed_at + def->retain, AM_NEXT_FORGET, 0, 0);
	return next;
}

am_ms
am_wake_at(const struct am_loopdef *def, const struct am_complaint *c)
{
	return am_wake_next(def, c).at;
}
