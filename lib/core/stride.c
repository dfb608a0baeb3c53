/*
 * stride - see stride.h.
 *
 * Each class has a pass; the one with the least is served and its pass moves on
 * by a stride, the inverse of its weight. A class that comes back is moved up
 * to where the others are. Rejected: strict priority, under which a flood of
 * the highest class starves the rest; deficit round robin, which serves a class
 * in bursts of its weight, so that one newly due in a high class waits for the
 * burst of a low one.
 */

#include "core/stride.h"

/* The weights' least common multiple through each: 6, 4, 3, 2. */
static const unsigned strides[AM_FU_CLASSES] = { 2, 3, 4, 6 };

/* The class to serve, AM_FU_CLASSES when none wants any. */
static size_t
next_class(const struct am_stride *s, const unsigned want[AM_FU_CLASSES],
    const unsigned take[AM_FU_CLASSES])
{
	size_t best = AM_FU_CLASSES;

	for (size_t i = 0; i < AM_FU_CLASSES; i++)
		if (take[i] < want[i] &&
		    (best == AM_FU_CLASSES || s->pass[i] < s->pass[best]))
			best = i;
	return best;
}

void
am_stride_share(struct am_stride *s, const unsigned want[AM_FU_CLASSES],
    unsigned room, unsigned take[AM_FU_CLASSES])
{
	size_t i;

	for (i = 0; i < AM_FU_CLASSES; i++) {
		take[i] = 0;
		if (want[i] != 0 && s->pass[i] < s->now)
			s->pass[i] = s->now;
	}
	while (room > 0 && (i = next_class(s, want, take)) < AM_FU_CLASSES) {
		s->now = s->pass[i];
		s->pass[i] += strides[i];
		take[i]++;
		room--;
	}
}
