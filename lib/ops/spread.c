/*
 * spread - see spread.h.
 *
 * Steps: 64 to each doubling, so that the first 64 hold one ms each. A sketch
 * with a promise on the rank (t-digest, KLL) was not taken: a tenth of what
 * these 20 KiB cost, for numbers that nobody could check by hand.
 */

#include "ops/spread.h"

#include <stdlib.h>
#include <string.h>

#define SUB_BITS 6
#define SUB (1u << SUB_BITS)
#define STEPS ((42 - SUB_BITS) * SUB) /* beyond: 69 years */

void
am_spread_fini(struct am_spread *s)
{
	free(s->spans);
	free(s->shares);
	*s = (struct am_spread){ .n = 0 };
}

static size_t
step_of(am_ms span)
{
	uint64_t v = (uint64_t)span;
	unsigned shift = 0;
	size_t i;

	while (v >> shift >= 2 * SUB)
		shift++;
	i = (size_t)shift * SUB + (size_t)(v >> shift);
	return i < STEPS ? i : STEPS - 1;
}

/* The longest span of a step. */
static am_ms
step_end(size_t i)
{
	unsigned shift = i < 2 * SUB ? 0 : (unsigned)(i / SUB - 1);

	return (am_ms)(((uint64_t)(i - (size_t)shift * SUB) + 1) << shift) - 1;
}

static void
give_up_exact(struct am_spread *s)
{
	s->shares = calloc(STEPS, sizeof(*s->shares));
	AM_ASSERT(s->shares != NULL);
	for (size_t i = 0; i < s->n; i++)
		s->shares[step_of(s->spans[i])]++;
	free(s->spans);
	s->spans = NULL;
}

void
am_spread_add(struct am_spread *s, am_ms span)
{
	if (span < 0)
		span = 0;
	if (s->shares == NULL && s->n == AM_SPREAD_EXACT)
		give_up_exact(s);
	if (s->shares != NULL) {
		s->shares[step_of(span)]++;
		s->n++;
		return;
	}
	if (s->n == s->cap) {
		s->cap = s->cap > 0 ? s->cap * 2 : 8;
		s->spans = realloc(s->spans, s->cap * sizeof(*s->spans));
		AM_ASSERT(s->spans != NULL);
	}
	s->spans[s->n++] = span;
	s->sorted = false;
}

static int
by_span(const void *x, const void *y)
{
	am_ms a = *(const am_ms *)x, b = *(const am_ms *)y;

	return a < b ? -1 : a > b;
}

am_ms
am_spread_pct(struct am_spread *s, unsigned pct)
{
	uint64_t rank = (s->n * pct + 99) / 100, seen = 0;

	if (s->n == 0)
		return 0;
	if (rank == 0)
		rank = 1;
	if (s->shares == NULL) {
		if (!s->sorted)
			qsort(s->spans, s->n, sizeof(*s->spans), by_span);
		s->sorted = true;
		return s->spans[rank - 1];
	}
	for (size_t i = 0; i < STEPS; i++) {
		seen += s->shares[i];
		if (seen >= rank)
			return step_end(i);
	}
	return step_end(STEPS - 1);
}
