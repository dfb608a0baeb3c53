/*
 * calendar - opening hours of a zone become windows in UTC.
 *
 * A window of a local day is the set of instants whose wall clock lies in it.
 * So it is cut against each stretch of constant offset, and what is left of it
 * in each is taken: a missing hour leaves nothing, a doubled one leaves two
 * pieces, and edges inside of either need no rule of their own. Rejected:
 * converting the two edges, which needs an answer to "which of the two 02:30?"
 * and gets windows wrong that should be split.
 */

#include "conf/zone.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"

#define MINUTES_DAY 1440
#define OFFSET_MAX (26 * AM_HOUR) /* no zone is further from UTC */
#define YEAR (366 * AM_DAY)

static int64_t
day_of(am_ms t)
{
	return t / AM_DAY - (t % AM_DAY < 0);
}

/* The index of the step in force at t. */
static size_t
step_at(const struct am_zone *zone, am_ms t)
{
	size_t lo = 0, hi = zone->steps_n;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (zone->steps[mid].at <= t)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* to <= from: the window ends on the next day. */
static void
add_window(struct am_buf *out, const struct am_zone *zone, int32_t day,
    int from, int to)
{
	am_ms first = day * AM_DAY + from * AM_MINUTE;
	am_ms last = day * AM_DAY + to * AM_MINUTE;
	size_t i;

	if (to <= from)
		last += AM_DAY;
	for (i = step_at(zone, first - OFFSET_MAX); i < zone->steps_n; i++) {
		const struct am_zone_step *s = &zone->steps[i];
		am_ms end = i + 1 < zone->steps_n ? s[1].at : AM_NEVER;
		am_ms offset = s->offset_s * AM_SECOND;
		struct am_window w = {
			.from = first - offset, .to = last - offset, .day = day
		};

		if (s->at >= last + OFFSET_MAX)
			break;
		if (w.from < s->at)
			w.from = s->at;
		if (w.to > end)
			w.to = end;
		if (w.from < w.to)
			am_buf_add(out, &w, sizeof(w));
	}
}

static bool
is_closed(const struct am_calendar_src *src, int32_t day)
{
	for (size_t i = 0; i < src->closed_n; i++) {
		if (day >= src->closed[i].first && day <= src->closed[i].last)
			return true;
	}
	return false;
}

static void
add_day(struct am_buf *out, const struct am_calendar_src *src, int32_t day)
{
	unsigned weekday = 1u << ((day % 7 + 11) % 7);
	bool extra = false;

	for (size_t i = 0; i < src->extra_n; i++) {
		const struct am_extraday *e = &src->extra[i];

		if (e->day == day) {
			add_window(out, src->zone, day, e->from, e->to);
			extra = true;
		}
	}
	if (extra || is_closed(src, day))
		return;
	for (size_t i = 0; i < src->open_n; i++) {
		const struct am_daywindow *w = &src->open[i];

		if ((w->weekdays & weekday) != 0)
			add_window(out, src->zone, day, w->from, w->to);
	}
}

static int
by_from(const void *a, const void *b)
{
	const struct am_window *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->to > y->to) - (x->to < y->to);
}

/*
 * What two windows share belongs to the earlier one; a later day that would
 * lose its only window by that takes the rest of the night before instead, for
 * it is a business day all the same.
 */
static void
part(struct am_window *earlier, struct am_window *later)
{
	if (later->from >= earlier->to)
		return;
	if (later->to <= earlier->to && later->day != earlier->day &&
	    later->from > earlier->from) {
		later->to = earlier->to;
		earlier->to = later->from;
	} else {
		later->from = earlier->to;
	}
}

/*
 * Sorted, apart, each with the sum before it; returns how many are left. Days
 * never go back.
 */
static size_t
tidy(struct am_window *w, size_t n)
{
	size_t kept = 0;

	if (n == 0)
		return 0;
	qsort(w, n, sizeof(*w), by_from);
	for (size_t i = 0; i < n; i++) {
		struct am_window next = w[i];
		struct am_window *last = kept > 0 ? &w[kept - 1] : NULL;

		if (last != NULL) {
			if (next.day < last->day)
				next.day = last->day;
			part(last, &next);
		}
		if (next.from >= next.to)
			continue;
		if (last != NULL && next.day == last->day &&
		    next.from == last->to)
			last->to = next.to;
		else
			w[kept++] = next;
	}
	for (size_t i = 1; i < kept; i++)
		w[i].before = w[i - 1].before + (w[i - 1].to - w[i - 1].from);
	return kept;
}

/* True when some year within [from, until] has no open instant. */
static bool
has_dead_year(const struct am_window *w, size_t n, am_ms from, am_ms until)
{
	am_ms closed_since = from;

	for (size_t i = 0; i < n && w[i].from < until; i++) {
		if (w[i].from - closed_since >= YEAR)
			return true;
		if (w[i].to > closed_since)
			closed_since = w[i].to;
	}
	return n == 0 || until - closed_since >= YEAR;
}

int
am_calendar_compile(struct am_arena *a, const struct am_calendar_src *src,
    am_ms from, am_ms until, const struct am_calendar **cal)
{
	struct am_calendar *c;
	struct am_buf all;
	int rc = -AM_ERANGE;
	size_t n;

	AM_ASSERT(src->zone != NULL && from < until);
	am_buf_init(&all);
	/* whole days, with the night before and the last day's close */
	for (int64_t d = day_of(from) - 2; d <= day_of(until) + 1; d++)
		add_day(&all, src, (int32_t)d);
	n = tidy((struct am_window *)all.p, all.n / sizeof(struct am_window));
	if (has_dead_year((struct am_window *)all.p, n,
		src->alive > from ? src->alive : from, until))
		goto out;
	c = am_arena_zalloc(a, sizeof(*c));
	c->name = src->name;
	c->windows = (const void *)am_arena_dup(
	    a, (struct am_str){ all.p, n * sizeof(struct am_window) })
			 .p;
	c->windows_n = n;
	c->from = from;
	c->until = until;
	c->zone = src->zone;
	*cal = c;
	rc = 0;
out:
	am_buf_fini(&all);
	return rc;
}

/* ---- the texts of conf ---- */

/* Splits at the first sep; false when there is none. */
static bool
split(
    struct am_str s, const char *sep, struct am_str *left, struct am_str *right)
{
	const char *at = s.n > 0 ? memmem(s.p, s.n, sep, strlen(sep)) : NULL;

	if (at == NULL)
		return false;
	*left = (struct am_str){ s.p, (size_t)(at - s.p) };
	*right =
	    (struct am_str){ at + strlen(sep), s.n - left->n - strlen(sep) };
	return true;
}

static bool
two_digits(struct am_str s, uint64_t *v)
{
	return s.n == 2 && am_str_u64(s, v) == 0;
}

static bool
minute_parse(struct am_str s, int16_t *minute)
{
	struct am_str hh, mm;
	uint64_t h, m;

	if (!split(s, ":", &hh, &mm) || !two_digits(hh, &h) ||
	    !two_digits(mm, &m) || m > 59 || h * 60 + m > MINUTES_DAY)
		return false;
	*minute = (int16_t)(h * 60 + m);
	return true;
}

/* "09:00-18:00". Equal ends are refused: nobody knows if that is all or none */
static bool
hours_parse(struct am_str s, int16_t *from, int16_t *to)
{
	struct am_str a, b;

	return split(s, "-", &a, &b) && minute_parse(a, from) &&
	       minute_parse(b, to) && *from < MINUTES_DAY && *from != *to;
}

static int
weekday_parse(struct am_str s)
{
	static const char names[] = "sunmontuewedthufrisat";

	if (s.n != 3)
		return -1;
	for (int d = 0; d < 7; d++) {
		size_t i = 0;

		while (i < 3 && (s.p[i] | 0x20) == names[3 * d + (int)i])
			i++;
		if (i == 3)
			return d;
	}
	return -1;
}

/* "Mon", "Mon-Fri", "Sat-Tue" */
static bool
weekdays_parse(struct am_str s, uint8_t *bits)
{
	struct am_str a = s, b = s;
	int first, last;

	split(s, "-", &a, &b);
	first = weekday_parse(a);
	last = weekday_parse(b);
	if (first < 0 || last < 0)
		return false;
	for (int d = first;; d = (d + 1) % 7) {
		*bits |= (uint8_t)(1u << d);
		if (d == last)
			return true;
	}
}

int
am_daywindow_parse(struct am_str s, struct am_daywindow *w)
{
	struct am_daywindow got = { 0 };
	struct am_str days, hours, day;

	s = am_str_trim(s);
	if (am_str_is(s, "24x7")) {
		*w = (struct am_daywindow){ 0x7f, 0, MINUTES_DAY };
		return 0;
	}
	if (!split(s, " ", &days, &hours) ||
	    !hours_parse(am_str_trim(hours), &got.from, &got.to))
		return -AM_EINVAL;
	while (split(days, ",", &day, &days)) {
		if (!weekdays_parse(day, &got.weekdays))
			return -AM_EINVAL;
	}
	if (!weekdays_parse(days, &got.weekdays))
		return -AM_EINVAL;
	*w = got;
	return 0;
}

/* "2026-10-01" */
static bool
date_parse(struct am_str s, int32_t *day)
{
	struct am_str yyyy, mm, dd, rest;
	uint64_t y, m, d;

	if (!split(s, "-", &yyyy, &rest) || !split(rest, "-", &mm, &dd) ||
	    yyyy.n != 4 || am_str_u64(yyyy, &y) != 0 || !two_digits(mm, &m) ||
	    !two_digits(dd, &d) || m < 1 || m > 12 || d < 1 ||
	    d > (uint64_t)am_days_in_month((int64_t)y, (int)m))
		return false;
	*day = am_civil_days((int64_t)y, (int)m, (int)d);
	return true;
}

int
am_dayrange_parse(struct am_str s, struct am_dayrange *r)
{
	struct am_dayrange got;
	struct am_str a, b;

	s = am_str_trim(s);
	a = b = s;
	split(s, "..", &a, &b);
	if (!date_parse(am_str_trim(a), &got.first) ||
	    !date_parse(am_str_trim(b), &got.last) || got.last < got.first)
		return -AM_EINVAL;
	*r = got;
	return 0;
}

int
am_extraday_parse(struct am_str s, struct am_extraday *e)
{
	struct am_str date, hours;
	struct am_extraday got;

	if (!split(am_str_trim(s), " ", &date, &hours) ||
	    !date_parse(date, &got.day) ||
	    !hours_parse(am_str_trim(hours), &got.from, &got.to))
		return -AM_EINVAL;
	*e = got;
	return 0;
}
