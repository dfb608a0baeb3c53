/*
 * act - how actions tell what they did: notes, tallies, refusals.
 *
 * Pairs of notes hold slices: of the definition, of the new state, or of the
 * arena. Numbers are written into the arena at once; a tagged value would save
 * the bytes and cost every reader a switch.
 */

#include "core/act.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"

void
am_act_change(struct am_act *a)
{
	if (a->up->changed)
		return;
	a->up->changed = true;
	a->up->next.version++;
}

struct am_note *
am_act_note(struct am_act *a, const char *name)
{
	struct am_note *n = am_arena_alloc(a->up->arena, sizeof(*n));

	n->next = NULL;
	n->name = name;
	n->pairs_n = 0;
	*a->up->notes_tail = n;
	a->up->notes_tail = &n->next;
	return n;
}

void
am_note_str(struct am_note *n, const char *key, struct am_str value)
{
	if (value.n == 0)
		return; /* nothing to say is not said */
	AM_ASSERT(n->pairs_n < AM_COUNT(n->pairs));
	n->pairs[n->pairs_n++] = (struct am_pair){ am_str_c(key), value };
}

void
am_note_c(struct am_note *n, const char *key, const char *value)
{
	am_note_str(n, key, am_str_c(value));
}

void
am_note_int(struct am_act *a, struct am_note *n, const char *key, int64_t value)
{
	struct am_buf b;

	if (value == AM_NEVER) {
		am_note_c(n, key, "never");
		return;
	}
	am_buf_arena(&b, a->up->arena, 24);
	am_buf_addi(&b, value);
	am_note_str(n, key, am_buf_str(&b));
}

struct am_str
am_act_field(struct am_act *a, const char *name)
{
	struct am_str v = am_event_get(a->ev, name);

	if (v.n == 0)
		return AM_STR("");
	return am_arena_dup(a->up->arena, v);
}

static void
tally(struct am_act *a, const char *day, const char *field, int64_t delta)
{
	struct am_tally *t = am_arena_alloc(a->up->arena, sizeof(*t));

	*t = (struct am_tally){ NULL, day, field, delta };
	*a->up->tallies_tail = t;
	a->up->tallies_tail = &t->next;
}

/* "a:b:c" in the arena; NULL ends the list early. */
static const char *
join(struct am_act *a, const char *const *words, size_t n)
{
	struct am_buf b;

	am_buf_arena(&b, a->up->arena, 48);
	for (size_t i = 0; i < n && words[i] != NULL; i++) {
		if (i > 0)
			am_buf_addc(&b, ':');
		am_buf_adds(&b, words[i]);
	}
	am_buf_addc(&b, '\0');
	return b.p;
}

void
am_tally_live(struct am_act *a, const char *what, int64_t delta)
{
	tally(a, NULL, what, delta);
}

void
am_tally_open(struct am_act *a, int64_t delta)
{
	const struct am_complaint *c = &a->up->next;
	const char *const words[] = { "open",
		am_arena_cstr(a->up->arena, c->loop_ref) };

	tally(a, NULL, join(a, words, AM_COUNT(words)), delta);
}

void
am_tally_stage(struct am_act *a, int64_t delta)
{
	const struct am_complaint *c = &a->up->next;
	const char *const words[] = { "stage", a->def->name,
		a->def->stages[c->stage].name, a->def->tiers[c->tier] };

	tally(a, NULL, join(a, words, AM_COUNT(words)), delta);
}

void
am_tally_day(struct am_act *a, const char *what, const char *which)
{
	const char *const words[] = { a->def->name, what, which };

	if (a->day[0] == '\0') {
		struct am_civil c;
		am_ms local =
		    a->ev->at +
		    am_zone_offset(a->def->zone, a->ev->at) * AM_SECOND;
		int64_t n;

		am_civil_from_ms(local, &c);
		n = (c.year * 100 + c.month) * 100 + c.day;
		for (size_t i = 8; i-- > 0; n /= 10)
			a->day[i] = (char)('0' + n % 10);
		a->day[8] = '\0';
	}
	tally(a, am_arena_cstr(a->up->arena, am_str_c(a->day)),
	    join(a, words, AM_COUNT(words)), 1);
}

/*
 * The id comes from cause, as a follow-up's does: (complaint, event, n). Told
 * again after a lost write it is the same, and the receiver's own memory of
 * what it has applied drops it.
 */
static struct am_str
emit_id(struct am_act *a, enum am_event_type type, unsigned n)
{
	struct am_buf b;

	am_buf_arena(&b, a->up->arena, AM_ID_MAX + 48);
	am_buf_add(&b, a->up->next.id.p, a->up->next.id.n);
	am_buf_addc(&b, '/');
	for (int shift = 56; shift >= 0; shift -= 8) {
		uint8_t byte = (uint8_t)(a->cause >> shift);

		am_buf_addhex(&b, &byte, 1);
	}
	am_buf_addc(&b, '/');
	am_buf_adds(&b, am_event_spec(type)->name);
	am_buf_addc(&b, '/');
	am_buf_addi(&b, n);
	return am_buf_str(&b);
}

struct am_emit *
am_act_emit(struct am_act *a, enum am_event_type type,
    struct am_str complaint_id, unsigned n)
{
	struct am_emit *e = am_arena_zalloc(a->up->arena, sizeof(*e));

	e->type = type;
	e->complaint_id = complaint_id;
	e->event_id = emit_id(a, type, n);
	*a->up->emits_tail = e;
	a->up->emits_tail = &e->next;
	return e;
}

void
am_emit_str(struct am_emit *e, const char *key, struct am_str value)
{
	if (value.n == 0)
		return;
	AM_ASSERT(e->pairs_n < AM_COUNT(e->pairs));
	e->pairs[e->pairs_n++] = (struct am_pair){ am_str_c(key), value };
}

bool
am_act_is_untold(const struct am_act *a, size_t clock, uint8_t rung)
{
	const struct am_followup *f = a->up->followups;

	while (f != NULL && !(f->dead && f->clock == clock && f->rung == rung))
		f = f->next;
	return f != NULL;
}

void
am_act_refuse(
    struct am_act *a, const char *code, const char *field, const char *text)
{
	struct am_reject *why = &a->up->reject;
	size_t n = strlen(text);

	if (n > sizeof(why->text) - 1)
		n = sizeof(why->text) - 1;
	a->up->verdict = AM_REJECTED;
	why->code = code;
	why->field = am_str_c(field);
	memcpy(why->text, text, n);
	why->text[n] = '\0';
}
