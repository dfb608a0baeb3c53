/*
 * callback - when the customer is called.
 */

#include "core/clock.h"

am_ms
am_attempt_at(
    const struct am_loopdef *def, const struct am_complaint *c, size_t rung)
{
	return am_clock_after(def, c, AM_CLOCK_CALLBACK,
	    c->clocks[AM_CLOCK_CALLBACK].started,
	    def->clocks[AM_CLOCK_CALLBACK].rungs[rung].offset);
}
