#pragma once

/*
 * endpoints - what a shard remembers of the endpoints it sends to (layer:
 * daemon).
 *
 * `{s}:endpoints`, a hash of name to JSON: whether an endpoint is disabled,
 * since when, why and by whom, and since when it has done nothing but fail. So
 * a restart or a take-over forgets nothing. It is read when the shard begins to
 * run, changed in the commit of a turn, and known from then on.
 *
 * A disabled endpoint is sent nothing: what is for it stays in its outbox, in
 * its order, and ends there when what it speaks of ends.
 */

#include "conf/conf.h"

struct am_engine;
struct am_outlet;
struct am_send_result;
struct am_sending;
struct am_shard;
struct am_turn;
struct redisReply;

#define AM_ENDPOINT_TEXT 200

/* Why an endpoint is disabled. */
enum am_disabled {
	AM_ENABLED,
	AM_DISABLED_GONE,     /* it answered 410 Gone */
	AM_DISABLED_FAILING,  /* nothing but failures for disable_after */
	AM_DISABLED_OPERATOR, /* a person said so */
	AM_DISABLED_N,
};
const char *am_disabled_str(enum am_disabled why); /* "" of AM_ENABLED */
const char *am_endpoint_type_str(enum am_endpoint_type type);

struct am_endpoint_state {
	enum am_disabled disabled;
	am_ms at; /* disabled, or enabled again, at; 0: neither ever */
	char by[32];
	char text[AM_ENDPOINT_TEXT + 1]; /* the person's reason, "" */
	am_ms failing_since; /* the last that was no failure is before; 0: none
				failed since */
	am_ms failing_last;  /* the newest failure, or not long before it */
};

/* The answer to HGETALL; what cannot be read is left out. */
void am_endpoints_read(struct am_shard *sh, const struct redisReply *hash);
void am_endpoints_forget(struct am_shard *sh);
/* "{s}:endpoints" */
struct am_str am_endpoints_key(const struct am_shard *sh, struct am_arena *a);
/* In one of the shards that this daemon owns; NULL: in none. */
const struct am_endpoint_state *
am_endpoint_disabled(const struct am_engine *e, const char *endpoint);

/* ---- in a turn ---- */

/* What a turn leaves of an endpoint. */
struct am_state_change {
	struct am_state_change *next; /* an older one */
	struct am_outlet *outlet;
	struct am_endpoint_state state;
	bool spread; /* the daemon's other shards are to know it */
};

/* Disabled, also by what this turn has written. */
bool am_endpoint_off(const struct am_turn *t, const struct am_outlet *o);
/* The answer that ends an endpoint, and leaves the follow-up waiting. */
bool am_endpoint_is_gone(const struct am_send_result *r);
/*
 * What the outcome of a follow-up says of its endpoint; disables it when that
 * is its end. Every outcome but a cancelled one is told here, once.
 */
void am_endpoints_outcome(struct am_turn *t, const struct am_sending *s);
/*
 * Written with the turn's commit. `told`: operators hear of it from elsewhere.
 * enable: false when it was not disabled.
 */
void am_endpoint_disable(struct am_turn *t, struct am_outlet *o,
    const struct am_endpoint_state *why, bool told);
bool am_endpoint_enable(
    struct am_turn *t, struct am_outlet *o, const char *by, bool told);
/* The turn is committed: what it wrote is known, other shards hear of it. */
void am_endpoints_learn(struct am_turn *t);

/* JSON of one, and back; -AM_EINVAL when it is none. */
void am_endpoint_format(const struct am_endpoint_state *s, struct am_buf *out);
AM_MUSTCHECK int am_endpoint_parse(
    struct am_str json, struct am_arena *a, struct am_endpoint_state *s);
