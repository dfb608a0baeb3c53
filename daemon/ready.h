#pragma once

/*
 * ready - may this daemon be relied on now? (layer: daemon)
 *
 * One judgement for the verb `health`, for /readyz and for whoever else asks.
 * Ready: Redis answers, every shard runs or stands by, events that
 * come by HTTP can be kept, the configuration that
 * is written is the one in force, and nobody has told the daemon to stop. What
 * a person has paused is ready, and noted. That the process lives is said by
 * any answer at all.
 */

#include "daemon/engine.h"

struct am_ready {
	bool ready;
	const struct am_str *reasons; /* for people, in the arena; why not */
	size_t reasons_n;
	const struct am_str *notes; /* what a person wants so: no fault */
	size_t notes_n;
};

void am_ready_judge(
    const struct am_engine *e, struct am_arena *a, struct am_ready *r);
/* `"ready":BOOL,"reasons":[…],"notes":[…]`, into an open object. */
void am_ready_add(const struct am_ready *r, struct am_buf *out);
