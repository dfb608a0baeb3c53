/*
 * holes - see holes.h.
 *
 * Not am_tmpl: that one knows its fields and reads them out of a complaint.
 * Here a name is only a name; whether there is such a one is the provider's
 * affair, for endpoints bring names of their own.
 */

#include "conf/holes.h"

#include <stdio.h>

#include "base/str.h"

/* A name from the head of s, 0 bytes when none begins there. */
static size_t
name_at(struct am_str s)
{
	size_t n = 0;

	while (n < s.n && ((s.p[n] >= 'a' && s.p[n] <= 'z') || s.p[n] == '_' ||
			      (n > 0 && s.p[n] >= '0' && s.p[n] <= '9')))
		n++;
	return n;
}

static int
refuse(char why[256], const char *fault, struct am_str at, const char *advice)
{
	snprintf(why, 256, "%s '%.*s'; %s", fault, (int)(at.n < 40 ? at.n : 40),
	    at.p, advice);
	return -AM_EINVAL;
}

/* What stands from the `{` on is NAME} or NAME:WORD}; *n bytes in all. */
static bool
is_hole(struct am_str s, size_t *n)
{
	struct am_str rest = { s.p + 1, s.n - 1 };
	size_t name = name_at(rest), word = 0;

	rest.p += name;
	rest.n -= name;
	if (name == 0 || rest.n == 0)
		return false;
	if (rest.p[0] == ':') {
		rest.p++;
		rest.n--;
		while (
		    word < rest.n && rest.p[word] >= 'a' && rest.p[word] <= 'z')
			word++;
		word++; /* the colon */
	}
	if (1 + name + word >= s.n || s.p[1 + name + word] != '}')
		return false;
	*n = name + word + 2;
	return true;
}

static int
parse_hole(
    struct am_arena *a, struct am_str s, struct am_hole *h, char why[256])
{
	struct am_str in = { s.p + 1, s.n - 2 };
	size_t name = name_at(in);
	struct am_str word = { in.p + name + 1, in.n - name - 1 };

	if (name == in.n)
		return refuse(why, "no encoder in", s,
		    "write such as {to:url}: one of url, form, json, hex and "
		    "raw");
	if (am_enc_parse(word, &h->enc) != 0)
		return refuse(why, "unknown encoder in", s,
		    "one of url, form, json, hex and raw");
	h->name = am_arena_cstr(a, (struct am_str){ in.p, name });
	return 0;
}

struct parser {
	struct am_arena *a;
	struct am_str left;
	bool braces;
	struct am_holes *h;
	struct am_buf literal; /* of the hole to come */
	char *why;
};

/* left begins with a brace. */
static int
brace(struct parser *in)
{
	struct am_hole *h = &in->h->v[in->h->n];
	char c = in->left.p[0];
	size_t n = 1;

	if (c == '{' && is_hole(in->left, &n)) {
		struct am_str hole = { in->left.p, n };

		if (parse_hole(in->a, hole, h, in->why) != 0)
			return -AM_EINVAL;
		h->literal = am_arena_dup(in->a, am_buf_str(&in->literal));
		am_buf_reset(&in->literal);
		in->h->n++;
	} else if (in->braces) {
		am_buf_addc(&in->literal, c);
	} else if (in->left.n > 1 && in->left.p[1] == c) {
		am_buf_addc(&in->literal, c);
		n = 2;
	} else {
		return refuse(in->why, "no name in braces at", in->left,
		    c == '{' ? "write such as {to:url}, or {{ for a brace"
			     : "write }} for a brace");
	}
	in->left.p += n;
	in->left.n -= n;
	return 0;
}

int
am_holes_parse(struct am_arena *a, struct am_str text, bool braces,
    struct am_holes **holes, char why[256])
{
	struct parser in = {
		.a = a, .left = text, .braces = braces, .why = why
	};
	size_t most = 1;

	for (size_t i = 0; i < text.n; i++)
		most += text.p[i] == '{';
	in.h = am_arena_zalloc(a, sizeof(*in.h) + most * sizeof(in.h->v[0]));
	am_buf_arena(&in.literal, a, text.n + 1);
	while (in.left.n > 0) {
		if (in.left.p[0] == '{' || in.left.p[0] == '}') {
			if (brace(&in) != 0)
				return -AM_EINVAL;
			continue;
		}
		am_buf_addc(&in.literal, in.left.p[0]);
		in.left.p++;
		in.left.n--;
	}
	if (in.literal.n > 0)
		in.h->v[in.h->n++].literal = am_buf_str(&in.literal);
	*holes = in.h;
	return 0;
}

void
am_holes_render(const struct am_holes *h, am_holes_value *value,
    const void *arg, struct am_buf *out)
{
	for (size_t i = 0; i < h->n; i++) {
		struct am_str v = { 0 };

		am_buf_addstr(out, h->v[i].literal);
		if (h->v[i].name != NULL && value(arg, h->v[i].name, &v))
			am_enc_add(out, h->v[i].enc, v);
	}
}
