#pragma once

/*
 * past - a complaint with a random history behind it, on the loop of
 * tests/data/history.conf, to look ahead from (plan) or back (why).
 */

#include "tests/unit/fixture.h"
#include "tests/unit/random_event.h"

#define PAST_LINES 400

struct past {
	struct fix f;
	struct am_loopdef def; /* f.def, varied */
	struct am_arena keep[2], lines_arena, scratch;
	int at;
	struct am_complaint c; /* AM_NONE: nothing was opened, or it is gone */
	am_ms now, wake_at;
	struct am_str lines[PAST_LINES];
	size_t lines_n;
	struct random_event made;
	unsigned n;
};

/* Loads the loop; once a test. */
void past_init(struct past *p);
void past_fini(struct past *p);
/* A new complaint, told `steps` things at random. */
void past_make(struct past *p, size_t steps);
/* Step one event at p->now; the update lies in p->scratch till the next. */
void past_step(struct past *p, const struct am_event *ev, struct am_update *up);
/* am_loop_lookup: every name is the loop's. */
const struct am_loopdef *past_loop(void *arg, struct am_str ref);
