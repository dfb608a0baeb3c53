#pragma once

/*
 * pages_dash - GET /: the dashboard, and with ?id= one complaint; the files it
 * names (layer: daemon). It shows and changes nothing. With Redis down it says
 * so, above what was known last.
 */

#include "daemon/engine.h"
#include "intake/http.h"
#include "ops/dash.h"

am_http_handler am_dash_on_page, am_dash_on_asset; /* arg: the engine */

/* ?lang=, else Accept-Language. said (may be NULL): the query has it. */
enum am_lang am_pages_dash_lang(const struct am_http_request *req, bool *said);
/* Whose times are shown: the loops' zone when they share one, else ours. */
void am_pages_dash_for(
    const struct am_engine *e, enum am_lang lang, struct am_dash *d);
