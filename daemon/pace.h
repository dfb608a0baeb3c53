#pragma once

/*
 * pace - what is catch-up goes out no faster than `catchup_rate` (layer:
 * daemon). One for all shards: rates are per daemon.
 */

#include "core/bucket.h"

struct am_pace {
	struct am_bucket bucket;
	am_ms *ring;
	am_ms from;    /* slots are counted from here */
	uint32_t slot; /* the next free one */
};

/*
 * May one go now, at n in `per`? It is counted then. Else *until is the slot
 * that was given to it. n 0: always.
 */
bool
am_pace_take(struct am_pace *p, uint32_t n, am_ms per, am_ms now, am_ms *until);
void am_pace_fini(struct am_pace *p);
