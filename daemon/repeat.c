/*
 * repeat - an index of who complained of what, see repeat.h.
 *
 * `{s}:seen:<n>` is a hash of one generation, GENERATION long: a field for a
 * customer and category, its value "MS ID", the time of the last opening and
 * its complaint. Which generations can hold what a loop's repeat_window reaches
 * is known from the clock: one or two as a rule, each asked with one HMGET a
 * turn unless the one before is known not to be there; one HSET writes. A
 * generation leaves whole by PEXPIREAT, so nothing is ever swept. An entry lies
 * in the generation of the instant at which it was written, never before its
 * own time: a look back from an opening to now finds it, however late the
 * events were read.
 *
 * The field is a SipHash under a random key of the data set
 * (`{s}:seen:key`, made once by SET NX): the index alone does not let anybody
 * try out telephone numbers. Who holds the whole data set has the numbers
 * anyway.
 *
 * Rejected: generations as long as the longest window of conf; a reload that
 * changes it would lose what was seen. A sorted set that is trimmed by time:
 * twice the memory and a write more a turn. A key a customer with a TTL: ten
 * times the memory, and a command an entry.
 */

#include "daemon/repeat.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"

#define GENERATION (60 * AM_DAY)
#define GENERATIONS_MAX 12 /* two years back */
#define LATE (7 * AM_DAY)  /* so late may events be read, at least */
#define KEY_BYTES 16

/* Who says who it is: the first that is given counts. */
static const char *const names[] = { "customer.id", "customer.phone",
	"customer.ref", "customer.email" };

struct opening {
	bool known; /* it says who complains */
	uint8_t field[8];
	struct am_str value; /* once noted: "MS ID" */
	size_t slot;	     /* in the answer of each HMGET */
	const redisReply *borrowed;
	size_t borrow_at; /* command, when the customer is another's */
	bool borrows;
};

struct am_repeat {
	struct opening *of; /* by event */
	struct am_batch *b;
	size_t first, n; /* HMGETs of the generations, oldest first */
	size_t asked, noted;
	size_t exists_at;   /* command that asks for a past generation … */
	int64_t exists_for; /* … and which; 0: not asked */
};

static am_ms
longest_window(const struct am_conf *conf)
{
	am_ms longest = 0;

	for (size_t i = 0; i < conf->loops_n; i++) {
		if (conf->loops[i]->repeat_window > longest)
			longest = conf->loops[i]->repeat_window;
	}
	return longest;
}

static struct am_str
seen_key(struct am_turn *t, int64_t generation)
{
	char name[24];
	int n = snprintf(name, sizeof(name), "%" PRId64, generation);

	return am_key(am_store_keys(t->sh->store), &t->arena, "seen",
	    (struct am_str){ name, (size_t)n });
}

static bool
opens(const struct am_turn *t, size_t i)
{
	return t->rejects[i] == NULL && t->events[i].type == AM_EV_OPENED;
}

static bool
any_opens(const struct am_turn *t)
{
	for (size_t i = 0; i < t->entries_n; i++) {
		if (opens(t, i))
			return true;
	}
	return false;
}

bool
am_repeat_borrows(const struct am_event *ev)
{
	if (ev->type != AM_EV_OPENED ||
	    !am_complaint_id_ok(am_event_get(ev, "repeat_of")))
		return false;
	for (size_t i = 0; i < AM_COUNT(names); i++) {
		if (am_event_get(ev, names[i]).n > 0)
			return false;
	}
	return true;
}

/* ---- the key ---- */

bool
am_repeat_learnt(struct am_shard *sh, struct am_str hex)
{
	if (hex.n != 2 * KEY_BYTES ||
	    am_hex_parse(hex, sh->seen_key, KEY_BYTES) != 0)
		return false;
	sh->seen_known = true;
	return true;
}

static void
on_key(struct am_turn *t, struct am_batch *b)
{
	if (am_repeat_learnt(
		t->sh, am_reply_str(am_batch_reply(b, am_batch_cmds(b) - 1))))
		t->learnt(t);
	else
		am_turn_abandon(t, -AM_EPROTO);
}

bool
am_repeat_learn(
    struct am_turn *t, struct am_batch *b, void (*next)(struct am_turn *t))
{
	struct am_str name;
	uint8_t raw[KEY_BYTES];
	struct am_buf hex;

	if (t->sh->seen_known || longest_window(t->sh->engine->conf) == 0 ||
	    !any_opens(t))
		return false;
	evutil_secure_rng_get_bytes(raw, sizeof(raw));
	am_buf_arena(&hex, &t->arena, 2 * sizeof(raw) + 1);
	am_buf_addhex(&hex, raw, sizeof(raw));
	name = am_key(
	    am_store_keys(t->sh->store), &t->arena, "seen", AM_STR("key"));
	am_cmd(b, "SET");
	am_args(b, name);
	am_args(b, am_buf_str(&hex));
	am_arg(b, "NX");
	am_cmd(b, "GET");
	am_args(b, name);
	t->learnt = next;
	am_turn_send(t, b, on_key);
	return true;
}

/* ---- the look-up ---- */

static void
hash_field(struct am_turn *t, const char *name, struct am_str who,
    struct am_str category, struct opening *o)
{
	struct am_buf b;
	uint64_t h;

	am_buf_arena(&b, &t->arena, 64);
	am_buf_addlstr(&b, am_str_c(name));
	am_buf_addlstr(&b, who);
	am_buf_addlstr(&b, category);
	h = am_siphash(t->sh->seen_key, b.p, b.n);
	memcpy(o->field, &h, sizeof(h));
	o->known = true;
}

static void
identify(struct am_turn *t, const struct am_event *ev, struct opening *o)
{
	struct am_str who = { NULL, 0 };
	size_t i = 0;

	while (i < AM_COUNT(names) && (who = am_event_get(ev, names[i])).n == 0)
		i++;
	if (who.n > 0)
		hash_field(t, names[i], who, am_event_get(ev, "category"), o);
}

static struct am_str
field_of(const struct opening *o)
{
	return (struct am_str){ (const char *)o->field, sizeof(o->field) };
}

/* Whose complaint it goes on from. */
static void
ask_borrowed(struct am_turn *t, struct am_batch *b, size_t i)
{
	struct opening *o = &t->repeat->of[i];

	o->borrows = true;
	am_cmd(b, "HMGET");
	am_args(b, am_key(am_store_keys(t->sh->store), &t->arena, "pii",
		       am_event_get(&t->events[i], "repeat_of")));
	for (size_t k = 0; k < AM_COUNT(names); k++)
		am_arg(b, names[k]);
	o->borrow_at = am_batch_cmds(b) - 1;
}

static void
ask_generations(struct am_turn *t, struct am_batch *b, am_ms from)
{
	struct am_repeat *r = t->repeat;
	int64_t last = t->now / GENERATION, g = from / GENERATION;

	if (g < 0)
		g = 0;
	if (last - g >= GENERATIONS_MAX)
		g = last - GENERATIONS_MAX + 1;
	if (g < last && t->sh->seen_none != last - 1 &&
	    t->now - last * GENERATION > AM_DAY) {
		am_cmd(b, "EXISTS");
		am_args(b, seen_key(t, last - 1));
		r->exists_at = am_batch_cmds(b) - 1;
		r->exists_for = last - 1;
	}
	r->first = am_batch_cmds(b);
	for (; g <= last; g++) {
		if (g == t->sh->seen_none)
			continue;
		r->n++;
		am_cmd(b, "HMGET");
		am_args(b, seen_key(t, g));
		for (size_t i = 0; i < t->entries_n; i++) {
			if (r->of[i].known)
				am_args(b, field_of(&r->of[i]));
		}
	}
}

void
am_repeat_ask(struct am_turn *t, struct am_batch *b)
{
	am_ms window = longest_window(t->sh->engine->conf), first = t->now;
	struct am_repeat *r;

	if (window == 0 || !any_opens(t))
		return;
	r = t->repeat = am_arena_zalloc(&t->arena, sizeof(*r));
	r->b = b;
	r->of = am_arena_zalloc(&t->arena, t->entries_n * sizeof(*r->of));
	for (size_t i = 0; i < t->entries_n; i++) {
		struct opening *o = &r->of[i];

		if (!opens(t, i))
			continue;
		identify(t, &t->events[i], o);
		if (am_repeat_borrows(&t->events[i]))
			ask_borrowed(t, b, i);
		if (!o->known)
			continue;
		o->slot = r->asked++;
		if (t->events[i].at < first)
			first = t->events[i].at;
	}
	if (r->asked > 0)
		ask_generations(t, b, first - window);
}

/* ---- what it says ---- */

/* "MS ID"; false when the opening lies beyond the window, or is this one. */
static bool
reaches(struct am_str value, const struct am_event *ev, am_ms window,
    struct am_str *id)
{
	const char *blank = value.n > 0 ? memchr(value.p, ' ', value.n) : NULL;
	struct am_str ms = { value.p, 0 }, found;
	am_ms at;

	if (blank == NULL)
		return false;
	ms.n = (size_t)(blank - value.p);
	found = (struct am_str){ blank + 1, value.n - ms.n - 1 };
	if (am_str_i64(ms, &at) != 0 || ev->at - at > window ||
	    am_str_eq(found, ev->complaint_id))
		return false;
	*id = found;
	return true;
}

/* Nothing is written to a generation that is past, by no owner's clock: if it
 * is not there a day later, it stays away. */
static void
learn_absence(struct am_turn *t)
{
	const struct am_repeat *r = t->repeat;
	const redisReply *a;

	if (r->exists_for == 0)
		return;
	a = am_batch_reply(r->b, r->exists_at);
	if (a != NULL && a->type == REDIS_REPLY_INTEGER && a->integer == 0)
		t->sh->seen_none = r->exists_for;
}

struct am_str
am_repeat_of(struct am_turn *t, size_t i, const struct am_loopdef *def)
{
	const struct am_repeat *r = t->repeat;
	const struct am_event *ev = &t->events[i];
	struct am_str id = { NULL, 0 };

	if (r == NULL || def->repeat_window == 0 || !r->of[i].known)
		return id;
	learn_absence(t);
	for (size_t j = i; r->noted > 0 && j-- > 0;) {
		if (r->of[j].value.n > 0 &&
		    memcmp(r->of[j].field, r->of[i].field,
			sizeof(r->of[i].field)) == 0 &&
		    reaches(r->of[j].value, ev, def->repeat_window, &id))
			return id;
	}
	for (size_t g = r->n; g-- > 0;) {
		const redisReply *a = am_batch_reply(r->b, r->first + g);

		if (a != NULL && a->type == REDIS_REPLY_ARRAY &&
		    r->of[i].slot < a->elements &&
		    reaches(am_reply_str(a->element[r->of[i].slot]), ev,
			def->repeat_window, &id))
			return id;
	}
	return id;
}

/* The customer of the complaint that this one goes on from. */
static void
identify_borrowed(struct am_turn *t, size_t i)
{
	struct opening *o = &t->repeat->of[i];
	const redisReply *a = am_batch_reply(t->repeat->b, o->borrow_at);

	if (a == NULL || a->type != REDIS_REPLY_ARRAY)
		return;
	for (size_t k = 0; k < a->elements && !o->known; k++) {
		struct am_str who = am_reply_str(a->element[k]);

		if (who.n > 0)
			hash_field(t, names[k], who,
			    am_event_get(&t->events[i], "category"), o);
	}
}

void
am_repeat_note(struct am_turn *t, size_t i)
{
	const struct am_event *ev = &t->events[i];
	struct am_repeat *r = t->repeat;
	struct am_buf b;

	if (r == NULL)
		return;
	if (r->of[i].borrows)
		identify_borrowed(t, i);
	if (!r->of[i].known)
		return;
	am_buf_arena(&b, &t->arena, 24 + ev->complaint_id.n);
	am_buf_addi(&b, ev->at);
	am_buf_addc(&b, ' ');
	am_buf_addstr(&b, ev->complaint_id);
	r->of[i].value = am_buf_str(&b);
	r->noted++;
}

void
am_repeat_write(struct am_turn *t)
{
	const struct am_repeat *r = t->repeat;
	int64_t generation = t->now / GENERATION;
	struct am_str key;
	struct am_batch *b;

	if (r == NULL || r->noted == 0)
		return;
	b = am_commit_raw(t->commit);
	key = seen_key(t, generation);
	am_cmd(b, "HSET");
	am_args(b, key);
	for (size_t i = 0; i < t->entries_n; i++) {
		if (r->of[i].value.n == 0)
			continue;
		am_args(b, field_of(&r->of[i]));
		am_args(b, r->of[i].value);
	}
	if (t->sh->seen_expires == generation)
		return;
	am_cmd(b, "PEXPIREAT");
	am_args(b, key);
	am_argi(b, (generation + 1) * GENERATION + LATE +
		       longest_window(t->sh->engine->conf));
}

void
am_repeat_written(struct am_turn *t)
{
	if (t->repeat != NULL && t->repeat->noted > 0)
		t->sh->seen_expires = t->now / GENERATION;
}

/* ---- an erasure ---- */

/* The openings are known by each name that the customer was told by then; which
 * one counted is not kept, so all are looked for. */
struct am_repeat_trace {
	struct am_batch *b;
	struct opening of[AM_COUNT(names)];
	size_t n, first; /* first: of the answers, one a generation */
	int64_t from, last;
};

struct am_repeat_trace *
am_repeat_trace(struct am_turn *t, struct am_batch *b,
    const struct am_pair *personal, size_t n, struct am_str category,
    am_ms opened_at)
{
	struct am_repeat_trace *tr = am_arena_zalloc(&t->arena, sizeof(*tr));

	for (size_t k = 0; k < AM_COUNT(names); k++)
		for (size_t i = 0; i < n; i++)
			if (am_str_is(personal[i].key, names[k]))
				hash_field(t, names[k], personal[i].value,
				    category, &tr->of[tr->n++]);
	tr->b = b;
	tr->last = t->now / GENERATION;
	tr->from = opened_at / GENERATION;
	if (tr->last - tr->from >= GENERATIONS_MAX)
		tr->from = tr->last - GENERATIONS_MAX + 1;
	tr->first = am_batch_cmds(b);
	for (int64_t g = tr->from; tr->n > 0 && g <= tr->last; g++) {
		am_cmd(b, "HMGET");
		am_args(b, seen_key(t, g));
		for (size_t i = 0; i < tr->n; i++)
			am_args(b, field_of(&tr->of[i]));
	}
	return tr;
}

void
am_repeat_forget(struct am_turn *t, const struct am_repeat_trace *tr,
    struct am_str complaint)
{
	for (int64_t g = tr->from; tr->n > 0 && g <= tr->last; g++) {
		const redisReply *r =
		    am_batch_reply(tr->b, tr->first + (size_t)(g - tr->from));

		for (size_t i = 0; r != NULL && i < r->elements; i++) {
			struct am_str v = am_reply_str(r->element[i]);
			const char *blank =
			    v.n > 0 ? memchr(v.p, ' ', v.n) : NULL;
			struct am_batch *b;

			if (blank == NULL ||
			    !am_str_eq((struct am_str){ blank + 1,
					   (size_t)(v.p + v.n - blank - 1) },
				complaint))
				continue;
			b = am_commit_raw(t->commit);
			am_cmd(b, "HDEL");
			am_args(b, seen_key(t, g));
			am_args(b, field_of(&tr->of[i]));
		}
	}
}
