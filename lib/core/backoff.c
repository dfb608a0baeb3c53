/*
 * backoff - lists for receivers, doubling for our own Redis.
 *
 * Jitter comes from a seed that the caller gives (a follow-up's id), so that a
 * test sees the whole schedule and a replay the same one. The generator is the
 * finisher of SplitMix64: neighbouring seeds give unrelated numbers.
 */

#include "core/backoff.h"

static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* Evenly from [lo, hi]. */
static am_ms
between(am_ms lo, am_ms hi, uint64_t seed)
{
	return lo + (am_ms)(mix(seed) % ((uint64_t)(hi - lo) + 1));
}

am_ms
am_retry_next(const struct am_retry *r, size_t attempts, am_ms first, am_ms now,
    am_ms retry_after, uint64_t seed)
{
	am_ms wait, band;

	AM_ASSERT(r->n <= AM_RETRY_MAX);
	if (attempts >= r->n)
		return AM_NEVER;
	wait = r->delay[attempts];
	band = wait / 100 * r->jitter_pct + wait % 100 * r->jitter_pct / 100;
	wait = between(wait - band, wait + band, seed ^ mix(attempts));
	if (retry_after > r->retry_after_max)
		retry_after = r->retry_after_max;
	if (wait < retry_after)
		wait = retry_after;
	if (r->max_age != AM_NEVER && now + wait - first > r->max_age)
		return AM_NEVER;
	return now + wait;
}

am_ms
am_backoff(am_ms base, am_ms cap, unsigned failures, uint64_t seed)
{
	am_ms most = base;

	while (failures-- > 0 && most < cap)
		most = most > cap / 2 ? cap : most * 2;
	if (most > cap)
		most = cap;
	return between(most > 0, most, seed);
}
