#pragma once

/*
 * why - how each due of a complaint came about (layer: sim; DL9).
 *
 * A clock's working time is told as spans, and a span as the windows of its
 * calendar: what was counted from the start to now, hold by hold, and, while
 * the clock runs, what will be counted to the due. Spans are found by stepping
 * the journal through the state machine and looking at what each step did to
 * the clock; so whatever moves clocks is told, and no rule stands here twice.
 */

#include "codec/journal.h"

struct am_why_span {
	am_ms from, to;
	const struct am_calendar *calendar; /* NULL: all time counts */
	am_ms ms;			    /* counted in it */
};

struct am_why_hold {
	am_ms from, to; /* to AM_NEVER: still held */
	struct am_str reason;
};

/* A due that a change has moved. */
struct am_why_move {
	am_ms at, from, to;		    /* AM_NEVER: there was or is none */
	struct am_str event;		    /* what moved it */
	struct am_str reason, by, approver; /* as far as they were said */
};

struct am_why {
	size_t clock;		    /* slot */
	struct am_duration written; /* the budget as conf has it */
	bool of_tier; /* a budget of its tier, not the common one */
	bool halved;  /* started after a reopening */
	am_ms extra;  /* of the budget, by extensions */
	am_ms budget;
	am_ms started;
	am_ms due;   /* while it runs; of one that ended: the last; AM_NEVER */
	am_ms ended; /* AM_NEVER: it has not, or the journal does not say */
	am_ms consumed; /* to now */
	am_ms left;	/* of the budget; 0 when it is used up */
	/* consumed by rules that are no longer known: a calendar was edited, a
	 * definition is gone. Stands beside the spans. */
	am_ms otherwise;
	/* otherwise and the windows: of a clock that runs the budget, else what
	 * is consumed */
	am_ms sum;
	struct am_why_span *spans;
	struct am_why_hold *holds; /* since its start, if holds stop it */
	struct am_why_move *moves;
	size_t spans_n, holds_n, moves_n;
};

/*
 * Every clock that was ever started, by slot, into out; gives their number.
 * lines: the journal, oldest first. What is given lies in the arena, and
 * borrows from c and the lines.
 */
size_t am_why(const struct am_loopdef *def, const struct am_complaint *c,
    const struct am_str *lines, size_t n, am_loop_lookup *loops, void *arg,
    am_ms now, struct am_arena *a, struct am_why out[AM_CLOCKS_MAX]);

/*
 * The i-th window of all spans; false when there is none. The windows of a
 * clock that runs end where the budget is used up.
 */
bool am_why_window(const struct am_why *w, size_t i, am_ms *from, am_ms *to);
