/*
 * reports_when - the instants of a report, and what each covers.
 *
 * Pure. A time of day that a zone passes over is the same span behind midnight;
 * one that comes twice, the first.
 */

#include "daemon/reports.h"
#include "ops/period.h"

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
	am_ms midnight = am_period_instant(c->zone, day_in(c, first));
	am_ms t = midnight + c->minute * AM_MINUTE;
	am_ms local = t + (am_zone_offset(c->zone, midnight) -
			      am_zone_offset(c->zone, t)) *
			      AM_SECOND;

	/* the offset has changed since midnight */
	return am_period_day(c->zone, local) == day_in(c, first) ? local : t;
}

struct am_report_turn
am_report_last(const struct am_conf_report *c, am_ms now)
{
	enum am_period_unit unit = unit_of(c);
	int32_t first = am_period_first(unit, am_period_day(c->zone, now));

	if (instant_in(c, first) > now)
		first = am_period_first(unit, first - 1);
	return (struct am_report_turn){ .at = instant_in(c, first),
		.from = am_period_first(unit, first - 1),
		.to = first };
}

am_ms
am_report_next(const struct am_conf_report *c, am_ms now)
{
	enum am_period_unit unit = unit_of(c);
	int32_t first = am_period_first(unit, am_period_day(c->zone, now));

	while (instant_in(c, first) <= now)
		first = am_period_next(unit, first);
	return instant_in(c, first);
}
