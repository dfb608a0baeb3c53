#pragma once

/*
 * link - the customer's page (layer: daemon).
 *
 * GET /c/ID.HOURS.MAC, as core/short_link.h makes it: HTML, or JSON for who
 * accepts that alone. A link that is none, one of a complaint that is not there
 * and one where no links are given are the same 404; 410 when its time is over.
 */

#include "intake/http.h"

#define AM_LINK_STYLE_PATH "/c/style.css"

am_http_handler am_link_on_request; /* arg: the engine */
am_http_handler am_link_on_style;
