#pragma once

/*
 * period - days, weeks and months of a zone, as people name them (layer: ops).
 *
 * Days are civil days since 1970-01-01; weeks begin on Monday (ISO 8601).
 */

#include <amends/calendar.h>

enum am_period_unit {
	AM_PERIOD_NONE,
	AM_PERIOD_DAY,
	AM_PERIOD_WEEK,
	AM_PERIOD_MONTH,
	AM_PERIOD_UNITS_N,
};

const char *am_period_unit_str(enum am_period_unit unit); /* "" for none */
/* -AM_EINVAL: not day, week or month. */
AM_MUSTCHECK int
am_period_unit_parse(struct am_str s, enum am_period_unit *unit);

/*
 * "2026", "2026-Q4", "2026-10", "2026-W43", "2026-10-03": its first day and the
 * first day behind it. -AM_EINVAL: it names none.
 */
AM_MUSTCHECK int am_period_parse(struct am_str s, int32_t *from, int32_t *to);

/* The first day of the period that the day is in, of the one behind it. */
int32_t am_period_first(enum am_period_unit unit, int32_t day);
int32_t am_period_next(enum am_period_unit unit, int32_t first);
/* As am_period_parse() reads it; "" for none. */
const char *
am_period_name(enum am_period_unit unit, int32_t first, char out[16]);

/* The first instant of a day there, and the day of an instant. NULL: UTC. */
am_ms am_period_instant(const struct am_zone *zone, int32_t day);
int32_t am_period_day(const struct am_zone *zone, am_ms t);

/* "2026-10-03T09:00:00+08:00", or with Z in UTC; "" for 0 and AM_NEVER. */
const char *am_period_time(const struct am_zone *zone, am_ms t, char out[32]);
