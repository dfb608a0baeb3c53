/*
 * calendar - working time by binary search.
 *
 * Everything rests on one function: open_until(t), the open time from the
 * calendar's beginning to t. It never falls, is flat where it is closed and
 * rises by one a millisecond where it is open. Adding is to find the earliest
 * instant with a given value, a span is a difference of two values, so that the
 * one is the inverse of the other by construction. Rejected: walking windows
 * from the start of a clock, whose cost grows with the age of a complaint.
 */

#include <amends/calendar.h>

static int
add_elapsed(am_ms t, am_ms work, am_ms *due)
{
	am_ms sum;

	if (__builtin_add_overflow(t, work, &sum) || sum == AM_NEVER)
		return -AM_ERANGE;
	*due = sum;
	return 0;
}

/* What lies before it counts nothing, so that a clock that was started there
 * has a due all the same. */
static bool
is_behind(const struct am_calendar *cal, am_ms t)
{
	return t > cal->until;
}

/* The first window that is not over at t; windows_n when all are. */
static size_t
window_at(const struct am_calendar *cal, am_ms t)
{
	size_t lo = 0, hi = cal->windows_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (cal->windows[mid].to > t)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static am_ms
open_until(const struct am_calendar *cal, am_ms t)
{
	size_t i = window_at(cal, t);
	const struct am_window *w;

	if (cal->windows_n == 0)
		return 0;
	if (i == cal->windows_n) {
		w = &cal->windows[i - 1];
		return w->before + (w->to - w->from);
	}
	w = &cal->windows[i];
	return w->before + (t > w->from ? t - w->from : 0);
}

int
am_calendar_add(const struct am_calendar *cal, am_ms t, am_ms work, am_ms *due)
{
	size_t lo = 0, hi;
	am_ms target;

	if (work == 0) {
		*due = t;
		return 0;
	}
	if (cal == NULL)
		return add_elapsed(t, work, due);
	if (is_behind(cal, t) ||
	    __builtin_add_overflow(open_until(cal, t), work, &target))
		return -AM_ERANGE;
	/* the last window with before < target holds it, if any does */
	for (hi = cal->windows_n; lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;

		if (cal->windows[mid].before < target)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return -AM_ERANGE;
	const struct am_window *w = &cal->windows[lo - 1];

	if (target - w->before > w->to - w->from)
		return -AM_ERANGE;
	*due = w->from + (target - w->before);
	return 0;
}

am_ms
am_calendar_span(const struct am_calendar *cal, am_ms a, am_ms b)
{
	am_ms span;

	if (b <= a)
		return 0;
	if (cal != NULL)
		return open_until(cal, b) - open_until(cal, a);
	return __builtin_sub_overflow(b, a, &span) ? AM_NEVER : span;
}

/* The civil day on which t falls. */
static int64_t
day_of(const struct am_zone *zone, am_ms t)
{
	am_ms local = t + am_zone_offset(zone, t) * AM_SECOND;

	return local / AM_DAY - (local % AM_DAY < 0);
}

/* The first window of a later day than t's. */
static size_t
window_after_day(const struct am_calendar *cal, am_ms t)
{
	int64_t day = day_of(cal->zone, t);
	size_t lo = 0, hi = cal->windows_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (cal->windows[mid].day > day)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* First and last window of the n-th business day after t's; false when it is
 * not compiled. */
static bool
business_day(const struct am_calendar *cal, am_ms t, int64_t n,
    const struct am_window **first, const struct am_window **last)
{
	size_t i, from;

	if (is_behind(cal, t))
		return false;
	for (from = i = window_after_day(cal, t); i < cal->windows_n; i++) {
		bool ends_day = i + 1 == cal->windows_n ||
				cal->windows[i + 1].day != cal->windows[i].day;

		if (ends_day && --n == 0) {
			*first = &cal->windows[from];
			*last = &cal->windows[i];
			return true;
		}
		if (ends_day)
			from = i + 1;
	}
	return false;
}

int
am_calendar_bd_close(
    const struct am_calendar *cal, am_ms t, int64_t n, am_ms *close)
{
	const struct am_window *first, *last;

	AM_ASSERT(n >= 1);
	if (t > AM_NEVER - 2 * AM_DAY || n > INT32_MAX)
		return -AM_ERANGE;
	if (cal == NULL)
		return add_elapsed(
		    (day_of(NULL, t) + 1) * AM_DAY, n * AM_DAY, close);
	if (!business_day(cal, t, n, &first, &last))
		return -AM_ERANGE;
	*close = last->to;
	return 0;
}

int
am_calendar_bd_open(
    const struct am_calendar *cal, am_ms t, int64_t n, am_ms *open)
{
	const struct am_window *first, *last;

	AM_ASSERT(n >= 1);
	if (t > AM_NEVER - 2 * AM_DAY || n > INT32_MAX)
		return -AM_ERANGE;
	if (cal == NULL)
		return add_elapsed(day_of(NULL, t) * AM_DAY, n * AM_DAY, open);
	if (!business_day(cal, t, n, &first, &last))
		return -AM_ERANGE;
	*open = first->from;
	return 0;
}

int
am_calendar_next_open(const struct am_calendar *cal, am_ms t, am_ms *open)
{
	size_t i;

	if (cal == NULL) {
		*open = t;
		return 0;
	}
	if (is_behind(cal, t) || (i = window_at(cal, t)) == cal->windows_n)
		return -AM_ERANGE;
	*open = t > cal->windows[i].from ? t : cal->windows[i].from;
	return 0;
}

int32_t
am_zone_offset(const struct am_zone *zone, am_ms t)
{
	size_t lo = 0, hi;

	if (zone == NULL)
		return 0;
	/* the last step that is not after t; the first is at INT64_MIN */
	for (hi = zone->steps_n; hi - lo > 1;) {
		size_t mid = lo + (hi - lo) / 2;

		if (zone->steps[mid].at <= t)
			lo = mid;
		else
			hi = mid;
	}
	return zone->steps[lo].offset_s;
}

bool
am_calendar_window(const struct am_calendar *cal, am_ms a, am_ms b, size_t i,
    am_ms *from, am_ms *to)
{
	const struct am_window *w;
	size_t first;

	if (b <= a)
		return false;
	if (cal == NULL) {
		if (i > 0)
			return false;
		*from = a;
		*to = b;
		return true;
	}
	first = window_at(cal, a);
	if (i >= cal->windows_n - first)
		return false;
	w = &cal->windows[first + i];
	if (w->from >= b)
		return false;
	*from = w->from > a ? w->from : a;
	*to = w->to < b ? w->to : b;
	return true;
}
