#pragma once

/*
 * random_event - an event of any kind, made from the table that checks events:
 * each field there or not, of the right kind or of none, as long as it may be
 * or longer, early, late, twice.
 */

#include <amends/step.h>

#define RANDOM_FIELDS 40

struct random_event {
	struct am_event ev;
	struct am_pair pairs[RANDOM_FIELDS];
	char text[RANDOM_FIELDS][80];
	size_t texts_n;
	char event_id[24];
};

/*
 * An event for c in the loop def, at about `now`; what is early is to be
 * stepped at its own time. number makes its id; now and then it is that of the
 * one before. The same seed makes the same event. known: ids of follow-ups that
 * were made.
 */
void random_event(struct random_event *r, const struct am_loopdef *def,
    const struct am_complaint *c, am_ms now, unsigned number,
    const uint8_t (*known)[16], size_t known_n, uint64_t seed);
