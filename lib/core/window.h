#pragma once

/*
 * window - so many in so long, over instants that somebody else keeps (layer:
 * core), pure. A rate with memory of its own is bucket.h.
 */

#include <amends/base.h>

/*
 * The first instant, t at the earliest, at which one more may be without any
 * span of `per` seeing more than n. at: those there were, the newest first. n
 * >= 1.
 */
am_ms
am_window_next(const am_ms *at, size_t at_n, uint32_t n, am_ms per, am_ms t);
