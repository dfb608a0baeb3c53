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

#include <amends/complaint.h>

struct am_keys {
	const char *stream, *token, *beat, *cursor, *wake, *dead, *rejects,
	    *parked, *feed, *tally, *outs, *tries, *erasing;
	const char *prefix; /* "{complaints}:" */
	char *own;	    /* owned memory of all of the above */
};

void am_keys_init(struct am_keys *k, const char *stream);
void am_keys_fini(struct am_keys *k);

/* prefix + kind + ":" + name into the arena: "c" "pii" "body" "fu" "log" "out"
 * "kpi" "loop" "contact" "erase" */
struct am_str am_key(const struct am_keys *k, struct am_arena *a,
    const char *kind, struct am_str name);

/*
 * The name of the outbox of a class of an endpoint's follow-ups: what stands
 * behind "out:", and in the set `outs`. "crm" for class 0, where all lay before
 * there were classes, then "crm:1" …: no endpoint's name has a ':'. Borrows
 * from endpoint or lies in the arena.
 */
struct am_str
am_out_name(struct am_arena *a, struct am_str endpoint, uint8_t in_class);
/* The other way; gives the class. What is no outbox's name is an endpoint's. */
uint8_t am_out_parse(struct am_str outbox, struct am_str *endpoint);
