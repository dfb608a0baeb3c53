/*
 * story - see story.h.
 *
 * Lines of text and JSON end as the same events. JSON goes through the decoder
 * of the daemon, so that a file of real events is judged as the stream would
 * be; text is for people who try something, so a misspelt field is an error
 * here, where the daemon keeps it with the personal data.
 */

#include "sim/story.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <amends/calendar.h>
#include <amends/complaint.h>

#include "base/str.h"
#include "base/time.h"
#include "codec/journal.h"
#include "intake/event.h"

#define WHAT 300
#define SPAN_MAX (100 * 366 * AM_DAY)
#define YEAR_9999 253402300799000 /* an entry id that no told time exceeds */

void
am_story_init(struct am_story *s, struct am_arena *a,
    const struct am_zone *zone, am_ms from)
{
	*s = (struct am_story){
		.a = a, .zone = zone, .from = from, .last = from
	};
}

void
am_story_fini(struct am_story *s)
{
	free(s->events);
	s->events = NULL;
	s->n = s->cap = 0;
}

static int bad(char what[WHAT], const char *fmt, ...) AM_PRINTF(2, 3);

static int
bad(char what[WHAT], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, WHAT, fmt, ap);
	va_end(ap);
	return -AM_EINVAL;
}

static int
add(struct am_story *s, const struct am_event *ev, char *what)
{
	if (ev->at < 0 || ev->at > YEAR_9999)
		return bad(what, "a time that is not between 1970 and 9999");
	if (s->n == s->cap) {
		s->cap = s->cap > 0 ? s->cap * 2 : 64;
		s->events = realloc(s->events, s->cap * sizeof(*s->events));
		AM_ASSERT(s->events != NULL);
	}
	s->events[s->n++] = *ev;
	return 0;
}

/* ---- times ---- */

static am_ms
to_local(const struct am_story *s, am_ms t)
{
	return t + am_zone_offset(s->zone, t) * AM_SECOND;
}

/* A local time that exists twice is the later one. */
static am_ms
from_local(const struct am_story *s, am_ms local)
{
	am_ms t = local - am_zone_offset(s->zone, local) * AM_SECOND;

	return local - am_zone_offset(s->zone, t) * AM_SECOND;
}

/* "1d2h30m10s", "0"; false when it is none. */
static bool
span(struct am_str text, am_ms *out)
{
	am_ms sum = 0;

	if (am_str_is(text, "0")) {
		*out = 0;
		return true;
	}
	for (size_t i = 0; i < text.n;) {
		size_t from = i;
		struct am_duration d;

		while (i < text.n && text.p[i] >= '0' && text.p[i] <= '9')
			i++;
		i++; /* one letter: business days are no fixed span */
		if (i > text.n ||
		    am_duration_parse(
			(struct am_str){ text.p + from, i - from }, &d) != 0 ||
		    d.n > SPAN_MAX)
			return false;
		sum += d.n;
		if (sum > SPAN_MAX)
			return false;
	}
	*out = sum;
	return text.n > 0;
}

static bool
clock_time(const struct am_story *s, const char *word, am_ms *t)
{
	int hour, minute, end = 0;
	am_ms local = to_local(s, s->last), day;

	if (sscanf(word, "%2d:%2d%n", &hour, &minute, &end) != 2 ||
	    word[end] != '\0' || hour > 23 || minute > 59 || hour < 0)
		return false;
	day = local - local % AM_DAY;
	*t = from_local(s, day + hour * AM_HOUR + minute * AM_MINUTE);
	if (*t < s->last)
		*t = from_local(
		    s, day + AM_DAY + hour * AM_HOUR + minute * AM_MINUTE);
	return true;
}

static bool
civil_ok(const struct am_civil *c)
{
	return c->year >= 1970 && c->year <= 9999 && c->month >= 1 &&
	       c->month <= 12 && c->day >= 1 &&
	       c->day <= am_days_in_month(c->year, c->month) && c->hour >= 0 &&
	       c->hour <= 23 && c->minute >= 0 && c->minute <= 59;
}

/* ":24", or nothing */
static bool
seconds(const char *text, int *second)
{
	int end = 0;

	if (text[0] == '\0')
		return true;
	return sscanf(text, ":%2d%n", second, &end) == 1 && text[end] == '\0' &&
	       *second >= 0 && *second < 60;
}

/* "2026-11-27T16:30", with seconds or without */
static bool
local_time(const struct am_story *s, const char *word, am_ms *t)
{
	struct am_civil c = { .second = 0 };
	int year, end = 0;

	if (sscanf(word, "%4d-%2d-%2dT%2d:%2d%n", &year, &c.month, &c.day,
		&c.hour, &c.minute, &end) != 5 ||
	    !seconds(word + end, &c.second))
		return false;
	c.year = year;
	if (!civil_ok(&c))
		return false;
	*t = from_local(s, am_civil_to_ms(&c));
	return true;
}

/* "Fri-11.27-16:30": the one that is nearest behind, or not long before. */
static bool
trace_time(const struct am_story *s, const char *word, am_ms *t)
{
	struct am_civil now, c = { .second = 0 };
	int end = 0;

	if (sscanf(word, "%*3[A-Za-z]-%2d.%2d-%2d:%2d%n", &c.month, &c.day,
		&c.hour, &c.minute, &end) != 4 ||
	    !seconds(word + end, &c.second))
		return false;
	am_civil_from_ms(to_local(s, s->last), &now);
	c.year = now.year;
	if (!civil_ok(&c))
		return false;
	*t = from_local(s, am_civil_to_ms(&c));
	if (*t < s->last - 183 * AM_DAY) {
		c.year++;
		*t = from_local(s, am_civil_to_ms(&c));
	}
	return true;
}

int
am_story_time(
    const struct am_story *s, struct am_str word, am_ms *t, char what[WHAT])
{
	const char *text = am_arena_cstr(s->a, word);
	am_ms gap;

	if (text[0] == '+') {
		if (!span((struct am_str){ word.p + 1, word.n - 1 }, &gap))
			return bad(what,
			    "'%s' is no span; write +30m, +1h30m, +2d", text);
		*t = s->last + gap;
		return 0;
	}
	if (am_rfc3339_parse(word, t) == 0 || local_time(s, text, t) ||
	    trace_time(s, text, t) || clock_time(s, text, t))
		return 0;
	return bad(what,
	    "'%s' is no time; write +30m, 16:30, 2026-11-27T16:30 or "
	    "Fri-11.27-16:30",
	    text);
}

/* ---- lines of text ---- */

static struct am_str
next_word(struct am_str *rest)
{
	struct am_str w = am_str_trim(*rest);
	size_t n = 0;

	while (n < w.n && w.p[n] != ' ' && w.p[n] != '\t')
		n++;
	*rest = (struct am_str){ w.p + n, w.n - n };
	return (struct am_str){ w.p, n };
}

/* key=value, or the value in '' or "" with blanks in it. */
static int
next_pair(
    struct am_story *s, struct am_str *rest, struct am_pair *p, char *what)
{
	struct am_str text = am_str_trim(*rest);
	const char *eq = memchr(text.p, '=', text.n);
	const char *stop = text.p + text.n, *end;
	size_t key_n = eq != NULL ? (size_t)(eq - text.p) : text.n;

	if (eq == NULL || key_n == 0 || memchr(text.p, ' ', key_n) != NULL)
		return bad(what, "'%.*s' is no KEY=VALUE", AM_ARG(text));
	p->key = (struct am_str){ text.p, key_n };
	eq++;
	if (eq < stop && (*eq == '\'' || *eq == '"')) {
		end = memchr(eq + 1, *eq, (size_t)(stop - eq - 1));
		if (end == NULL)
			return bad(
			    what, "%.*s: no closing quote", AM_ARG(p->key));
		p->value = (struct am_str){ eq + 1, (size_t)(end - eq - 1) };
		end++;
	} else {
		for (end = eq; end < stop && *end != ' ' && *end != '\t';)
			end++;
		p->value = (struct am_str){ eq, (size_t)(end - eq) };
	}
	p->key = am_arena_dup(s->a, p->key);
	p->value = am_arena_dup(s->a, p->value);
	*rest = (struct am_str){ end, (size_t)(stop - end) };
	return 0;
}

/* True when the pair is of the envelope. */
static bool
envelope(struct am_event *ev, const struct am_pair *p)
{
	if (am_str_is(p->key, "event_id"))
		ev->event_id = p->value;
	else if (am_str_is(p->key, "source"))
		ev->source = p->value;
	else if (am_str_is(p->key, "actor"))
		ev->actor_id = p->value;
	else if (am_str_is(p->key, "role") && ev->type != AM_EV_ASSIGNED)
		ev->actor_role = p->value;
	else if (am_str_is(p->key, "expect"))
		return am_str_i64(p->value, &ev->expected_version) == 0;
	else if (am_str_is(p->key, "negative"))
		ev->negative = true;
	else
		return false;
	return true;
}

static const char *
nearest_event(const char *name)
{
	const char *best = NULL;
	size_t least = 5;

	for (int t = AM_EV_NONE + 1; t < AM_EVENTS_N; t++) {
		const struct am_event_spec *spec =
		    am_event_spec((enum am_event_type)t);
		size_t far = am_str_distance(name, spec->name, least);

		if (spec->inbound && far < least) {
			least = far;
			best = spec->name;
		}
	}
	return best;
}

static const char *
nearest_field(const struct am_event_spec *spec, const char *name)
{
	const char *best = NULL;
	size_t least = 4;

	for (size_t i = 0; i < spec->fields_n; i++) {
		size_t far = am_str_distance(name, spec->fields[i].name, least);

		if (far < least) {
			least = far;
			best = spec->fields[i].name;
		}
	}
	return best;
}

static bool
has_field(const struct am_event_spec *spec, struct am_str key)
{
	const char *list = memchr(key.p, '[', key.n);

	if (list != NULL)
		key.n = (size_t)(list - key.p);
	for (size_t i = 0; i < spec->fields_n; i++) {
		if (am_str_is(key, spec->fields[i].name))
			return true;
	}
	/* a loop may ask for any field when a stage is done */
	return spec->type == AM_EV_STAGE_COMPLETED;
}

/* Names and values; what only a person would read may be left out. */
static int
check_event(const struct am_event *ev, struct am_arena *a, char *what)
{
	const struct am_event_spec *spec = am_event_spec(ev->type);
	struct am_reject why;

	for (size_t i = 0; i < ev->fields_n; i++) {
		const char *key = am_arena_cstr(a, ev->fields[i].key);
		const char *near = nearest_field(spec, key);

		if (has_field(spec, ev->fields[i].key))
			continue;
		return bad(what, "%s has no field '%s'%s%s; see docs/events.md",
		    spec->name, key, near != NULL ? ", but it has " : "",
		    near != NULL ? near : "");
	}
	if (!spec->inbound) /* of our own: not for am_event_check() */
		return am_event_get(ev, "by").n > 0
			   ? 0
			   : bad(what, "who does it? %s needs by=NAME",
				 spec->name);
	if (am_event_check(ev, &why) == 0)
		return 0;
	if (strcmp(why.code, "missing_field") == 0 &&
	    (ev->type == AM_EV_OPENED ||
		am_event_field_class(ev, why.field) == AM_FIELD_PERSONAL))
		return 0;
	return bad(what, "%.*s%s%s", AM_ARG(why.field),
	    why.field.n > 0 ? ": " : "", why.text);
}

/* A producer's, or an operator's where they may tell. */
static bool
is_told(const struct am_story *s, const struct am_event_spec *spec)
{
	return spec->inbound || (s->by_hand && spec->type == AM_EV_FORCED);
}

static int
read_type(
    struct am_story *s, struct am_str name, struct am_event *ev, char *what)
{
	const struct am_event_spec *spec = am_event_spec_by_name(name);
	const char *text = am_arena_cstr(s->a, name), *near;

	if (spec != NULL && is_told(s, spec)) {
		ev->type = spec->type;
		return 0;
	}
	near = nearest_event(text);
	return bad(what, "'%s' is no event%s%s%s", text,
	    near != NULL ? "; did you mean " : "; see docs/events.md",
	    near != NULL ? near : "", near != NULL ? "?" : "");
}

/* The complaint, when the next word is one. */
static int
read_id(
    struct am_story *s, struct am_str *rest, struct am_event *ev, char *what)
{
	struct am_str after = *rest, word = next_word(&after);

	if (word.n > 0 && memchr(word.p, '=', word.n) == NULL) {
		if (!am_complaint_id_ok(word))
			return bad(what,
			    "'%.*s' is no complaint; 1 to 64 of "
			    "A-Z a-z 0-9 . _ : -",
			    AM_ARG(word));
		ev->complaint_id = am_arena_dup(s->a, word);
		*rest = after;
	} else {
		ev->complaint_id = s->one;
		if (s->one.n == 0)
			return bad(what, "which complaint? write TIME EVENT "
					 "COMPLAINT KEY=VALUE …");
	}
	s->one = ev->complaint_id;
	return 0;
}

#define FIELDS_MAX 64

static int
read_fields(
    struct am_story *s, struct am_str rest, struct am_event *ev, char *what)
{
	struct am_pair *pairs =
	    am_arena_alloc(s->a, FIELDS_MAX * sizeof(*pairs));
	int rc = 0;

	ev->fields = pairs;
	while (rc == 0 && am_str_trim(rest).n > 0) {
		if (ev->fields_n == FIELDS_MAX)
			return bad(what, "over %d fields", FIELDS_MAX);
		rc = next_pair(s, &rest, &pairs[ev->fields_n], what);
		if (rc == 0 && !envelope(ev, &pairs[ev->fields_n]))
			ev->fields_n++;
	}
	return rc;
}

/* Without a comment and the result of a trace; quotes are looked at. */
static struct am_str
told_part(struct am_str text)
{
	char quote = '\0';

	for (size_t i = 0; i < text.n; i++) {
		char ch = text.p[i];

		if (quote != '\0') {
			quote = ch == quote ? '\0' : quote;
			continue;
		}
		if (ch == '\'' || ch == '"')
			quote = ch;
		if (ch == ';' ||
		    (ch == '-' && i + 1 < text.n && text.p[i + 1] == '>'))
			return (struct am_str){ text.p, i };
	}
	return text;
}

/* Words of a trace for what a world does of its own accord. */
static bool
comes_by_itself(struct am_str name)
{
	return am_str_is(name, "WAKE") || am_str_is(name, "DELIVERED") ||
	       am_str_is(name, "DEAD");
}

static int
read_text(struct am_story *s, struct am_str text, char *what)
{
	struct am_str rest = told_part(text);
	struct am_str time = next_word(&rest), name = next_word(&rest);
	struct am_event ev = { .source = AM_STR("story"),
		.occurred_at = AM_NEVER,
		.expected_version = -1 };
	int rc;

	if (name.n == 0)
		return bad(what, "not TIME EVENT COMPLAINT KEY=VALUE …");
	rc = am_story_time(s, time, &ev.at, what);
	if (rc == 0 && comes_by_itself(name)) {
		s->last = ev.at;
		return 0;
	}
	if (rc == 0)
		rc = read_type(s, name, &ev, what);
	if (rc == 0)
		rc = read_id(s, &rest, &ev, what);
	if (rc == 0)
		rc = read_fields(s, rest, &ev, what);
	if (rc != 0)
		return rc;
	if (ev.event_id.n == 0)
		ev.event_id = am_str_c(am_arena_printf(s->a, "e%zu", s->n + 1));
	rc = check_event(&ev, s->a, what);
	if (rc != 0)
		return rc;
	rc = add(s, &ev, what);
	if (rc == 0)
		s->last = ev.at;
	return rc;
}

/* ---- JSON ---- */

/* What the journal was told by people and producers. */
static int
add_journaled(
    struct am_story *s, struct am_str id, struct am_str line, char *what)
{
	struct am_journal_entry e;
	const struct am_event_spec *spec;

	if (am_journal_parse(am_arena_dup(s->a, line), s->a, &e) != 0)
		return bad(what, "%.*s: a line of its journal cannot be read",
		    AM_ARG(id));
	spec = am_event_spec(e.event.type);
	/* what amends told itself, it will tell itself again */
	if ((!spec->inbound && e.event.type != AM_EV_FORCED) ||
	    am_str_is(e.event.source, "amends"))
		return 0;
	e.event.complaint_id = id;
	e.event.expected_version = -1; /* versions of another history */
	return add(s, &e.event, what);
}

static struct am_str
text_of(const json_t *v)
{
	if (!json_is_string(v))
		return (struct am_str){ "", 0 };
	return (struct am_str){ json_string_value(v), json_string_length(v) };
}

/* A journal line stands as text or as the object it is. */
static int
add_line(struct am_story *s, struct am_str id, const json_t *line, char *what)
{
	char *text = NULL;
	int rc;

	if (json_is_string(line))
		return add_journaled(s, id, text_of(line), what);
	text = json_dumps(line, JSON_COMPACT);
	rc = add_journaled(s, id, am_str_c(text), what);
	free(text);
	return rc;
}

static int
read_journal(struct am_story *s, const json_t *o, char *what)
{
	const json_t *lines = json_object_get(o, "journal"), *line;
	struct am_str id = text_of(json_object_get(o, "id"));
	size_t i;
	int rc = 0;

	if (lines == NULL) {
		id = text_of(json_object_get(o, "complaint"));
		line = json_object_get(o, "line");
		if (am_str_prefix(text_of(line), "{\"now\":"))
			return 0; /* by no step: parked, or nobody's */
	}
	if (!am_complaint_id_ok(id))
		return bad(what, "a journal without the complaint's id");
	id = am_arena_dup(s->a, id);
	if (lines == NULL)
		return add_line(s, id, line, what);
	json_array_foreach(lines, i, line)
	{
		rc = add_line(s, id, line, what);
		if (rc != 0)
			break;
	}
	return rc;
}

/* `at` stands in when the producer's words for it do not. */
static int
time_of(const json_t *o, struct am_event *ev, char *what)
{
	const json_t *at = json_object_get(o, "at");

	if (ev->occurred_at != AM_NEVER || ev->at != YEAR_9999)
		return 0;
	if (json_is_integer(at) && json_integer_value(at) > 0) {
		ev->at = json_integer_value(at);
		return 0;
	}
	if (am_rfc3339_parse(text_of(at), &ev->at) == 0)
		return 0;
	return bad(what, "no occurred_at; a history needs the time of each "
			 "event, RFC 3339");
}

static int
read_produced(
    struct am_story *s, struct am_str text, const json_t *o, char *what)
{
	const struct am_decode_opts opts = { .now = YEAR_9999,
		.trust_event_time = true };
	char entry[40];
	struct am_pair field = { AM_STR("json"), am_arena_dup(s->a, text) };
	struct am_event ev;
	struct am_reject why;

	if (json_object_get(o, "specversion") != NULL)
		field.key = AM_STR("cloudevent");
	snprintf(entry, sizeof(entry), "%lld-%zu", (long long)YEAR_9999, s->n);
	if (am_event_decode(am_arena_dup(s->a, am_str_c(entry)), &field, 1,
		&opts, s->a, &ev, &why) != 0)
		return bad(what, "%s: %.*s%s%s", why.code, AM_ARG(why.field),
		    why.field.n > 0 ? ": " : "", why.text);
	if (ev.complaint_id.n == 0) /* the daemon finds it by the number */
		return bad(what,
		    "complaint_id: it names no complaint; the complaint's "
		    "journal (show --json) has what came of it");
	if (time_of(o, &ev, what) != 0)
		return -AM_EINVAL;
	ev.expected_version = -1;
	return add(s, &ev, what);
}

static int
read_json(struct am_story *s, struct am_str text, char *what)
{
	json_error_t error;
	json_t *o = json_loadb(text.p, text.n, 0, &error);
	int rc;

	if (o == NULL)
		return bad(what, "no JSON: %s", error.text);
	if (json_object_get(o, "journal") != NULL ||
	    json_object_get(o, "line") != NULL)
		rc = read_journal(s, o, what);
	else if (json_object_get(o, "ok") != NULL)
		rc = 0; /* the status line of an answer */
	else
		rc = read_produced(s, text, o, what);
	json_decref(o);
	return rc;
}

int
am_story_line(struct am_story *s, struct am_str text, char what[WHAT])
{
	text = am_str_trim(text);
	if (text.n == 0 || text.p[0] == '#')
		return 0;
	if (!am_utf8_ok(text))
		return bad(what, "not UTF-8");
	if (text.p[0] == '{')
		return read_json(s, text, what);
	return read_text(s, text, what);
}

/* ---- order ---- */

void
am_story_sort(struct am_story *s)
{
	size_t n = s->n;
	struct am_event *to = malloc((n + 1) * sizeof(*to));
	struct am_event *from = s->events, *swap;

	AM_ASSERT(to != NULL);
	/* a merge sort from below: qsort() does not keep the order of equals */
	for (size_t run = 1; run < n; run *= 2) {
		for (size_t lo = 0; lo < n; lo += 2 * run) {
			size_t mid = lo + run < n ? lo + run : n;
			size_t hi = lo + 2 * run < n ? lo + 2 * run : n;
			size_t a = lo, b = mid;

			for (size_t i = lo; i < hi; i++)
				to[i] = a < mid && (b == hi ||
						       from[a].at <= from[b].at)
					    ? from[a++]
					    : from[b++];
		}
		swap = from;
		from = to;
		to = swap;
	}
	if (from != s->events) {
		s->cap = n + 1;
		s->events = from;
	}
	free(to);
}
