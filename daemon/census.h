#pragma once

/*
 * census - walks over all open complaints when somebody asks (layer: daemon).
 *
 * Nothing walks when nobody asks. The walk goes page by page, a few hundred
 * records each, and rests between pages: so that it takes less than a twentieth
 * of a core when nobody waits for it. When somebody does, it only lets others
 * have their turn between two pages.
 * All shards are read, whoever owns them; one that does not answer is counted
 * as missing.
 */

#include "daemon/engine.h"
#include "ops/census.h"

struct am_census_taker;

struct am_census_taker *am_census_taker_new(struct am_engine *e);
/* No callback after this. The shards go first. */
void am_census_taker_free(struct am_census_taker *k);

/* c lives as long as the call; am_census_ref() keeps it. */
typedef void am_census_cb(void *arg, struct am_census *c);

/*
 * cb gets a census whose walk began at most max_age (0: none) before this call,
 * once, never before this returns. Waits for it: the walk hurries.
 */
void
am_census_get(struct am_engine *e, am_ms max_age, am_census_cb *cb, void *arg);

/*
 * The last one there is, NULL before the first (borrowed for this pass of the
 * loop; am_census_ref() keeps it), and when its walk began more than max_age
 * ago a new one is begun, at leisure.
 */
struct am_census *am_census_last(struct am_engine *e, am_ms max_age);
