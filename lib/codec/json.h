#pragma once

/*
 * json - one pass over a JSON object, flattened (layer: codec).
 *
 * Strict RFC 8259, UTF-8, no duplicate member names in one object. Makes pairs
 * with dotted names ("a.b", "a[0]"); strings are unescaped, numbers and
 * true/false keep their text, null and empty containers are left out (an array
 * still counts them: the second of [null,1] is "a[1]").
 *
 * Takes what jansson takes with JSON_REJECT_DUPLICATES, but for these: the
 * root must be an object; a number may be of any size, for it stays text; a
 * zero byte is refused everywhere (jansson drops one behind a number); and the
 * limits below.
 */

#include "base/arena.h"

#define AM_JSON_DEPTH_MAX 16 /* containers around a value, the root counted */
#define AM_JSON_NAME_MAX 256 /* bytes of a dotted name */

/*
 * pairs lie in the arena; names and values borrow from text where they stand
 * there as they are. -AM_EINVAL when the text is not such JSON; -AM_ETOOBIG
 * when a limit is passed: depth, name, or more than max values (nulls and
 * containers count, so that max bounds the work too). what then says where and
 * why, for a person, and quotes nothing of the text.
 */
AM_MUSTCHECK int
am_json_flatten(struct am_str text, size_t max, struct am_arena *a,
    const struct am_pair **pairs, size_t *n, char what[200]);
/* The same where the root may be an array, too: its elements are "[0]", their
 * members "[0].a". Such an array counts for two in the depth. */
AM_MUSTCHECK int
am_json_flatten_list(struct am_str text, size_t max, struct am_arena *a,
    const struct am_pair **pairs, size_t *n, char what[200]);
