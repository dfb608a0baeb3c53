#pragma once

/*
 * silence - follow-ups that a person keeps quiet for a while (layer: daemon).
 *
 * A hash of the shard, `{s}:silences`: id -> JSON. A silence has matchers, an
 * author, a reason and an end; what it matches is not sent while it lasts, and
 * nothing else changes: clocks run on, rungs fire, follow-ups wait. A silence
 * matches what all of its matchers match, customers included.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "codec/record.h"
#include "store/redis.h"

#include <amends/loop.h>

#define AM_SILENCE_KEEP (7 * AM_DAY) /* after its end, for the list */

struct am_silence {
	struct am_str id;
	struct am_str author, reason;
	am_ms from, until;
	am_ms ended; /* ended early at, 0: not */
	const struct am_pair *match;
	size_t match_n;
};

/* Those of one shard, as last read. */
struct am_silences {
	struct am_arena arena;
	const struct am_silence *list;
	size_t n;
	bool known; /* false: to be read */
};

/* What a silence is held against. NULL or "" : not known, matches nothing. */
struct am_silenced {
	const struct am_fu_record *row;
	const struct am_complaint *complaint;
	const struct am_loopdef *def;
};

bool am_silence_active(const struct am_silence *s, am_ms now);
/* Of those in force that match, the one that ends last; NULL: none. */
const struct am_silence *am_silence_find(
    const struct am_silences *all, am_ms now, const struct am_silenced *what);
bool am_silences_any(const struct am_silences *all, am_ms now);

/* The answer to HGETALL; what cannot be read is left out. */
void am_silences_read(struct am_silences *all, const redisReply *hash);
void am_silences_forget(struct am_silences *all);

/* The JSON of one. -AM_EINVAL when it is none. Strings lie in the arena or
 * borrow. */
AM_MUSTCHECK int am_silence_parse(struct am_str id, struct am_str json,
    struct am_arena *a, struct am_silence *s);
void am_silence_format(const struct am_silence *s, struct am_buf *out);

/* "KEY=VALUE" of a matcher; -AM_EINVAL with what for a person. */
AM_MUSTCHECK int
am_silence_matcher(struct am_str word, struct am_pair *match, char what[200]);
