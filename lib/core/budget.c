/*
 * budget - counts of the last sixty seconds, a slot each.
 *
 * Second tries beside the budget do not wait for the first instant at which
 * there is room, or all of them would come back then and all but one be sent
 * away again: each gets an instant of its own, as far apart as the budget of
 * now allows. After a minute of them the instants begin anew, for by then the
 * budget may be another.
 */

#include "core/budget.h"

void
am_budget_init(struct am_budget *b, int pct)
{
	*b = (struct am_budget){ .pct = pct };
}

/* Forget what is a minute ago. A clock that went back begins anew. */
static uint32_t
turn_to(struct am_budget *b, am_ms now)
{
	am_ms sec = now / AM_SECOND;

	if (sec < b->sec || sec - b->sec >= AM_BUDGET_SECONDS) {
		int pct = b->pct;

		am_budget_init(b, pct);
		b->sec = sec;
	}
	while (b->sec < sec) {
		uint32_t i = (uint32_t)(++b->sec % AM_BUDGET_SECONDS);

		b->firsts_n -= b->firsts[i];
		b->seconds_n -= b->seconds[i];
		b->firsts[i] = b->seconds[i] = 0;
	}
	return (uint32_t)(sec % AM_BUDGET_SECONDS);
}

void
am_budget_first(struct am_budget *b, am_ms now)
{
	uint32_t i = turn_to(b, now);

	b->firsts[i]++;
	b->firsts_n++;
}

static uint64_t
allowed(const struct am_budget *b)
{
	return (uint64_t)b->firsts_n * (uint64_t)b->pct / 100;
}

static am_ms
next_slot(struct am_budget *b, am_ms now)
{
	am_ms from = (now / AM_SECOND + 1) * AM_SECOND;
	am_ms apart = AM_SECOND, most;

	most = (am_ms)allowed(b) / AM_BUDGET_SECONDS; /* a second */
	if (most > 1)
		apart = most < AM_SECOND ? AM_SECOND / most : 1;
	b->slot += apart;
	if (b->slot < from || b->slot >= now + AM_MINUTE)
		b->slot = from;
	return b->slot;
}

bool
am_budget_second(struct am_budget *b, am_ms now, am_ms *until)
{
	uint32_t i;

	if (b->pct == 0)
		return true;
	i = turn_to(b, now);
	if (b->seconds_n >= allowed(b) && b->seconds[i] > 0) {
		*until = next_slot(b, now);
		return false;
	}
	b->seconds[i]++;
	b->seconds_n++;
	return true;
}
