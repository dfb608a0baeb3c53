#pragma once

/*
 * store - one shard in Redis: ownership, fenced turns, the stream (layer:
 * store).
 *
 * Two connections a shard: one for turns and queries, one that blocks on the
 * stream (or, as a standby, on the beat). Decides no policy: it says what
 * state the shard is in and carries loads and commits.
 */

#include "store/facts.h"
#include "store/keys.h"
#include "store/redis.h"

struct am_store;
struct am_commit;
struct am_statefile;

enum am_shard_state {
	AM_SHARD_STARTING,
	AM_SHARD_STANDBY, /* another instance owns it */
	AM_SHARD_RUNNING,
	AM_SHARD_HELD_CLOCK,	 /* Redis and local clock disagree */
	AM_SHARD_HALTED_DATASET, /* needs `shard adopt` */
	AM_SHARD_HALTED_BEHIND,	 /* halted:stream-behind */
	AM_SHARD_HALTED_STORAGE, /* wrong type, run-time write failure */
	AM_SHARD_DEGRADED,	 /* degraded:redis: unreachable or refusing */
	AM_SHARD_RELEASED,	 /* given away by `shard release` or stopping */
};
const char *am_shard_state_str(enum am_shard_state state);

struct am_cursor {
	char id[48]; /* last entry applied, "0-0" at first */
	uint64_t applied, lost, commit;
	char dataset[33];
};

struct am_store_opts {
	const char *stream, *group, *instance;
	const struct am_redis_opts *redis;
	am_ms owner_ttl, max_skew, keep_events;
	am_ms keep_rejects; /* 0: for good */
	unsigned batch;
	bool lock_held; /* this process holds the instance lock: replace the
			   instance's own old token at once */
	struct am_statefile *state; /* shared: dataset ids, commit numbers;
				       NULL: none */
	am_ms clock_settle; /* agreement that ends held:clock; 0: 60 s */
	am_ms look_every;   /* the stream's counters, INFO; 0: 10 s */
	uint64_t feed_max;  /* entries kept in the feed, about; 0: 100000 */
};

/* One stream entry; lives until the batch that brought it is released. */
struct am_entry {
	struct am_str id;
	const struct am_pair *fields;
	size_t n;
	size_t bytes;
};

struct am_store_events {
	/* Every change of state, with one line for people. */
	void (*on_state)(void *arg, enum am_shard_state state, const char *why);
	/* Entries beyond the last taken are there: am_store_take() them. */
	void (*on_entries)(void *arg);
	/* The read position stands at the end of the stream as of now. */
	void (*on_idle)(void *arg);
	/* Entries that a producer trimmed away unread; the cursor's `lost`
	 * counts them and is written by the next commit. */
	void (*on_lost)(void *arg, uint64_t n);
};

struct am_store *am_store_new(struct event_base *base, struct evdns_base *dns,
    const struct am_store_opts *opts, const struct am_store_events *ev,
    void *arg);
/* No callback after this, open commits and turns included. Batches that are
 * held stay good. */
void am_store_free(struct am_store *s);

const struct am_keys *am_store_keys(const struct am_store *s);
enum am_shard_state am_store_state(const struct am_store *s);
const char *am_store_why(const struct am_store *s);
const struct am_cursor *am_store_cursor(const struct am_store *s);
const struct am_token *am_store_token(const struct am_store *s);
const struct am_redis_facts *am_store_facts(const struct am_store *s);
/* CLOCK_BOOTTIME instant until which we may act; 0 when we may not. */
am_ms am_store_good_until(const struct am_store *s);
bool am_store_may_act(const struct am_store *s);
/* The owner before us did not hand over: it was killed, or it is cut off. */
bool am_store_left_behind(struct am_store *s); /* said once a take-over */
/* Entries behind the cursor's end, as of the last look. */
uint64_t am_store_lag(const struct am_store *s);
/* Id of the last entry read (taken or waiting to be taken). */
const char *am_store_position(const struct am_store *s);

/*
 * A person's decisions. adopt: end a halt, new dataset id, read on from the
 * cursor (from the stream's start after a flush, or when the stream's ids lie
 * below the cursor); or take part again after a release. -AM_ECONFLICT: there
 * is nothing to end.
 */
AM_MUSTCHECK int am_store_adopt(struct am_store *s);
/* Give the token up (deletes it in a commit); a standby may take it at once. */
void am_store_release(struct am_store *s, void (*done)(void *arg), void *arg);
/* It was asked for and is not done: a turn that begins now is over at once. */
bool am_store_releasing(const struct am_store *s);

/*
 * Take what was read. The entries start behind the last taken; after a commit
 * that failed, am_store_rewind() makes the reading start again at the cursor.
 * *hold keeps the memory; give it to am_batch_free() when done.
 */
size_t am_store_take(struct am_store *s, const struct am_entry **entries,
    struct am_batch **hold);
void am_store_rewind(struct am_store *s);

/*
 * Turns. One at a time. am_turn_begin() gives a batch that starts with WATCH
 * and GET token; add loads, am_turn_load() it; am_turn_more() gives a further
 * batch of the same turn. Replies of one's own commands: am_turn_reply(b, i)
 * with i from 0. Callback rc: 0 (ours), -AM_EFENCED, -AM_EIO, -AM_EBUSY; after
 * anything but 0 the turn is over. am_turn_end() ends one without a commit.
 */
struct am_batch *am_turn_begin(struct am_store *s);
struct am_batch *am_turn_more(struct am_store *s);
void am_turn_load(
    struct am_store *s, struct am_batch *b, am_batch_cb *cb, void *arg);
const redisReply *am_turn_reply(const struct am_batch *b, size_t i);
void am_turn_end(struct am_store *s);
bool am_turn_open(const struct am_store *s);

/*
 * Commit. rc: 0 (done; replies of the queries below are in), -AM_ECANCELED
 * (not done, whatever the reason: step again from fresh loads), -AM_EFENCED
 * (the ownership is gone), -AM_EFULL, -AM_EBUSY (refused whole), -AM_EPROTO
 * (a write failed at run time: the shard is halted:storage). An unknown outcome
 * is resolved here (reconnect, fresh nonce, compare commit numbers) before the
 * callback runs. Takes c; the callback has it back, to read and to
 * am_commit_free().
 */
typedef void am_commit_cb(void *arg, int rc, struct am_commit *c);
struct am_commit *am_commit_new(struct am_store *s);
void am_commit_send(struct am_commit *c, am_commit_cb *cb, void *arg);
void am_commit_free(struct am_commit *c);

/* Reads outside turns, on the turn connection (harmless to a WATCH). */
struct am_batch *am_store_query(struct am_store *s);
void am_store_query_send(
    struct am_store *s, struct am_batch *b, am_batch_cb *cb, void *arg);
