/*
 * journal - write a line and chain it.
 *
 * Written by hand in one pass: a line is made for every event, and the bytes
 * are the proof, so their order is fixed here and nowhere else.
 */

#include "core/journal.h"

#include <string.h>

#include "base/hash.h"
#include "base/str.h"

static void
chain_hash(struct am_str line, uint8_t h[AM_CHAIN_LEN])
{
	uint8_t digest[32];
	struct am_sha256 s;

	am_sha256_init(&s);
	am_sha256_add(&s, line.p, line.n);
	am_sha256_end(&s, digest);
	memcpy(h, digest, AM_CHAIN_LEN);
}

/* A fact of the customer that complaint.updated may bring. */
static bool
is_fact(const struct am_event *ev, struct am_str field)
{
	const struct am_event_spec *spec = am_event_spec(ev->type);

	for (size_t i = 0; i < spec->fields_n; i++) {
		if (am_str_is(field, spec->fields[i].name))
			return true;
	}
	return false;
}

/* A personal field that decides what is done, by a stage's wish or as a change
 * told, is journaled as there, unread. */
static bool
is_required(const struct am_loopdef *def, const struct am_event *ev,
    struct am_str field)
{
	const struct am_stagedef *st;
	int stage;

	if (ev->type == AM_EV_UPDATED)
		return is_fact(ev, field);
	if (ev->type != AM_EV_STAGE_COMPLETED)
		return false;
	stage = am_loopdef_stage(def, am_event_get(ev, "stage"));
	if (stage < 0)
		return false;
	st = &def->stages[stage];
	for (size_t i = 0; i < st->requires_n; i++) {
		if (am_str_is(field, st->requires[i]))
			return true;
	}
	return false;
}

static void
add_key(struct am_buf *b, struct am_str key)
{
	if (b->p[b->n - 1] != '{')
		am_buf_addc(b, ',');
	am_buf_addjson(b, key);
	am_buf_addc(b, ':');
}

/* A field given twice counts once: the first, as everywhere. */
static bool
is_repeated(const struct am_event *ev, size_t i)
{
	for (size_t j = 0; j < i; j++) {
		if (am_str_eq(ev->fields[j].key, ev->fields[i].key))
			return true;
	}
	return false;
}

static void
add_input(struct am_buf *b, const struct am_loopdef *def,
    const struct am_event *ev, struct am_str in_flight)
{
	am_buf_addkey(b, "in");
	am_buf_addc(b, '{');
	for (size_t i = 0; i < ev->fields_n; i++) {
		const struct am_pair *f = &ev->fields[i];

		if (f->value.n == 0 || f->key.n == 0 || f->key.p[0] == '@' ||
		    is_repeated(ev, i))
			continue;
		if (am_event_field_class(ev, f->key) == AM_FIELD_CORE) {
			add_key(b, f->key);
			am_buf_addjson(b, f->value);
		} else if (is_required(def, ev, f->key)) {
			add_key(b, f->key);
			am_buf_adds(b, "\"*\"");
		}
	}
	if (in_flight.n > 0)
		am_buf_addkv(b, "@in_flight", in_flight);
	am_buf_addc(b, '}');
}

static void
add_notes(struct am_buf *b, const struct am_note *n)
{
	am_buf_addkey(b, "do");
	am_buf_addc(b, '[');
	for (; n != NULL; n = n->next) {
		if (b->p[b->n - 1] != '[')
			am_buf_addc(b, ',');
		am_buf_addc(b, '{');
		am_buf_addkv(b, "n", am_str_c(n->name));
		for (size_t i = 0; i < n->pairs_n; i++) {
			add_key(b, n->pairs[i].key);
			am_buf_addjson(b, n->pairs[i].value);
		}
		am_buf_addc(b, '}');
	}
	am_buf_addc(b, ']');
}

static void
add_chain(struct am_buf *b, const char *key, const uint8_t h[AM_CHAIN_LEN])
{
	am_buf_addkey(b, key);
	am_buf_addc(b, '"');
	am_buf_addhex(b, h, AM_CHAIN_LEN);
	am_buf_addc(b, '"');
}

void
am_journal_seal(struct am_update *up, const struct am_loopdef *def,
    const struct am_event *ev, struct am_str in_flight, am_ms now)
{
	struct am_complaint *c = &up->next;
	struct am_buf b;

	am_buf_arena(&b, up->arena, 768);
	am_buf_addc(&b, '{');
	am_buf_addki(&b, "seq", ++c->seq);
	am_buf_addki(&b, "v", c->version);
	am_buf_addki(&b, "now", now);
	am_buf_addki(&b, "at", ev->at);
	am_buf_addkv(&b, "event", am_str_c(am_event_spec(ev->type)->name));
	am_buf_addkv(&b, "source", ev->source);
	am_buf_addkv(&b, "event_id", ev->event_id);
	if (ev->actor_id.n > 0)
		am_buf_addkv(&b, "actor", ev->actor_id);
	if (ev->actor_role.n > 0)
		am_buf_addkv(&b, "role", ev->actor_role);
	if (ev->expected_version >= 0)
		am_buf_addki(&b, "expect", ev->expected_version);
	if (ev->negative)
		am_buf_adds(&b, ",\"negative\":true");
	add_input(&b, def, ev, in_flight);
	am_buf_addkv(&b, "verdict",
	    up->verdict == AM_APPLIED ? AM_STR("applied") : AM_STR("ignored"));
	if (up->code != NULL)
		am_buf_addkv(&b, "code", am_str_c(up->code));
	add_notes(&b, up->notes);
	add_chain(&b, "prev", c->chain);
	chain_hash(am_buf_str(&b), c->chain);
	add_chain(&b, "h", c->chain);
	am_buf_addc(&b, '}');
	up->line = am_buf_str(&b);
}

#define TAIL_H (sizeof(",\"h\":\"\"}") - 1 + 2 * AM_CHAIN_LEN)
#define TAIL_PREV (sizeof(",\"prev\":\"\"") - 1 + 2 * AM_CHAIN_LEN)

/* The tail is of fixed length, so no parser is needed to check a chain. */
bool
am_journal_line_ok(
    struct am_str line, uint8_t prev[AM_CHAIN_LEN], uint8_t h[AM_CHAIN_LEN])
{
	uint8_t want[AM_CHAIN_LEN], was[AM_CHAIN_LEN], is[AM_CHAIN_LEN];
	struct am_str body, hex;
	const char *tail;

	if (line.n < TAIL_H + TAIL_PREV + 1)
		return false;
	body = (struct am_str){ line.p, line.n - TAIL_H };
	tail = line.p + body.n;
	if (memcmp(tail, ",\"h\":\"", 6) != 0 ||
	    memcmp(line.p + line.n - 2, "\"}", 2) != 0)
		return false;
	hex = (struct am_str){ tail + 6, sizeof(is) * 2 };
	if (am_hex_parse(hex, is, sizeof(is)) != 0)
		return false;
	tail -= TAIL_PREV;
	hex = (struct am_str){ tail + 9, sizeof(was) * 2 };
	if (memcmp(tail, ",\"prev\":\"", 9) != 0 ||
	    am_hex_parse(hex, was, sizeof(was)) != 0)
		return false;
	chain_hash(body, want);
	if (memcmp(want, is, sizeof(is)) != 0)
		return false;
	memcpy(prev, was, sizeof(was));
	memcpy(h, is, sizeof(is));
	return true;
}
