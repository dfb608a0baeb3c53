#pragma once

/*
 * answer_rule - what an answer has to say (layer: conf).
 *
 * For receivers that answer 200 to everything: POINTER OPERATOR VALUE, such as
 * `/errorCode == 0`. The pointer is one of RFC 6901, of which a part that is
 * `*` stands for every element of an array or member of an object; `//NAME` is
 * the text of the first element of that name in XML, so that a JSON pointer
 * cannot begin with an empty name. Operators are == != ^= (begins with), in
 * (one of several, parted by commas), exists and absent (a null is absent).
 * Values are numbers, true, false, null and texts, which need quotes only
 * around what would read as something else. Instead of all that a rule may be
 * `status:201`, `status:5xx` or `timeout`. In a list of throttles a rule may
 * end in `: SPAN`, the pause, or `: SPAN recipient`.
 *
 * Numbers are compared by value and texts by their bytes. Quotes around a
 * number do not matter on either side: 0 is "0", for receivers change between
 * the two. true, false and null are equal to themselves only.
 */

#include "base/arena.h"

#define AM_ANSWER_PARTS_MAX 16

enum am_answer_op {
	AM_ANSWER_IS, /* one of the values: == and in */
	AM_ANSWER_IS_NOT,
	AM_ANSWER_BEGINS,
	AM_ANSWER_EXISTS,
	AM_ANSWER_ABSENT,
};

enum am_answer_kind {
	AM_ANSWER_TEXT, /* of a number, too */
	AM_ANSWER_TRUE,
	AM_ANSWER_FALSE,
	AM_ANSWER_NULL,
};

struct am_answer_value {
	enum am_answer_kind kind;
	struct am_str text;
	bool numeric; /* the text is a JSON number: */
	double number;
};

/* What a rule looks at. */
enum am_answer_source {
	AM_ANSWER_JSON,	   /* POINTER */
	AM_ANSWER_XML,	   /* //NAME: text of the first element of that name */
	AM_ANSWER_STATUS,  /* status:201, status:5xx */
	AM_ANSWER_TIMEOUT, /* timeout: the request had left, nothing came */
};

struct am_answer_rule {
	enum am_answer_source source;
	int status_from, status_to; /* AM_ANSWER_STATUS */
	const char *pointer;	    /* as written */
	const char *wanted; /* the values as written, "" when there are none */
	const char *parts[AM_ANSWER_PARTS_MAX]; /* NULL: every element */
	size_t parts_n;
	enum am_answer_op op;
	const struct am_answer_value *values;
	size_t values_n;
	am_ms pause; /* 0: none given */
	/* `: 1h recipient`: this follow-up waits, not the whole endpoint */
	bool recipient_only;
};

struct am_answer_rule_list {
	const struct am_answer_rule *v;
	size_t n;
};

/* In the order in which they are tried. */
enum am_answer_list {
	AM_ANSWER_THROTTLE,
	AM_ANSWER_OPTED_OUT, /* the recipient wants none; see FU7 */
	AM_ANSWER_PERMANENT,
	AM_ANSWER_RETRY,
	AM_ANSWER_UNCERTAIN,
	AM_ANSWER_SUCCESS,
	AM_ANSWER_LISTS_N,
};

struct am_answer_rules {
	bool in_use; /* false: no rule in any list */
	struct am_answer_rule_list list[AM_ANSWER_LISTS_N];
};

/*
 * -AM_EINVAL with "what is wrong; what would be right" in why. What the rule
 * holds lies in the arena.
 */
AM_MUSTCHECK int am_answer_rule_parse(struct am_arena *a, const char *s,
    bool may_pause, struct am_answer_rule *rule, char why[256]);

/*
 * Rules that must all hold, as in success: -AM_EINVAL with the same kind of why
 * when two of them never do at once.
 */
AM_MUSTCHECK int
am_answer_rules_check(const struct am_answer_rule_list *all, char why[256]);
