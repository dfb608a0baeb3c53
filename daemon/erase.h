#pragma once

/*
 * erase - what an erasure leaves behind is taken away (layer: daemon).
 *
 * The commit of customer.erased takes the personal data out of every reader's
 * way: they stand under `{s}:erase:<id>`, and the complaint in the set
 * `{s}:erasing`. From there a sweep goes through what else has some: facts
 * about the customer's addresses, the index of repeats, applied entries of the
 * stream, rejected events, dead letters; then both keys go. A sweep that was
 * cut off by a kill or a take-over is begun anew by the owner. Entries that are
 * not read yet are left alone: behind an erasure nothing of them is kept, and
 * they leave the stream by themselves (keep_events), also of a shard that has
 * nothing else to do.
 */

#include "daemon/shard.h"

struct am_erasures;

struct am_erasures *am_erasures_new(struct am_shard *sh);
/* Its shard has no turn and no op any more. Who waits is told -AM_ECANCELED. */
void am_erasures_free(struct am_erasures *e);
/* The shard was adopted, or a commit erased something: look. */
void am_erasures_look(struct am_erasures *e);

/* What was taken away; counts are 0 when another sweep did it. */
struct am_erased {
	size_t entries, rejects, letters;
};

/*
 * Called once when no sweep of that complaint is left to be done, never before
 * this returns: 0, or -AM_EFENCED when the shard is not ours any more,
 * -AM_ECANCELED at the end. id lives until then. The waiter is the caller's,
 * and zeroed.
 */
struct am_erase_wait {
	struct am_str id;
	void (*done)(struct am_erase_wait *w, int rc);
	struct am_erased erased;
	struct am_erase_wait *next; /* its own */
};
void am_erasures_wait(struct am_erasures *e, struct am_erase_wait *w);
