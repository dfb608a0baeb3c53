#pragma once

/*
 * schedule - when a report is made, and what it covers (layer: ops). Pure.
 *
 * A report of `every = "week"` covers the last whole week, from Monday, before
 * its instant, whatever the weekday of that; of a month and a day likewise.
 */

#include "conf/conf.h"
#include "ops/period.h"

struct am_schedule {
	am_ms at;	  /* the instant at which it is made */
	int32_t from, to; /* days of its period; to: behind it */
};

/* The last one at or before now; the first instant behind it. */
struct am_schedule am_schedule_last(const struct am_conf_report *c, am_ms now);
am_ms am_schedule_next(const struct am_conf_report *c, am_ms now);
/* "2026-W47" */
const char *
am_schedule_name(const struct am_conf_report *c, int32_t from, char out[16]);
