#pragma once

/*
 * statefile - what the state directory knows (layer: store): the instance lock,
 * and of each shard the dataset id and the commit number, to notice what Redis
 * forgot. One small text file, replaced by rename; nothing else is kept.
 */

#include <amends/base.h>

struct am_statefile;

/* -AM_ECONFLICT: another process holds the lock of this instance. *diag says
 * what is wrong for people. */
AM_MUSTCHECK int am_statefile_open(const char *dir, const char *instance,
    struct am_statefile **s, struct am_diag *diag);
void am_statefile_close(struct am_statefile *s); /* saves */

/* dataset "" when the shard is not known. commit_then: the number about a
 * minute before the last save. */
struct am_shard_memory {
	char dataset[33];
	uint64_t commit, commit_then;
	am_ms saved_at;
};
void am_statefile_get(
    struct am_statefile *s, const char *stream, struct am_shard_memory *m);
/* Remembers; written to disk at most once a second. */
void am_statefile_set(struct am_statefile *s, const char *stream,
    const char *dataset, uint64_t commit, am_ms now);
