#pragma once

/*
 * lanes - a shard's outboxes, and what is known of them (layer: daemon).
 *
 * An endpoint is an outlet; each class of its follow-ups has a lane, which is
 * an outbox in Redis. The lanes of an outlet share what room the endpoint has.
 * Outlets and lanes live as long as their shard, each at an address that stays.
 */

#include "core/stride.h"
#include "daemon/endpoints.h"

struct am_outlet;
struct am_shard;

struct am_lane {
	char *name;	      /* of its outbox, am_out_name() */
	const char *endpoint; /* its outlet's */
	struct am_outlet *outlet;
	am_ms next_at; /* earliest attempt, AM_NEVER: none */
	/* ids read from the outbox, due and not claimed yet */
	char (*ready)[AM_FU_ID_LEN + 1];
	size_t ready_n, ready_i;
};

struct am_outlet {
	char *endpoint;
	size_t at;    /* its place among the shard's */
	bool removed; /* not in conf: what waits becomes dead */
	struct am_endpoint_state state;
	struct am_lane *lanes[AM_FU_CLASSES];
	struct am_stride stride;
	unsigned starting; /* claimed, not given to delivery yet */
	uint64_t served; /* when it was served last, as engine.served counts */
};

/* That of an endpoint, of an outbox; made when it is new. */
struct am_outlet *am_shard_outlet(struct am_shard *sh, struct am_str endpoint);
struct am_lane *am_shard_lane(struct am_shard *sh, struct am_str outbox);
/* An outlet for each endpoint of the configuration in force. */
void am_lanes_configure(struct am_shard *sh);
/* Nothing is known of any outbox any more. */
void am_lanes_forget(struct am_shard *sh);
void am_lanes_free(struct am_shard *sh);

/* An attempt of the lane is due at `at`. */
void am_lane_due(struct am_lane *lane, am_ms at);
/* When the shard can send something by itself, AM_NEVER: not. */
am_ms am_lanes_look(const struct am_shard *sh, am_ms now);
/* How many of the endpoint's follow-ups a turn may take now. */
unsigned am_outlet_room(struct am_shard *sh, struct am_outlet *o, am_ms now);
