#pragma once

/*
 * calendar - working time, compiled to UTC (layer: core; built by lib/conf).
 *
 * The core never sees a zone rule or a holiday: a calendar is a sorted array of
 * open windows in UTC, cut from the zone database when conf is loaded. A NULL
 * calendar means elapsed time (24x7): every function takes it.
 */

#include <amends/base.h>

/* Open from (inclusive) to (exclusive). */
struct am_window {
	am_ms from, to;
	am_ms before; /* open time in all windows before this one */
	int32_t day;  /* local civil day on which the window begins, days since
			 1970-01-01; a night window belongs to that day */
};

struct am_calendar {
	const char *name;
	const struct am_window *windows;
	size_t windows_n;
	am_ms from, until;	    /* compiled for this span only */
	const struct am_zone *zone; /* never NULL */
};

/* A zone's UTC offsets as a step function; at[0] is INT64_MIN. */
struct am_zone {
	const char *name; /* IANA */
	size_t steps_n;
	const struct am_zone_step {
		am_ms at;
		int32_t offset_s; /* seconds east of UTC */
	} * steps;
};

/*
 * The earliest instant at which `work` ms of open time have passed since t;
 * with work below 0 the earliest at which -work were still to pass. With work
 * 0: t itself. A due that falls on a closing instant stays there (it is not
 * moved to the next opening). -AM_ERANGE when the calendar is not compiled that
 * far; time before it begins is not open.
 */
AM_MUSTCHECK int
am_calendar_add(const struct am_calendar *cal, am_ms t, am_ms work, am_ms *due);

/*
 * Open time between a and b; 0 when b <= a. Inverse of am_calendar_add. What
 * lies outside of the compiled span counts nothing.
 */
am_ms am_calendar_span(const struct am_calendar *cal, am_ms a, am_ms b);

/*
 * Close (end of the last window) of the n-th business day after the day on
 * which t falls. A business day is a civil day with at least one window. n
 * >= 1.
 */
AM_MUSTCHECK int am_calendar_bd_close(
    const struct am_calendar *cal, am_ms t, int64_t n, am_ms *close);
/* Its opening: start of its first window. */
AM_MUSTCHECK int am_calendar_bd_open(
    const struct am_calendar *cal, am_ms t, int64_t n, am_ms *open);

/* First open instant at or after t. */
AM_MUSTCHECK int
am_calendar_next_open(const struct am_calendar *cal, am_ms t, am_ms *open);

/* Seconds east of UTC at t; zone NULL means UTC. */
int32_t am_zone_offset(const struct am_zone *zone, am_ms t);

/*
 * The i-th counted window of [a, b) for `amendsctl why`: returns false when
 * there is no such window, else the clipped from and to.
 */
bool am_calendar_window(const struct am_calendar *cal, am_ms a, am_ms b,
    size_t i, am_ms *from, am_ms *to);
