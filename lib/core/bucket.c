/*
 * bucket - a ring of the last n starts, oldest at head.
 *
 * A start is allowed when the n-th before it is a whole `per` ago: exact over
 * every window. Rejected: a counter that refills, which lets 2n through around
 * the end of a pause. What was sent before the daemon began is not known, so
 * the ring begins full, as if n had gone out that instant.
 */

#include "core/bucket.h"

void
am_bucket_init(
    struct am_bucket *b, uint32_t n, am_ms per, am_ms *ring, am_ms now)
{
	*b = (struct am_bucket){ .n = n, .per = per, .sent = ring };
	for (uint32_t i = 0; i < n; i++)
		ring[i] = now;
}

/* The i-th oldest start. */
static am_ms *
start(struct am_bucket *b, uint32_t i)
{
	return &b->sent[((uint64_t)b->head + i) % b->n];
}

/* A clock that went back must not stop the endpoint until it is there again. */
static void
clamp(struct am_bucket *b, am_ms now)
{
	for (uint32_t i = b->n; i > 0 && *start(b, i - 1) > now; i--)
		*start(b, i - 1) = now;
}

uint32_t
am_bucket_room(struct am_bucket *b, am_ms now, am_ms *again)
{
	uint32_t lo = 0, hi = b->n;

	*again = now;
	if (b->n == 0)
		return UINT32_MAX;
	clamp(b, now);
	while (lo < hi) { /* how many starts are a whole `per` ago */
		uint32_t mid = lo + (hi - lo) / 2;

		if (now - *start(b, mid) >= b->per)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		*again = *start(b, 0) + b->per;
	return lo;
}

void
am_bucket_take(struct am_bucket *b, am_ms now)
{
	if (b->n == 0)
		return;
	clamp(b, now);
	*start(b, 0) = now;
	b->head = (b->head + 1) % b->n;
}
