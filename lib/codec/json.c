/*
 * json - see json.h.
 *
 * Recursive descent, bounded by the depth limit. A string is first measured
 * and checked; only one that holds an escape is copied. Member names are kept
 * on one stack: those of the innermost open object are its top, so a duplicate
 * is found by comparing with few neighbours, and leaving the object pops them.
 *
 * Rejected: jansson's tree here. It allocates for every value and costs more
 * than the commit in Redis. A hash set of names: slower for the dozen names an
 * event has, and max bounds the square.
 */

#include "codec/json.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define START_PAIRS 32
#define START_NAMES 32

struct reader {
	const char *p, *end, *begin;
	struct am_arena *a;
	struct am_pair *pairs;
	size_t pairs_n, pairs_cap;
	size_t values, max;
	struct am_str *names; /* of all open objects, innermost last */
	size_t names_n, names_cap;
	struct am_str name; /* the member being read */
	unsigned depth;
	size_t path_n;
	char path[AM_JSON_NAME_MAX];
	char *what;
};

static int read_value(struct reader *r);

static int
fail(struct reader *r, int rc, const char *text)
{
	snprintf(r->what, 200, "byte %zu: %s", (size_t)(r->p - r->begin), text);
	return rc;
}

static void
skip_blanks(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' ||
				    *r->p == '\t' || *r->p == '\r'))
		r->p++;
}

/* True and past it when c stands here. */
static bool
take(struct reader *r, char c)
{
	if (r->p == r->end || *r->p != c)
		return false;
	r->p++;
	return true;
}

/* ---- strings ---- */

/* High bit of each byte that is a quote, a backslash, a control or not ASCII.
 * Bytes above the first such one may be marked wrongly; nobody looks there. */
static uint64_t
special_bytes(uint64_t w)
{
	const uint64_t ones = 0x0101010101010101u, high = ones << 7;
	uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');

	return (((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
		   ((w - ones * 0x20) & ~w) | w) &
	       high;
}

/* Past the bytes that a string may hold as they are. */
static const char *
skip_plain(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t w, hit;

		memcpy(&w, p, 8);
		hit = special_bytes(le64toh(w));
		if (hit != 0)
			return p + __builtin_ctzll(hit) / 8;
		p += 8;
	}
	while (p < end && *p != '"' && *p != '\\' && (uint8_t)*p >= 0x20 &&
	       (uint8_t)*p < 0x80)
		p++;
	return p;
}

/* The four hex digits at p, or -1. */
static int
hex4(const char *p, const char *end)
{
	int v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i];

		if (c >= '0' && c <= '9')
			v = v * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = v * 16 + ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return v;
}

/* r->p stands on a backslash; moves past the escape. */
static int
check_escape(struct reader *r)
{
	const char *p = r->p + 1;
	int u, low;

	if (p == r->end)
		return fail(r, -AM_EINVAL, "the text ends within a string");
	if (*p != 'u') {
		if (*p == '\0' || strchr("\"\\/bfnrt", *p) == NULL)
			return fail(r, -AM_EINVAL,
			    "unknown escape; one of \\\" \\\\ \\/ \\b \\f \\n "
			    "\\r \\t \\uXXXX would be right");
		r->p += 2;
		return 0;
	}
	u = hex4(p + 1, r->end);
	if (u < 0)
		return fail(r, -AM_EINVAL, "\\u needs four hex digits");
	if (u == 0)
		return fail(r, -AM_EINVAL, "\\u0000 is not taken");
	if (u < 0xd800 || u > 0xdfff) {
		r->p += 6;
		return 0;
	}
	p += 5;
	low = r->end - p >= 6 && p[0] == '\\' && p[1] == 'u'
		  ? hex4(p + 2, r->end)
		  : -1;
	if (u > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return fail(r, -AM_EINVAL,
		    "half a surrogate pair; \\uD8xx\\uDCxx belong together");
	r->p += 12;
	return 0;
}

static char *
put_utf8(char *out, unsigned u)
{
	if (u < 0x80) {
		*out++ = (char)u;
		return out;
	}
	if (u < 0x800) {
		*out++ = (char)(0xc0 | u >> 6);
	} else {
		if (u < 0x10000) {
			*out++ = (char)(0xe0 | u >> 12);
		} else {
			*out++ = (char)(0xf0 | u >> 18);
			*out++ = (char)(0x80 | (u >> 12 & 0x3f));
		}
		*out++ = (char)(0x80 | (u >> 6 & 0x3f));
	}
	*out++ = (char)(0x80 | (u & 0x3f));
	return out;
}

/* A checked string with escapes, as what it means: never longer. */
static struct am_str
unescape(struct am_arena *a, const char *p, const char *end)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char *start = am_arena_alloc(a, (size_t)(end - p)), *out = start;

	while (p < end) {
		if (*p != '\\') {
			*out++ = *p++;
		} else if (p[1] != 'u') {
			*out++ = to[strchr(from, p[1]) - from];
			p += 2;
		} else {
			unsigned u = (unsigned)hex4(p + 2, end);

			p += 6;
			if (u >= 0xd800 && u <= 0xdfff) {
				u = 0x10000 + ((u & 0x3ff) << 10) +
				    ((unsigned)hex4(p + 2, end) & 0x3ff);
				p += 6;
			}
			out = put_utf8(out, u);
		}
	}
	return (struct am_str){ start, (size_t)(out - start) };
}

/* r->p stands behind the opening quote. */
static int
read_string(struct reader *r, struct am_str *s)
{
	const char *start = r->p;
	bool escaped = false;

	for (;;) {
		size_t n;

		r->p = skip_plain(r->p, r->end);
		if (r->p == r->end)
			return fail(
			    r, -AM_EINVAL, "the text ends within a string");
		if (*r->p == '"')
			break;
		if (*r->p == '\\') {
			int rc = check_escape(r);

			if (rc != 0)
				return rc;
			escaped = true;
			continue;
		}
		if ((uint8_t)*r->p < 0x20)
			return fail(r, -AM_EINVAL,
			    "control character in a string; \\n or \\uXXXX "
			    "would be right");
		n = am_utf8_char(r->p, (size_t)(r->end - r->p));
		if (n == 0)
			return fail(r, -AM_EINVAL, "not UTF-8");
		r->p += n;
	}
	if (escaped)
		*s = unescape(r->a, start, r->p);
	else
		*s = (struct am_str){ start, (size_t)(r->p - start) };
	r->p++;
	return 0;
}

/* ---- what is found ---- */

static void
emit(struct reader *r, struct am_str value)
{
	if (r->pairs_n == r->pairs_cap) {
		size_t cap = r->pairs_cap != 0 ? r->pairs_cap * 2 : START_PAIRS;
		struct am_pair *more =
		    am_arena_alloc(r->a, cap * sizeof(*more));

		if (r->pairs_n != 0)
			memcpy(more, r->pairs, r->pairs_n * sizeof(*more));
		r->pairs = more;
		r->pairs_cap = cap;
	}
	r->pairs[r->pairs_n].key =
	    r->depth == 1
		? r->name
		: am_arena_dup(r->a, (struct am_str){ r->path, r->path_n });
	r->pairs[r->pairs_n++].value = value;
}

/* The path is the dotted name of the value here, "a.b[2]". Append to it; the
 * caller cuts it back by setting path_n. */
static int
path_add(struct reader *r, const char *p, size_t n)
{
	if (n > sizeof(r->path) - r->path_n)
		return fail(
		    r, -AM_ETOOBIG, "a dotted name is over 256 bytes long");
	memcpy(r->path + r->path_n, p, n);
	r->path_n += n;
	return 0;
}

/* Note the name of a member; first is where those of this object begin. */
static int
note_name(struct reader *r, size_t first, struct am_str name)
{
	for (size_t i = first; i < r->names_n; i++)
		if (r->names[i].n == name.n &&
		    memcmp(r->names[i].p, name.p, name.n) == 0)
			return fail(r, -AM_EINVAL,
			    "a name stands twice in one object; names must "
			    "differ");
	if (r->names_n == r->names_cap) {
		size_t cap = r->names_cap * 2;
		struct am_str *more = am_arena_alloc(r->a, cap * sizeof(*more));

		memcpy(more, r->names, r->names_n * sizeof(*more));
		r->names = more;
		r->names_cap = cap;
	}
	r->names[r->names_n++] = name;
	r->name = name;
	return 0;
}

/* ---- grammar ---- */

static bool
skip_digits(struct reader *r)
{
	const char *start = r->p;

	while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
		r->p++;
	return r->p != start;
}

static int
read_number(struct reader *r)
{
	const char *start = r->p;
	bool ok;

	take(r, '-');
	ok = take(r, '0') || skip_digits(r);
	if (ok && take(r, '.'))
		ok = skip_digits(r);
	if (ok && (take(r, 'e') || take(r, 'E'))) {
		if (!take(r, '+'))
			take(r, '-');
		ok = skip_digits(r);
	}
	if (!ok)
		return fail(r, -AM_EINVAL,
		    r->p == start ? "no value here" : "not a JSON number");
	emit(r, (struct am_str){ start, (size_t)(r->p - start) });
	return 0;
}

static int
read_word(struct reader *r, const char *word, size_t n, bool keep)
{
	if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
		return fail(r, -AM_EINVAL,
		    "unknown word; true, false, null or a string in quotes "
		    "would be right");
	if (keep)
		emit(r, (struct am_str){ r->p, n });
	r->p += n;
	return 0;
}

/* One `"name":value`; first is where the names of this object begin. */
static int
read_member(struct reader *r, size_t first)
{
	size_t path_n = r->path_n;
	struct am_str name;
	int rc;

	skip_blanks(r);
	if (!take(r, '"'))
		return fail(r, -AM_EINVAL, "a name in quotes is missing");
	rc = read_string(r, &name);
	if (rc == 0)
		rc = note_name(r, first, name);
	if (rc != 0)
		return rc;
	skip_blanks(r);
	if (!take(r, ':'))
		return fail(r, -AM_EINVAL, "':' is missing behind a name");
	if (r->depth > 1)
		rc = path_add(r, ".", 1);
	if (rc == 0)
		rc = path_add(r, name.p, name.n);
	if (rc == 0)
		rc = read_value(r);
	r->path_n = path_n;
	return rc;
}

static int
read_object(struct reader *r)
{
	size_t first = r->names_n;
	int rc;

	skip_blanks(r);
	if (take(r, '}'))
		return 0;
	do {
		rc = read_member(r, first);
		if (rc != 0)
			return rc;
		skip_blanks(r);
	} while (take(r, ','));
	if (!take(r, '}'))
		return fail(r, -AM_EINVAL, "',' or '}' is missing");
	r->names_n = first;
	return 0;
}

static int
read_array(struct reader *r)
{
	size_t path_n = r->path_n;
	char index[24];
	int rc;

	skip_blanks(r);
	if (take(r, ']'))
		return 0;
	for (size_t i = 0; i == 0 || take(r, ','); i++) {
		int n = snprintf(index, sizeof(index), "[%zu]", i);

		rc = path_add(r, index, (size_t)n);
		if (rc == 0)
			rc = read_value(r);
		r->path_n = path_n;
		if (rc != 0)
			return rc;
		skip_blanks(r);
	}
	if (!take(r, ']'))
		return fail(r, -AM_EINVAL, "',' or ']' is missing");
	return 0;
}

static int
read_container(struct reader *r)
{
	int rc;

	if (r->depth == AM_JSON_DEPTH_MAX)
		return fail(r, -AM_ETOOBIG, "nested deeper than 16");
	r->depth++;
	rc = *r->p++ == '{' ? read_object(r) : read_array(r);
	r->depth--;
	return rc;
}

static int
read_value(struct reader *r)
{
	struct am_str s;
	int rc;

	skip_blanks(r);
	if (r->p == r->end)
		return fail(r, -AM_EINVAL, "the text ends before a value");
	if (r->values++ == r->max)
		return fail(r, -AM_ETOOBIG, "too many values");
	switch (*r->p) {
	case '{':
	case '[':
		return read_container(r);
	case '"':
		r->p++;
		rc = read_string(r, &s);
		if (rc == 0)
			emit(r, s);
		return rc;
	case 't':
		return read_word(r, "true", 4, true);
	case 'f':
		return read_word(r, "false", 5, true);
	case 'n':
		return read_word(r, "null", 4, false);
	default:
		return read_number(r);
	}
}

/* list: the root may be an array, too. */
static int
flatten(struct am_str text, bool list, size_t max, struct am_arena *a,
    const struct am_pair **pairs, size_t *n, char what[200])
{
	struct am_str names[START_NAMES];
	struct reader r;
	int rc;

	if (text.n == 0)
		text = AM_STR(""); /* its pointer may be NULL */
	/* not `= { 0 }`: the path need not be cleared for every event */
	r.p = r.begin = text.p;
	r.end = text.p + text.n;
	r.a = a;
	r.pairs = NULL;
	r.pairs_n = r.pairs_cap = r.values = r.names_n = r.path_n = 0;
	r.max = max;
	r.names = names;
	r.names_cap = START_NAMES;
	r.depth = 1; /* of an object's: see emit() */
	r.what = what;
	skip_blanks(&r);
	if (list && take(&r, '[')) {
		r.depth = 2; /* its elements have no name of their own */
		rc = read_array(&r);
	} else if (take(&r, '{')) {
		rc = read_object(&r);
	} else {
		return fail(&r, -AM_EINVAL,
		    list ? "neither a JSON object nor an array; {…} or […] is "
			   "right"
			 : "not a JSON object; {…} is right");
	}
	if (rc != 0)
		return rc;
	skip_blanks(&r);
	if (r.p != r.end)
		return fail(&r, -AM_EINVAL,
		    list ? "something stands behind the value"
			 : "something stands behind the object");
	*pairs = r.pairs;
	*n = r.pairs_n;
	return 0;
}

int
am_json_flatten(struct am_str text, size_t max, struct am_arena *a,
    const struct am_pair **pairs, size_t *n, char what[200])
{
	return flatten(text, false, max, a, pairs, n, what);
}

int
am_json_flatten_list(struct am_str text, size_t max, struct am_arena *a,
    const struct am_pair **pairs, size_t *n, char what[200])
{
	return flatten(text, true, max, a, pairs, n, what);
}
