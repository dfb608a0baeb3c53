/*
 * answer - rules against a JSON tree.
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

#include "base/str.h"

#define FOUND_MAX 24 /* bytes of a value that may be told */

/* In an order: `*` takes the least of its elements, or the greatest. */
enum truth { NO, UNKNOWN, YES };

struct look {
	const struct am_answer_rule *rule;
	bool every;	     /* of the elements; else any */
	const json_t *found; /* what decided, NULL: nothing is there */
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

/* ---- in words ---- */

/* The value at the pointer and no more, cut: a body may hold anything. */
static void
found_text(const json_t *j, char *out, size_t out_n)
{
	char buf[32];
	struct am_str s = text_of(j, buf);
	const char *quote = json_is_string(j) ? "\"" : "";
	bool over = s.n > FOUND_MAX;

	if (j == NULL)
		s = AM_STR("missing");
	else if (json_is_null(j))
		s = AM_STR("null");
	else if (json_is_boolean(j))
		s = am_str_c(json_is_true(j) ? "true" : "false");
	else if (json_is_array(j))
		s = AM_STR("a list");
	else if (json_is_object(j))
		s = AM_STR("an object");
	snprintf(out, out_n, "%s%.*s%s%s", quote, over ? FOUND_MAX : (int)s.n,
	    s.p, over ? "..." : "", quote);
}

/*
 * "/errorCode is 4013, not 0". The pointer stays as written: a member that `*`
 * has met may be named after a person's number.
 */
static void
say(const struct look *l, struct am_answer_verdict *v)
{
	const struct am_answer_rule *r = l->rule;
	bool than = l->every && l->found != NULL;
	char found[FOUND_MAX + 6]; /* quotes, dots, 0 */

	found_text(l->found, found, sizeof(found));
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
find(const struct am_answer_rules *rules, enum am_answer_list list,
    const json_t *root, struct am_answer_verdict *v)
{
	for (size_t i = 0; i < rules->list[list].n; i++) {
		struct look l = { .rule = &rules->list[list].v[i] };

		if (walk(&l, 0, root) != YES)
			continue;
		say(&l, v);
		return l.rule;
	}
	return NULL;
}

static bool
judge_failures(const struct am_answer_rules *rules, const json_t *root,
    struct am_answer_verdict *v)
{
	static const struct {
		enum am_send_class class;
		const char *reason;
	} means[] = {
		[AM_ANSWER_THROTTLE] = { AM_SEND_THROTTLE, "body_throttle" },
		[AM_ANSWER_PERMANENT] = { AM_SEND_PERMANENT, "body_permanent" },
		[AM_ANSWER_RETRY] = { AM_SEND_RETRY, "body_retry" },
	};

	for (size_t i = 0; i < AM_COUNT(means); i++) {
		const struct am_answer_rule *r =
		    find(rules, (enum am_answer_list)i, root, v);

		if (r == NULL)
			continue;
		v->class = means[i].class;
		v->reason = means[i].reason;
		v->pause = r->pause;
		return true;
	}
	return false;
}

/* A clear no weighs more than what is not known, wherever it stands. */
static void
judge_success(const struct am_answer_rules *rules, const json_t *root,
    struct am_answer_verdict *v)
{
	const size_t n = rules->list[AM_ANSWER_SUCCESS].n;

	v->class = AM_SEND_OK;
	v->reason = "ok";
	v->said[0] = '\0';
	for (size_t i = 0; i < n && v->class != AM_SEND_RETRY; i++) {
		struct look l = { .rule = &rules->list[AM_ANSWER_SUCCESS].v[i],
			.every = true };
		enum truth t = walk(&l, 0, root);

		if (t == YES || (t == UNKNOWN && v->class != AM_SEND_OK))
			continue;
		v->class = t == NO ? AM_SEND_RETRY : AM_SEND_UNCERTAIN;
		v->reason = t == NO ? "body_failed" : "body_unclear";
		say(&l, v);
	}
}

static void
judge_unreadable(struct am_str body, bool cut, struct am_answer_verdict *v)
{
	const char *said = "the body is not JSON";

	if (cut)
		said = "the body is longer than max_response";
	else if (am_str_trim(body).n == 0)
		said = "the body is empty";
	v->class = AM_SEND_UNCERTAIN;
	v->reason = "body_unclear";
	snprintf(v->said, sizeof(v->said), "%s", said);
}

bool
am_answer_judge(const struct am_answer_rules *rules, struct am_str body,
    bool cut, bool ok, struct am_answer_verdict *v)
{
	const size_t flags = JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL |
			     JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES;
	json_t *root = NULL;
	bool spoken = ok;

	if (am_str_prefix(body, "\xef\xbb\xbf")) { /* some write one */
		body.p += 3;
		body.n -= 3;
	}
	if (!cut && body.n > 0)
		root = json_loadb(body.p, body.n, flags, NULL);
	if (ok)
		v->pause = 0;
	if (root != NULL && judge_failures(rules, root, v))
		spoken = true;
	else if (ok && root != NULL)
		judge_success(rules, root, v);
	else if (ok)
		judge_unreadable(body, cut, v);
	json_decref(root);
	return spoken;
}
