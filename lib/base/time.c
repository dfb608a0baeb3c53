/*
 * time - civil dates by arithmetic on days and eras of 400 years.
 *
 * libc's own functions read the TZ variable, keep static state and stop at
 * what time_t and struct tm agree on; none of that belongs in here.
 */

#include "base/time.h"

#include <string.h>

#define DAYS_ERA 146097	  /* of 400 years */
#define DAYS_EPOCH 719468 /* 0000-03-01 to 1970-01-01 */

/* The year begins in March, so that the leap day is its last. */
int32_t
am_civil_days(int64_t year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return (int32_t)(era * DAYS_ERA + doe - DAYS_EPOCH);
}

void
am_civil_from_days(int32_t days, int64_t *year, int *month, int *day)
{
	int64_t z = (int64_t)days + DAYS_EPOCH;
	int64_t era = (z >= 0 ? z : z - DAYS_ERA + 1) / DAYS_ERA;
	int64_t doe = z - era * DAYS_ERA;
	int64_t yoe =
	    (doe - doe / 1460 + doe / 36524 - doe / (DAYS_ERA - 1)) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*day = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = yoe + era * 400 + (*month <= 2);
}

int
am_days_in_month(int64_t year, int month)
{
	static const int8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

void
am_civil_from_ms(am_ms t, struct am_civil *c)
{
	int64_t days = t / AM_DAY;
	int64_t rest = t % AM_DAY;

	if (rest < 0) {
		rest += AM_DAY;
		days--;
	}
	am_civil_from_days((int32_t)days, &c->year, &c->month, &c->day);
	c->hour = (int)(rest / AM_HOUR);
	c->minute = (int)(rest / AM_MINUTE % 60);
	c->second = (int)(rest / AM_SECOND % 60);
	c->ms = (int)(rest % AM_SECOND);
	c->weekday = (int)((days % 7 + 11) % 7); /* day 0 was a Thursday */
}

am_ms
am_civil_to_ms(const struct am_civil *c)
{
	return am_civil_days(c->year, c->month, c->day) * AM_DAY +
	       c->hour * AM_HOUR + c->minute * AM_MINUTE +
	       c->second * AM_SECOND + c->ms;
}

/* n digits from *at on; moves *at. -1: they are not there. */
static int
digits(struct am_str s, size_t *at, size_t n)
{
	int v = 0;

	if (s.n < *at + n)
		return -1;
	for (; n > 0; n--) {
		unsigned d = (unsigned)(s.p[(*at)++] - '0');

		if (d > 9)
			return -1;
		v = v * 10 + (int)d;
	}
	return v;
}

static bool
letter(struct am_str s, size_t *at, const char *one_of)
{
	return *at < s.n && s.p[*at] != '\0' &&
	       strchr(one_of, s.p[(*at)++]) != NULL;
}

static bool
parse_date(struct am_str s, size_t *at, struct am_civil *c)
{
	c->year = digits(s, at, 4);
	if (c->year < 0 || !letter(s, at, "-"))
		return false;
	c->month = digits(s, at, 2);
	if (c->month < 1 || c->month > 12 || !letter(s, at, "-"))
		return false;
	c->day = digits(s, at, 2);
	return c->day >= 1 && c->day <= am_days_in_month(c->year, c->month);
}

/* A leap second is taken as the second behind it. */
static bool
parse_clock(struct am_str s, size_t *at, struct am_civil *c)
{
	c->hour = digits(s, at, 2);
	if (c->hour < 0 || c->hour > 23 || !letter(s, at, ":"))
		return false;
	c->minute = digits(s, at, 2);
	if (c->minute < 0 || c->minute > 59 || !letter(s, at, ":"))
		return false;
	c->second = digits(s, at, 2);
	if (c->second < 0 || c->second > 60)
		return false;
	c->ms = 0;
	if (*at < s.n && s.p[*at] == '.') {
		int scale = 100;
		size_t first = ++*at;

		for (; *at < s.n && s.p[*at] >= '0' && s.p[*at] <= '9'; ++*at) {
			c->ms += (s.p[*at] - '0') * scale;
			scale /= 10;
		}
		return *at > first;
	}
	return true;
}

static bool
parse_offset(struct am_str s, size_t *at, am_ms *offset)
{
	int hours, minutes;
	char c = *at < s.n ? s.p[(*at)++] : '\0';

	*offset = 0;
	if (c == 'Z' || c == 'z')
		return true;
	if (c != '+' && c != '-')
		return false;
	hours = digits(s, at, 2);
	if (hours < 0 || hours > 23 || !letter(s, at, ":"))
		return false;
	minutes = digits(s, at, 2);
	if (minutes < 0 || minutes > 59)
		return false;
	*offset = hours * AM_HOUR + minutes * AM_MINUTE;
	if (c == '-')
		*offset = -*offset;
	return true;
}

int
am_rfc3339_parse(struct am_str s, am_ms *t)
{
	struct am_civil c = { 0 };
	size_t at = 0;
	am_ms offset;

	if (!parse_date(s, &at, &c) || !letter(s, &at, "Tt ") ||
	    !parse_clock(s, &at, &c) || !parse_offset(s, &at, &offset) ||
	    at != s.n)
		return -AM_EINVAL;
	*t = am_civil_to_ms(&c) - offset;
	return 0;
}

static char *
put(char *p, int64_t v, int width, char after)
{
	for (int i = width - 1; i >= 0; i--) {
		p[i] = (char)('0' + v % 10);
		v /= 10;
	}
	p[width] = after;
	return p + width + 1;
}

/* Four digits of year are all the text has. */
static void
civil_shown(am_ms t, struct am_civil *c)
{
	const am_ms first = -62167219200000; /* 0000-01-01 */
	const am_ms last = 253402300799999;  /* 9999-12-31T23:59:59.999 */

	am_civil_from_ms(t < first ? first : t > last ? last : t, c);
}

void
am_rfc3339_format(am_ms t, char out[32])
{
	struct am_civil c;
	char *p = out;

	if (t == AM_NEVER) {
		memcpy(out, "never", 6);
		return;
	}
	civil_shown(t, &c);
	p = put(p, c.year, 4, '-');
	p = put(p, c.month, 2, '-');
	p = put(p, c.day, 2, 'T');
	p = put(p, c.hour, 2, ':');
	p = put(p, c.minute, 2, ':');
	p = put(p, c.second, 2, '.');
	p = put(p, c.ms, 3, 'Z');
	*p = '\0';
}

void
am_local_format(am_ms t, int32_t offset_s, char out[32])
{
	struct am_civil c;
	char *p = out;

	if (t == AM_NEVER) {
		memcpy(out, "never", 6);
		return;
	}
	civil_shown(t, &c);
	civil_shown(am_civil_to_ms(&c) + offset_s * AM_SECOND, &c);
	p = put(p, c.year, 4, '-');
	p = put(p, c.month, 2, '-');
	p = put(p, c.day, 2, ' ');
	p = put(p, c.hour, 2, ':');
	put(p, c.minute, 2, '\0');
}

static char *
put_count(char *p, int64_t v, const char *unit)
{
	int width = 1;

	for (int64_t rest = v / 10; rest > 0; rest /= 10)
		width++;
	p = put(p, v, width, *unit++);
	while (*unit != '\0')
		*p++ = *unit++;
	return p;
}

void
am_span_format(am_ms span, char out[32])
{
	static const struct {
		am_ms ms;
		const char *name;
	} units[] = { { AM_DAY, "d" }, { AM_HOUR, "h" }, { AM_MINUTE, "m" },
		{ AM_SECOND, "s" }, { 1, "ms" } };
	const size_t n = AM_COUNT(units);
	char *p = out;
	size_t i = 0;

	if (span == AM_NEVER) {
		memcpy(out, "never", 6);
		return;
	}
	if (span < 0) {
		*p++ = '-';
		span = span == INT64_MIN ? INT64_MAX : -span;
	}
	while (i < n - 1 && span < units[i].ms)
		i++;
	if (span == 0)
		i = n - 2; /* "0s" */
	p = put_count(p, span / units[i].ms, units[i].name);
	span %= units[i].ms;
	if (i + 1 < n - 1 && span >= units[i + 1].ms) {
		*p++ = ' ';
		p = put_count(p, span / units[i + 1].ms, units[i + 1].name);
	}
	*p = '\0';
}
