#pragma once

/*
 * careful - work after a death (layer: daemon).
 *
 * When the owner before us did not hand the shard over it may have died of the
 * very thing that it worked on. So the first units after such a take-over are
 * tried alone, each marked in `{s}:tries` before it is touched; the mark leaves
 * in the commit that stores the unit's effect. A unit that is marked for the
 * fourth time has been there at three deaths: it is set aside, not tried.
 *
 * A unit's name: "e:ENTRY" for a stream entry, "w:COMPLAINT" for a wake-up.
 */

#include "daemon/turn.h"

#define AM_CAREFUL_UNITS 128
#define AM_TRIES_MAX 3

/* Start of an ownership: careful when its former owner left its token behind.
 */
void am_careful_begin(struct am_shard *sh);
bool am_careful(const struct am_shard *sh);

/* Was this unit marked by the turn before? Else the turn (open, nothing loaded
 * that matters) marks it: it ends with am_careful_mark(). */
bool am_careful_marked(struct am_shard *sh, const char *unit);
void am_careful_mark(struct am_turn *t, const char *unit);

/* Load how often the unit was tried; then next(t). */
void am_careful_ask(struct am_turn *t, struct am_batch *b, const char *unit,
    void (*next)(struct am_turn *t));
/* It was there at three deaths. */
bool am_careful_poison(const struct am_turn *t);
/* In the commit of the unit's effect, or of its being set aside. */
void am_careful_done(struct am_turn *t);
