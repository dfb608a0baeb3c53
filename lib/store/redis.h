#pragma once

/*
 * redis - one connection that comes back by itself (layer: store).
 *
 * hiredis async on libevent through an adapter of our own (hiredis 0.14.1 and
 * 1.x). Commands are sent in batches; the replies of a batch live in its arena
 * and its callback runs once, when all are in or none will come. Every batch
 * has a timeout; when it passes the connection is dropped. Reconnects with
 * backoff and jitter (100 ms to 5 s), SELECTs the db and AUTHs. Host names are
 * resolved by evdns, never by hiredis. Kinds: unix and tcp; what decides where
 * to connect to is one function, so that Sentinel and Cluster fit in.
 * Callbacks run on the event loop, never before the starting call returns.
 */

#include <hiredis/hiredis.h>

#include "base/buf.h"

struct event_base;
struct evdns_base;
struct am_redis;
struct am_batch;

struct am_redis_opts {
	bool is_unix;
	const char *path_or_host;
	unsigned port, db;
	const char *user;	/* NULL: default user */
	struct am_str password; /* n == 0: none */
	const char *client_name;
	am_ms timeout; /* of a batch unless it says otherwise */
};

/* up: ready for commands. Down: why is one line for people. */
typedef void am_redis_state_cb(void *arg, bool up, const char *why);

struct am_redis *am_redis_new(struct event_base *base, struct evdns_base *dns,
    const struct am_redis_opts *opts, am_redis_state_cb *cb, void *arg);
/* Pending batches get -AM_ECANCELED, on the loop; r is gone for the caller,
 * and its memory goes when the loop has turned once more. */
void am_redis_free(struct am_redis *r);
bool am_redis_up(const struct am_redis *r);
/* Drop the connection (pending: -AM_EIO) and connect anew. */
void am_redis_restart(struct am_redis *r, const char *why);

/* CLIENT ID of the connection (0: not up), and how often it was made. */
int64_t am_redis_client_id(const struct am_redis *r);
unsigned am_redis_generation(const struct am_redis *r);

/* Build: am_cmd starts a command, am_arg* add to the one started last. */
struct am_batch *am_batch_new(struct am_redis *r); /* pooled; give it to send
							or to am_batch_free */
void am_cmd(struct am_batch *b, const char *name);
void am_arg(struct am_batch *b, const char *s);
void am_args(struct am_batch *b, struct am_str s);
void am_argi(struct am_batch *b, int64_t v);
size_t am_batch_cmds(const struct am_batch *b);
struct am_arena *am_batch_arena(struct am_batch *b);

/*
 * rc 0: every reply is in (error replies are replies); -AM_EIO: the connection
 * broke, some may have been executed; -AM_ETIMEDOUT: likewise, dropped by us;
 * -AM_ECANCELED. The batch is the callback's to keep or to am_batch_free().
 */
typedef void am_batch_cb(void *arg, int rc, struct am_batch *b);
/* Takes b. timeout 0: the connection's. */
void am_redis_send(struct am_redis *r, struct am_batch *b, am_ms timeout,
    am_batch_cb *cb, void *arg);
/* Reply of the i-th command; NULL when it did not come. */
const redisReply *am_batch_reply(const struct am_batch *b, size_t i);
void am_batch_free(struct am_batch *b); /* NULL is fine */

struct am_str am_reply_str(const redisReply *r); /* n == 0 when no string */
int64_t am_reply_int(const redisReply *r);	 /* also of a numeric string */
bool am_reply_is_error(const redisReply *r);

/* By the first word only: -AM_EFULL (OOM), -AM_EBUSY (LOADING READONLY BUSY
 * MISCONF NOREPLICAS MASTERDOWN TRYAGAIN CLUSTERDOWN), -AM_EPROTO (WRONGTYPE,
 * ERR), -AM_EREFUSED (NOAUTH WRONGPASS NOPERM), -AM_EUNKNOWN (any other). */
int am_reply_rc(const redisReply *r);
