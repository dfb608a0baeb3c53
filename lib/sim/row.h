#pragma once

/*
 * row - a step in the words of the journal, as one JSON object (layer: sim).
 *
 *   {"at":"2026-11-23T01:15:00.000Z","complaint":"c1","event":"wake",
 *    "verdict":"applied","stage":"listen","status":"open",
 *    "do":[{"n":"deadline.warned","clock":"listen","pct":"50",…},…],
 *    "due":{"listen":"…"},"next_at":"…"}
 *
 * `do` holds the notes that go to the feed. `due` names the clocks that run and
 * whose due is another than before the step. A step that was not applied has
 * `code` and, when it was refused, `field` and `text`.
 */

#include "base/buf.h"
#include "sim/world.h"

/*
 * False when the step says no more than that follow-ups were delivered at
 * once, which is assumed of all of them.
 */
bool am_row_tells(const struct am_told *t);
/* Append the object. Notes of a delivery at once are left out. */
void am_row_add(struct am_buf *b, const struct am_told *t);
