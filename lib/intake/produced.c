/*
 * produced - find the carrier, make flat pairs of it, fill in what the producer
 * left to its name, decode on trial.
 *
 * An id of the message stands for that of the event where it has none: alone as
 * it is, in a list with the place behind it.
 */

#include "intake/produced.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/str.h"
#include "codec/json.h"
#include "intake/callback.h"
#include "intake/cloudevent.h"
#include "intake/http_head.h"
#include "intake/map.h"

#define OURS "amends." /* names that mean something to us */

enum carrier {
	ENVELOPE,
	BINARY,	    /* CloudEvents, attributes in headers */
	STRUCTURED, /* CloudEvents as JSON */
	BATCH,	    /* of the last */
};

struct reader {
	const struct am_produced_request *req;
	struct am_arena *a;
	struct am_produced_event *v;
	size_t n, passed_over;
	bool list;
	struct am_produced_fault *fault;
};

/* ---- faults ---- */

static int
refuse(struct reader *r, unsigned status, const char *code, const char *text)
{
	*r->fault = (struct am_produced_fault){
		.status = status, .code = code, .at = SIZE_MAX
	};
	snprintf(r->fault->text, sizeof(r->fault->text), "%s", text);
	return -AM_EINVAL;
}

static int
reject(struct reader *r, const struct am_reject *why)
{
	const char *sep = why->field.n > 0 ? ": " : "";

	*r->fault = (struct am_produced_fault){ .status = 400,
		.code = why->code,
		.field = am_arena_dup(r->a, why->field),
		.at = r->list ? r->n + r->passed_over : SIZE_MAX };
	snprintf(r->fault->text, sizeof(r->fault->text), "%.*s%s%s",
	    why->field.n > 40 ? 40 : AM_ARG(why->field), sep, why->text);
	return -AM_EINVAL;
}

/* ---- what it is ---- */

/* "Application/JSON ; charset=UTF-8" has the type application/json. */
static bool
is_type(struct am_str content_type, const char *type)
{
	size_t n = strlen(type);
	const char *semicolon =
	    content_type.n > 0 ? memchr(content_type.p, ';', content_type.n)
			       : NULL;

	if (semicolon != NULL)
		content_type.n = (size_t)(semicolon - content_type.p);
	content_type = am_str_trim(content_type);
	if (type[0] == '+') /* how it ends */
		return content_type.n > n &&
		       strncasecmp(
			   content_type.p + content_type.n - n, type, n) == 0;
	return content_type.n == n && strncasecmp(content_type.p, type, n) == 0;
}

static bool
is_json(struct am_str type)
{
	return is_type(type, "application/json") ||
	       is_type(type, "text/json") || is_type(type, "+json");
}

/* JSON is UTF-8; who says that it is another has not sent JSON. */
static bool
charset_ok(struct am_str type)
{
	static const char *const good[] = { "utf-8", "\"utf-8\"", "us-ascii",
		"utf8" };

	for (size_t i = 0; i + 8 < type.n; i++) {
		struct am_str value = { type.p + i + 8, type.n - i - 8 };
		const char *end;

		if (strncasecmp(type.p + i, "charset=", 8) != 0)
			continue;
		end = memchr(value.p, ';', value.n);
		if (end != NULL)
			value.n = (size_t)(end - value.p);
		value = am_str_trim(value);
		for (size_t k = 0; k < AM_COUNT(good); k++)
			if (value.n == strlen(good[k]) &&
			    strncasecmp(value.p, good[k], value.n) == 0)
				return true;
		return false;
	}
	return true;
}

static int
find_carrier(struct reader *r, enum carrier *carrier)
{
	const struct am_produced_request *q = r->req;
	struct am_str type =
	    am_http_header(q->headers, q->headers_n, "content-type");
	bool foreign = q->producer->maps_n > 0 || q->producer->each != NULL;

	if (!charset_ok(type))
		return refuse(r, 415, "unsupported_media_type",
		    "JSON is UTF-8; charset=utf-8, or none, would be right");
	if (is_type(type, "application/cloudevents+json"))
		*carrier = STRUCTURED;
	else if (is_type(type, "application/cloudevents-batch+json"))
		*carrier = BATCH;
	else if (!foreign &&
		 am_cloudevent_is_binary(q->headers, q->headers_n) &&
		 (is_json(type) || type.n == 0))
		*carrier = BINARY;
	else if (is_json(type) && !is_type(type, "application/problem+json") &&
		 (type.n < 24 ||
		     strncasecmp(type.p, "application/cloudevents", 23) != 0))
		*carrier = ENVELOPE;
	else
		return refuse(r, 415, "unsupported_media_type",
		    "the Content-Type is none that is read here; "
		    "application/json or application/cloudevents+json would be "
		    "right");
	if (*carrier == BATCH && !q->producer->batch)
		return refuse(r, 415, "unsupported_media_type",
		    "batches are not asked for; send each event alone, or have "
		    "`batch = true` set for this producer");
	return 0;
}

/* ---- one event ---- */

/* A value of the pairs, the empty one being none. */
static struct am_str
get(const struct am_pair *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (am_str_is(v[i].key, name))
			return v[i].value;
	return (struct am_str){ NULL, 0 };
}

static int
check_names(const struct am_pair *v, size_t n, struct am_reject *why)
{
	struct am_str source = get(v, n, "source");

	for (size_t i = 0; i < n; i++)
		if (am_str_prefix(v[i].key, OURS))
			return am_reject_fill(why, "bad_value", v[i].key,
			    "a name that begins with " OURS
			    " is not for producers; leave it out");
	if (source.n == 6 && strncasecmp(source.p, "amends", 6) == 0)
		return am_reject_fill(why, "bad_value", AM_STR("source"),
		    "amends is the source of its own events; name another");
	return 0;
}

/* ID, or ID/3 of the fourth of a list */
static struct am_str
id_of_message(const struct reader *r)
{
	if (r->req->id.n == 0 || !r->list)
		return r->req->id;
	return am_str_c(am_arena_printf(
	    r->a, "%.*s/%zu", AM_ARG(r->req->id), r->n + r->passed_over));
}

/* The pairs with those that the producer left out; room for three more. */
static struct am_pair *
complete(struct reader *r, const struct am_pair *v, size_t n, size_t *out_n)
{
	static const char *const own[] = { "event_id", "source",
		"complaint_id" };
	const struct am_str fallback[] = { id_of_message(r),
		am_str_c(r->req->producer->source), { NULL, 0 } };
	struct am_pair *out = am_arena_alloc(r->a, (n + 3) * sizeof(*out));
	size_t m = 0;

	for (size_t i = 0; i < n; i++) {
		bool empty = false;

		for (size_t k = 0; k < AM_COUNT(own); k++)
			empty |=
			    v[i].value.n == 0 && am_str_is(v[i].key, own[k]);
		if (!empty)
			out[m++] = v[i];
	}
	for (size_t k = 0; k < AM_COUNT(own); k++)
		if (fallback[k].n > 0 && get(out, m, own[k]).n == 0)
			out[m++] =
			    (struct am_pair){ am_str_c(own[k]), fallback[k] };
	*out_n = m;
	return out;
}

static int
not_allowed(struct reader *r, const struct am_event *ev)
{
	size_t at = r->list ? r->n + r->passed_over : SIZE_MAX;
	int rc = refuse(r, 403, "event_not_allowed", "");

	r->fault->at = at;
	r->fault->field = AM_STR("event");
	snprintf(r->fault->text, sizeof(r->fault->text),
	    "this producer may not send %s; see `events` of its block",
	    am_event_spec(ev->type)->name);
	return rc;
}

static int
take(struct reader *r, const struct am_pair *v, size_t n)
{
	struct am_produced_event *e = &r->v[r->n];
	struct am_reject why = { .code = "" };
	struct am_event ev;
	struct am_pair *fields;
	size_t fields_n;
	char entry[32];

	if (check_names(v, n, &why) != 0)
		return reject(r, &why);
	fields = complete(r, v, n, &fields_n);
	if (get(fields, fields_n, "event_id").n == 0) {
		am_reject_fill(&why, "missing_field", AM_STR("event_id"),
		    "names the event, so that it is taken once however often "
		    "it comes; in the body, as webhook-id or as "
		    "Idempotency-Key");
		return reject(r, &why);
	}
	snprintf(entry, sizeof(entry), "%lld-0", (long long)r->req->decode.now);
	if (am_event_decode(am_str_c(entry), fields, fields_n, &r->req->decode,
		r->a, &ev, &why) != 0)
		return reject(r, &why);
	if ((r->req->producer->events & 1ull << ev.type) == 0)
		return not_allowed(r, &ev);
	if (ev.complaint_id.n > 0 &&
	    get(fields, fields_n, "complaint_id").n == 0)
		fields[fields_n++] =
		    (struct am_pair){ AM_STR("complaint_id"), ev.complaint_id };
	*e = (struct am_produced_event){ .fields = fields,
		.n = fields_n,
		.event_id = ev.event_id,
		.source = ev.source,
		.complaint_id = ev.complaint_id };
	r->n++;
	return 0;
}

/* Flat pairs of an envelope, or of a CloudEvent that calls itself JSON. */
static int
take_json(struct reader *r, const struct am_pair *v, size_t n)
{
	struct am_reject why = { .code = "" };

	if (get(v, n, "specversion").n > 0 && get(v, n, "event").n == 0 &&
	    am_cloudevent_map(v, n, r->a, &v, &n, &why) != 0)
		return reject(r, &why);
	return take(r, v, n);
}

static int
take_text(struct reader *r, enum carrier carrier, struct am_str text)
{
	const struct am_produced_request *q = r->req;
	struct am_reject why = { .code = "" };
	const struct am_pair *v;
	size_t n;
	int rc;

	if (carrier == BINARY)
		rc = am_cloudevent_binary(
		    q->headers, q->headers_n, text, r->a, &v, &n, &why);
	else if (carrier == ENVELOPE)
		rc = am_envelope_flatten(text, r->a, &v, &n, &why);
	else
		rc = am_cloudevent_flatten(text, r->a, &v, &n, &why);
	if (rc != 0)
		return reject(r, &why);
	return carrier == ENVELOPE ? take_json(r, v, n) : take(r, v, n);
}

/* ---- lists ---- */

static struct am_str
skip_blanks(struct am_str s)
{
	while (s.n > 0 && memchr(" \t\r\n", s.p[0], 4) != NULL)
		s = (struct am_str){ s.p + 1, s.n - 1 };
	return s;
}

/* Bytes of the object at the front, by its braces; 0: it is none. What is
 * inside of it is for the reader of JSON to judge. */
static size_t
object_bytes(struct am_str s)
{
	size_t deep = 0;
	bool text = false;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (text) {
			i += c == '\\';
			text = c != '"';
		} else if (c == '"') {
			text = true;
		} else if (c == '{') {
			deep++;
		} else if (c == '}' && --deep == 0) {
			return i + 1;
		}
		if (deep == 0)
			return 0;
	}
	return 0;
}

static int
too_many(struct reader *r)
{
	char text[80];

	snprintf(text, sizeof(text), "at most %d events in one request",
	    AM_PRODUCED_MAX);
	return refuse(r, 413, "too_many", text);
}

static int
not_a_list(struct reader *r)
{
	r->list = false;
	return refuse(r, 400, "bad_json", "a list of objects would be right");
}

/* Past the blanks, c and the blanks behind it; false: c is not there. */
static bool
take_char(struct am_str *s, char c)
{
	*s = skip_blanks(*s);
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = skip_blanks((struct am_str){ s->p + 1, s->n - 1 });
	return true;
}

/* "[{…},{…}]", each read by itself */
static int
take_list(struct reader *r, enum carrier carrier, struct am_str s)
{
	bool more;

	r->list = true;
	if (!take_char(&s, '['))
		return not_a_list(r);
	more = s.n > 0 && s.p[0] != ']';
	while (more) {
		size_t n = object_bytes(s);
		int rc;

		if (n == 0)
			return not_a_list(r);
		if (r->n == AM_PRODUCED_MAX)
			return too_many(r);
		rc = take_text(r, carrier, (struct am_str){ s.p, n });
		if (rc != 0)
			return rc;
		s = (struct am_str){ s.p + n, s.n - n };
		more = take_char(&s, ',');
	}
	return take_char(&s, ']') && s.n == 0 ? 0 : not_a_list(r);
}

/* ---- foreign JSON ---- */

static int
take_element(struct reader *r, const struct am_map_element *el,
    const struct am_map_element *whole)
{
	const struct am_conf_producer *p = r->req->producer;
	const struct am_conf_map *map = am_map_find(p, el, whole);
	struct am_reject why = { .code = "" };
	struct am_pair *bare;
	const struct am_pair *v;
	size_t n;

	if (p->maps_n > 0 && map == NULL) {
		r->passed_over++;
		return 0;
	}
	if (map != NULL) {
		if (am_map_apply(map, el, whole, r->a, &v, &n, &why) != 0)
			return reject(r, &why);
		return take(r, v, n);
	}
	bare = am_arena_alloc(r->a, (el->n + 1) * sizeof(*bare));
	for (size_t i = 0; i < el->n; i++) {
		struct am_str key = el->v[i].key;
		size_t skip = el->skip;

		skip += skip < key.n && skip > 0 && key.p[skip] == '.';
		bare[i] = (struct am_pair){ { key.p + skip, key.n - skip },
			el->v[i].value };
	}
	return take_json(r, bare, el->n);
}

static int
take_foreign(struct reader *r, struct am_str body)
{
	const struct am_conf_producer *p = r->req->producer;
	const struct am_map_element *v;
	struct am_map_element whole = { .skip = 0 };
	size_t n, empty;
	char what[200];
	int rc;

	r->list = p->each != NULL;
	rc = am_json_flatten_list(
	    body, AM_CALLBACK_VALUES_MAX, r->a, &whole.v, &whole.n, what);
	if (rc != 0) {
		r->list = false;
		return refuse(
		    r, 400, rc == -AM_ETOOBIG ? "too_big" : "bad_json", what);
	}
	am_map_elements(p->each, whole.v, whole.n, r->a, &v, &n, &empty);
	if (n > AM_PRODUCED_MAX)
		return too_many(r);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = take_element(r, &v[i], &whole);
	r->passed_over += empty;
	return rc;
}

int
am_produced_read(const struct am_produced_request *req, struct am_arena *a,
    struct am_produced *out, struct am_produced_fault *fault)
{
	const struct am_conf_producer *p = req->producer;
	struct reader r = { .req = req, .a = a, .fault = fault };
	enum carrier carrier = ENVELOPE;
	struct am_str body = req->body;
	bool array;
	int rc = find_carrier(&r, &carrier);

	if (rc != 0)
		return rc;
	if (am_str_prefix(body, "\xef\xbb\xbf")) /* some write one */
		body = (struct am_str){ body.p + 3, body.n - 3 };
	array = skip_blanks(body).n > 0 && skip_blanks(body).p[0] == '[';
	r.v = am_arena_alloc(a, AM_PRODUCED_MAX * sizeof(*r.v));
	if (carrier == ENVELOPE && (p->maps_n > 0 || p->each != NULL))
		rc = take_foreign(&r, body);
	else if (carrier == BATCH || (carrier == ENVELOPE && array && p->batch))
		rc = take_list(&r, carrier, body);
	else
		rc = take_text(&r, carrier, body);
	if (rc != 0)
		return rc;
	*out = (struct am_produced){ r.v, r.n, r.passed_over, r.list };
	return 0;
}
