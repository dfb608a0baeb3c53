#pragma once

/* watch_int - the metrics themselves (internal to daemon/watch.c, which counts,
 * and watch_tell.c, which tells). */

#include "daemon/engine.h"
#include "ops/metrics.h"

struct am_watch {
	struct am_metrics *metrics;
	struct event *tick; /* each second */
	am_ms ticked_at;
};
