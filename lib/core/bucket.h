#pragma once

/*
 * bucket - token bucket "n/per": no window of `per` sees more than n (layer:
 * core), pure. Starts empty after a start of the daemon.
 */

#include <amends/base.h>

struct am_bucket {
	uint32_t n; /* 0: no limit */
	am_ms per;
	am_ms *sent;   /* ring of the last n starts; owned by whoever made it */
	uint32_t head; /* the oldest */
};

/* ring has room for n instants. */
void am_bucket_init(
    struct am_bucket *b, uint32_t n, am_ms per, am_ms *ring, am_ms now);
/* How many may start now; *again: when the next may (now when room > 0). */
uint32_t am_bucket_room(struct am_bucket *b, am_ms now, am_ms *again);
void am_bucket_take(struct am_bucket *b, am_ms now);
