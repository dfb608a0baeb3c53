#pragma once

/*
 * census - all open complaints, counted and sorted (layer: ops).
 *
 * Plain values that hang on one arena, made by a walk over every open complaint
 * and every outbox (daemon/census.h) and shared by reference count: nobody
 * changes one that was handed out. Nothing personal is in it: ids of
 * complaints, names of the configuration, staff as owners. Texts are "" and
 * never NULL.
 *
 * A walk takes time. What moves meanwhile is counted where it stood when it was
 * met, each complaint once; when nothing moves, the sums are the tally's.
 */

#include "base/arena.h"

/* By how far off the due of the present stage is. */
enum am_due_col {
	AM_DUE_LAPSED_1D, /* over a day ago */
	AM_DUE_LAPSED_1H, /* over an hour ago */
	AM_DUE_LAPSED,	  /* up to an hour ago */
	AM_DUE_15M,	  /* within a quarter of an hour */
	AM_DUE_1H,
	AM_DUE_4H,
	AM_DUE_1D,
	AM_DUE_LATER,
	AM_DUE_STILL, /* held, or no clock of the stage runs */
	AM_DUE_COLS,
};
/* A closed word for each: "lapsed_1d" "lapsed_1h" "lapsed" "15m" "1h" "4h" "1d"
 * "later" "still". */
const char *am_due_str(enum am_due_col col);
/* due AM_NEVER: it stands still. */
enum am_due_col am_due_col_of(am_ms due, am_ms now);

/* Follow-ups by age, minutes since they fired: under 5, 10, 20 … 1280, more. */
#define AM_AGE_COLS 10
/* Upper bound of a column in minutes, 0 of the last. */
unsigned am_age_minutes(size_t col);
size_t am_age_col_of(am_ms age);

/* A stage of a loop. In the order of the configuration; behind those what
 * stands on loops that it has no more. Stages without complaints, too. */
struct am_census_stage {
	const char *loop, *stage;
	int64_t n[AM_DUE_COLS];
	int64_t total;
};

struct am_census_owner {
	const char *owner; /* "": nobody's */
	int64_t open;
	int64_t soon;	/* of them, due within an hour */
	int64_t lapsed; /* of them */
};

struct am_census_case {
	const char *id, *loop, *stage, *tier, *owner;
	am_ms due_at;
	bool held; /* and yet its clock runs */
};

/* An outbox's follow-ups, all classes together. */
struct am_census_outbox {
	const char *endpoint;
	bool known; /* in the configuration */
	int64_t n[AM_AGE_COLS];
	int64_t total;
};

#define AM_CENSUS_CASES 50    /* of each list */
#define AM_CENSUS_OWNERS 1000 /* those with most that has lapsed, then open */

struct am_census {
	struct am_arena arena;
	unsigned refs;
	am_ms started_at, ended_at; /* of the walk */
	bool complete;		    /* every shard answered to the end */
	size_t shards_n, missing_n; /* shards; of them not told */
	int64_t walked;		    /* open and held: the board's sum */
	int64_t held;		    /* of them */
	int64_t unreadable;	    /* met, and in none of the figures: their
				       record or loop cannot be used */
	int64_t parked;		    /* set aside: the tally counts them, too */
	const struct am_census_stage *board;
	size_t board_n;
	const struct am_census_owner
	    *owners; /* most lapsed, soon, open first */
	size_t owners_n;
	int64_t owners_more; /* complaints of owners who are not listed */
	const struct am_census_case *next; /* about to lapse, soonest first */
	size_t next_n;
	const struct am_census_case *lapsed; /* longest ago first */
	size_t lapsed_n;
	const struct am_census_outbox *outboxes;
	size_t outboxes_n;
	int64_t waiting; /* sum of the outboxes */
};

struct am_census *am_census_ref(struct am_census *c);
void am_census_unref(struct am_census *c); /* NULL is fine */
