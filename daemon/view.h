#pragma once

/*
 * view - a verb that walks the shards (layer: daemon).
 *
 * Verbs ask Redis outside turns, shard after shard, and print JSON lines. A
 * shard whose Redis is away is passed over and named in the end. The struct
 * lives in the call's arena.
 */

#include "daemon/shard.h"
#include "ops/verbs.h"

struct view {
	struct am_engine *engine;
	struct am_ctl_call *call;
	struct am_arena *a;
	const struct am_verb *verb;
	const struct am_str *argv;
	size_t argc;
	struct am_buf line;
	/* the walk */
	size_t shard_i;
	struct am_shard *shard;
	void (*start)(struct view *v); /* ask v->shard */
	void (*end)(struct view *v);   /* all shards are done */
	void (*next)(struct view *v, struct am_batch *b);
	size_t unreachable; /* shards that could not be asked */
	int lost;	    /* why, of the first */
	/* for verbs */
	struct am_str id;
	size_t limit, shown, offset;
	bool found;
	struct am_complaint *c; /* the complaint looked at */
	const struct am_loopdef *def;
	struct am_batch *held[2], *records;
	void *own;
	void *asker; /* of a call of the daemon's own, see am_ctl_ask() */
};

struct view *am_view_new(struct am_engine *e, struct am_ctl_call *call,
    const struct am_verb *verb, const struct am_str *argv, size_t argc);
/* Walk: start() for each shard, end() behind the last (or the default end). */
void am_view_walk(
    struct view *v, void (*start)(struct view *), void (*end)(struct view *));
void am_view_next_shard(struct view *v);
/* The default end: ok, or which shards could not be asked. */
void am_view_end(struct view *v);
/* The shard at hand gave no answer, or took no write: rc. */
void am_view_lost(struct view *v, int rc);
/* What is the matter with those, for people. */
const char *am_view_why(const struct view *v);
void am_view_drop(struct view *v); /* the batches held */
/* --limit, or the default; 0: no limit */
size_t am_view_limit(struct view *v, size_t otherwise);
struct am_batch *am_view_query(struct view *v);
void am_view_send(struct view *v, struct am_batch *b,
    void (*next)(struct view *v, struct am_batch *b));
/* Unpack c and find its loop; next() runs when both are there (v->c, v->def),
 * or the walk goes on when there is no such record. */
void am_view_complaint(
    struct view *v, void (*next)(struct view *v, struct am_batch *b));

/* JSON: the line under construction. */
void am_view_open(struct view *v);
void am_view_close(struct view *v); /* and send it */
void am_view_time(struct view *v, const char *key, am_ms t);
void am_view_bool(struct view *v, const char *key, bool b);
void am_view_s(struct view *v, const char *key, const char *s);
void am_view_shard(struct view *v, const struct am_shard *sh, int64_t open);

/* A field of a stream entry (id, [name, value …]); n == 0 when absent. */
struct am_str am_entry_field(const redisReply *entry, const char *name);

/* How far a follow-up of v->shard has come: in_flight accepted uncertain
 * interrupted held queued. score: its place in the outbox. */
struct am_fu_record;
const char *am_view_fu_state(
    const struct view *v, const struct am_fu_record *row, am_ms score);

/* Sums over the shards that could be asked. */
struct am_endpoint_sum {
	int64_t waiting;
	/* disabled: as in the first shard of those in which it is */
	struct am_endpoint_state state;
	size_t off; /* in how many it is disabled */
};

struct sums {
	int64_t open, waiting, dead, rejects;
	int64_t *shard_open;
	void (*end)(struct view *v);
	struct am_conf *conf;		   /* a reload may come in between */
	struct am_endpoint_sum *endpoints; /* those of it */
	size_t shards;
};

/* v->own is the sums; end() ends the call. */
void am_view_sums(struct view *v, void (*end)(struct view *v));

/* The end of an act on v->shard: its count under that name, or why not. */
void am_view_end_act(
    struct view *v, int rc, const char *refused, const char *counted, size_t n);
/*
 * The end of an act on every shard. rc: why it was not done somewhere, 0;
 * foreign: shards of other daemons. done == 0: it was so `before`, else it is
 * so `now`, a clause each ("crm was disabled already", "crm is disabled").
 */
void am_view_end_everywhere(struct view *v, int rc, size_t foreign, size_t done,
    const char *before, const char *now);
/* "no such …" with exit code 4, or 1 when a shard could not be asked. */
void am_view_not_found(struct view *v, const char *what);
/* Working time used up, the running part included. */
am_ms am_view_consumed(const struct am_clockdef *cd, const struct am_clock *k);
am_ms am_view_due(const struct am_loopdef *def, const struct am_complaint *c);

/* Verbs (verbs_*.c); each ends the call. */
typedef void am_verb_fn(struct view *v);
am_verb_fn am_verb_help, am_verb_status, am_verb_health, am_verb_list,
    am_verb_show, am_verb_why, am_verb_plan, am_verb_verify, am_verb_followups,
    am_verb_dead_list, am_verb_rejects_list, am_verb_endpoints,
    am_verb_shard_list;
am_verb_fn am_verb_followups_retry, am_verb_followups_cancel,
    am_verb_dead_replay, am_verb_dead_drop, am_verb_rejects_replay,
    am_verb_rejects_drop, am_verb_endpoints_reset, am_verb_shard_adopt,
    am_verb_shard_release, am_verb_close, am_verb_migrate, am_verb_emit,
    am_verb_reload, am_verb_drain;
am_verb_fn am_verb_endpoints_enable, am_verb_endpoints_disable,
    am_verb_endpoints_test;
am_verb_fn am_verb_report, am_verb_export;
am_verb_fn am_verb_silence_add, am_verb_silence_list, am_verb_silence_end;
am_verb_fn am_verb_shape, am_verb_top;
am_verb_fn am_verb_pause_intake, am_verb_pause_delivery, am_verb_pause_loop,
    am_verb_resume_intake, am_verb_resume_delivery, am_verb_resume_loop;
am_verb_fn am_verb_audit;
am_verb_fn am_verb_message_show, am_verb_message_list, am_verb_link,
    am_verb_erase;
