#pragma once

/*
 * clock - start, stop, end and read the clocks of a complaint (internal to the
 * core; wake.c).
 *
 * A clock counts working time of its calendar, or elapsed time when it has none
 * or its budget is in days or weeks. Whatever its unit, a budget becomes one
 * figure when the clock starts. Dues are derived from it, never stored.
 */

#include <amends/complaint.h>

/* A new entry from `at`; budget of the tier in force, half of it after a
 * reopening. */
void am_clock_start(const struct am_loopdef *def, struct am_complaint *c,
    size_t i, am_ms at, uint64_t cause);
/* RUNNING to STOPPED and back; nothing in any other state. */
void am_clock_stop(
    const struct am_loopdef *def, struct am_complaint *c, size_t i, am_ms at);
void am_clock_resume(struct am_complaint *c, size_t i, am_ms at);
/* RUNNING or STOPPED to `end`. */
void am_clock_end(const struct am_loopdef *def, struct am_complaint *c,
    size_t i, am_ms at, enum am_clock_state end);

bool am_clock_live(const struct am_clock *k); /* RUNNING or STOPPED */
/* False for clocks whose end is no deadline: aftercare, or no budget. */
bool am_clock_has_lapse(const struct am_complaint *c, size_t i);
/* Where a rung stands, fired or not; the clock runs. */
am_ms am_clock_position(const struct am_loopdef *def,
    const struct am_complaint *c, size_t i, size_t rung);

/* The budget of clock i from `at`, by the tier and cycle in force, without
 * extensions. */
am_ms am_clock_budget(const struct am_loopdef *def,
    const struct am_complaint *c, size_t i, am_ms at);

/* dur after t, as clock i counts; AM_NEVER beyond the horizon. */
am_ms am_clock_after(const struct am_loopdef *def, const struct am_complaint *c,
    size_t i, am_ms t, struct am_duration dur);

/* When clock i, as it runs, has counted `work` from its start. */
am_ms am_clock_counted(const struct am_loopdef *def,
    const struct am_complaint *c, size_t i, am_ms work);

/* What clock i counts in: NULL when all time does. */
const struct am_calendar *am_clock_calendar(
    const struct am_loopdef *def, const struct am_complaint *c, size_t i);

/* True for clocks that a hold stops and resume_grace quietens: the stages',
 * callback and silence. */
bool am_clock_holds(size_t i);

/* callback.c: when attempt `rung` is due: inside the confirm stage's calendar,
 * outside of the customer's quiet hours, in a part of the day not used yet when
 * one is left. */
am_ms am_attempt_at(
    const struct am_loopdef *def, const struct am_complaint *c, size_t rung);
/* The part of the day that it is there at t. */
enum am_day_part am_day_part_at(const struct am_zone *zone, am_ms t);

/* When the hold in force ends by itself; AM_NEVER when there is none. */
am_ms am_hold_end(const struct am_loopdef *def, const struct am_complaint *c);

/* What happens next by itself. */
enum am_next_kind {
	AM_NEXT_NONE,
	AM_NEXT_HOLD_END,
	AM_NEXT_LAPSE,
	AM_NEXT_RUNG,
	AM_NEXT_FORGET,
};
struct am_next {
	am_ms at;
	enum am_next_kind kind;
	size_t clock, rung;
};
struct am_next
am_wake_next(const struct am_loopdef *def, const struct am_complaint *c);
