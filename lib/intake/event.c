/*
 * event - see event.h.
 *
 * Every carrier ends as flat pairs. They are split once into the envelope (a
 * small table of known names) and the rest, which stays as it came; the table
 * of the core then judges both. What cannot be an event is refused with a
 * code, a field and a sentence, and never stops the stream.
 *
 * Two pairs of one name are refused, not resolved: last-wins and first-wins
 * readers of the same bytes would see different events.
 */

#include "intake/event.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "base/time.h"
#include "codec/json.h"
#include "intake/cloudevent.h"

#include <amends/complaint.h>

/* clang-format off */
enum slot {
	EVENT, COMPLAINT_ID, EVENT_ID, SOURCE, OCCURRED_AT, ACTOR_ID,
	ACTOR_ROLE, EXPECTED_VERSION, TRACE_ID, V, RECEIVED_AT, SLOTS_N,
};

#define NAME(lit) { lit, sizeof(lit) - 1 }

static const struct am_str envelope[SLOTS_N] = {
	[EVENT]            = NAME("event"),
	[COMPLAINT_ID]     = NAME("complaint_id"),
	[EVENT_ID]         = NAME("event_id"),
	[SOURCE]           = NAME("source"),
	[OCCURRED_AT]      = NAME("occurred_at"),
	[ACTOR_ID]         = NAME("actor.id"),
	[ACTOR_ROLE]       = NAME("actor.role"),
	[EXPECTED_VERSION] = NAME("expected_version"),
	[TRACE_ID]         = NAME("trace_id"),
	[V]                = NAME("v"),
	[RECEIVED_AT]      = NAME(AM_RECEIVED_AT),
};
/* clang-format on */

/* bit per length of a name above */
#define NAME_LENGTHS                                                           \
	(1u << 1 | 1u << 5 | 1u << 6 | 1u << 8 | 1u << 10 | 1u << 11 |         \
	    1u << 12 | 1u << 16 | 1u << 18)

struct decoder {
	const struct am_decode_opts *opts;
	struct am_arena *a;
	struct am_reject *why;
	struct am_str slots[SLOTS_N];
	struct am_str received_at, event_id; /* beside a carrier */
	struct am_pair *rest;
	size_t rest_n;
};

int
am_reject_fill(struct am_reject *why, const char *code, struct am_str field,
    const char *fmt, ...)
{
	va_list ap;

	why->code = code;
	why->field = field;
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	if (strcmp(code, "too_big") == 0)
		return -AM_ETOOBIG;
	if (strcmp(code, "unsupported") == 0 ||
	    strcmp(code, "unknown_version") == 0)
		return -AM_EUNSUPPORTED;
	return -AM_EINVAL;
}

static int
refuse(struct decoder *d, enum slot slot, const char *code, const char *text)
{
	return am_reject_fill(d->why, code, envelope[slot], "%s", text);
}

/* ---- carriers ---- */

static int
check_size(const struct am_pair *fields, size_t n, struct am_reject *why)
{
	struct am_str whole = { NULL, 0 };
	size_t bytes = 0;

	if (n == 0)
		return am_reject_fill(why, "no_fields", whole,
		    "the entry has no fields; event and complaint_id are the "
		    "least");
	if (n > AM_EVENT_FIELDS_MAX)
		return am_reject_fill(why, "too_big", whole,
		    "%zu fields; at most %d would be right", n,
		    AM_EVENT_FIELDS_MAX);
	for (size_t i = 0; i < n; i++)
		bytes += fields[i].key.n + fields[i].value.n;
	if (bytes > AM_EVENT_BYTES_MAX)
		return am_reject_fill(why, "too_big", whole,
		    "%zu bytes; at most %d would be right", bytes,
		    AM_EVENT_BYTES_MAX);
	return 0;
}

static int
bad_text(struct am_str field, struct am_str s, struct am_reject *why)
{
	if (memchr(s.p, '\0', s.n) != NULL)
		return am_reject_fill(
		    why, "nul_byte", field, "holds a zero byte; text is right");
	return am_reject_fill(
	    why, "bad_utf8", field, "not UTF-8; UTF-8 would be right");
}

/* Names and values of flat fields; JSON has been checked by its reader. */
static int
check_text(const struct am_pair *fields, size_t n, struct am_reject *why)
{
	struct am_str whole = { NULL, 0 };

	for (size_t i = 0; i < n; i++) {
		struct am_str key = fields[i].key;

		if (key.n > AM_JSON_NAME_MAX)
			return am_reject_fill(why, "too_long", whole,
			    "a field name has %zu bytes; at most %d would be "
			    "right",
			    key.n, AM_JSON_NAME_MAX);
		if (!am_utf8_ok(key))
			return bad_text(whole, key, why);
		if (!am_utf8_ok(fields[i].value))
			return bad_text(key, fields[i].value, why);
	}
	return 0;
}

static bool
is_carrier(struct am_str key)
{
	return am_str_is(key, "json") || am_str_is(key, "cloudevent");
}

/* The one carrier of an entry that has nothing else but what may stand beside
 * it, or NULL: its fields are flat. */
static const struct am_pair *
find_carrier(const struct am_pair *fields, size_t n)
{
	const struct am_pair *carrier = NULL;

	for (size_t i = 0; i < n; i++) {
		if (is_carrier(fields[i].key) && carrier == NULL)
			carrier = &fields[i];
		else if (!am_str_is(fields[i].key, AM_RECEIVED_AT) &&
			 !am_str_is(fields[i].key, "event_id"))
			return NULL;
	}
	return carrier;
}

static int
open_beside(const struct am_pair *fields, size_t n, struct decoder *d)
{
	for (size_t i = 0; i < n; i++) {
		int rc = is_carrier(fields[i].key)
			     ? 0
			     : check_text(&fields[i], 1, d->why);

		if (rc != 0)
			return rc;
		if (am_str_is(fields[i].key, AM_RECEIVED_AT))
			d->received_at = fields[i].value;
		else if (am_str_is(fields[i].key, "event_id"))
			d->event_id = fields[i].value;
	}
	return 0;
}

/* The pairs of whatever carrier the entry uses. */
static int
open_carrier(const struct am_pair **fields, size_t *n, struct decoder *d)
{
	const struct am_pair *carrier;
	int rc = check_size(*fields, *n, d->why);

	if (rc != 0)
		return rc;
	carrier = find_carrier(*fields, *n);
	if (carrier == NULL)
		return check_text(*fields, *n, d->why);
	rc = open_beside(*fields, *n, d);
	if (rc != 0)
		return rc;
	if (am_str_is(carrier->key, "json"))
		return am_envelope_flatten(
		    carrier->value, d->a, fields, n, d->why);
	return am_cloudevent_flatten(carrier->value, d->a, fields, n, d->why);
}

/* ---- envelope ---- */

/* SLOTS_N: the name is not of the envelope. */
static enum slot
find_slot(struct am_str key)
{
	if (key.n > 18 || (NAME_LENGTHS & 1u << key.n) == 0)
		return SLOTS_N;
	for (enum slot i = 0; i < SLOTS_N; i++)
		if (am_str_eq(key, envelope[i]))
			return i;
	return SLOTS_N;
}

static bool
stands_before(const struct am_pair *fields, size_t i)
{
	struct am_str key = fields[i].key;

	for (size_t j = 0; j < i; j++)
		if (fields[j].key.n == key.n &&
		    memcmp(fields[j].key.p, key.p, key.n) == 0)
			return true;
	return false;
}

static int
split(struct decoder *d, const struct am_pair *fields, size_t n)
{
	d->rest = am_arena_alloc(d->a, n * sizeof(*d->rest));
	for (size_t i = 0; i < n; i++) {
		enum slot slot = find_slot(fields[i].key);

		if (fields[i].key.n == 0)
			return am_reject_fill(d->why, "bad_value",
			    fields[i].key, "a field has no name");
		if (stands_before(fields, i))
			return am_reject_fill(d->why, "bad_value",
			    fields[i].key, "stands twice; once would be right");
		if (slot == SLOTS_N) {
			d->rest[d->rest_n++] = fields[i];
			continue;
		}
		d->slots[slot] = fields[i].value;
	}
	if (d->slots[EVENT_ID].n == 0)
		d->slots[EVENT_ID] = d->event_id;
	if (d->received_at.n != 0)
		d->slots[RECEIVED_AT] = d->received_at;
	return 0;
}

/* These end up in keys, journal and log lines: one line of text each. */
static int
check_plain(struct decoder *d)
{
	for (enum slot i = 0; i < SLOTS_N; i++) {
		struct am_str s = d->slots[i];

		for (size_t k = 0; k < s.n; k++)
			if ((uint8_t)s.p[k] < 0x20 || s.p[k] == 0x7f)
				return refuse(d, i, "bad_value",
				    "holds a control character; one line of "
				    "text would be right");
	}
	return 0;
}

/* The inbound event whose name is nearest, NULL when none is near. */
static const struct am_event_spec *
nearest_event(const char *name)
{
	const struct am_event_spec *best = NULL;
	size_t least = 4;

	for (int t = AM_EV_NONE + 1; t < AM_EVENTS_N; t++) {
		const struct am_event_spec *spec = am_event_spec(t);
		size_t far = am_str_distance(name, spec->name, least);

		if (spec->inbound && far < least) {
			least = far;
			best = spec;
		}
	}
	return best;
}

static int
unknown_event(struct decoder *d, struct am_str name)
{
	const char *text = am_arena_cstr(d->a, name);
	const struct am_event_spec *near = nearest_event(text);

	if (near != NULL)
		return am_reject_fill(d->why, "unknown_event", envelope[EVENT],
		    "'%s' is no event; did you mean %s?", text, near->name);
	return refuse(d, EVENT, "unknown_event",
	    "no event of that name; the names are in docs/events.md");
}

static int
read_type(struct decoder *d, struct am_event *ev)
{
	struct am_str name = d->slots[EVENT];
	const struct am_event_spec *spec;

	if (d->slots[V].n != 0 && !am_str_is(d->slots[V], "1"))
		return refuse(d, V, "unknown_version",
		    "unknown version of the envelope; 1 would be right");
	if (name.n == 0)
		return refuse(d, EVENT, "missing_field",
		    "says which event it is, such as complaint.opened");
	spec = am_event_spec_by_name(name);
	if (spec == NULL || !spec->inbound)
		return unknown_event(d, name);
	ev->type = spec->type;
	return 0;
}

static int
read_version(struct decoder *d, struct am_event *ev)
{
	struct am_str s = d->slots[EXPECTED_VERSION];

	ev->expected_version = -1;
	if (s.n == 0)
		return 0;
	if (am_str_i64(s, &ev->expected_version) == 0 &&
	    ev->expected_version >= 0)
		return 0;
	return refuse(d, EXPECTED_VERSION, "bad_value",
	    "no version; a whole number such as 3 would be right");
}

/* The entry's time rules, or what the producer said where it is trusted; a
 * clock that runs ahead of ours must not start clocks in the future. */
static int
read_time(struct decoder *d, uint64_t entry_ms, struct am_event *ev)
{
	am_ms latest = d->opts->now + d->opts->max_skew, said;
	struct am_str s = d->slots[OCCURRED_AT];
	uint64_t first = entry_ms;

	if (d->slots[RECEIVED_AT].n != 0 &&
	    am_str_u64(d->slots[RECEIVED_AT], &first) != 0)
		return refuse(d, RECEIVED_AT, "bad_value",
		    "no instant; milliseconds since 1970 would be right");
	if (first < entry_ms)
		entry_ms = first;
	ev->at = entry_ms > (uint64_t)latest ? latest : (am_ms)entry_ms;
	if (ev->at < 1) /* `XADD … 0-1`: 0 is no instant in a record */
		ev->at = 1;
	ev->occurred_at = AM_NEVER;
	if (s.n == 0)
		return 0;
	if (am_rfc3339_parse(s, &said) != 0 || said < 1)
		return refuse(d, OCCURRED_AT, "bad_value",
		    "no instant; RFC 3339 such as 2026-11-21T19:35:03Z");
	ev->occurred_at = said;
	if (d->opts->trust_event_time)
		ev->at = said > latest ? latest : said;
	return 0;
}

/* The same (source, event_id) makes the same complaint, whoever asks. */
static struct am_str
derive_id(const struct am_event *ev, struct am_arena *a)
{
	char *id = am_arena_alloc(a, 2 + AM_FU_ID_LEN + 1);
	struct am_sha256 sha;
	uint8_t hash[32];

	am_sha256_init(&sha);
	am_sha256_addl(&sha, AM_STR("complaint"));
	am_sha256_addl(&sha, ev->source);
	am_sha256_addl(&sha, ev->event_id);
	am_sha256_end(&sha, hash);
	memcpy(id, "C-", 2);
	am_fu_id_format(hash, id + 2);
	return (struct am_str){ id, 2 + AM_FU_ID_LEN };
}

static void
read_ids(struct decoder *d, struct am_str entry_id, struct am_event *ev)
{
	struct am_str id = d->slots[COMPLAINT_ID];

	ev->source = d->slots[SOURCE];
	if (ev->source.n == 0)
		ev->source = AM_STR("stream");
	ev->event_id = d->slots[EVENT_ID];
	if (ev->event_id.n == 0)
		ev->event_id = entry_id;
	ev->trace_id = d->slots[TRACE_ID];
	ev->actor_id = d->slots[ACTOR_ID];
	ev->actor_role = d->slots[ACTOR_ROLE];
	if (id.n == 0 && ev->type == AM_EV_OPENED)
		id = derive_id(ev, d->a);
	ev->complaint_id = id;
}

int
am_event_decode(struct am_str id, const struct am_pair *fields, size_t n,
    const struct am_decode_opts *opts, struct am_arena *a, struct am_event *ev,
    struct am_reject *why)
{
	struct decoder d = { .opts = opts, .a = a, .why = why };
	struct am_event new = { .type = AM_EV_NONE };
	uint64_t ms, seq;
	int rc;

	if (am_stream_id_parse(id, &ms, &seq) != 0)
		return am_reject_fill(why, "bad_value", AM_STR("id"),
		    "no id of a stream entry; MS-SEQ would be right");
	rc = open_carrier(&fields, &n, &d);
	if (rc == 0)
		rc = split(&d, fields, n);
	if (rc == 0)
		rc = check_plain(&d);
	if (rc == 0)
		rc = read_type(&d, &new);
	if (rc == 0)
		rc = read_version(&d, &new);
	if (rc == 0)
		rc = read_time(&d, ms, &new);
	if (rc != 0)
		return rc;
	read_ids(&d, id, &new);
	new.fields = d.rest;
	new.fields_n = d.rest_n;
	rc = am_event_check(&new, why);
	if (rc != 0)
		return rc;
	*ev = new;
	return 0;
}
