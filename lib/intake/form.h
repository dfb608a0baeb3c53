#pragma once

/*
 * form - application/x-www-form-urlencoded, of a body or a query (layer:
 * intake).
 */

#include "base/arena.h"

#define AM_FORM_FIELDS_MAX 1000

/*
 * In the order of the text, decoded, into the arena; what needs no decoding
 * borrows from text. A '%' without two hex digits stands for itself, as the
 * WHATWG has it. -AM_EINVAL when a zero byte is in it, -AM_ETOOBIG when there
 * are too many fields.
 */
AM_MUSTCHECK int am_form_parse(struct am_str text, struct am_arena *a,
    const struct am_pair **pairs, size_t *n);

/* "%20" of a path; '+' is itself. -AM_EINVAL as above. */
AM_MUSTCHECK int
am_path_decode(struct am_str text, struct am_arena *a, struct am_str *out);

/* Value of the first field of that name; p NULL: none. */
struct am_str
am_form_get(const struct am_pair *pairs, size_t n, const char *name);
