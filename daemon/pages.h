#pragma once

/*
 * pages - what operators and their machines ask over HTTP (layer: daemon).
 *
 * /healthz: the event loop turns (200, always). /readyz: ready.h says yes
 * (200), or no and why (503). Plain text, or JSON for who accepts that and no
 * text. Nothing personal, and nothing asks Redis: they answer while it is away.
 */

#include "intake/http.h"

am_http_handler am_pages_on_health, am_pages_on_ready;

/* The client asks for JSON and not for a page to be read. */
bool am_pages_wants_json(const struct am_http_request *req);
