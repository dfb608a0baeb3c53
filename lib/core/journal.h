#pragma once

/*
 * journal - one line per event that was applied or ignored, hash-chained
 * (layer: core).
 *
 * A line is one JSON object without personal data. It holds the whole input of
 * the step, what it did, and the chain; members in this order, those in [] only
 * when they say something:
 *   {"seq":3,"v":2,"now":MS,"at":MS,"event":"stage.completed","source":"crm",
 *    "event_id":"E-9",["actor":"li","role":"agent",]["expect":2,]
 *    ["negative":true,]"in":{"stage":"listen"},"verdict":"applied",
 *    ["code":"already_done",]"do":[{"n":"stage.met","stage":"listen"}],
 *    "prev":"<32 hex>","h":"<32 hex>"}
 * `v` is the version after the step, `expect` the event's expected_version.
 * `in` has the CORE fields in the event's order, as strings, and two that only
 * a journal has: a field that is personal but that the stage requires stands
 * there as "*"; "@in_flight" names the follow-ups that were on the wire
 * (comma between), when there were any. Given back as fields of the event they
 * make the same step. All values in `do` are strings; instants are ms. The
 * first line's first note, complaint.opened, has the pair `loop` (NAME@HASH).
 *
 * h is the first 16 bytes of SHA-256 over the line up to `,"h":`. prev of the
 * first line is all zeros.
 */

#include "base/buf.h"

#include <amends/step.h>

/*
 * Writes the line into up->line and moves up->next.chain and .seq. in_flight
 * is the list for "@in_flight", n == 0: none.
 */
void am_journal_seal(struct am_update *up, const struct am_loopdef *def,
    const struct am_event *ev, struct am_str in_flight, am_ms now);

/* True when the line's own h fits its bytes; gives h and prev. */
bool am_journal_line_ok(
    struct am_str line, uint8_t prev[AM_CHAIN_LEN], uint8_t h[AM_CHAIN_LEN]);
