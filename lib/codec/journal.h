#pragma once

/* journal - read journal lines back (layer: codec), for replay and `why`. */

#include "base/buf.h"

#include <amends/step.h>

/* One line; its form is that of core/journal.h. */
struct am_journal_entry {
	uint32_t seq;
	uint32_t version; /* of the complaint, after the step */
	am_ms now;
	struct am_event event; /* as am_step() was given it */
	struct am_str verdict; /* "applied" or "ignored" */
	struct am_str code;    /* why ignored, "" else */
	struct am_note *notes;
	uint8_t prev[AM_CHAIN_LEN], h[AM_CHAIN_LEN];
};

/*
 * Names of notes and lists lie in the arena, all else borrows from line and
 * arena. -AM_EINVAL when the line is not ours. The chain is not checked here
 * (am_journal_line_ok() does it).
 */
AM_MUSTCHECK int am_journal_parse(
    struct am_str line, struct am_arena *a, struct am_journal_entry *e);

/* A definition by NAME@HASH; NULL: unknown. */
typedef const struct am_loopdef *am_loop_lookup(void *arg, struct am_str ref);

/*
 * A line does not follow by the calendars in force until here: the lookup gives
 * definitions with those that came next from now on. False: none did.
 */
typedef bool am_calendars_next(void *arg);

/*
 * Fold lines, oldest first, through am_step() from nothing and give the state
 * (its bytes lie in the arena, its id is shared). -AM_ECONFLICT when the chain
 * or a line differs from what the step writes, -AM_ENOENT when the loop is
 * unknown; *bad_seq (set in these cases only) is the number of the first such
 * line, counted from 1. Memory does not grow with n.
 */
AM_MUSTCHECK int am_journal_replay(struct am_str id, const struct am_str *lines,
    size_t n, am_loop_lookup *loops, void *arg, struct am_arena *a,
    struct am_complaint *state, uint32_t *bad_seq);

/* The same through edits of calendars; next may be NULL. Versions are gone
 * through once, forward, so no line is taken by rules older than those of the
 * line before. */
AM_MUSTCHECK int
am_journal_replay_edits(struct am_str id, const struct am_str *lines, size_t n,
    am_loop_lookup *loops, am_calendars_next *next, void *arg,
    struct am_arena *a, struct am_complaint *state, uint32_t *bad_seq);
