#pragma once

/*
 * verify - is a journal what was written, and does it lead to the record?
 * (layer: daemon)
 *
 * Two questions, and the answer says to which of them it is no. Reads outside
 * of turns; record and journal come in one batch, so between two commits.
 */

#include "daemon/shard.h"

enum am_verify_result {
	AM_VERIFY_OK,
	AM_VERIFY_AWAY,	      /* Redis gave no answer: rc */
	AM_VERIFY_ABSENT,     /* not in this shard */
	AM_VERIFY_UNREADABLE, /* the record */
	AM_VERIFY_UNUSABLE,   /* the loop that it is on */
	AM_VERIFY_NO_LOOP,    /* whole; a loop of the past cannot be used */
	AM_VERIFY_OTHERS,     /* whole; conf was another then */
	AM_VERIFY_LINE,	      /* a line is not what was written */
	AM_VERIFY_RECORD,     /* it does not lead to the record */
};

/* Somebody, or something, wrote what no step makes. */
static inline bool
am_verify_forged(enum am_verify_result r)
{
	return r == AM_VERIFY_LINE || r == AM_VERIFY_RECORD;
}

struct am_as_was;
struct am_verify;
typedef void am_verify_cb(void *arg, struct am_verify *y);

struct am_verify {
	enum am_verify_result result;
	int rc;
	struct am_str id;
	size_t lines_n;
	uint32_t bad;	 /* line at which the replay ended; 0: none */
	uint32_t broken; /* line at which the chain is; 0: it is whole */
	struct am_complaint c;
	/* inside */
	struct am_shard *sh;
	struct am_arena *a;
	am_verify_cb *cb;
	void *arg;
	struct am_batch *record, *more;
	struct am_str *lines, *refs; /* refs: loops to load */
	size_t refs_n, refs_room;
	const struct am_calendar **past; /* oldest first, NULL: unreadable */
	size_t past_n, at;		 /* those before `at` are over */
	struct am_as_was *as_was;
};

/* y, id and a are borrowed until am_verify_drop(); cb runs once, never before
 * this returns, and not at all when the shard is freed first. */
void am_verify_begin(struct am_verify *y, struct am_shard *sh, struct am_str id,
    struct am_arena *a, am_verify_cb *cb, void *arg);
void am_verify_drop(struct am_verify *y);
/* What is wrong, for people; "" when nothing is. */
const char *am_verify_text(const struct am_verify *y);
