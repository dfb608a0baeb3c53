/*
 * erase_match - see erase_match.h.
 */

#include "daemon/erase_match.h"

#include <string.h>

#include "base/reach.h"
#include "base/str.h"
#include "daemon/view.h"
#include "intake/cloudevent.h"
#include "intake/event.h"

struct fields {
	const struct am_pair *v;
	size_t n;
};

/* ---- text that is no JSON any more: a reject is cut when it is long ---- */

/* JSON text that gives the complaint as this member, whatever else it says. */
static bool
says(struct am_str json, const char *member, struct am_str id)
{
	const char *p = json.p, *end = json.p + json.n;
	size_t n = strlen(member);

	while ((p = memmem(p, (size_t)(end - p), member, n)) != NULL) {
		p += n;
		while (p < end && strchr(" \t\r\n:", *p) != NULL)
			p++;
		if ((size_t)(end - p) > id.n + 1 && *p == '"' &&
		    memcmp(p + 1, id.p, id.n) == 0 && p[id.n + 1] == '"')
			return true;
	}
	return false;
}

static bool
has(struct am_str json, const char *member)
{
	return memmem(json.p, json.n, member, strlen(member)) != NULL;
}

/* A string of JSON text is an address of the customer. */
static bool
holds_address(const struct am_erase_match *m, struct am_str json)
{
	const char *end = json.p + json.n;

	for (size_t i = 0; i < m->addresses_n; i++) {
		const struct am_str s = m->addresses[i];

		for (const char *p = json.p;
		     (p = memmem(p, (size_t)(end - p), s.p, s.n)) != NULL; p++)
			if (p > json.p && p[-1] == '"' && p + s.n < end &&
			    p[s.n] == '"')
				return true;
	}
	return false;
}

/* ---- values ---- */

static bool
is_address(const struct am_erase_match *m, struct am_str s)
{
	for (size_t i = 0; s.n > 0 && i < m->addresses_n; i++)
		if (am_str_eq(m->addresses[i], s))
			return true;
	return false;
}

/* A gateway writes a number in its own way. */
static bool
is_customers(const struct am_erase_match *m, struct am_str value)
{
	char text[AM_EMAIL_MAX + 1];

	if (m->addresses_n == 0)
		return false;
	return is_address(m, value) ||
	       (am_phone_parse(value, text) == 0 &&
		   is_address(m, am_str_c(text))) ||
	       (am_email_parse(value, text) == 0 &&
		   is_address(m, am_str_c(text)));
}

static bool
any_customers(const struct am_erase_match *m, struct fields f)
{
	for (size_t i = 0; i < f.n; i++)
		if (is_customers(m, f.v[i].value))
			return true;
	return false;
}

/* ---- an entry ---- */

static struct fields
fields_of(
    const struct am_erase_match *m, const redisReply *entry, struct am_arena *a)
{
	const redisReply *r = entry->element[1];
	struct am_pair *v =
	    am_arena_alloc(a, (r->elements / 2 + 1) * sizeof(*v));
	struct fields f = { v, 0 };

	for (size_t i = 0; i + 1 < r->elements; i += 2) {
		struct am_str k = am_reply_str(r->element[i]);

		if (m->rejects && !am_str_prefix(k, "f."))
			continue; /* what is said of it */
		if (m->rejects)
			k = (struct am_str){ k.p + 2, k.n - 2 };
		v[f.n++] =
		    (struct am_pair){ k, am_reply_str(r->element[i + 1]) };
	}
	return f;
}

/* The carrier of an event that was none; the fields where there is none. */
static struct fields
opened(struct fields f, struct am_arena *a)
{
	struct am_reject why;
	struct fields in;

	for (size_t i = 0; i < f.n; i++) {
		bool json = am_str_is(f.v[i].key, "json");
		int rc = -AM_EINVAL;

		if (json)
			rc = am_envelope_flatten(
			    f.v[i].value, a, &in.v, &in.n, &why);
		else if (am_str_is(f.v[i].key, "cloudevent"))
			rc = am_cloudevent_flatten(
			    f.v[i].value, a, &in.v, &in.n, &why);
		if (rc == 0)
			return in;
	}
	return f;
}

static bool
is_ours(const struct am_erase_match *m, struct am_str id)
{
	return m->home && am_str_eq(id, m->id);
}

/* What could not be decoded, field by field. */
static bool
text_matches(const struct am_erase_match *m, struct fields f)
{
	bool named = false, written_to = false;

	for (size_t i = 0; i < f.n; i++) {
		struct am_str k = f.v[i].key, v = f.v[i].value;

		if (am_str_is(k, "complaint_id")) {
			if (is_ours(m, v))
				return true;
			named = true;
		} else if (am_str_is(k, "json") || am_str_is(k, "cloudevent")) {
			const char *member = am_str_is(k, "json")
						 ? "\"complaint_id\""
						 : "\"subject\"";

			if (m->home && (says(v, member, m->id) ||
					   says(v, "\"complaint_id\"", m->id)))
				return true;
			named = named || has(v, member) ||
				has(v, "\"complaint_id\"");
			written_to = written_to || holds_address(m, v);
		}
	}
	return !named && (written_to || any_customers(m, f));
}

static bool
matches(
    const struct am_erase_match *m, const redisReply *entry, struct am_arena *a)
{
	const struct am_decode_opts opts = { .now = am_engine_now(),
		.max_skew = m->conf->max_skew,
		.trust_event_time = m->conf->trust_event_time };
	struct fields f = fields_of(m, entry, a);
	struct am_reject why;
	struct am_event ev;

	if (am_event_decode(am_reply_str(entry->element[0]), f.v, f.n, &opts, a,
		&ev, &why) != 0)
		return text_matches(m, opened(f, a));
	if (ev.complaint_id.n > 0)
		return is_ours(m, ev.complaint_id);
	return any_customers(m, (struct fields){ ev.fields, ev.fields_n });
}

bool
am_erase_matches(const struct am_erase_match *m, const redisReply *entry)
{
	struct am_arena a;
	bool yes;

	am_arena_init(&a, 0);
	yes = matches(m, entry, &a);
	am_arena_fini(&a);
	return yes;
}
