#pragma once

/*
 * careful - work after a death (layer: daemon).
 *
 * When the owner before us did not hand the shard over it may have died of the
 * very thing that it worked on. So the first units after such a take-over are
 * tried alone, and each is counted in `{s}:tries` before it is touched, once in
 * the life of a process; the count leaves in the commit that stores the unit's
 * effect. A unit that is counted for the fourth time has been there at three
 * deaths: it is set aside, not tried.
 *
 * A unit's name: "e:ENTRY" for a stream entry, "w:COMPLAINT" for a wake-up.
 */

#include "daemon/turn.h"

#define AM_CAREFUL_UNITS 128
#define AM_TRIES_MAX 3

/* The shard is owned (again): careful when a former owner left its token. */
void am_careful_begin(struct am_shard *sh);
bool am_careful(const struct am_shard *sh);

/* In an open turn: count the unit (b: a batch of this turn); then next(t). */
void am_careful_count(struct am_turn *t, struct am_batch *b, const char *unit,
    void (*next)(struct am_turn *t));
/* It was there at three deaths. */
bool am_careful_poison(const struct am_turn *t);
/* In the commit of the unit's effect, or of its being set aside. */
void am_careful_done(struct am_turn *t);
/* The turn of the unit was committed. */
void am_careful_passed(struct am_turn *t);
