#pragma once

/*
 * member - members of a JSON object, for whoever shows an answer to people
 * (layer: ops). Absent, null or of another type: "", 0, false.
 */

#include <jansson.h>

#include <amends/base.h>

/* Borrows from o; ends with a 0. */
struct am_str am_json_str(const json_t *o, const char *key);
int64_t am_json_int(const json_t *o, const char *key);
bool am_json_true(const json_t *o, const char *key);
/* An instant, as RFC 3339 text or in ms; false when there is none. */
bool am_json_time(const json_t *o, const char *key, am_ms *at);
