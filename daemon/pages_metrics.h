#pragma once

/* pages_metrics - GET /metrics (layer: daemon). Answers with Redis down, too.
 */

#include "daemon/engine.h"
#include "intake/http.h"

am_http_handler am_metrics_on_request; /* arg: the engine */
