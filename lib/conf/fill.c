/*
 * fill - see fill.h.
 */

#include "conf/fill.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

static bool
path_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (unsigned char)c >= 0x80 ||
	       (c != '\0' && strchr("_-$@", c) != NULL);
}

bool
am_fill_path_ok(struct am_str path)
{
	bool part = false;

	for (size_t i = 0; i < path.n; i++) {
		if (path.p[i] == '.' && !part)
			return false;
		part = path.p[i] != '.';
		if (part && !path_char(path.p[i]))
			return false;
	}
	return part;
}

static int
refuse(char why[256], const char *fault, struct am_str at, const char *advice)
{
	snprintf(why, 256, "%s '%.*s'; %s", fault, (int)(at.n < 60 ? at.n : 60),
	    at.p, advice);
	return -AM_EINVAL;
}

/* What stands between braces. */
static int
parse_value(struct am_arena *a, struct am_str in, struct am_fill_part *part,
    char why[256])
{
	const char *colon = in.n > 0 ? memchr(in.p, ':', in.n) : NULL;
	struct am_str path = in, enc = { 0 };

	if (colon != NULL) {
		path.n = (size_t)(colon - in.p);
		enc = (struct am_str){ colon + 1, in.n - path.n - 1 };
		if (!am_str_is(enc, "id"))
			return refuse(why, "unknown encoding in", in,
			    "write {PATH}, or {PATH:id} for what may stand in "
			    "an id");
		part->enc = AM_FILL_ID;
	}
	part->whole = path.n > 0 && path.p[0] == '/';
	if (part->whole)
		path = (struct am_str){ path.p + 1, path.n - 1 };
	if (!am_fill_path_ok(path))
		return refuse(why, "no path in braces at", in,
		    "write such as {labels.alertname}, {/receiver} for the "
		    "whole body, or {{ for a brace");
	part->path = am_arena_cstr(a, path);
	return 0;
}

int
am_fill_parse(struct am_arena *a, struct am_str text,
    const struct am_fill **fill, char why[256])
{
	struct am_str left = text;
	struct am_buf literal;
	struct am_fill *f;
	size_t most = 1;

	for (size_t i = 0; i < text.n; i++)
		most += text.p[i] == '{';
	f = am_arena_zalloc(a, sizeof(*f) + most * sizeof(f->v[0]));
	am_buf_arena(&literal, a, text.n + 1);
	while (left.n > 0) {
		char c = left.p[0];
		bool twice = left.n > 1 && left.p[1] == c;
		size_t n = 1;

		if ((c != '{' && c != '}') || twice) {
			am_buf_addc(&literal, c);
			n = c == '{' || c == '}' ? 2 : 1;
		} else {
			const char *end = memchr(left.p, '}', left.n);

			if (c == '}' || end == NULL)
				return refuse(why, "a single brace at", left,
				    "write {PATH}, and {{ or }} for a brace "
				    "itself");
			n = (size_t)(end - left.p) + 1;
			if (parse_value(a, (struct am_str){ left.p + 1, n - 2 },
				&f->v[f->n], why) != 0)
				return -AM_EINVAL;
			f->v[f->n++].literal =
			    am_arena_dup(a, am_buf_str(&literal));
			am_buf_reset(&literal);
		}
		left = (struct am_str){ left.p + n, left.n - n };
	}
	if (literal.n > 0)
		f->v[f->n++].literal = am_buf_str(&literal);
	*fill = f;
	return 0;
}
