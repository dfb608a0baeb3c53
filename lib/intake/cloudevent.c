/*
 * cloudevent - JSON carriers become the pairs that a flat entry would have.
 *
 * The attributes are renamed to those of the envelope and data loses its
 * prefix, so that everything behind this file knows one form. A name that then
 * stands twice (subject and data.complaint_id) is found there.
 */

#include "intake/cloudevent.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "codec/json.h"
#include "intake/event.h"

/* What an attribute becomes; "" is dropped. */
static const struct attribute {
	const char *name, *field;
	bool required;
	const char *only; /* the one value it may have, NULL: any */
} attributes[] = {
	{ "specversion", "", true, "1.0" },
	{ "type", "event", true, NULL },
	{ "source", "source", true, NULL },
	{ "id", "event_id", true, NULL },
	{ "subject", "complaint_id", false, NULL },
	{ "time", "occurred_at", false, NULL },
	{ "traceparent", "trace_id", false, NULL },
	{ "datacontenttype", "", false, NULL },
	{ "dataschema", "", false, NULL },
};

struct mapping {
	struct am_arena *a;
	struct am_pair *out;
	size_t out_n;
	unsigned seen; /* bit per row of attributes */
	bool data;
	struct am_str data_base64; /* p == NULL: none */
	struct am_reject *why;
};

static int
flatten(struct am_str text, size_t max, struct am_str field, struct am_arena *a,
    const struct am_pair **pairs, size_t *n, struct am_reject *why)
{
	char what[200];
	int rc = am_json_flatten(text, max, a, pairs, n, what);

	if (rc == 0)
		return 0;
	if (rc == -AM_ETOOBIG)
		return am_reject_fill(why, "too_big", field,
		    "%s; at most %zu values, %d deep, names of %d bytes", what,
		    max, AM_JSON_DEPTH_MAX, AM_JSON_NAME_MAX);
	/* what the other carriers call so keeps its code here */
	if (text.n != 0 && memchr(text.p, '\0', text.n) != NULL)
		return am_reject_fill(
		    why, "nul_byte", field, "holds a zero byte; text is right");
	return am_reject_fill(why, "bad_json", field, "%s", what);
}

int
am_envelope_flatten(struct am_str text, struct am_arena *a,
    const struct am_pair **pairs, size_t *n, struct am_reject *why)
{
	return flatten(
	    text, AM_EVENT_FIELDS_MAX, AM_STR("json"), a, pairs, n, why);
}

static int
base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* RFC 4648 with padding and nothing but the alphabet. */
static int
base64_decode(struct am_str in, struct am_arena *a, struct am_str *out)
{
	size_t n = in.n;
	char *start = am_arena_alloc(a, in.n / 4 * 3), *p = start;
	unsigned bits = 0;

	if (n % 4 != 0)
		return -AM_EINVAL;
	for (int pad = 0; pad < 2 && n != 0 && in.p[n - 1] == '='; pad++)
		n--;
	for (size_t i = 0; i < n; i++) {
		int d = base64_digit(in.p[i]);

		if (d < 0)
			return -AM_EINVAL;
		bits = bits << 6 | (unsigned)d;
		if (i % 4 != 0)
			*p++ = (char)(bits >> (6 - i % 4 * 2));
	}
	/* what the padding stands for must be zero */
	if ((n % 4 == 2 && (bits & 15) != 0) || (n % 4 == 3 && (bits & 3) != 0))
		return -AM_EINVAL;
	*out = (struct am_str){ start, (size_t)(p - start) };
	return 0;
}

static int
map_attribute(struct mapping *m, const struct am_pair *p)
{
	struct am_str key = p->key;
	char *name;

	for (size_t i = 0; i < AM_COUNT(attributes); i++) {
		const struct attribute *at = &attributes[i];

		if (!am_str_is(key, at->name))
			continue;
		if (p->value.n != 0)
			m->seen |= 1u << i;
		if (at->only != NULL && !am_str_is(p->value, at->only))
			return am_reject_fill(m->why, "bad_cloudevent", key,
			    "unknown value; %s would be right", at->only);
		if (at->field[0] != '\0')
			m->out[m->out_n++] =
			    (struct am_pair){ am_str_c(at->field), p->value };
		return 0;
	}
	name = am_arena_alloc(m->a, key.n + 3);
	memcpy(name, "ce.", 3);
	memcpy(name + 3, key.p, key.n);
	m->out[m->out_n++] = (struct am_pair){ { name, key.n + 3 }, p->value };
	return 0;
}

static int
map_pair(struct mapping *m, const struct am_pair *p)
{
	struct am_str key = p->key;

	if (am_str_prefix(key, "data.")) {
		m->data = true;
		m->out[m->out_n++] =
		    (struct am_pair){ { key.p + 5, key.n - 5 }, p->value };
		return 0;
	}
	if (am_str_is(key, "data") || am_str_prefix(key, "data["))
		return am_reject_fill(m->why, "bad_cloudevent", AM_STR("data"),
		    "data is no object; {…} with the event's fields is right");
	if (am_str_is(key, "data_base64")) {
		m->data_base64 = p->value;
		return 0;
	}
	return map_attribute(m, p);
}

/* data_base64 holds the bytes of a JSON object with the event's fields. */
static int
map_base64(struct mapping *m, size_t max)
{
	const struct am_pair *pairs;
	struct am_str text;
	struct am_pair *all;
	size_t n;
	int rc;

	if (m->data)
		return am_reject_fill(m->why, "bad_cloudevent",
		    AM_STR("data_base64"),
		    "stands beside data; one of the two would be right");
	if (base64_decode(m->data_base64, m->a, &text) != 0)
		return am_reject_fill(m->why, "bad_cloudevent",
		    AM_STR("data_base64"),
		    "not base64; RFC 4648 with padding would be right");
	rc =
	    flatten(text, max, AM_STR("data_base64"), m->a, &pairs, &n, m->why);
	if (rc != 0)
		return rc;
	all = am_arena_alloc(m->a, (m->out_n + n) * sizeof(*all));
	memcpy(all, m->out, m->out_n * sizeof(*all));
	if (n != 0)
		memcpy(all + m->out_n, pairs, n * sizeof(*all));
	m->out = all;
	m->out_n += n;
	return 0;
}

int
am_cloudevent_map(const struct am_pair *in, size_t in_n, struct am_arena *a,
    const struct am_pair **pairs, size_t *n, struct am_reject *why)
{
	struct mapping m = { .a = a, .why = why };
	int rc;

	m.out = am_arena_alloc(a, (in_n + 1) * sizeof(*m.out));
	for (size_t i = 0; i < in_n; i++) {
		rc = map_pair(&m, &in[i]);
		if (rc != 0)
			return rc;
	}
	for (size_t i = 0; i < AM_COUNT(attributes); i++)
		if (attributes[i].required && (m.seen & 1u << i) == 0)
			return am_reject_fill(why, "bad_cloudevent",
			    am_str_c(attributes[i].name),
			    "required by CloudEvents 1.0 and missing");
	if (m.data_base64.p != NULL) {
		if (in_n > AM_EVENT_FIELDS_MAX)
			in_n = AM_EVENT_FIELDS_MAX;
		rc = map_base64(&m, AM_EVENT_FIELDS_MAX - in_n);
		if (rc != 0)
			return rc;
	}
	*pairs = m.out;
	*n = m.out_n;
	return 0;
}

int
am_cloudevent_flatten(struct am_str text, struct am_arena *a,
    const struct am_pair **pairs, size_t *n, struct am_reject *why)
{
	const struct am_pair *in;
	size_t in_n;
	int rc = flatten(text, AM_EVENT_FIELDS_MAX, AM_STR("cloudevent"), a,
	    &in, &in_n, why);

	return rc != 0 ? rc : am_cloudevent_map(in, in_n, a, pairs, n, why);
}

/* ---- binary mode ---- */

static bool
is_attribute(struct am_str name)
{
	return name.n > 3 && strncasecmp(name.p, "ce-", 3) == 0;
}

bool
am_cloudevent_is_binary(const struct am_pair *headers, size_t headers_n)
{
	for (size_t i = 0; i < headers_n; i++)
		if (is_attribute(headers[i].key))
			return true;
	return false;
}

/* A quoted string as it is meant; what is none stays as it is, for there are
 * libraries that quote and escape nothing. */
static struct am_str
unquote(struct am_str in, char *out)
{
	size_t n = 0;

	if (in.n < 2 || in.p[0] != '"' || in.p[in.n - 1] != '"')
		return in;
	for (size_t i = 1; i + 1 < in.n; i++) {
		i += in.p[i] == '\\' && i + 2 < in.n;
		out[n++] = in.p[i];
	}
	return (struct am_str){ out, n };
}

/* Once; a '%' without two digits is itself. */
static struct am_str
unescape(struct am_str in, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		uint8_t byte;

		if (in.p[i] != '%' || in.n - i < 3 ||
		    am_hex_parse(
			(struct am_str){ in.p + i + 1, 2 }, &byte, 1) != 0) {
			out[n++] = in.p[i];
			continue;
		}
		out[n++] = (char)byte;
		i += 2;
	}
	return (struct am_str){ out, n };
}

static int
read_attribute(const struct am_pair *header, struct am_arena *a,
    struct am_pair *out, struct am_reject *why)
{
	struct am_str name = { header->key.p + 3, header->key.n - 3 };
	char *lower = am_arena_alloc(a, name.n);
	char *room = am_arena_alloc(a, header->value.n + 1);
	struct am_str value;

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		lower[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
		if (!((lower[i] >= 'a' && lower[i] <= 'z') ||
			(c >= '0' && c <= '9')))
			return am_reject_fill(why, "bad_cloudevent",
			    header->key,
			    "no attribute; its name has letters and digits "
			    "only");
	}
	name.p = lower;
	if (am_str_is(name, "datacontenttype"))
		return am_reject_fill(why, "bad_cloudevent", name,
		    "stands in Content-Type in binary mode, and not in a "
		    "header of its own");
	value = unescape(unquote(header->value, room), room);
	if (!am_utf8_ok(value))
		return am_reject_fill(why, "bad_utf8", name,
		    "not UTF-8 once it is percent-decoded");
	*out = (struct am_pair){ name, value };
	return 0;
}

int
am_cloudevent_binary(const struct am_pair *headers, size_t headers_n,
    struct am_str body, struct am_arena *a, const struct am_pair **pairs,
    size_t *n, struct am_reject *why)
{
	const struct am_pair *data = NULL;
	struct am_pair *in;
	size_t data_n = 0, in_n = 0;
	int rc = 0;

	if (body.n > 0)
		rc = flatten(body, AM_EVENT_FIELDS_MAX, AM_STR("data"), a,
		    &data, &data_n, why);
	if (rc != 0)
		return rc;
	in = am_arena_alloc(a, (headers_n + data_n + 1) * sizeof(*in));
	for (size_t i = 0; i < headers_n; i++) {
		if (!is_attribute(headers[i].key))
			continue;
		rc = read_attribute(&headers[i], a, &in[in_n++], why);
		if (rc != 0)
			return rc;
	}
	for (size_t i = 0; i < data_n; i++) {
		char *name = am_arena_alloc(a, data[i].key.n + 5);

		memcpy(name, "data.", 5);
		memcpy(name + 5, data[i].key.p, data[i].key.n);
		in[in_n++] = (struct am_pair){ { name, data[i].key.n + 5 },
			data[i].value };
	}
	return am_cloudevent_map(in, in_n, a, pairs, n, why);
}
