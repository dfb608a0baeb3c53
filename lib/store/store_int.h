#pragma once

/*
 * store_int - one shard as the files of this folder see it (layer: store).
 *
 *   store.c   life, states, facts          owner.c    token, beat, take-over
 *   check.c   what a take-over looks at    stream.c   reading, accounts
 *   turn.c    WATCHed loads, queries       commit*.c  the transaction
 */

#include "store/owner.h"
#include "store/redis_int.h"
#include "store/statefile.h"
#include "store/store.h"

struct event;

#define AM_SID_MAX 48

/* A stream entry's id as numbers. */
struct am_sid {
	uint64_t ms, seq;
};

/* XINFO STREAM, as far as we need it. */
struct am_stream_info {
	bool exists;
	uint64_t length, added;
	char last[AM_SID_MAX], first[AM_SID_MAX]; /* first "" when empty */
};

/* The cursor hash as it was read. */
struct am_cursor_row {
	bool exists;
	struct am_cursor c;
	int64_t base; /* entries-added minus what we account for */
	uint64_t epoch;
};

enum am_turn_phase { AM_TURN_NONE, AM_TURN_OPEN, AM_TURN_COMMITTING };

struct am_turn {
	enum am_turn_phase phase;
	bool watching;	     /* a WATCH is in force on the connection */
	unsigned generation; /* of the connection it was begun on */
	bool dead;	     /* it began without ownership */
};

struct am_reading {
	char pos[AM_SID_MAX]; /* last entry read */
	bool out, blocking;   /* a read is on the wire */
	unsigned generation;  /* of reads; older replies are dropped */
	unsigned count;	      /* follows the size of entries */
	struct am_batch *ready;
	const struct am_entry *entries;
	size_t n;
	bool ends; /* what was read reached the end of the stream */
	bool tell_idle, tell_entries;
};

struct am_store {
	struct event_base *base;
	struct am_arena own;
	struct am_store_opts opts;
	struct am_store_events ev;
	void *arg;
	struct am_keys keys;
	struct am_redis *turns, *reads;
	am_ms timeout;	     /* of a batch */
	struct event *later; /* what must not be told inside a call */

	enum am_shard_state state;
	char why[256];
	enum am_shard_state halt; /* AM_SHARD_HALTED_* or STARTING: none */
	char halt_why[256];
	char refused[256];  /* what Redis said last when it refused us */
	char down_why[256]; /* the connection's word */
	char reads_why[256];
	am_ms clock_bad_at; /* CLOCK_BOOTTIME; 0: agrees */
	bool adopt;	    /* a person's word for the next look */
	bool
	    broken; /* halted by a command that failed: only a person ends it */
	bool
	    left_behind; /* the token taken was another's, or a former life's */
	bool full;	 /* out of memory, as of the last write */
	bool settling, freed;

	struct am_redis_facts facts;
	bool facts_in;
	struct am_owner owner;

	struct am_cursor cursor;
	int64_t entries_base;
	uint64_t added;		    /* entries-added as of the last look */
	char accounted[AM_SID_MAX]; /* cursor at the last account */

	struct am_reading read;
	struct event *look; /* every look_every */
	bool looking;

	struct am_turn turn;
	struct am_commit *unknown; /* waits for a connection to be resolved */
	struct am_commit *in_flight;
	struct am_commit *spare;
	struct am_arena outs_arena;
	struct am_str *outs; /* outboxes that are listed */
	size_t outs_n, outs_cap;
};

/* ---- store.c ---- */

/* Work the state out from everything above and tell it when it changed. */
void am_store_settle(struct am_store *s);
void am_store_halt(struct am_store *s, enum am_shard_state halt,
    const char *fmt, ...) AM_PRINTF(3, 4);
/* Redis refused something (NULL: it took it again). */
void am_store_refused(struct am_store *s, const redisReply *error);
/* Redis is out of memory: what frees some goes on, so this is no halt. */
void am_store_full(struct am_store *s, bool full);
/* TIME was answered by b. */
void am_store_clock(
    struct am_store *s, const struct am_batch *b, const redisReply *time);
void am_store_ask_facts(struct am_store *s);
/* The shard is mine as of now. goes_on: it was, and only the connection broke:
 * what was read and taken stays good. */
void am_store_owned(struct am_store *s, const struct am_cursor_row *row,
    const struct am_stream_info *info, bool goes_on);
/* Not any more: all memory of the shard goes. */
void am_store_disowned(struct am_store *s);

/* ---- check.c ---- */

struct am_sid am_sid_parse(const char *id);
int am_sid_cmp(const char *a, const char *b);
void am_stream_info_parse(const redisReply *r, struct am_stream_info *info);
void am_cursor_parse(const redisReply *r, struct am_cursor_row *row);
/* Adds the TYPE commands; gives how many. */
size_t am_check_ask_types(const struct am_store *s, struct am_batch *b);
/*
 * May this shard be worked on? Halts it and gives false when not. first is the
 * index of the first TYPE.
 */
bool am_check_shard(struct am_store *s, const struct am_batch *b, size_t first,
    const struct am_cursor_row *row, const struct am_stream_info *info);

/* ---- stream.c ---- */

void am_stream_start(struct am_store *s); /* at the cursor */
void am_stream_stop(struct am_store *s);
void am_stream_next(struct am_store *s); /* read on when there is room */
/* Commands that make the stream and its group, and set an empty stream whose
 * ids lie below the cursor to the cursor. */
void am_stream_add_make(const struct am_store *s, struct am_batch *b,
    const struct am_stream_info *info, const struct am_cursor *c, int64_t base);
/* Compare the stream's counters with ours; counts what was lost. */
void am_stream_account(
    struct am_store *s, const struct am_stream_info *info, uint64_t commit);
void am_stream_fini(struct am_store *s);

/* ---- turn.c, commit.c, commit_script.c ---- */

/* The commit whose outcome was unknown: the shard is (not) mine. */
void am_commit_resolve(struct am_store *s, bool mine);
/* For good, whatever the store keeps of it. */
void am_commit_destroy(struct am_commit *c);
/* A transaction's reply: 0, or -AM_E* with *error what Redis said. */
int am_exec_rc(const struct am_batch *b, const redisReply **error);
/*
 * Make `to` one EVAL that compares the token (absent when n is 0) and the
 * commit number (-1: any) and then runs commands [from, to) of `cmds`.
 */
void am_script_build(struct am_batch *b, const struct am_keys *k,
    struct am_str token, int64_t commit, const struct am_batch *cmds,
    size_t from, size_t to);
