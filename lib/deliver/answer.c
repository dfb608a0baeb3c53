/*
 * answer - rules against a status, a JSON tree, or a word of XML.
 *
 * jansson's tree serves here, other than for events: only endpoints with rules
 * pay for it, and pointers with `*` want to walk. Whole numbers are read as
 * doubles, or one identifier over 64 bits would make the whole body unreadable.
 * A name that stands twice makes a body ambiguous, so that is no JSON to us.
 *
 * A comparison with what is not there is unknown rather than false: the
 * receiver has said neither yes nor no, and the message may have arrived.
 */

#include "deliver/answer.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/str.h"
#include "deliver/redact.h"
#include "deliver/xml.h"

#define FOUND_MAX 24 /* bytes of a value that may be told */

/* In an order: `*` takes the least of its elements, or the greatest. */
enum truth { NO, UNKNOWN, YES };

/* An answer made ready to be looked at. */
struct view {
	const struct am_answer_seen *seen;
	const json_t *root; /* NULL: the body is no JSON, or was cut */
};

struct look {
	const struct am_answer_rule *rule;
	bool every;	     /* of the elements; else any */
	const json_t *found; /* what decided, NULL: nothing is there */
	struct am_str xml;   /* the same of XML, p NULL: nothing */
};

/* ---- one value ---- */

static bool
equals(const struct am_answer_value *v, const json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_STRING:
		return v->kind == AM_ANSWER_TEXT &&
		       am_str_eq(v->text, (struct am_str){ json_string_value(j),
					      json_string_length(j) });
	case JSON_REAL:
	case JSON_INTEGER:
		return v->numeric && v->number == json_number_value(j);
	case JSON_TRUE:
		return v->kind == AM_ANSWER_TRUE;
	case JSON_FALSE:
		return v->kind == AM_ANSWER_FALSE;
	case JSON_NULL:
		return v->kind == AM_ANSWER_NULL;
	default:
		return false;
	}
}

/* Text of a string or number, "" of all else; buf is for a number. */
static struct am_str
text_of(const json_t *j, char buf[32])
{
	if (json_is_string(j))
		return (struct am_str){ json_string_value(j),
			json_string_length(j) };
	buf[0] = '\0';
	if (json_is_number(j))
		snprintf(buf, 32, "%.15g", json_number_value(j));
	return am_str_c(buf);
}

static enum truth
test(const struct am_answer_rule *r, const json_t *j)
{
	bool there = j != NULL && !json_is_null(j), is = false;
	char buf[32];

	if (r->op == AM_ANSWER_EXISTS)
		return there ? YES : NO;
	if (r->op == AM_ANSWER_ABSENT)
		return there ? NO : YES;
	if (j == NULL)
		return UNKNOWN;
	if (r->op == AM_ANSWER_BEGINS)
		return am_str_prefix(text_of(j, buf), r->values[0].text.p) ? YES
									   : NO;
	for (size_t i = 0; i < r->values_n; i++)
		is |= equals(&r->values[i], j);
	return is == (r->op == AM_ANSWER_IS) ? YES : NO;
}

/* ---- the way to it ---- */

static const json_t *
step(const json_t *j, const char *part)
{
	uint64_t i;

	if (json_is_object(j))
		return json_object_get(j, part);
	if (!json_is_array(j) || (part[0] == '0' && part[1] != '\0') ||
	    am_str_u64(am_str_c(part), &i) != 0)
		return NULL;
	return json_array_get(j, i);
}

static enum truth walk(struct look *l, size_t at, const json_t *j);

/* Takes one element more into account; true when no other can matter. */
static bool
weigh(struct look *l, size_t at, const json_t *j, enum truth *t)
{
	const json_t *found = l->found;
	enum truth other = walk(l, at, j);

	if (l->every ? other <= *t : other >= *t)
		*t = other;
	else
		l->found = found;
	return *t == (l->every ? NO : YES);
}

static enum truth
walk_all(struct look *l, size_t at, const json_t *j)
{
	json_t *o = (json_t *)(uintptr_t)j; /* to iterate, unchanged */
	enum truth t = l->every ? YES : NO;

	if (json_array_size(j) == 0 && json_object_size(j) == 0)
		return walk(l, l->rule->parts_n, NULL);
	for (size_t i = 0; i < json_array_size(j); i++)
		if (weigh(l, at, json_array_get(j, i), &t))
			return t;
	for (void *i = json_object_iter(o); i != NULL;
	     i = json_object_iter_next(o, i))
		if (weigh(l, at, json_object_iter_value(i), &t))
			return t;
	return t;
}

static enum truth
walk(struct look *l, size_t at, const json_t *j)
{
	const struct am_answer_rule *r = l->rule;

	for (; at < r->parts_n && j != NULL; at++) {
		if (r->parts[at] == NULL)
			return walk_all(l, at + 1, j);
		j = step(j, r->parts[at]);
	}
	l->found = j;
	return test(r, j);
}

/* ---- beside JSON ---- */

static enum truth
test_xml(struct look *l, const struct am_answer_seen *seen)
{
	const struct am_answer_rule *r = l->rule;
	bool there, is = false;

	if (seen->cut || !am_str_prefix(am_str_trim(seen->body), "<"))
		return UNKNOWN; /* no XML, or not all of it */
	there = am_xml_text(seen->body, r->pointer + 2, &l->xml);
	if (r->op == AM_ANSWER_EXISTS)
		return there ? YES : NO;
	if (r->op == AM_ANSWER_ABSENT)
		return there ? NO : YES;
	if (!there)
		return UNKNOWN;
	if (r->op == AM_ANSWER_BEGINS)
		return am_str_prefix(l->xml, r->values[0].text.p) ? YES : NO;
	for (size_t i = 0; i < r->values_n; i++)
		is |= am_str_eq(r->values[i].text, l->xml);
	return is == (r->op == AM_ANSWER_IS) ? YES : NO;
}

/* Does the rule hold? Of what never came nothing can be said. */
static enum truth
holds(struct look *l, const struct view *w)
{
	const struct am_answer_rule *r = l->rule;
	int status = w->seen->status;

	if (r->source == AM_ANSWER_TIMEOUT)
		return w->seen->timeout ? YES : NO;
	if (w->seen->timeout)
		return UNKNOWN;
	if (r->source == AM_ANSWER_STATUS)
		return status >= r->status_from && status <= r->status_to ? YES
									  : NO;
	if (r->source == AM_ANSWER_XML)
		return test_xml(l, w->seen);
	return w->root != NULL ? walk(l, 0, w->root) : UNKNOWN;
}

/* ---- in words ---- */

/* Some of a text from outside, fit to be shown. */
static void
quote(
    struct am_str s, const struct am_answer_seen *seen, char *out, size_t out_n)
{
	struct am_buf b;
	bool over;

	am_buf_init(&b);
	am_redact(&b, s, s.n + FOUND_MAX, seen->secrets, seen->secrets_n);
	over = b.n > FOUND_MAX;
	snprintf(out, out_n, "\"%.*s%s\"", over ? FOUND_MAX : (int)b.n,
	    b.n > 0 ? b.p : "", over ? "..." : "");
	am_buf_fini(&b);
}

/* The value at the pointer and no more: a body may hold anything. */
static void
found_text(const struct look *l, const struct am_answer_seen *seen, char *out,
    size_t out_n)
{
	const json_t *j = l->found;
	const char *word = "missing";
	char number[32];

	if (l->xml.p != NULL) {
		quote(l->xml, seen, out, out_n);
		return;
	}
	if (json_is_string(j)) {
		quote((struct am_str){ json_string_value(j),
			  json_string_length(j) },
		    seen, out, out_n);
		return;
	}
	if (json_is_number(j)) /* a long one may be a telephone's */
		word = text_of(j, number).n < 10 ? number : "a number";
	else if (json_is_boolean(j))
		word = json_is_true(j) ? "true" : "false";
	else if (j != NULL)
		word = json_is_null(j)	  ? "null"
		       : json_is_array(j) ? "a list"
					  : "an object";
	snprintf(out, out_n, "%.*s", FOUND_MAX, word);
}

static void
say_status(const struct look *l, int status, struct am_answer_verdict *v)
{
	const struct am_answer_rule *r = l->rule;

	if (!l->every)
		snprintf(v->said, sizeof(v->said), "answered %d", status);
	else if (r->status_from == r->status_to)
		snprintf(v->said, sizeof(v->said), "answered %d, not %d",
		    status, r->status_from);
	else
		snprintf(v->said, sizeof(v->said), "answered %d, not %d to %d",
		    status, r->status_from, r->status_to);
}

/*
 * "/errorCode is 4013, not 0". The pointer stays as written: a member that `*`
 * has met may be named after a person's number.
 */
static void
say(const struct look *l, const struct view *w, struct am_answer_verdict *v)
{
	const struct am_answer_rule *r = l->rule;
	bool than = l->every && (l->found != NULL || l->xml.p != NULL);
	char found[FOUND_MAX + 6]; /* quotes, dots, 0 */

	v->said[0] = '\0';
	if (r->source == AM_ANSWER_STATUS)
		say_status(l, w->seen->status, v);
	if (r->source == AM_ANSWER_STATUS || r->source == AM_ANSWER_TIMEOUT)
		return;
	found_text(l, w->seen, found, sizeof(found));
	if (than && r->op == AM_ANSWER_IS)
		snprintf(v->said, sizeof(v->said), "%.34s is %s, not %.22s",
		    r->pointer, found, r->wanted);
	else if (than && r->op == AM_ANSWER_BEGINS)
		snprintf(v->said, sizeof(v->said),
		    "%.34s is %s, not from %.22s", r->pointer, found,
		    r->wanted);
	else
		snprintf(
		    v->said, sizeof(v->said), "%.34s is %s", r->pointer, found);
	for (char *p = v->said; *p != '\0'; p++)
		if (*p < 0x20 || *p >= 0x7f)
			*p = '?';
}

/* ---- the lists ---- */

/* The first rule of a failure list that holds. */
static const struct am_answer_rule *
find(const struct am_answer_rule_list *list, const struct view *w,
    struct am_answer_verdict *v)
{
	for (size_t i = 0; i < list->n; i++) {
		struct look l = { .rule = &list->v[i] };

		if (holds(&l, w) != YES)
			continue;
		say(&l, w, v);
		return l.rule;
	}
	return NULL;
}

static bool
judge_failures(const struct am_answer_rules *rules, const struct view *w,
    struct am_answer_verdict *v)
{
	static const struct {
		enum am_send_class class;
		const char *reason;
	} means[] = {
		[AM_ANSWER_THROTTLE] = { AM_SEND_THROTTLE, "body_throttle" },
		[AM_ANSWER_OPTED_OUT] = { AM_SEND_PERMANENT, "opted_out" },
		[AM_ANSWER_PERMANENT] = { AM_SEND_PERMANENT, "body_permanent" },
		[AM_ANSWER_RETRY] = { AM_SEND_RETRY, "body_retry" },
		[AM_ANSWER_UNCERTAIN] = { AM_SEND_UNCERTAIN, "body_uncertain" },
	};

	for (size_t i = 0; i < AM_COUNT(means); i++) {
		const struct am_answer_rule *r = find(&rules->list[i], w, v);

		if (r == NULL)
			continue;
		v->class = means[i].class;
		v->reason = means[i].reason;
		v->opted_out = i == AM_ANSWER_OPTED_OUT;
		if (!v->opted_out && (r->source == AM_ANSWER_STATUS ||
					 r->source == AM_ANSWER_TIMEOUT))
			v->reason = NULL;
		v->pause = r->pause;
		v->recipient_only = r->recipient_only;
		return true;
	}
	return false;
}

/* A clear no weighs more than what is not known, wherever it stands. */
static void
judge_success(const struct am_answer_rules *rules, const struct view *w,
    struct am_answer_verdict *v)
{
	const size_t n = rules->list[AM_ANSWER_SUCCESS].n;

	v->class = AM_SEND_OK;
	v->reason = "ok";
	v->said[0] = '\0';
	for (size_t i = 0; i < n && v->class != AM_SEND_RETRY; i++) {
		struct look l = { .rule = &rules->list[AM_ANSWER_SUCCESS].v[i],
			.every = true };
		enum truth t = holds(&l, w);

		if (t == YES || (t == UNKNOWN && v->class != AM_SEND_OK))
			continue;
		v->class = t == NO ? AM_SEND_RETRY : AM_SEND_UNCERTAIN;
		v->reason = t == NO ? "body_failed" : "body_unclear";
		say(&l, w, v);
	}
}

static void
judge_unreadable(const struct am_answer_seen *seen, struct am_answer_verdict *v)
{
	const char *said = "the body is not JSON";

	if (seen->cut)
		said = "the body is longer than max_response";
	else if (am_str_trim(seen->body).n == 0)
		said = "the body is empty";
	v->class = AM_SEND_UNCERTAIN;
	v->reason = "body_unclear";
	snprintf(v->said, sizeof(v->said), "%s", said);
}

static bool
looks_into_json(const struct am_answer_rules *rules)
{
	for (size_t i = 0; i < AM_ANSWER_LISTS_N; i++) {
		for (size_t k = 0; k < rules->list[i].n; k++) {
			if (rules->list[i].v[k].source == AM_ANSWER_JSON)
				return true;
		}
	}
	return false;
}

static struct am_str
without_mark(struct am_str body)
{
	if (am_str_prefix(body, "\xef\xbb\xbf")) /* some write one */
		return (struct am_str){ body.p + 3, body.n - 3 };
	return body;
}

bool
am_answer_judge(const struct am_answer_rules *rules,
    const struct am_answer_seen *seen, struct am_answer_verdict *v)
{
	const size_t flags = JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL |
			     JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES;
	struct am_answer_verdict made = { 0 };
	struct am_str body = without_mark(seen->body);
	bool ok = !seen->timeout && seen->status / 100 == 2;
	bool json = !seen->timeout && looks_into_json(rules), spoken = true;
	json_t *root = NULL;

	if (json && !seen->cut && body.n > 0)
		root = json_loadb(body.p, body.n, flags, NULL);
	if (!judge_failures(rules, &(struct view){ seen, root }, &made)) {
		spoken = ok;
		if (ok && json && root == NULL)
			judge_unreadable(seen, &made);
		else if (ok)
			judge_success(
			    rules, &(struct view){ seen, root }, &made);
	}
	json_decref(root);
	if (spoken)
		*v = made;
	return spoken;
}

/* ---- one value by itself ---- */

/* Numbers are read as such here: an id of 64 bits must not lose its end. */
static struct am_str
json_at(const json_t *j, const char *pointer, char number[32])
{
	char part[AM_MESSAGE_ID_MAX];

	while (*pointer == '/' && j != NULL) {
		size_t n = 0;

		for (pointer++; *pointer != '\0' && *pointer != '/';
		     pointer++) {
			if (n + 1 == sizeof(part))
				return AM_STR("");
			if (*pointer == '~' && pointer[1] != '\0')
				part[n++] = *++pointer == '0' ? '~' : '/';
			else
				part[n++] = *pointer;
		}
		part[n] = '\0';
		j = step(j, part);
	}
	if (json_is_string(j))
		return (struct am_str){ json_string_value(j),
			json_string_length(j) };
	if (!json_is_integer(j))
		return AM_STR("");
	snprintf(number, 32, "%" JSON_INTEGER_FORMAT, json_integer_value(j));
	return am_str_c(number);
}

void
am_answer_id(struct am_str body, const char *pointer, char *out, size_t out_n)
{
	json_t *root = NULL;
	struct am_str id = AM_STR("");
	char number[32];

	out[0] = '\0';
	body = without_mark(body);
	if (pointer[0] == '/' && pointer[1] == '/') {
		if (!am_xml_text(body, pointer + 2, &id))
			return;
	} else if (body.n > 0) {
		root = json_loadb(
		    body.p, body.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		id = json_at(root, pointer, number);
	}
	for (size_t i = 0; i < id.n; i++) {
		if (id.p[i] <= ' ' || id.p[i] >= 0x7f)
			id.n = 0;
	}
	if (id.n < out_n)
		snprintf(out, out_n, "%.*s", AM_ARG(id));
	json_decref(root);
}
