#pragma once

/*
 * zone - IANA zones and calendars become UTC arrays (layer: conf).
 *
 * TZif (RFC 8536) versions 1 to 4 are read from $TZDIR or /usr/share/zoneinfo;
 * the footer's POSIX rule extends the table to `until`. A local time that does
 * not exist (gap) or exists twice (overlap) is judged by wall-clock membership:
 * both hours of an overlap count, a missing hour counts nothing.
 */

#include "base/arena.h"

#include <amends/calendar.h>

/*
 * -AM_ENOENT: no such zone; -AM_EINVAL: the file is no TZif, or counts leap
 * seconds. "UTC" needs no file.
 */
AM_MUSTCHECK int am_zone_load(struct am_arena *a, const char *name, am_ms until,
    const struct am_zone **zone);

/* Minutes of the local day, 0..1440; to <= from: over midnight. */
struct am_daywindow {
	uint8_t weekdays; /* bit 0 = Sunday; ignored for extra */
	int16_t from, to;
};

struct am_dayrange {
	int32_t first, last; /* civil days since 1970-01-01 */
};

struct am_extraday {
	int32_t day;
	int16_t from, to;
};

struct am_calendar_src {
	const char *name;
	const struct am_zone *zone;
	const struct am_daywindow *open;
	size_t open_n;
	const struct am_dayrange *closed;
	size_t closed_n;
	const struct am_extraday *extra;
	size_t extra_n;
	am_ms alive; /* from here on no year may pass without open time */
};

/*
 * Windows cover the local days of [from, until] whole. What two windows share
 * counts once and belongs to the earlier day. -AM_ERANGE: a whole year of that
 * span, from src->alive on, has no open time.
 */
AM_MUSTCHECK int
am_calendar_compile(struct am_arena *a, const struct am_calendar_src *src,
    am_ms from, am_ms until, const struct am_calendar **cal);

/*
 * "Mon-Fri 09:00-12:00", "Sat,Sun 10:00-24:00", "Mon-Wed,Fri 22:00-06:00";
 * "24x7". Equal ends ("09:00-09:00") are refused: they could mean all or none.
 */
AM_MUSTCHECK int am_daywindow_parse(struct am_str s, struct am_daywindow *w);
/* "2026-10-01" or "2026-10-01..2026-10-07" */
AM_MUSTCHECK int am_dayrange_parse(struct am_str s, struct am_dayrange *r);
/* "2026-10-10 09:00-18:00" */
AM_MUSTCHECK int am_extraday_parse(struct am_str s, struct am_extraday *e);
