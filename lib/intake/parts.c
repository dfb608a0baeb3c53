/*
 * parts - a list.
 *
 * There are few texts at once, for a piece is followed by the next within
 * seconds, so a list is looked through. Rejected: pieces as events in Redis,
 * joined by the owner of the shard; it would survive a kill, for a key a piece
 * and a rule more in the state machine, and what a kill can lose is one long
 * reply that was on its way in that second.
 */

#include "intake/parts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/str.h"

#define PIECES_MAX 64
#define AGAIN AM_MINUTE

struct piece {
	char *text; /* NULL: not there, or done */
	size_t n;
	char *id; /* NULL: it has not come */
};

struct text {
	TAILQ_ENTRY(text) link;
	char *endpoint, *from, *ref;
	unsigned of, have;
	am_ms until;
	bool done;
	struct piece pieces[];
};

TAILQ_HEAD(texts, text);

struct am_parts {
	struct texts texts;
	size_t n, waiting, bytes;
};

static char *
keep(struct am_str s)
{
	char *p = strndup(s.n > 0 ? s.p : "", s.n);

	AM_ASSERT(p != NULL);
	return p;
}

/* ---- life ---- */

struct am_parts *
am_parts_new(void)
{
	struct am_parts *p = calloc(1, sizeof(*p));

	AM_ASSERT(p != NULL);
	TAILQ_INIT(&p->texts);
	return p;
}

/* Their ids stay: by them a piece that is sent again is known. */
static void
forget_pieces(struct am_parts *p, struct text *t)
{
	for (unsigned i = 0; i < t->of; i++) {
		if (t->pieces[i].text == NULL)
			continue;
		p->bytes -= t->pieces[i].n;
		free(t->pieces[i].text);
		t->pieces[i].text = NULL;
	}
	p->waiting -= t->have > 0;
	t->have = 0;
}

static void
drop(struct am_parts *p, struct text *t)
{
	forget_pieces(p, t);
	for (unsigned i = 0; i < t->of; i++)
		free(t->pieces[i].id);
	TAILQ_REMOVE(&p->texts, t, link);
	p->n--;
	free(t->endpoint);
	free(t->from);
	free(t->ref);
	free(t);
}

void
am_parts_free(struct am_parts *p)
{
	if (p == NULL)
		return;
	while (!TAILQ_EMPTY(&p->texts))
		drop(p, TAILQ_FIRST(&p->texts));
	free(p);
}

/* ---- pieces ---- */

static struct text *
find(const struct am_parts *p, const struct am_parts_key *key)
{
	struct text *t;

	TAILQ_FOREACH(t, &p->texts, link)
	if (t->of == key->of && am_str_is(key->ref, t->ref) &&
	    am_str_is(key->from, t->from) &&
	    am_str_is(key->endpoint, t->endpoint))
		return t;
	return NULL;
}

/* Room for one more: names of what is done are given up first. */
static bool
has_room(struct am_parts *p)
{
	struct text *t;

	if (p->n < AM_PARTS_TEXTS_MAX)
		return true;
	TAILQ_FOREACH(t, &p->texts, link)
	{
		if (!t->done)
			continue;
		drop(p, t);
		return true;
	}
	return false;
}

/*
 * References are one byte, and some telephones count none: what is named like a
 * text that we have, and has another id, is of another text.
 */
static bool
is_another(const struct text *t, unsigned no, struct am_str id)
{
	const struct piece *piece = &t->pieces[no - 1];

	return piece->id != NULL && !am_str_is(id, piece->id);
}

static struct text *
begin(struct am_parts *p, const struct am_parts_key *key, am_ms now)
{
	struct text *t = calloc(1, sizeof(*t) + key->of * sizeof(t->pieces[0]));

	AM_ASSERT(t != NULL);
	t->endpoint = keep(key->endpoint);
	t->from = keep(key->from);
	t->ref = keep(key->ref);
	t->of = key->of;
	t->until = now + AM_PARTS_WAIT;
	TAILQ_INSERT_TAIL(&p->texts, t, link);
	p->n++;
	return t;
}

static void
join(const struct text *t, struct am_arena *a, struct am_parts_text *out)
{
	const char *id = NULL;
	struct am_buf b;
	bool gap = false;

	am_buf_arena(&b, a, 512);
	for (unsigned i = 0; i < t->of; i++) {
		const struct piece *piece = &t->pieces[i];

		if (piece->text == NULL) {
			if (!gap)
				am_buf_adds(&b, "\xe2\x80\xa6");
			gap = true;
			continue;
		}
		gap = false;
		id = id != NULL ? id : piece->id;
		am_buf_add(&b, piece->text, piece->n);
	}
	*out = (struct am_parts_text){
		.key = { am_arena_dup(a, am_str_c(t->endpoint)),
		    am_arena_dup(a, am_str_c(t->from)),
		    am_arena_dup(a, am_str_c(t->ref)), t->of },
		.id = am_arena_dup(a, am_str_c(id)),
		.text = am_buf_str(&b),
	};
}

enum am_parts_got
am_parts_add(struct am_parts *p, const struct am_parts_key *key, unsigned no,
    struct am_str id, struct am_str text, am_ms now, struct am_arena *a,
    struct am_parts_text *out)
{
	struct text *t = find(p, key);
	struct piece *piece;

	AM_ASSERT(
	    key->of >= 2 && key->of <= PIECES_MAX && no >= 1 && no <= key->of);
	if (t != NULL && is_another(t, no, id)) {
		if (!t->done)
			return AM_PARTS_ALONE;
		drop(p, t);
		t = NULL;
	}
	if (t != NULL && t->done)
		return AM_PARTS_KNOWN;
	if (p->bytes + text.n > AM_PARTS_BYTES_MAX ||
	    (t == NULL && !has_room(p)))
		return AM_PARTS_ALONE;
	if (t == NULL)
		t = begin(p, key, now);
	piece = &t->pieces[no - 1];
	if (piece->text == NULL) {
		*piece = (struct piece){ keep(text), text.n, keep(id) };
		p->bytes += text.n;
		p->waiting += t->have == 0;
		t->have++;
	}
	if (t->have < t->of)
		return AM_PARTS_WAITS;
	join(t, a, out);
	return AM_PARTS_WHOLE;
}

void
am_parts_done(struct am_parts *p, const struct am_parts_key *key)
{
	struct text *t = find(p, key);

	if (t == NULL)
		return;
	forget_pieces(p, t);
	t->done = true;
}

/* ---- time ---- */

bool
am_parts_over(struct am_parts *p, am_ms now, struct am_arena *a,
    struct am_parts_text *out)
{
	struct text *t, *next;

	for (t = TAILQ_FIRST(&p->texts); t != NULL; t = next) {
		next = TAILQ_NEXT(t, link);
		if (t->until > now)
			continue;
		if (!t->done) {
			join(t, a, out);
			t->until = now + AGAIN;
			return true;
		}
		drop(p, t);
	}
	return false;
}

void
am_parts_hurry(struct am_parts *p)
{
	struct text *t;

	TAILQ_FOREACH(t, &p->texts, link)
	t->until = 0;
}

am_ms
am_parts_next(const struct am_parts *p)
{
	const struct text *t;
	am_ms next = AM_NEVER;

	TAILQ_FOREACH(t, &p->texts, link)
	if (t->until < next)
		next = t->until;
	return next;
}

size_t
am_parts_waiting(const struct am_parts *p)
{
	return p->waiting;
}
