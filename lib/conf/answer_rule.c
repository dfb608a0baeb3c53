/*
 * answer_rule - see answer_rule.h.
 *
 * One word after the other, no regular expressions: what a rule can say is
 * what its reader can check by eye. A bare word is a text, as in
 * `/Code == OK`; one that looks like a misspelt number or `True` is refused, as
 * it would never be equal to what was meant.
 */

#include "answer_rule.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "value.h"

#define BLANKS " \t"
#define VALUES_MAX 64
#define PAUSE_MAX (366 * AM_DAY)

static const struct op {
	const char *word;
	enum am_answer_op op;
	size_t values_max; /* 0: takes none */
} ops[] = {
	{ "==", AM_ANSWER_IS, 1 },
	{ "in", AM_ANSWER_IS, VALUES_MAX },
	{ "!=", AM_ANSWER_IS_NOT, 1 },
	{ "^=", AM_ANSWER_BEGINS, 1 },
	{ "exists", AM_ANSWER_EXISTS, 0 },
	{ "absent", AM_ANSWER_ABSENT, 0 },
};

struct parser {
	struct am_arena *a;
	const char *s, *p;
	struct am_answer_rule *rule;
	struct am_answer_value values[VALUES_MAX];
	size_t n;
	char *why;
};

static int fail(struct parser *in, const char *fmt, ...) AM_PRINTF(2, 3);

static int
fail(struct parser *in, const char *fmt, ...)
{
	int n = snprintf(in->why, 256, "'%.60s': ", in->s);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(in->why + n, 256 - (size_t)n, fmt, ap);
	va_end(ap);
	return -AM_EINVAL;
}

static void
skip_blanks(struct parser *in)
{
	in->p += strspn(in->p, BLANKS);
}

static const char *
copy(struct parser *in, const char *p, size_t n)
{
	return am_arena_dup(in->a, (struct am_str){ p, n }).p;
}

/* ---- the pointer ---- */

/* The n bytes at p without their escapes; NULL when an escape is none. */
static const char *
unescape(struct parser *in, const char *p, size_t n)
{
	char *start = am_arena_alloc(in->a, n + 1), *out = start;

	for (const char *end = p + n; p < end; p++) {
		if (*p != '~') {
			*out++ = *p;
			continue;
		}
		if (++p == end || (*p != '0' && *p != '1'))
			return NULL;
		*out++ = *p == '0' ? '~' : '/';
	}
	*out = '\0';
	return start;
}

static int
read_pointer(struct parser *in)
{
	struct am_answer_rule *r = in->rule;
	const char *start = in->p;

	while (*in->p == '/') {
		const char *part = in->p + 1;
		size_t n = strcspn(part, "/" BLANKS);

		if (r->parts_n == AM_ANSWER_PARTS_MAX)
			return fail(in, "a pointer has %d parts at most",
			    AM_ANSWER_PARTS_MAX);
		if (n == 1 && *part == '*') {
			r->parts[r->parts_n++] = NULL;
		} else {
			const char *name = unescape(in, part, n);

			if (name == NULL)
				return fail(in,
				    "no JSON pointer; in a name ~ is written "
				    "~0 and / is written ~1");
			r->parts[r->parts_n++] = name;
		}
		in->p = part + n;
	}
	r->pointer = copy(in, start, (size_t)(in->p - start));
	return 0;
}

/* //NAME: one name, as XML writes them; a prefix with : belongs to it. */
static int
read_element(struct parser *in)
{
	struct am_answer_rule *r = in->rule;
	size_t n = strcspn(in->p + 2, BLANKS);

	if (n == 0 || strcspn(in->p + 2, "/<>&*\"'") < n)
		return fail(in,
		    "behind // stands the name of an XML element; write such "
		    "as //Code == OK");
	r->source = AM_ANSWER_XML;
	r->pointer = copy(in, in->p, n + 2);
	r->parts[r->parts_n++] = copy(in, in->p + 2, n);
	in->p += n + 2;
	return 0;
}

/* ---- no pointer: the status, or none ---- */

static int
read_status(struct parser *in)
{
	struct am_answer_rule *r = in->rule;
	const char *s = in->p + strlen("status:");
	size_t n = strcspn(s, BLANKS);
	int first = s[0] - '0';

	r->source = AM_ANSWER_STATUS;
	r->pointer = copy(in, in->p, (size_t)(s - in->p) + n);
	in->p = s + n;
	if (n == 3 && first >= 1 && first <= 5) {
		r->status_from = r->status_to = first * 100;
		if (memcmp(s + 1, "xx", 2) == 0) {
			r->status_to += 99;
			return 0;
		}
		if (strspn(s, "0123456789") >= 3) {
			r->status_from += (s[1] - '0') * 10 + s[2] - '0';
			r->status_to = r->status_from;
			return 0;
		}
	}
	return fail(in,
	    "'%.20s' is no HTTP status; write such as status:201 or status:5xx",
	    r->pointer + strlen("status:"));
}

/* What the rule looks at; *bare: no operator follows. */
static int
read_source(struct parser *in, bool *bare)
{
	size_t n = strcspn(in->p, BLANKS);

	*bare = *in->p != '/';
	if (strncmp(in->p, "//", 2) == 0)
		return read_element(in);
	if (*in->p == '/')
		return read_pointer(in);
	if (strncmp(in->p, "status:", 7) == 0)
		return read_status(in);
	if (am_str_is((struct am_str){ in->p, n }, "timeout")) {
		in->rule->source = AM_ANSWER_TIMEOUT;
		in->rule->pointer = "timeout";
		in->p += n;
		return 0;
	}
	return fail(in,
	    "a rule begins with a JSON pointer; write such as /errorCode == 0");
}

static int
read_op(struct parser *in, const struct op **op)
{
	size_t n;

	skip_blanks(in);
	n = strcspn(in->p, BLANKS);
	for (size_t i = 0; i < AM_COUNT(ops); i++) {
		if (am_str_is((struct am_str){ in->p, n }, ops[i].word)) {
			*op = &ops[i];
			in->p += n;
			return 0;
		}
	}
	return fail(in,
	    "behind the pointer stands %s%.*s%s; write one of ==, !=, ^=, in, "
	    "exists and absent, with a blank on both sides",
	    n > 0 ? "'" : "nothing", (int)(n < 20 ? n : 20), in->p,
	    n > 0 ? "'" : "");
}

/* ---- values ---- */

/* A number as RFC 8259 writes it. */
static bool
is_number(const char *s)
{
	const char *p = s + (*s == '-');
	size_t n = strspn(p, "0123456789");

	if (n == 0 || (n > 1 && *p == '0'))
		return false;
	p += n;
	if (*p == '.') {
		n = strspn(++p, "0123456789");
		if (n == 0)
			return false;
		p += n;
	}
	if (*p == 'e' || *p == 'E') {
		p += 1 + (p[1] == '+' || p[1] == '-');
		n = strspn(p, "0123456789");
		if (n == 0)
			return false;
		p += n;
	}
	return *p == '\0';
}

static void
set_text(struct am_answer_value *v, const char *s)
{
	v->kind = AM_ANSWER_TEXT;
	v->text = am_str_c(s);
	v->numeric = is_number(s);
	v->number = v->numeric ? strtod(s, NULL) : 0;
}

/* in->p stands behind the opening quote. */
static int
read_quoted(struct parser *in, struct am_answer_value *v)
{
	char *start = am_arena_alloc(in->a, strlen(in->p) + 1), *out = start;

	for (; *in->p != '"'; in->p++) {
		if (*in->p == '\\')
			in->p++;
		if (*in->p == '\0')
			return fail(in, "the closing quote is missing");
		*out++ = *in->p;
	}
	in->p++;
	*out = '\0';
	set_text(v, start);
	return 0;
}

static int
read_bare(struct parser *in, struct am_answer_value *v)
{
	static const char *const words[] = {
		[AM_ANSWER_TRUE] = "true",
		[AM_ANSWER_FALSE] = "false",
		[AM_ANSWER_NULL] = "null",
	};
	size_t n = strcspn(in->p, ",\"" BLANKS);
	const char *s = copy(in, in->p, n);

	in->p += n;
	if (n == 0 || strcmp(s, ":") == 0)
		return fail(in,
		    "a value is missing; write a number, true, false, null or "
		    "a text, as in /errorCode == 0");
	set_text(v, s);
	for (size_t i = AM_ANSWER_TRUE; i < AM_COUNT(words); i++) {
		if (strcmp(s, words[i]) == 0)
			v->kind = (enum am_answer_kind)i;
		else if (strcasecmp(s, words[i]) == 0)
			return fail(in,
			    "JSON writes %s in small letters; a text %.8s "
			    "stands in quotes",
			    words[i], s);
	}
	if (!v->numeric && strchr("+-.0123456789", *s) != NULL)
		return fail(in,
		    "'%.40s' is no JSON number; a text stands in quotes", s);
	return 0;
}

static int
read_values(struct parser *in, const struct op *op)
{
	const char *start;

	skip_blanks(in);
	start = in->p;
	if (op->values_max == 0)
		return 0;
	for (;;) {
		struct am_answer_value *v = &in->values[in->n];
		int rc;

		if (in->n++ == VALUES_MAX)
			return fail(in, "%d values at most", VALUES_MAX);
		rc = *in->p == '"' ? (in->p++, read_quoted(in, v))
				   : read_bare(in, v);
		if (rc != 0)
			return rc;
		in->rule->wanted = copy(in, start, (size_t)(in->p - start));
		skip_blanks(in);
		if (*in->p != ',')
			break;
		if (op->values_max == 1)
			return fail(in,
			    "%s takes one value; several go with in", op->word);
		in->p++;
		skip_blanks(in);
	}
	if (op->op == AM_ANSWER_BEGINS && in->values[0].kind != AM_ANSWER_TEXT)
		return fail(
		    in, "^= compares texts; write == %s", in->rule->wanted);
	return 0;
}

/* ---- the end ---- */

static int
read_pause(struct parser *in, bool may_pause)
{
	const char *span;
	am_ms pause;
	size_t n;

	skip_blanks(in);
	if (*in->p == '\0')
		return 0;
	if (*in->p != ':' || !may_pause)
		return fail(in,
		    "'%.30s' is too much; a text with blanks stands in "
		    "quotes%s",
		    in->p, *in->p == ':' ? ", a pause in throttle_when" : "");
	in->p++;
	skip_blanks(in);
	n = strcspn(in->p, BLANKS);
	span = copy(in, in->p, n);
	if (am_span_parse(span, &pause) != 0 || pause <= 0 || pause > PAUSE_MAX)
		return fail(in,
		    "'%.30s' is no pause; write such as : 10m, a year at most",
		    in->p);
	in->rule->pause = pause;
	in->p += n;
	skip_blanks(in);
	if (*in->p == '\0')
		return 0;
	if (strcmp(in->p, "recipient") != 0)
		return fail(in,
		    "'%.30s' behind the pause; write recipient, or nothing",
		    in->p);
	in->rule->recipient_only = true;
	return 0;
}

int
am_answer_rule_parse(struct am_arena *a, const char *s, bool may_pause,
    struct am_answer_rule *rule, char why[256])
{
	struct am_answer_rule made = { 0 };
	struct parser in = {
		.a = a, .s = s, .p = s, .rule = &made, .why = why
	};
	const struct op *op = &ops[0];
	struct am_answer_value *values;
	bool bare = false;
	int rc = read_source(&in, &bare);

	made.wanted = "";
	if (rc == 0 && !bare)
		rc = read_op(&in, &op);
	if (rc == 0 && !bare)
		rc = read_values(&in, op);
	if (rc == 0)
		rc = read_pause(&in, may_pause);
	if (rc != 0)
		return rc;
	values = am_arena_zalloc(a, (in.n + 1) * sizeof(*values));
	memcpy(values, in.values, in.n * sizeof(*values));
	made.op = op->op;
	made.values = values;
	made.values_n = in.n;
	*rule = made;
	return 0;
}

/* ---- rules that must all hold ---- */

static bool
same_value(const struct am_answer_value *a, const struct am_answer_value *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->numeric && b->numeric)
		return a->number == b->number;
	return a->kind != AM_ANSWER_TEXT || am_str_eq(a->text, b->text);
}

/* Would the rule hold of that value? */
static bool
takes(const struct am_answer_rule *r, const struct am_answer_value *v)
{
	bool is = false;

	switch (r->op) {
	case AM_ANSWER_IS:
	case AM_ANSWER_IS_NOT:
		for (size_t i = 0; i < r->values_n; i++)
			is |= same_value(&r->values[i], v);
		return is == (r->op == AM_ANSWER_IS);
	case AM_ANSWER_BEGINS:
		return v->kind == AM_ANSWER_TEXT &&
		       am_str_prefix(v->text, r->values[0].text.p);
	case AM_ANSWER_EXISTS:
		return v->kind != AM_ANSWER_NULL;
	case AM_ANSWER_ABSENT:
		break;
	}
	return v->kind == AM_ANSWER_NULL;
}

/* Is there a value of which a may hold, and b not refuse it? */
static bool
leaves_one(const struct am_answer_rule *a, const struct am_answer_rule *b)
{
	static const struct am_answer_value none = { .kind = AM_ANSWER_NULL };

	if (a->op == AM_ANSWER_ABSENT)
		return takes(b, &none);
	if (a->op != AM_ANSWER_IS)
		return true;
	for (size_t i = 0; i < a->values_n; i++) {
		if (takes(b, &a->values[i]))
			return true;
	}
	return false;
}

static bool
may_both_hold(const struct am_answer_rule *a, const struct am_answer_rule *b)
{
	struct am_str x, y;

	if (a->source == AM_ANSWER_STATUS && b->source == AM_ANSWER_STATUS)
		return a->status_from <= b->status_to &&
		       b->status_from <= a->status_to;
	if (a->source != b->source)
		return a->source == AM_ANSWER_STATUS ||
		       b->source == AM_ANSWER_STATUS;
	if (strcmp(a->pointer, b->pointer) != 0)
		return true;
	if (a->op == AM_ANSWER_BEGINS && b->op == AM_ANSWER_BEGINS) {
		x = a->values[0].text;
		y = b->values[0].text;
		return am_str_prefix(x, y.p) || am_str_prefix(y, x.p);
	}
	return leaves_one(a, b) && leaves_one(b, a);
}

int
am_answer_rules_check(const struct am_answer_rule_list *all, char why[256])
{
	for (size_t i = 0; i < all->n; i++) {
		const struct am_answer_rule *r = &all->v[i];

		if (r->source == AM_ANSWER_TIMEOUT) {
			snprintf(why, 256,
			    "timeout: nothing was answered then; put it into "
			    "uncertain or retryable");
			return -AM_EINVAL;
		}
		for (size_t k = 0; k < i; k++) {
			const struct am_answer_rule *o = &all->v[k];

			if (may_both_hold(o, r))
				continue;
			snprintf(why, 256,
			    "'%.50s %.20s' and '%.50s %.20s' never hold at "
			    "once, and all must; join them, as in /status in "
			    "queued,sent",
			    o->pointer, o->wanted, r->pointer, r->wanted);
			return -AM_EINVAL;
		}
	}
	return 0;
}
