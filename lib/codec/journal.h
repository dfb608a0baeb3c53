#pragma once

/* journal - read journal lines back (layer: codec), for replay and `why`. */

#include "base/buf.h"

#include <amends/step.h>

struct am_journal_entry {
	uint32_t seq;
	am_ms now;
	struct am_event event; /* as am_step() was given it */
	struct am_str verdict;
	struct am_note *notes;
	uint8_t prev[AM_CHAIN_LEN], h[AM_CHAIN_LEN];
};

/* Everything lies in the arena. -AM_EINVAL when the line is not ours. */
AM_MUSTCHECK int am_journal_parse(
    struct am_str line, struct am_arena *a, struct am_journal_entry *e);

/*
 * Fold lines through am_step() from nothing and give the state. `loops` looks
 * a definition up by NAME@HASH. -AM_ECONFLICT when the chain or a line differs
 * from what the step writes; *bad_seq then names the first such line.
 */
typedef const struct am_loopdef *am_loop_lookup(void *arg, struct am_str ref);
AM_MUSTCHECK int am_journal_replay(struct am_str id, const struct am_str *lines,
    size_t n, am_loop_lookup *loops, void *arg, struct am_arena *a,
    struct am_complaint *state, uint32_t *bad_seq);
