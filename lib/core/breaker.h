#pragma once

/*
 * breaker - stop knocking at a door that does not open (layer: core), pure.
 *
 * closed -> open after `threshold` failures in a row; open -> half-open when
 * `cooldown` (doubling up to its cap) is over: exactly one probe; its success
 * closes, its failure opens again. After closing, and after a pause that the
 * endpoint asked for, `allowed` grows by one with each success from 1 to the
 * endpoint's in-flight limit (slow start).
 */

#include <amends/base.h>

enum am_breaker_state { AM_BREAKER_CLOSED, AM_BREAKER_OPEN, AM_BREAKER_HALF };

struct am_breaker {
	enum am_breaker_state state;
	unsigned failures; /* in a row */
	unsigned threshold;
	am_ms cooldown, cooldown_max, base_cooldown;
	am_ms open_until;
	bool probing;
	unsigned allowed; /* in flight at once, 0: no slow start in force */
};

void am_breaker_init(struct am_breaker *b, unsigned threshold, am_ms cooldown,
    am_ms cooldown_max);
/* How many may start now, given in_flight of at most limit; moves open to half.
 */
unsigned am_breaker_room(
    struct am_breaker *b, am_ms now, unsigned in_flight, unsigned limit);
void am_breaker_started(struct am_breaker *b);
void am_breaker_ended(struct am_breaker *b, am_ms now, bool ok, unsigned limit);
/* Closed, and it goes on one at a time, as after opening. */
void am_breaker_ease(struct am_breaker *b, unsigned limit);
/* The attempt ended without a verdict on the endpoint (cancelled). */
void am_breaker_undone(struct am_breaker *b);
const char *am_breaker_str(enum am_breaker_state state);
