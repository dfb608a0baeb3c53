#pragma once

/*
 * plan - what comes next for a complaint, if nothing happens (layer: sim).
 *
 * The complaint runs on in a world of its own: nobody does anything, and every
 * follow-up is delivered at the instant it goes out, quiet hours heeded. So a
 * plan is what fires, and not a second reading of the rules (AU4).
 */

#include "sim/world.h"

/*
 * Tell each step from now to until that says more than a delivery (row.h), max
 * of them at most. *more: there would be others. -AM_EINVAL when c breaks an
 * invariant or is none.
 */
AM_MUSTCHECK int am_plan(const struct am_loopdef *def,
    const struct am_complaint *c, am_ms now, am_ms until, size_t max,
    void (*told)(void *arg, const struct am_told *t), void *arg, bool *more);
