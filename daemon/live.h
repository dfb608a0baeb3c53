#pragma once

/*
 * live - GET /live: the dashboard's parts as they change (layer: daemon).
 *
 * Server-sent events, one every two seconds at most, of what is not as it was
 * told before; every ten seconds an empty one, so that the page knows that it
 * is told. With nobody there nothing is asked and nothing runs.
 */

#include "daemon/engine.h"
#include "intake/http.h"

struct am_live;

struct am_live *am_live_new(struct am_engine *e);
/* Ends the streams; before the sampler and the listeners go. */
void am_live_free(struct am_live *l);

am_http_handler am_live_on_request; /* arg: the engine */
