#pragma once

/*
 * quiet - hours in which nobody is written to, in the recipient's zone (layer:
 * core), pure.
 */

#include <amends/complaint.h>

/*
 * The first instant at or after t that lies outside of the quiet hours: t
 * itself when it does, or when q is NULL or empty (from == to). Membership goes
 * by the wall clock of the zone (NULL: UTC): `from` is quiet, `to` is not, both
 * hours of an overlap count, a missing hour counts nothing. AM_NEVER stays.
 */
am_ms
am_quiet_end(const struct am_quiet *q, const struct am_zone *zone, am_ms t);

/* The zone in which the customer lives: their tz, else the loop's. */
const struct am_zone *
am_customer_zone(const struct am_loopdef *def, const struct am_complaint *c);
