#pragma once

/*
 * commit_int - a commit under construction (layer: store).
 *
 *   commit.c        send it, read the answer, resolve an unknown outcome
 *   commit_write.c  collect the writes, and make commands of them
 *   commit_personal.c a person's data
 *   commit_reject.c an event that could not be applied
 *   commit_table.c  the lists and tables that hold it
 *   commit_script.c the same list of writes as one script
 */

#include "store/commit.h"
#include "base/str.h"
#include "store/store_int.h"

struct am_slice { /* a list of borrowed bytes */
	struct am_slice *next;
	struct am_str s;
};

struct am_slices {
	struct am_slice *first, **tail;
	size_t n;
};

/* What is collected under a name of one or two parts. */
struct am_item {
	uint64_t hash;
	struct am_str a, b;
	struct am_item *next; /* in the order of coming */
};

struct am_table {
	struct am_item **slots;
	size_t cap, n;
	struct am_item *first, **tail;
};

struct am_written { /* one complaint */
	struct am_item item;
	struct am_str record;
	am_ms wake;
	bool write, forget, parked;
	bool move; /* the wake-up, in the index */
	struct am_slices lines;
};

struct am_outbox { /* one class of an endpoint */
	struct am_item item;
	struct am_slices add; /* score and id in turn */
	struct am_slices rem;
	size_t ask; /* reply index of the query; 0: not asked */
};

struct am_count { /* HINCRBY: a is the day, b the field */
	struct am_item item;
	int64_t delta;
};

struct am_commit {
	struct am_store *s;
	struct am_arena arena;
	struct am_batch *b; /* starts with MULTI */
	struct am_table units, outboxes, counts;
	struct am_slices sets; /* MSET: key and value in turn */
	struct am_slices dels;
	const struct am_letter *letters;
	char cursor[AM_SID_MAX]; /* "": it stays */
	uint64_t applied;
	bool must_go_on, feeds, trim, ask_wake;
	am_ms trim_now;
	am_ms at;			 /* wall clock when it was begun */
	size_t wake_ask, group_at, exec; /* commands, by index */
	const redisReply *answers;	 /* of EXEC or of the script */
	uint64_t number;		 /* the commit number it makes */
	struct am_cursor next;		 /* the cursor when it is done */
	am_commit_cb *cb;
	void *arg;
};

/* small commands */
static inline void
args2(struct am_batch *b, const char *name, struct am_str value)
{
	am_arg(b, name);
	am_args(b, value);
}

static inline void
args2i(struct am_batch *b, const char *name, int64_t value)
{
	am_arg(b, name);
	am_argi(b, value);
}

static inline void
xadd(struct am_commit *c, const char *stream)
{
	am_cmd(c->b, "XADD");
	am_arg(c->b, stream);
	am_arg(c->b, "*");
}

void am_slice_add(struct am_commit *c, struct am_slices *l, struct am_str s);
/* The item of that name, made of `bytes` zeroes when it is new. */
void *am_table_get(struct am_commit *c, struct am_table *t, struct am_str a,
    struct am_str b, size_t bytes);
/* Turn what was collected into commands, up to and with EXEC. */
void am_commit_write(struct am_commit *c);
/* The endpoints whose outbox this commit listed are known from now on. */
void am_commit_learn(struct am_commit *c);
