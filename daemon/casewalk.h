#pragma once

/*
 * casewalk - every complaint kept, of all shards, as a casefile (layer:
 * daemon).
 *
 * Reads outside of turns, so it needs no ownership: the shards of other daemons
 * are read like one's own. Page by page: at most some 500 journal lines, or one
 * complaint's, are in memory, and the loop turns between two pages. What grows
 * with the complaints is 16 to 32 bytes each, to meet none twice. One that
 * comes in meanwhile is met or not; parked ones are counted and not met.
 */

#include "daemon/shard.h"
#include "ops/casefile.h"

struct am_casewalk;

struct am_casewalk_user {
	/* What must be known first: one batch a shard, all of them before the
	 * first complaint. NULL: nothing. */
	void (*ask)(void *arg, struct am_batch *b, const struct am_shard *sh);
	void (*answer)(void *arg, const struct am_batch *b);
	/* Before its journal is read. */
	bool (*wants)(void *arg, const struct am_complaint *c);
	void (*each)(void *arg, const struct am_casefile *f);
	/* Between pages. false: not now; asked again a little later. NULL: go
	 * on. */
	bool (*ready)(void *arg);
	/* Over, once, never before am_casewalk_start() returns: how many shards
	 * could not be read (or not to their end), and why the first. Then the
	 * walk may be freed, from here, too. */
	void (*done)(void *arg, size_t unreachable, int rc);
	void *arg;
};

/* Borrows the user; holds a share of the configuration. */
struct am_casewalk *
am_casewalk_start(struct am_engine *e, const struct am_casewalk_user *user);
/* No callback after this. NULL is fine. */
void am_casewalk_free(struct am_casewalk *w);
/* No further page: done() comes next. */
void am_casewalk_stop(struct am_casewalk *w);
/* The engine ends, and its shards with it, before the loop turns again: all
 * that go on are over, -AM_ECANCELED. */
void am_casewalks_cancel(struct am_engine *e);

/* So far: complaints met, folded; of about how many; parked ones. */
struct am_casewalk_count {
	size_t met, folded, of, parked;
	size_t unread; /* journal lines that could not be read */
};
const struct am_casewalk_count *am_casewalk_count(const struct am_casewalk *w);
