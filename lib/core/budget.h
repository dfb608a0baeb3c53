#pragma once

/*
 * budget - how many second tries an endpoint gets (layer: core), pure.
 *
 * In the last minute no more than `pct` per cent of what was tried for the
 * first time, and yet always one in each second, so that a backlog of nothing
 * but second tries drains. Starts with nothing known.
 */

#include <amends/base.h>

#define AM_BUDGET_SECONDS 60

struct am_budget {
	int pct;   /* 0: no limit */
	am_ms sec; /* the second of the newest slot, since 1970 */
	uint32_t firsts[AM_BUDGET_SECONDS], seconds[AM_BUDGET_SECONDS];
	uint32_t firsts_n, seconds_n; /* sums of the above */
	am_ms slot;		      /* the last instant that was given out */
};

void am_budget_init(struct am_budget *b, int pct);
/* One is tried for the first time. */
void am_budget_first(struct am_budget *b, am_ms now);
/*
 * May one be tried again? It is counted then. Else *until is an instant within
 * a minute that was given to it alone, as far as there are enough of them.
 */
bool am_budget_second(struct am_budget *b, am_ms now, am_ms *until);
