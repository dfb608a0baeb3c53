#pragma once

/* backoff - when to try again (layer: core), pure; `seed` makes the jitter. */

#include <amends/base.h>

#define AM_RETRY_MAX 32

/* The list holds the attempts; at[0] is the delay of the first ("0s"). */
struct am_retry {
	am_ms delay[AM_RETRY_MAX];
	size_t n;
	int jitter_pct; /* 20 */
	am_ms max_age;	/* AM_NEVER: none */
	am_ms retry_after_max;
};

/*
 * Instant of the next attempt after `attempts` were made, or AM_NEVER when the
 * list or the age is at its end. Jitter is within +/- jitter_pct and never
 * before now + retry_after (a span; 0: the receiver named none; capped by
 * retry_after_max).
 */
am_ms am_retry_next(const struct am_retry *r, size_t attempts, am_ms first,
    am_ms now, am_ms retry_after, uint64_t seed);

/*
 * Span to wait after `failures` (from 0) failures before: evenly from 1 to
 * base, 2*base … cap.
 */
am_ms am_backoff(am_ms base, am_ms cap, unsigned failures, uint64_t seed);
