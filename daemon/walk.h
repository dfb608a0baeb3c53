#pragma once

/*
 * walk - every complaint of a shard, page by page (layer: daemon).
 *
 * A page is a turn among the others, so a walk over a million complaints holds
 * nothing up. A complaint may be met twice, and one that is opened meanwhile
 * is met or not: what a walk tells must be sound when it is told again, and
 * then a walk that was cut off is simply begun anew. Parked complaints are not
 * in the index and are met by name only.
 */

#include "daemon/turn.h"

struct am_walk {
	struct am_op op;
	struct am_shard *sh;
	/* Set by the user, who has this struct as the first member of their
	 * own; NULL where not asked for. */
	const struct am_str *ids; /* walk these, not the index; borrowed */
	size_t ids_n;
	/* One complaint, loaded; it may not exist. wake: where the index has
	 * it, AM_NEVER for ids. True when something was written. */
	bool (*step)(struct am_walk *w, struct am_turn *t, struct am_case *c,
	    am_ms wake);
	/* In the turn of the last page. True when something was written. */
	bool (*last)(struct am_walk *w, struct am_turn *t);
	/* A page is begun: what was gathered for one that was not committed is
	 * void. A page is committed; false: am_walk_go() goes on. */
	void (*page)(struct am_walk *w);
	bool (*paged)(struct am_walk *w);
	/* Over: 0, -AM_ECANCELED (stop was set), or why it cannot go on. */
	void (*done)(struct am_walk *w, int rc);
	bool stop; /* no further page */
	/* its own */
	struct am_walk_item *items;
	size_t items_n, at, taken;
	char scan[24]; /* where the index is read on */
	bool scanned;  /* to its end */
	struct am_arena arena;
};

/* done() is called once, never before this returns. Borrows w until then. */
void am_walk_start(struct am_shard *sh, struct am_walk *w);
void am_walk_go(struct am_walk *w);
