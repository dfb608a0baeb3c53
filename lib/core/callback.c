/*
 * callback - when the customer is called.
 *
 * An attempt stands where its offset puts it and slides from there to the first
 * instant that is open in the stage's calendar, outside of the customer's quiet
 * hours, and in a part of the customer's day in which nobody has called yet.
 * Attempts still to come are placed in their order, each in a part of its own:
 * what a plan foretells is what fires. When no part is left within a week, any
 * will do, though not twice on one day; when calendar and quiet hours share no
 * instant, the quiet hours rule, for they are a promise to the customer.
 *
 * Rejected: choosing all instants when the stage begins. A call made early
 * would leave the others where they stood, in the part that it has used.
 */

#include "core/clock.h"
#include "core/quiet.h"

#define REACH (7 * AM_DAY) /* a free part of the day is looked for this far */
#define TURNS_MAX 64	   /* openings, nights and parts on the way */
#define ALL_PARTS (1u << AM_MORNING | 1u << AM_AFTERNOON | 1u << AM_EVENING)

static am_ms
wall(const struct am_zone *zone, am_ms t)
{
	am_ms ms = (t + am_zone_offset(zone, t) * AM_SECOND) % AM_DAY;

	return ms < 0 ? ms + AM_DAY : ms;
}

static enum am_day_part
part_of(am_ms at)
{
	return at < 12 * AM_HOUR   ? AM_MORNING
	       : at < 18 * AM_HOUR ? AM_AFTERNOON
				   : AM_EVENING;
}

enum am_day_part
am_day_part_at(const struct am_zone *zone, am_ms t)
{
	return part_of(wall(zone, t));
}

/* What an attempt has to keep to. */
struct rules {
	const struct am_calendar *cal;
	const struct am_quiet *quiet;
	const struct am_zone *zone; /* the customer's */
};

/* Quiet hours of the way on which the question goes. */
static const struct am_quiet *
quiet_of(const struct am_loopdef *def)
{
	const struct am_stagedef *st = &def->stages[def->stages_n - 1];
	const struct am_clockdef *d =
	    &def->clocks[AM_CLOCK_STAGE0 + def->stages_n - 1];
	const struct am_rungdef *ask = &d->rungs[st->ask];

	if (st->ask >= d->rungs_n)
		return NULL;
	for (size_t i = 0; i < ask->via_n; i++) {
		if (ask->via[i].exists && ask->via[i].usable &&
		    ask->via[i].quiet != NULL)
			return ask->via[i].quiet;
	}
	return NULL;
}

/* When the part of the day ends in which t lies. */
static am_ms
part_end(const struct am_zone *zone, am_ms t)
{
	static const am_ms ends[] = { 12 * AM_HOUR, 18 * AM_HOUR, AM_DAY };
	am_ms at = wall(zone, t);

	return t - at + ends[part_of(at)];
}

/* The first instant from t that keeps to all; AM_NEVER when there is none
 * before `limit`. */
static am_ms
fitting(const struct rules *p, am_ms t, unsigned used, am_ms limit)
{
	for (int turns = 0; turns < TURNS_MAX && t < limit; turns++) {
		am_ms from = t;

		if (am_calendar_next_open(p->cal, t, &t) != 0)
			return AM_NEVER;
		t = am_quiet_end(p->quiet, p->zone, t);
		if (t != from)
			continue; /* both at one instant */
		if ((used >> am_day_part_at(p->zone, t) & 1) == 0)
			return t;
		t = part_end(p->zone, t);
	}
	return AM_NEVER;
}

/* From t in a part that is not used; where none is left, from `any`. */
static am_ms
slide(const struct rules *p, am_ms t, unsigned used, am_ms any)
{
	am_ms at = AM_NEVER;

	if (any >= AM_NEVER - REACH)
		return AM_NEVER;
	if (used != ALL_PARTS)
		at = fitting(p, t, used, t + REACH);
	if (at == AM_NEVER)
		at = fitting(p, any, 0, AM_NEVER);
	return at != AM_NEVER ? at : am_quiet_end(p->quiet, p->zone, any);
}

/* Where its offset alone puts an attempt. */
static am_ms
base_of(const struct am_loopdef *def, const struct am_complaint *c, size_t rung)
{
	const struct am_clockdef *d = &def->clocks[AM_CLOCK_CALLBACK];
	struct am_duration offset = d->rungs[rung].offset;
	am_ms start, open;

	if (offset.unit == AM_UNIT_TIME)
		return am_clock_counted(def, c, AM_CLOCK_CALLBACK, offset.n);
	start = am_clock_counted(def, c, AM_CLOCK_CALLBACK, 0);
	if (offset.unit == AM_UNIT_DAYS || offset.n < 1)
		return am_clock_after(def, c, AM_CLOCK_CALLBACK, start, offset);
	if (am_calendar_bd_open(d->bd_calendar, start, offset.n, &open) != 0)
		return AM_NEVER;
	return open;
}

/*
 * What has fired counts for where it stood, and its part only when somebody has
 * called in it: then the next is not in the same part of the same day, even
 * when there is no other. Nor is one that its offset would put before the last
 * that was told: they would be told in one breath.
 */
am_ms
am_attempt_at(
    const struct am_loopdef *def, const struct am_complaint *c, size_t rung)
{
	const struct rules p = { am_clock_calendar(def, c, AM_CLOCK_CALLBACK),
		quiet_of(def), am_customer_zone(def, c) };
	unsigned used = c->parts, fired = c->clocks[AM_CLOCK_CALLBACK].fired;
	am_ms at = AM_NEVER;

	for (size_t r = 0; r <= rung; r++) {
		am_ms from = base_of(def, c, r), any;
		bool gone = r < rung && (fired >> r & 1) != 0;

		if (r > 0 && from < at)
			from = (fired >> (r - 1) & 1) != 0 && r > c->attempts
				   ? part_end(p.zone, at)
				   : at;
		any = from;
		if (r > 0 && (used >> am_day_part_at(p.zone, at) & 1) != 0 &&
		    any < part_end(p.zone, at))
			any = part_end(p.zone, at);
		at = slide(&p, from, gone ? 0 : used, gone ? from : any);
		if (at == AM_NEVER)
			break;
		if (!gone)
			used |= 1u << am_day_part_at(p.zone, at);
	}
	return at;
}
