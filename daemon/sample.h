#pragma once

/*
 * sample - asks Redis and everybody here what there is to see (layer: daemon).
 *
 * Whoever wants a sample takes part in the next answer: Redis is asked at most
 * once a second however many want one, and not at all while nobody does. Every
 * shard is asked, whoever owns it. What has not answered within two seconds is
 * told as it was last known, and the sample says so.
 */

#include "daemon/engine.h"
#include "ops/sample.h"

struct am_sampler;

/* s lives as long as the call; am_sample_ref() keeps it. */
typedef void am_sample_cb(void *arg, struct am_sample *s);

struct am_sampler *am_sampler_new(struct am_engine *e);
/* No callback after this. The shards go first. */
void am_sampler_free(struct am_sampler *s);

/*
 * cb runs once, never before this returns, with a sample that is at most
 * max_age old (a second, when less is asked for).
 */
void
am_sample_get(struct am_engine *e, am_ms max_age, am_sample_cb *cb, void *arg);
/* What only this process knows has changed: it is told with the answers that
 * are there. */
void am_sample_refresh(struct am_engine *e);
/* The caller is gone: no callback for it any more. */
void am_sample_forget(struct am_engine *e, void *arg);
