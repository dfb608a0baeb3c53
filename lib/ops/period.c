/* period - see period.h. */

#include "ops/period.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"

#define WEEK 7

static const char *const units[AM_PERIOD_UNITS_N] = { "", "day", "week",
	"month" };

const char *
am_period_unit_str(enum am_period_unit unit)
{
	return units[unit];
}

int
am_period_unit_parse(struct am_str s, enum am_period_unit *unit)
{
	for (int i = AM_PERIOD_DAY; i < AM_PERIOD_UNITS_N; i++) {
		if (am_str_is(s, units[i])) {
			*unit = (enum am_period_unit)i;
			return 0;
		}
	}
	return -AM_EINVAL;
}

/* ---- the first days ---- */

static int32_t
monday(int32_t day)
{
	/* 1969-12-29 was one */
	int32_t since = (day + 3) % WEEK;

	return day - (since < 0 ? since + WEEK : since);
}

/* ISO 8601: the week that holds January 4th is the first. */
static int32_t
first_week(int64_t year)
{
	return monday(am_civil_days(year, 1, 4));
}

int32_t
am_period_first(enum am_period_unit unit, int32_t day)
{
	int64_t year;
	int month, mday;

	if (unit == AM_PERIOD_WEEK)
		return monday(day);
	if (unit != AM_PERIOD_MONTH)
		return day;
	am_civil_from_days(day, &year, &month, &mday);
	return am_civil_days(year, month, 1);
}

int32_t
am_period_next(enum am_period_unit unit, int32_t first)
{
	int64_t year;
	int month, day;

	if (unit == AM_PERIOD_WEEK)
		return first + WEEK;
	if (unit != AM_PERIOD_MONTH)
		return first + 1;
	am_civil_from_days(first, &year, &month, &day);
	return first + am_days_in_month(year, month);
}

const char *
am_period_name(enum am_period_unit unit, int32_t first, char out[16])
{
	int64_t year;
	int month, day, n = 0;

	/* a week is of the year that its Thursday is in */
	am_civil_from_days(
	    unit == AM_PERIOD_WEEK ? first + 3 : first, &year, &month, &day);
	if (year < 0 || year > 9999)
		year = 0;
	out[0] = '\0';
	if (unit == AM_PERIOD_DAY)
		n = snprintf(out, 16, "%04d-%02d-%02d", (int)year, month, day);
	else if (unit == AM_PERIOD_WEEK)
		n = snprintf(out, 16, "%04d-W%02d", (int)year,
		    (int)((first - first_week(year)) / WEEK + 1));
	else if (unit == AM_PERIOD_MONTH)
		n = snprintf(out, 16, "%04d-%02d", (int)year, month);
	AM_ASSERT(n < 16);
	return out;
}

/* ---- names ---- */

/* n digits of s from at; -1: they are none. */
static int
digits(struct am_str s, size_t at, size_t n)
{
	int v = 0;

	if (at + n > s.n)
		return -1;
	for (size_t i = at; i < at + n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		v = v * 10 + (s.p[i] - '0');
	}
	return v;
}

static int
parse_month(int year, int month, int months, int32_t *from, int32_t *to)
{
	if (month < 1 || month + months - 1 > 12)
		return -AM_EINVAL;
	*from = am_civil_days(year, month, 1);
	*to = month + months > 12 ? am_civil_days(year + 1, 1, 1)
				  : am_civil_days(year, month + months, 1);
	return 0;
}

static int
parse_week(int year, int week, int32_t *from, int32_t *to)
{
	int32_t first = first_week(year) + (week - 1) * WEEK;

	if (week < 1 || first >= first_week(year + 1))
		return -AM_EINVAL;
	*from = first;
	*to = first + WEEK;
	return 0;
}

static int
parse_quarter(int year, int quarter, int32_t *from, int32_t *to)
{
	if (quarter < 1 || quarter > 4)
		return -AM_EINVAL;
	return parse_month(year, quarter * 3 - 2, 3, from, to);
}

static int
parse_day(int year, int month, int day, int32_t *from, int32_t *to)
{
	if (month < 1 || month > 12 || day < 1 ||
	    day > am_days_in_month(year, month))
		return -AM_EINVAL;
	*from = am_civil_days(year, month, day);
	*to = *from + 1;
	return 0;
}

/* Behind the year and a minus. */
static int
parse_rest(int year, struct am_str s, int32_t *from, int32_t *to)
{
	if (s.n == 2 && s.p[0] == 'Q')
		return parse_quarter(year, digits(s, 1, 1), from, to);
	if (s.n == 3 && s.p[0] == 'W')
		return parse_week(year, digits(s, 1, 2), from, to);
	if (s.n == 2)
		return parse_month(year, digits(s, 0, 2), 1, from, to);
	if (s.n == 5 && s.p[2] == '-')
		return parse_day(
		    year, digits(s, 0, 2), digits(s, 3, 2), from, to);
	return -AM_EINVAL;
}

int
am_period_parse(struct am_str s, int32_t *from, int32_t *to)
{
	int year = digits(s, 0, 4);

	if (year < 1970 || (s.n > 4 && s.p[4] != '-'))
		return -AM_EINVAL;
	if (s.n == 4)
		return parse_month(year, 1, 12, from, to);
	return parse_rest(year, (struct am_str){ s.p + 5, s.n - 5 }, from, to);
}

/* ---- instants ---- */

int32_t
am_period_day(const struct am_zone *zone, am_ms t)
{
	am_ms local = t + am_zone_offset(zone, t) * AM_SECOND;

	return (int32_t)(local >= 0 ? local / AM_DAY
				    : -((-local + AM_DAY - 1) / AM_DAY));
}

/* By the offset that is in force a day before: where midnight is passed over
 * or comes twice, the day begins at the change, or at the first of the two. */
am_ms
am_period_instant(const struct am_zone *zone, int32_t day)
{
	am_ms local = (am_ms)day * AM_DAY;
	am_ms t = local - am_zone_offset(zone, local - AM_DAY) * AM_SECOND;
	am_ms after = local - am_zone_offset(zone, t) * AM_SECOND;

	/* the change comes before: what counts is the offset behind it */
	return am_period_day(zone, after) == day &&
		       am_period_day(zone, after - 1) < day
		   ? after
		   : t;
}

const char *
am_period_time(const struct am_zone *zone, am_ms t, char out[32])
{
	int32_t offset = am_zone_offset(zone, t);
	struct am_civil c;
	int n;

	out[0] = '\0';
	if (t == 0 || t == AM_NEVER)
		return out;
	am_civil_from_ms(t + offset * AM_SECOND, &c);
	if (c.year < 0 || c.year > 9999)
		return out;
	n = snprintf(out, 32, "%04d-%02d-%02dT%02d:%02d:%02d",
	    (int)c.year % 10000, c.month % 100, c.day % 100, c.hour % 100,
	    c.minute % 100, c.second % 100);
	if (offset == 0)
		snprintf(out + n, 32 - (size_t)n, "Z");
	else
		snprintf(out + n, 32 - (size_t)n, "%c%02d:%02d",
		    offset < 0 ? '-' : '+', abs(offset) / 3600 % 100,
		    abs(offset) / 60 % 60);
	return out;
}
