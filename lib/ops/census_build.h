#pragma once

/*
 * census_build - the figures of a census, complaint by complaint (layer: ops).
 *
 * Whoever walks tells what it meets, as often as it meets it: each complaint
 * and each follow-up of a shard is counted once. Remembers eight bytes for each
 * of those until the shard's index is done.
 */

#include "ops/census.h"

struct am_census_build;

/* What the walk has met. Borrowed for the call. */
struct am_census_met {
	struct am_str id, loop, stage, tier, owner;
	am_ms due;
	bool held;
};

/* key: random; two ids that it makes the same would be counted as one. */
struct am_census_build *
am_census_build_new(am_ms now, const uint8_t key[16], size_t shards_n);
void am_census_build_free(struct am_census_build *b); /* NULL is fine */

/* There is such a stage, such an endpoint: rows in this order, first of all. */
void am_census_build_stage(
    struct am_census_build *b, struct am_str loop, struct am_str stage);
void am_census_build_endpoint(struct am_census_build *b, struct am_str name);

/* Another index begins: ids met before mean nothing there. */
void am_census_build_index(struct am_census_build *b);
/* False when it was met in this index already. */
bool am_census_build_first(struct am_census_build *b, struct am_str id);

void am_census_build_case(
    struct am_census_build *b, const struct am_census_met *met, am_ms now);
void am_census_build_unreadable(struct am_census_build *b);
void am_census_build_waiting(
    struct am_census_build *b, struct am_str endpoint, am_ms age);
void am_census_build_parked(struct am_census_build *b, int64_t n);
/* A shard that did not answer to the end. */
void am_census_build_missing(struct am_census_build *b);

/* Takes b; gives the census, with one reference. */
struct am_census *am_census_build_end(struct am_census_build *b, am_ms now);
