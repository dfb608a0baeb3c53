#pragma once

/*
 * spread - spans, and which share of them is no longer than what (layer: ops).
 *
 * Exact up to AM_SPREAD_EXACT spans; beyond them each is kept to one part in
 * 64, so that a spread never holds more than some 20 KiB, whatever it is fed.
 */

#include <amends/base.h>

#define AM_SPREAD_EXACT 2048

struct am_spread {
	uint64_t n;
	am_ms *spans; /* owned; NULL once `shares` are */
	size_t cap;
	bool sorted;
	uint32_t *shares; /* owned; how many in each step */
};

/* All zeroes is an empty one. */
void am_spread_fini(struct am_spread *s);
void am_spread_add(struct am_spread *s, am_ms span); /* below 0 counts as 0 */
/* What pct of 100 took no longer than (nearest rank); 0 when there are none. */
am_ms am_spread_pct(struct am_spread *s, unsigned pct);
