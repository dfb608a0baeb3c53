#pragma once

/*
 * fill - a text with `{path}` of a JSON body in it, compiled once (layer:
 * conf).
 *
 * A path is dotted: `labels.alertname`; a part of digits is a place in an array
 * (`alerts.0.status`). `{path}` looks into the element at hand, `{/path}` into
 * the whole body. `{path:id}` keeps letters, digits and . _ : - and makes - of
 * every other byte, for ids have no others. `{{` and `}}` are the braces
 * themselves.
 *
 * Not holes.h: there a name is one of a table and must say how it is encoded;
 * here it is whatever a stranger's body has, and goes into a field as it is.
 */

#include "base/arena.h"

enum am_fill_enc { AM_FILL_RAW, AM_FILL_ID };

struct am_fill_part {
	struct am_str literal; /* before the value */
	const char *path;      /* NULL: nothing follows the literal */
	bool whole;	       /* of the whole body */
	enum am_fill_enc enc;
};

struct am_fill {
	size_t n;
	struct am_fill_part v[];
};

/*
 * -AM_EINVAL with "what is wrong; what would be right" in why. What is made
 * lies in the arena.
 */
AM_MUSTCHECK int am_fill_parse(struct am_arena *a, struct am_str text,
    const struct am_fill **fill, char why[256]);

/* Parts of letters, digits, _ - $ @ and what is not ASCII, with dots between.
 */
bool am_fill_path_ok(struct am_str path);
