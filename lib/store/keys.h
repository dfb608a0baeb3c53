#pragma once

/*
 * keys - every key name of a shard is made here, from its stream (layer:
 * store).
 *
 * All but the stream start with `{STREAM}:` and so share its Cluster slot. A
 * name with a '}' that closes nothing cannot be a hash tag: fit for one node,
 * not for Cluster.
 */

#include "base/buf.h"

struct am_keys {
	const char *stream, *token, *beat, *cursor, *wake, *dead, *rejects,
	    *parked, *feed, *tally, *outs, *tries;
	const char *prefix; /* "{complaints}:" */
	char *own;	    /* owned memory of all of the above */
};

void am_keys_init(struct am_keys *k, const char *stream);
void am_keys_fini(struct am_keys *k);

/* prefix + kind + ":" + name into the arena: "c" "pii" "body" "fu" "log" "out"
 * "kpi" "loop" "contact" */
struct am_str am_key(const struct am_keys *k, struct am_arena *a,
    const char *kind, struct am_str name);
