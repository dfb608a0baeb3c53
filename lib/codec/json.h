#pragma once

/*
 * json - one pass over a JSON object, flattened (layer: codec).
 *
 * Strict RFC 8259, UTF-8, no duplicate member names, depth at most 16. Makes
 * pairs with dotted names ("a.b", "a[0]"); strings are unescaped, numbers and
 * true/false keep their text, null is left out.
 */

#include "base/arena.h"

/*
 * pairs lie in the arena, values borrow from text where nothing was escaped.
 * -AM_EINVAL (with *what for a person), -AM_ETOOBIG over max pairs.
 */
AM_MUSTCHECK int
am_json_flatten(struct am_str text, size_t max, struct am_arena *a,
    const struct am_pair **pairs, size_t *n, char what[200]);
