#pragma once

/*
 * holes - a text with `{name:enc}` in it, compiled once (layer: conf).
 *
 * `{{` and `}}` are the braces themselves; of a text full of braces, as JSON
 * is, a `{` that no name and `}` follow is itself, and so is every `}`. The
 * encoder must be written: a value that goes into a URL unescaped is a fault
 * that shows years later.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "core/tmpl.h"

struct am_hole {
	struct am_str literal; /* before the hole */
	const char *name;      /* NULL: nothing follows the literal */
	enum am_enc enc;
};

struct am_holes {
	size_t n;
	struct am_hole v[];
};

/*
 * braces: the text is full of them. -AM_EINVAL with "what is wrong; what would
 * be right" in why. What is made lies in the arena.
 */
AM_MUSTCHECK int am_holes_parse(struct am_arena *a, struct am_str text,
    bool braces, struct am_holes **holes, char why[256]);

/* The value of a name; false when there is none (it is left empty). */
typedef bool
am_holes_value(const void *arg, const char *name, struct am_str *value);
void am_holes_render(const struct am_holes *h, am_holes_value *value,
    const void *arg, struct am_buf *out);
