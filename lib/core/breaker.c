/*
 * breaker - three states and a slow start.
 *
 * A transfer that was under way when the breaker opened may end in any later
 * state. In OPEN its end says nothing new and is dropped; cooldowns are longer
 * than a transfer's timeout, so that in HALF the one that ends is the probe.
 */

#include "core/breaker.h"

void
am_breaker_init(struct am_breaker *b, unsigned threshold, am_ms cooldown,
    am_ms cooldown_max)
{
	*b = (struct am_breaker){
		.state = AM_BREAKER_CLOSED,
		.threshold = threshold,
		.cooldown = cooldown,
		.base_cooldown = cooldown,
		.cooldown_max = cooldown_max,
	};
}

unsigned
am_breaker_room(
    struct am_breaker *b, am_ms now, unsigned in_flight, unsigned limit)
{
	if (b->state == AM_BREAKER_OPEN && now >= b->open_until) {
		b->state = AM_BREAKER_HALF;
		b->probing = false;
	}
	switch (b->state) {
	case AM_BREAKER_OPEN:
		return 0;
	case AM_BREAKER_HALF:
		return limit > 0 && !b->probing;
	case AM_BREAKER_CLOSED:
		break;
	}
	if (b->allowed > 0 && b->allowed < limit)
		limit = b->allowed;
	return in_flight < limit ? limit - in_flight : 0;
}

void
am_breaker_started(struct am_breaker *b)
{
	if (b->state == AM_BREAKER_HALF)
		b->probing = true;
}

void
am_breaker_ease(struct am_breaker *b, unsigned limit)
{
	if (b->state == AM_BREAKER_CLOSED)
		b->allowed = limit > 1;
}

static void
open_up(struct am_breaker *b, am_ms now)
{
	b->state = AM_BREAKER_OPEN;
	b->open_until = now + b->cooldown;
	b->probing = false;
	b->allowed = 0;
}

static void
probe_ended(struct am_breaker *b, am_ms now, bool ok, unsigned limit)
{
	if (!ok) {
		b->failures++;
		b->cooldown = b->cooldown > b->cooldown_max / 2
				  ? b->cooldown_max
				  : b->cooldown * 2;
		open_up(b, now);
		return;
	}
	b->state = AM_BREAKER_CLOSED;
	b->failures = 0;
	b->cooldown = b->base_cooldown;
	b->open_until = 0;
	b->probing = false;
	b->allowed = limit > 1;
}

void
am_breaker_ended(struct am_breaker *b, am_ms now, bool ok, unsigned limit)
{
	if (b->state == AM_BREAKER_HALF) {
		probe_ended(b, now, ok, limit);
	} else if (b->state == AM_BREAKER_CLOSED && ok) {
		b->failures = 0;
		if (b->allowed > 0 && ++b->allowed >= limit)
			b->allowed = 0;
	} else if (b->state == AM_BREAKER_CLOSED) {
		b->failures++;
		if (b->threshold > 0 && b->failures >= b->threshold)
			open_up(b, now);
	}
}

void
am_breaker_undone(struct am_breaker *b)
{
	b->probing = false;
}

const char *
am_breaker_str(enum am_breaker_state state)
{
	static const char *const names[] = {
		[AM_BREAKER_CLOSED] = "closed",
		[AM_BREAKER_OPEN] = "open",
		[AM_BREAKER_HALF] = "half-open",
	};

	return names[state];
}
