/*
 * schedule - see schedule.h.
 *
 * A time of day that a zone passes over is the same span behind midnight;
 * one that comes twice, the first.
 */

#include "ops/schedule.h"

static enum am_period_unit
unit_of(const struct am_conf_report *c)
{
	return c->every == AM_REPORT_DAY    ? AM_PERIOD_DAY
	       : c->every == AM_REPORT_WEEK ? AM_PERIOD_WEEK
					    : AM_PERIOD_MONTH;
}

/* Its day in the period that begins there. */
static int32_t
day_in(const struct am_conf_report *c, int32_t first)
{
	switch (c->every) {
	case AM_REPORT_WEEK:
		return first + (c->weekday + 6) % 7;
	case AM_REPORT_MONTH:
		return first + c->month_day - 1;
	case AM_REPORT_DAY:
		break;
	}
	return first;
}

static am_ms
instant_in(const struct am_conf_report *c, int32_t first)
{
	int32_t day = day_in(c, first);
	am_ms midnight = am_period_instant(c->zone, day);
	am_ms t = midnight + c->minute * AM_MINUTE;
	am_ms moved =
	    am_zone_offset(c->zone, midnight) - am_zone_offset(c->zone, t);
	am_ms wall = t + moved * AM_SECOND;

	/* the offset has changed since midnight: is it that time then? */
	return wall + am_zone_offset(c->zone, wall) * AM_SECOND ==
		       (am_ms)day * AM_DAY + c->minute * AM_MINUTE
		   ? wall
		   : t;
}

struct am_schedule
am_schedule_last(const struct am_conf_report *c, am_ms now)
{
	enum am_period_unit unit = unit_of(c);
	int32_t first = am_period_first(unit, am_period_day(c->zone, now));

	if (instant_in(c, first) > now)
		first = am_period_first(unit, first - 1);
	return (struct am_schedule){ .at = instant_in(c, first),
		.from = am_period_first(unit, first - 1),
		.to = first };
}

am_ms
am_schedule_next(const struct am_conf_report *c, am_ms now)
{
	enum am_period_unit unit = unit_of(c);
	int32_t first = am_period_first(unit, am_period_day(c->zone, now));

	while (instant_in(c, first) <= now)
		first = am_period_next(unit, first);
	return instant_in(c, first);
}

const char *
am_schedule_name(const struct am_conf_report *c, int32_t from, char out[16])
{
	return am_period_name(unit_of(c), from, out);
}
