#pragma once

/*
 * callbacks - what gateways tell us by HTTP (layer: daemon).
 *
 * POST or GET /v1/callback/<endpoint>/<token>: receipts and replies become
 * stream entries. Each is answered behind Redis's answers, one XADD a stream: a
 * receipt says which message it is about, and no more, so every shard looks for
 * it. Redis away or refusing: 503 with Retry-After.
 */

#include "daemon/engine.h"
#include "intake/http.h"

#define AM_CALLBACKS_PATH "/v1/callback/"

struct am_callbacks;

struct am_callbacks *am_callbacks_new(struct am_engine *e);
/* Behind the shards, whose answers it may still wait for. */
void am_callbacks_free(struct am_callbacks *cb);

am_http_handler am_callbacks_on_request; /* arg: the engine */

/* Nothing new comes: what has come in pieces is written. */
void am_callbacks_stop(struct am_callbacks *cb);
bool am_callbacks_quiet(const struct am_callbacks *cb);

/* Members of the status's "http". */
void am_callbacks_status(const struct am_callbacks *cb, struct am_buf *out);
