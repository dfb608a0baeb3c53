#pragma once

/*
 * journal - one line per applied event, hash-chained (layer: core).
 *
 * A line is one JSON object without personal data; it holds the whole input of
 * the step (event, its CORE fields, now), the notes, and the chain:
 *   {"seq":3,"v":2,"now":…,"at":…,"event":"stage.completed","source":"crm",
 *    "event_id":"E-9","in":{"stage":"listen"},"verdict":"applied",
 *    "do":[{"n":"stage.met","stage":"listen"}],"prev":"<32 hex>","h":"<32
 * hex>"} h is the first 16 bytes of SHA-256 over the line up to `,"h":`. prev
 * of the first line is all zeros.
 */

#include "base/buf.h"

#include <amends/step.h>

/* Writes the line into up->line and moves up->next.chain and .seq. */
void
am_journal_seal(struct am_update *up, const struct am_event *ev, am_ms now);

/* True when the line's own h fits its bytes; gives h and prev. */
bool am_journal_line_ok(
    struct am_str line, uint8_t prev[AM_CHAIN_LEN], uint8_t h[AM_CHAIN_LEN]);
