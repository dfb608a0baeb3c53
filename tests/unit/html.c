#include "tests/unit/html.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define DEPTH_MAX 64
#define NAMES_MAX 512

struct reader {
	const char *p, *end;
	struct am_str open[DEPTH_MAX];
	size_t depth;
	struct am_str ids[NAMES_MAX], refs[NAMES_MAX];
	size_t ids_n, refs_n;
	char *out;
	const char *wrong;
};

static bool
fail(struct reader *r, const char *what)
{
	size_t left = (size_t)(r->end - r->p);

	snprintf(r->out, 256, "%s at: %.*s", what,
	    (int)(left < 120 ? left : 120), r->p);
	r->wrong = r->out;
	return false;
}

static bool
is_one_of(struct am_str s, const char *const *list)
{
	for (; *list != NULL; list++)
		if (am_str_is(s, *list))
			return true;
	return false;
}

static bool
is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-';
}

/* "&amp;" and its kind; what else follows an ampersand is a fault. */
static bool
entity(struct reader *r)
{
	static const char *const known[] = { "&amp;", "&lt;", "&gt;", "&quot;",
		"&#39;", NULL };

	for (size_t i = 0; known[i] != NULL; i++) {
		size_t n = strlen(known[i]);

		if ((size_t)(r->end - r->p) >= n &&
		    memcmp(r->p, known[i], n) == 0) {
			r->p += n;
			return true;
		}
	}
	return fail(r, "no entity");
}

static bool
character(struct reader *r)
{
	unsigned char c = (unsigned char)*r->p;
	size_t n = am_utf8_char(r->p, (size_t)(r->end - r->p));

	if (n == 0)
		return fail(r, "no UTF-8");
	if ((c < 0x20 && c != '\n') || c == 0x7f ||
	    (n == 2 && c == 0xc2 && (unsigned char)r->p[1] < 0xa0))
		return fail(r, "a control character");
	if (n == 3 && (memcmp(r->p, "\xe2\x80\xae", 3) == 0 ||
			  memcmp(r->p, "\xe2\x81\xa6", 3) == 0))
		return fail(r, "text is turned around");
	r->p += n;
	return true;
}

static struct am_str
name(struct reader *r)
{
	const char *start = r->p;

	while (r->p < r->end && is_name(*r->p))
		r->p++;
	return (struct am_str){ start, (size_t)(r->p - start) };
}

/* The attribute's value, its quotes apart. */
static bool
value(struct reader *r, struct am_str *v)
{
	if (r->end - r->p < 2 || r->p[0] != '=' || r->p[1] != '"')
		return fail(r, "a value without quotes");
	r->p += 2;
	v->p = r->p;
	while (r->p < r->end && *r->p != '"') {
		if (*r->p == '<' || *r->p == '>')
			return fail(r, "a bracket in a value");
		if (!(*r->p == '&' ? entity(r) : character(r)))
			return false;
	}
	if (r->p == r->end)
		return fail(r, "a value without an end");
	v->n = (size_t)(r->p++ - v->p);
	return true;
}

static bool
keep(struct reader *r, struct am_str *list, size_t *n, struct am_str v)
{
	if (*n == NAMES_MAX)
		return fail(r, "more names than the test counts");
	list[(*n)++] = v;
	return true;
}

/* "next-h past-h" */
static bool
keep_refs(struct reader *r, struct am_str v)
{
	while (v.n > 0) {
		const char *blank = memchr(v.p, ' ', v.n);
		size_t n = blank != NULL ? (size_t)(blank - v.p) : v.n;

		if (!keep(r, r->refs, &r->refs_n, (struct am_str){ v.p, n }))
			return false;
		n += blank != NULL;
		v.p += n;
		v.n -= n;
	}
	return true;
}

static bool
attribute(
    struct reader *r, struct am_str tag, struct am_str key, struct am_str v)
{
	static const char *const links[] = { "href", "src", "action", NULL };
	static const char *const refs[] = { "for", "aria-labelledby", NULL };

	if (am_str_prefix(key, "on") || am_str_is(key, "style"))
		return fail(r, "script or style in an attribute");
	if (am_str_is(key, "id")) {
		for (size_t i = 0; i < r->ids_n; i++)
			if (am_str_eq(r->ids[i], v))
				return fail(r, "an id twice");
		return keep(r, r->ids, &r->ids_n, v);
	}
	if (is_one_of(key, refs))
		return keep_refs(r, v);
	if (!is_one_of(key, links))
		return true;
	if (am_str_prefix(v, "#"))
		return keep(r, r->refs, &r->refs_n,
		    (struct am_str){ v.p + 1, v.n - 1 });
	if (!am_str_prefix(v, "/") || am_str_prefix(v, "//"))
		return fail(r, "an address of elsewhere");
	if (am_str_is(tag, "script") && !am_str_is(v, "/dash.js"))
		return fail(r, "a script that is not ours");
	return true;
}

/* One attribute of a tag, behind its blank. */
static bool
next_attribute(struct reader *r, struct am_str tag, struct am_str *key)
{
	static const char *const bare[] = { "defer", "required", "reversed",
		NULL };
	struct am_str v = { "", 0 };

	if (*r->p++ != ' ')
		return fail(r, "no blank before an attribute");
	*key = name(r);
	if (key->n == 0)
		return fail(r, "no attribute");
	return is_one_of(*key, bare) ||
	       (value(r, &v) && attribute(r, tag, *key, v));
}

/* To the tag's bracket; *closed: it ends itself. */
static bool
attributes(struct reader *r, struct am_str tag, bool *closed)
{
	struct am_str seen[24];
	bool has_src = false;
	size_t n = 0;

	while (r->p < r->end && *r->p != '>') {
		if (*r->p == '/' && r->p + 1 < r->end && r->p[1] == '>') {
			*closed = true;
			r->p++;
			continue;
		}
		if (n == AM_COUNT(seen))
			return fail(r, "too many attributes");
		if (!next_attribute(r, tag, &seen[n]))
			return false;
		for (size_t i = 0; i < n; i++)
			if (am_str_eq(seen[i], seen[n]))
				return fail(r, "an attribute twice");
		has_src = has_src || am_str_is(seen[n], "src");
		n++;
	}
	if (am_str_is(tag, "script") && !has_src)
		return fail(r, "an inline script");
	return true;
}

static bool
open_tag(struct reader *r)
{
	static const char *const empty[] = { "meta", "link", "input", "col",
		NULL };
	static const char *const never[] = { "style", "iframe", "object",
		"embed", "base", "img", NULL };
	struct am_str tag = name(r);
	bool closed = false;

	if (tag.n == 0 || is_one_of(tag, never))
		return fail(r, "no tag of ours");
	if (!attributes(r, tag, &closed))
		return false;
	if (r->p == r->end)
		return fail(r, "a tag without an end");
	r->p++;
	if (closed || is_one_of(tag, empty))
		return true;
	if (r->depth == DEPTH_MAX)
		return fail(r, "too deep");
	r->open[r->depth++] = tag;
	return true;
}

static bool
close_tag(struct reader *r)
{
	struct am_str tag = name(r);

	if (r->depth == 0 || !am_str_eq(r->open[r->depth - 1], tag))
		return fail(r, "closed what is not open");
	r->depth--;
	if (r->p == r->end || *r->p++ != '>')
		return fail(r, "an end tag without an end");
	return true;
}

static bool
piece(struct reader *r)
{
	static const char doctype[] = "<!DOCTYPE html>";

	if (*r->p == '&')
		return entity(r);
	if (*r->p == '>')
		return fail(r, "a bracket in text");
	if (*r->p != '<')
		return character(r);
	if ((size_t)(r->end - r->p) >= sizeof(doctype) - 1 &&
	    memcmp(r->p, doctype, sizeof(doctype) - 1) == 0) {
		r->p += sizeof(doctype) - 1;
		return true;
	}
	r->p++;
	if (r->p < r->end && *r->p == '/') {
		r->p++;
		return close_tag(r);
	}
	return open_tag(r);
}

static bool
refers(struct reader *r)
{
	for (size_t i = 0; i < r->refs_n; i++) {
		size_t k = 0;

		while (k < r->ids_n && !am_str_eq(r->ids[k], r->refs[i]))
			k++;
		if (k == r->ids_n) {
			snprintf(r->out, 256, "nothing has the id %.*s",
			    (int)r->refs[i].n, r->refs[i].p);
			r->wrong = r->out;
			return false;
		}
	}
	return true;
}

const char *
html_wrong(struct am_str page, bool fragment, char out[256])
{
	static struct reader r; /* large */

	memset(&r, 0, sizeof(r));
	r.p = page.p;
	r.end = page.p + page.n;
	r.out = out;
	while (r.p < r.end)
		if (!piece(&r))
			return r.wrong;
	if (r.depth != 0)
		(void)fail(&r, "an element is left open");
	else if (!fragment)
		(void)refers(&r);
	return r.wrong;
}
