#pragma once

/* redis_int - what the store's own files know of a batch (layer: store). */

#include "store/redis.h"

struct event;

struct am_batch_cmd {
	size_t from, to; /* RESP bytes in out */
	size_t args;
};

struct am_batch {
	struct am_redis *r;
	struct am_batch *next;
	struct am_arena arena; /* replies, and whatever its user builds */
	struct am_buf out;
	struct am_batch_cmd *cmds;
	const redisReply **replies;
	size_t n, cap, got;
	am_ms timeout;
	am_ms deadline; /* CLOCK_BOOTTIME */
	int rc;
	am_batch_cb *cb;
	void *arg;
	/* for whoever wraps a callback: store/turn.c */
	size_t skip; /* replies before the user's first */
	am_batch_cb *user_cb;
	void *user_arg;
	am_ms sent_at; /* CLOCK_BOOTTIME, when it was handed to the socket */
};

struct am_batch_pool {
	struct am_batch *first;
	unsigned n;
	bool closed;
};

struct am_batch_pool *am_redis_pool(struct am_redis *r);
void am_batch_pool_close(struct am_batch_pool *pool);
/* A connection lives as long as it or one of its batches is used. */
void am_redis_ref(struct am_redis *r);
void am_redis_unref(struct am_redis *r);

/* Call cb with rc on the loop, without sending. Takes b. */
void am_redis_defer(
    struct am_redis *r, struct am_batch *b, int rc, am_batch_cb *cb, void *arg);
/* Add bytes that are RESP already as one command. */
void am_batch_copy(struct am_batch *b, const struct am_batch *from, size_t i);
/* j-th argument of the i-th command (0: its name); the name of a command that
 * is still being built cannot be asked for. */
struct am_str am_batch_arg(const struct am_batch *b, size_t i, size_t j);
/* Ends the command under construction, so that all slices are final. */
void am_batch_seal(struct am_batch *b);
/* Arm a timer; a delay in the past fires at once. */
void am_set_timer(struct event *ev, am_ms delay);
