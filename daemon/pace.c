/*
 * pace - see pace.h.
 *
 * Judged when a follow-up is claimed, not when it is made: an endpoint that
 * comes back, or a daemon that starts again in the middle of its catching up,
 * finds a backlog that is due all at once. What finds the bucket empty gets a
 * slot of its own, so that it is looked at once more and not every time that
 * one may go. Slots are a fifth thinner than the rate: one that is taken a
 * little late does not cost the next its place.
 */

#include "daemon/pace.h"

#include <stdlib.h>

/* The instant of the next free slot, at `again` or later. */
static am_ms
next_slot(struct am_pace *p, am_ms again)
{
	am_ms at = p->from + (am_ms)p->slot * p->bucket.per * 5 /
				 (4 * (am_ms)p->bucket.n);

	if (at < again) {
		p->from = at = again;
		p->slot = 0;
	}
	p->slot++;
	return at;
}

bool
am_pace_take(struct am_pace *p, uint32_t n, am_ms per, am_ms now, am_ms *until)
{
	am_ms again;

	if (n == 0)
		return true;
	if (p->bucket.n != n || p->bucket.per != per) {
		am_pace_fini(p);
		p->ring = malloc(n * sizeof(*p->ring));
		AM_ASSERT(p->ring != NULL);
		am_bucket_init(&p->bucket, n, per, p->ring, now);
	}
	if (am_bucket_room(&p->bucket, now, &again) == 0) {
		*until = next_slot(p, again);
		return false;
	}
	am_bucket_take(&p->bucket, now);
	return true;
}

void
am_pace_fini(struct am_pace *p)
{
	free(p->ring);
	*p = (struct am_pace){ .ring = NULL };
}
