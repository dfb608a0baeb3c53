#pragma once

/*
 * repeat - has this customer complained of this before? (layer: daemon)
 *
 * An index of openings by customer and category, asked for all openings of a
 * turn at once and written once a turn. What it finds becomes a field of the
 * event before the step, so that the journal holds it as input.
 */

#include "daemon/turn.h"

/* Openings are looked for, and the shard does not know its key yet: a round
 * trip gets it, then next() runs. False: nothing to get, b stays as it is. */
bool am_repeat_learn(
    struct am_turn *t, struct am_batch *b, void (*next)(struct am_turn *t));
/* Add the look-up of the openings decoded so far to b. */
void am_repeat_ask(struct am_turn *t, struct am_batch *b);
/* The complaint that opening i repeats, by the loop it opens on; n == 0: none.
 * Lives as long as the turn. */
struct am_str
am_repeat_of(struct am_turn *t, size_t i, const struct am_loopdef *def);
/* Opening i was applied: it is known from now on, in this turn too. */
void am_repeat_note(struct am_turn *t, size_t i);
/* Into the commit; and when that is done. */
void am_repeat_write(struct am_turn *t);
void am_repeat_written(struct am_turn *t);

/*
 * An erasure: what the index has of a complaint of this customer. The key as it
 * stands in Redis (hex) is learnt outside of a turn; false: there is none, and
 * so no index. Ask in a turn's loads for it, from the time of its opening on,
 * then take out what leads to the complaint, into the commit.
 */
struct am_repeat_trace;
bool am_repeat_learnt(struct am_shard *sh, struct am_str hex);
struct am_repeat_trace *am_repeat_trace(struct am_turn *t, struct am_batch *b,
    const struct am_pair *personal, size_t n, struct am_str category,
    am_ms opened_at);
void am_repeat_forget(struct am_turn *t, const struct am_repeat_trace *tr,
    struct am_str complaint);

/* No field of the event says who complains, but which complaint it goes on
 * from; that is loaded with it. */
bool am_repeat_borrows(const struct am_event *ev);
