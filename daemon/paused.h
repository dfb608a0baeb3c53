#pragma once

/*
 * paused - what a person has stopped, until a person says otherwise (layer:
 * daemon).
 *
 * `{s}:paused`, a hash of the shard: `intake`, `delivery` or `loop:NAME` to
 * JSON (since, by, reason); and `was`, the stretch of the last one that has
 * ended. Read when the shard begins to run, written in commits of its owner,
 * and known from then on: so a restart or a take-over forgets nothing. Until it
 * is known, nothing is read and nothing is claimed.
 *
 *   intake    the stream is not read. Events first: rungs that are due behind
 *             the first unread entry wait, too.
 *   delivery  nothing is claimed; what is on the wire ends. Clocks run on.
 *   loop      nothing of that loop's complaints is claimed: as if by a silence
 *             without an end.
 *
 * An endpoint that is paused is a disabled one (endpoints.h).
 */

#include "daemon/silence.h"

struct am_engine;
struct am_shard;
struct redisReply;

#define AM_PAUSE_TEXT 200
/* What a paused loop holds stands at this place in its outbox: the end of the
 * year 9999. */
#define AM_PAUSE_SCORE ((am_ms)253402300799000)

struct am_pause {
	const char *what; /* "intake" "delivery" "loop:NAME" */
	am_ms since;
	const char *by;	    /* "uid 1000" */
	const char *reason; /* "" none */
};

/* Of one shard. */
struct am_paused {
	struct am_arena arena;
	bool known;
	struct am_pause *list;
	size_t n;
	const struct am_pause *intake, *delivery; /* NULL: not */
	am_ms was_since, was_until;		  /* 0: never was one */
};

/* "{s}:paused" */
struct am_str am_paused_key(const struct am_shard *sh, struct am_arena *a);
/* The answer to HGETALL; what cannot be read is left out, and logged. */
void am_paused_read(struct am_shard *sh, const struct redisReply *hash);
void am_paused_forget(struct am_shard *sh);
/* Read it again. */
void am_paused_ask(struct am_shard *sh);

const struct am_pause *
am_paused_find(const struct am_shard *sh, const char *what);
/* Known from now on; the texts are copied. */
void am_paused_set(struct am_shard *sh, const struct am_pause *p);
/* until: when it ended. */
void am_paused_clear(struct am_shard *sh, const char *what, am_ms until);
/* JSON of one, and of the stretch of one that ends now. */
void am_paused_format(const struct am_pause *p, struct am_buf *out);
void am_paused_format_was(am_ms since, am_ms now, struct am_buf *out);

/* ---- of one shard ---- */

/* No entries are taken now; nothing is claimed now: said, or not known yet. */
bool am_paused_events(const struct am_shard *sh);
bool am_paused_claims(const struct am_shard *sh);
bool am_paused_loops(const struct am_shard *sh); /* some loop is */
/* NULL: the loop is not. */
const struct am_pause *
am_paused_loop(const struct am_shard *sh, const char *loop);
/*
 * Fired while something was paused for longer than `late`, and never tried:
 * it goes out at the pace of catch-up. late 0: nothing does.
 */
bool am_paused_behind(const struct am_shard *sh, am_ms fired_at, am_ms late);

/* ---- of the daemon: in one of the shards that it runs; NULL: in none ---- */

const struct am_pause *am_paused_intake(const struct am_engine *e);
const struct am_pause *am_paused_delivery(const struct am_engine *e);
/* Each `what` once, with the earliest since; list and texts in the arena. */
size_t am_paused_list(const struct am_engine *e, struct am_arena *a,
    const struct am_pause **list);
