#pragma once

/*
 * cloudevent - CloudEvents 1.0, structured mode, as flat pairs (layer: intake).
 *
 * type is event, subject complaint_id, id event_id, source source, time
 * occurred_at, traceparent trace_id; the members of data stand under their own
 * names, other attributes under "ce.NAME".
 */

#include "base/arena.h"

#include <amends/event.h>

/*
 * pairs lie in the arena and borrow from text. On failure *why is filled:
 * bad_json, bad_cloudevent or too_big.
 */
AM_MUSTCHECK int am_cloudevent_flatten(struct am_str text, struct am_arena *a,
    const struct am_pair **pairs, size_t *n, struct am_reject *why);

/* The same for the plain JSON envelope: bad_json or too_big. */
AM_MUSTCHECK int am_envelope_flatten(struct am_str text, struct am_arena *a,
    const struct am_pair **pairs, size_t *n, struct am_reject *why);
