#pragma once

/*
 * cloudevent - CloudEvents 1.0 as flat pairs (layer: intake).
 *
 * type is event, subject complaint_id, id event_id, source source, time
 * occurred_at, traceparent trace_id; the members of data stand under their own
 * names, other attributes under "ce.NAME".
 */

#include "base/arena.h"

#include <amends/event.h>

/*
 * Structured mode. pairs lie in the arena and borrow from text. On failure *why
 * is filled: bad_json, nul_byte, bad_cloudevent or too_big.
 */
AM_MUSTCHECK int am_cloudevent_flatten(struct am_str text, struct am_arena *a,
    const struct am_pair **pairs, size_t *n, struct am_reject *why);

/* The same of a structured event that is flattened already ("id", "data.x"). */
AM_MUSTCHECK int
am_cloudevent_map(const struct am_pair *in, size_t in_n, struct am_arena *a,
    const struct am_pair **pairs, size_t *n, struct am_reject *why);

/*
 * Binary mode of HTTP: attributes are in headers ce-NAME, quoted strings undone
 * and percent-decoded once; the body, JSON or empty, is data.
 */
AM_MUSTCHECK int am_cloudevent_binary(const struct am_pair *headers,
    size_t headers_n, struct am_str body, struct am_arena *a,
    const struct am_pair **pairs, size_t *n, struct am_reject *why);
/* Do these headers carry one? */
bool am_cloudevent_is_binary(const struct am_pair *headers, size_t headers_n);

/* The same for the plain JSON envelope: bad_json or too_big. */
AM_MUSTCHECK int am_envelope_flatten(struct am_str text, struct am_arena *a,
    const struct am_pair **pairs, size_t *n, struct am_reject *why);
