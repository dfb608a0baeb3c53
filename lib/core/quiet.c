/*
 * quiet - when quiet hours end.
 *
 * Between two steps of a zone the wall clock runs evenly, so that the end of
 * the night is a sum; a step on the way is a place to look again. Going minute
 * by minute would be shorter to write and is what the test does.
 */

#include "core/quiet.h"

#define DAY_MIN (24 * 60)

/* ms since the local midnight */
static am_ms
wall(const struct am_zone *zone, am_ms t)
{
	am_ms ms = (t + am_zone_offset(zone, t) * AM_SECOND) % AM_DAY;

	return ms < 0 ? ms + AM_DAY : ms;
}

static bool
is_quiet(const struct am_quiet *q, am_ms at)
{
	am_ms from = q->from % DAY_MIN * AM_MINUTE;
	am_ms to = q->to % DAY_MIN * AM_MINUTE;

	return from < to ? at >= from && at < to : at >= from || at < to;
}

/* The zone's first step behind t. */
static am_ms
next_step(const struct am_zone *zone, am_ms t)
{
	size_t lo = 0, hi = zone != NULL ? zone->steps_n : 0;
	size_t n = hi;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (zone->steps[mid].at > t)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo < n ? zone->steps[lo].at : AM_NEVER;
}

am_ms
am_quiet_end(const struct am_quiet *q, const struct am_zone *zone, am_ms t)
{
	if (q == NULL || q->from % DAY_MIN == q->to % DAY_MIN)
		return t;
	while (t < AM_NEVER - 2 * AM_DAY) {
		am_ms at = wall(zone, t), end, step;

		if (!is_quiet(q, at))
			break;
		end = q->to % DAY_MIN * AM_MINUTE - at;
		end = t + (end > 0 ? end : end + AM_DAY);
		step = next_step(zone, t);
		if (end <= step)
			t = end;
		else
			t = step; /* another wall clock from here on */
	}
	return t;
}

const struct am_zone *
am_customer_zone(const struct am_loopdef *def, const struct am_complaint *c)
{
	const struct am_zone *zone = NULL;

	if (c->tz.n > 0 && def->find_zone != NULL)
		zone = def->find_zone(def->zones, c->tz);
	return zone != NULL ? zone : def->zone;
}
