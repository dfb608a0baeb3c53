/*
 * world - see world.h.
 *
 * A heap holds the complaints by the next instant at which something happens
 * to them. A visit unpacks one, steps it through all that belongs to this
 * instant in one arena, and packs it again: packing between any two steps was
 * measured at a third of the time, and proves nothing more.
 *
 * What one complaint causes for another (am_update.emits) is an event of the
 * same instant and is told when the visit is over, so that no visit lies in
 * another.
 */

#include "sim/world.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/buf.h"
#include "base/str.h"
#include "codec/record.h"

#define OUTSIDE SIZE_MAX /* not in the heap */
#define VISIT_MAX 10000	 /* steps of one visit; more are our bug */

/* A follow-up that has not ended. */
struct out {
	uint8_t id[16];
	am_ms at;	  /* when it ends; AM_NEVER: behind another */
	am_ms not_before; /* quiet hours */
	struct am_fate fate;
};

struct entry {
	UT_hash_handle hh;
	char id[AM_ID_MAX + 1];
	const struct am_loopdef *def; /* NULL: not opened */
	struct am_buf packed;	      /* empty: not there */
	am_ms wake_at;
	struct out *outs;
	size_t outs_n, outs_cap;
	am_ms at;	/* the earlier of wake_at and outs */
	uint64_t order; /* equal instants: who came first */
	size_t place;	/* in the heap */
	void *own;
};

/* An event that a step caused for another complaint. */
struct post {
	struct post *next;
	struct am_event event;
};

struct am_world {
	struct am_world_opts opts;
	am_ms now;
	struct entry *entries; /* uthash */
	struct entry **heap;
	size_t heap_n, heap_cap;
	uint64_t order;
	struct am_arena scratch; /* of a visit */
	struct am_arena posted;
	struct post *posts, **posts_tail;
	size_t broken;
};

static void *
grown(void *p, size_t *cap, size_t n, size_t size)
{
	if (n < *cap)
		return p;
	*cap = *cap > 0 ? *cap * 2 : 8;
	p = realloc(p, *cap * size);
	AM_ASSERT(p != NULL);
	return p;
}

/* ---- the heap ---- */

static bool
before(const struct entry *a, const struct entry *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void
place(struct am_world *w, size_t i, struct entry *e)
{
	w->heap[i] = e;
	e->place = i;
}

static void
sift_up(struct am_world *w, size_t i, struct entry *e)
{
	while (i > 0 && before(e, w->heap[(i - 1) / 2])) {
		place(w, i, w->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	place(w, i, e);
}

static void
sift_down(struct am_world *w, size_t i, struct entry *e)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < w->heap_n &&
		    before(w->heap[child + 1], w->heap[child]))
			child++;
		if (child >= w->heap_n || !before(w->heap[child], e))
			break;
		place(w, i, w->heap[child]);
		i = child;
	}
	place(w, i, e);
}

static void
leave_heap(struct am_world *w, struct entry *e)
{
	size_t i = e->place;
	struct entry *last = w->heap[--w->heap_n];

	e->place = OUTSIDE;
	if (last == e)
		return;
	if (i > 0 && before(last, w->heap[(i - 1) / 2]))
		sift_up(w, i, last);
	else
		sift_down(w, i, last);
}

/* The entry's instant has changed. */
static void
schedule(struct am_world *w, struct entry *e)
{
	if (e->place != OUTSIDE)
		leave_heap(w, e);
	e->at = e->wake_at;
	for (size_t i = 0; i < e->outs_n; i++) {
		if (e->outs[i].at < e->at)
			e->at = e->outs[i].at;
	}
	if (e->at == AM_NEVER)
		return;
	e->order = w->order++;
	w->heap =
	    grown(w->heap, &w->heap_cap, w->heap_n, sizeof(struct entry *));
	sift_up(w, w->heap_n++, e);
}

/* ---- complaints ---- */

static struct entry *
find(struct am_world *w, struct am_str id)
{
	struct entry *e;

	HASH_FIND(hh, w->entries, id.p, id.n, e);
	return e;
}

static struct entry *
find_or_make(struct am_world *w, struct am_str id)
{
	struct entry *e = find(w, id);

	if (e != NULL)
		return e;
	AM_ASSERT(id.n <= AM_ID_MAX);
	e = calloc(1, sizeof(*e));
	AM_ASSERT(e != NULL);
	memcpy(e->id, id.p, id.n);
	am_buf_init(&e->packed);
	e->wake_at = AM_NEVER;
	e->place = OUTSIDE;
	HASH_ADD_KEYPTR(hh, w->entries, e->id, id.n, e);
	return e;
}

static struct out *
find_out(struct entry *e, const uint8_t id[16])
{
	for (size_t i = 0; i < e->outs_n; i++) {
		if (memcmp(e->outs[i].id, id, 16) == 0)
			return &e->outs[i];
	}
	return NULL;
}

static void
remove_out(struct entry *e, struct out *o)
{
	size_t behind = e->outs_n - (size_t)(o - e->outs) - 1;

	memmove(o, o + 1, behind * sizeof(*o));
	e->outs_n--;
}

static void
add_out(struct entry *e, const struct out *o)
{
	e->outs = grown(e->outs, &e->outs_cap, e->outs_n, sizeof(*o));
	e->outs[e->outs_n++] = *o;
}

/* It goes out now, or when quiet hours are over. */
static void
let_out(const struct am_world *w, struct out *o)
{
	am_ms from = o->not_before > w->now ? o->not_before : w->now;

	o->at = from + o->fate.after;
}

/* ---- a visit ---- */

struct visit {
	struct am_world *w;
	struct entry *e;
	struct am_complaint c; /* borrows from the scratch arena */
	struct am_update up;
	bool gone; /* forgotten, or broken: the rest of the visit falls out */
};

/* What a step made wait, let out or dropped. */
static void
follow(struct visit *v)
{
	struct am_world *w = v->w;

	for (const struct am_followup *f = v->up.followups; f != NULL;
	     f = f->next) {
		struct out o = { .at = AM_NEVER,
			.not_before = f->not_before,
			.fate = { 0, "delivered", "" } };

		if (f->dead)
			continue;
		memcpy(o.id, f->id, 16);
		if (w->opts.fate != NULL)
			o.fate = w->opts.fate(w->opts.arg, f);
		if (f->queued)
			let_out(w, &o);
		add_out(v->e, &o);
	}
	for (const struct am_fu_change *ch = v->up.changes; ch != NULL;
	     ch = ch->next) {
		struct out *o = find_out(v->e, ch->id);

		if (o == NULL)
			continue;
		if (ch->release)
			let_out(w, o);
		else
			remove_out(v->e, o);
	}
}

static void
post(struct am_world *w, const struct am_emit *m)
{
	struct am_arena *a = &w->posted;
	struct post *p = am_arena_zalloc(a, sizeof(*p));
	struct am_pair *pairs =
	    am_arena_alloc(a, (m->pairs_n + 1) * sizeof(*pairs));

	for (size_t i = 0; i < m->pairs_n; i++)
		pairs[i] = (struct am_pair){ am_arena_dup(a, m->pairs[i].key),
			am_arena_dup(a, m->pairs[i].value) };
	p->event = (struct am_event){ .type = m->type,
		.complaint_id = am_arena_dup(a, m->complaint_id),
		.source = AM_STR("amends"),
		.event_id = am_arena_dup(a, m->event_id),
		.at = w->now,
		.occurred_at = AM_NEVER,
		.expected_version = -1,
		.fields = pairs,
		.fields_n = m->pairs_n };
	*w->posts_tail = p;
	w->posts_tail = &p->next;
}

static void
tell(struct visit *v, const struct am_event *ev)
{
	const struct am_world_opts *o = &v->w->opts;
	const struct am_told told = {
		.at = v->w->now,
		.id = v->c.id,
		.def = v->e->def,
		.before = &v->c,
		.event = ev,
		.up = &v->up,
		.own = &v->e->own,
	};

	if (o->told != NULL)
		o->told(o->arg, &told);
}

static void
step(struct visit *v, const struct am_event *ev)
{
	v->up.arena = &v->w->scratch;
	if (am_step(v->e->def, &v->c, ev, v->w->now, &v->up) != 0) {
		v->w->broken++;
		v->gone = true;
		return;
	}
	tell(v, ev);
	if (v->up.verdict != AM_APPLIED && v->up.verdict != AM_IGNORED)
		return;
	follow(v);
	for (const struct am_emit *m = v->up.emits; m != NULL; m = m->next)
		post(v->w, m);
	v->gone = v->up.forget;
	v->c = v->up.next;
	v->e->wake_at = v->up.wake_at;
}

static struct am_event
own_event(const struct visit *v, enum am_event_type type)
{
	return (struct am_event){ .type = type,
		.complaint_id = v->c.id,
		.source = AM_STR("amends"),
		.at = v->w->now,
		.occurred_at = AM_NEVER,
		.expected_version = -1 };
}

static void
end_out(struct visit *v, struct out *o)
{
	struct am_event ev = own_event(v, AM_EV_FOLLOWUP_ENDED);
	char id[AM_FU_ID_LEN + 1];
	const struct am_pair fields[] = {
		{ AM_STR("followup_id"), { id, AM_FU_ID_LEN } },
		{ AM_STR("state"), am_str_c(o->fate.state) },
		{ AM_STR("reason"), am_str_c(o->fate.reason) },
		{ AM_STR("attempts"), AM_STR("1") },
		{ AM_STR("status"), AM_STR("0") },
	};

	am_fu_id_format(o->id, id);
	remove_out(v->e, o);
	ev.fields = fields;
	ev.fields_n = AM_COUNT(fields);
	step(v, &ev);
}

static struct out *
due_out(const struct visit *v)
{
	struct out *best = NULL;

	for (size_t i = 0; i < v->e->outs_n; i++) {
		struct out *o = &v->e->outs[i];

		if (o->at <= v->w->now && (best == NULL || o->at < best->at))
			best = o;
	}
	return best;
}

/* What happens by itself at this instant. */
static void
settle(struct visit *v)
{
	unsigned steps = 0;

	while (!v->gone && steps++ < VISIT_MAX) {
		struct out *o = due_out(v);
		struct am_event wake;

		if (o != NULL) {
			end_out(v, o);
			continue;
		}
		if (v->e->wake_at > v->w->now)
			return;
		wake = own_event(v, AM_EV_WAKE);
		step(v, &wake);
	}
	if (!v->gone) {
		v->w->broken++;
		v->gone = true;
	}
}

static void
unpack(struct visit *v)
{
	struct am_arena *a = &v->w->scratch;
	struct am_str id = am_str_c(v->e->id);
	int rc = 0;

	v->c = (struct am_complaint){ .id = id };
	if (v->e->packed.n > 0)
		rc = am_record_unpack(
		    id, am_arena_dup(a, am_buf_str(&v->e->packed)), a, &v->c);
	AM_ASSERT(rc == 0);
}

static void
pack(struct visit *v)
{
	struct entry *e = v->e;

	am_buf_reset(&e->packed);
	if (v->gone) {
		e->wake_at = AM_NEVER;
		e->outs_n = 0;
	} else if (v->c.status != AM_NONE) {
		am_record_pack(&v->c, &e->packed);
	}
	schedule(v->w, e);
	am_arena_reset(&v->w->scratch);
}

static void
visit(struct am_world *w, struct entry *e, const struct am_event *ev)
{
	struct visit v = { .w = w, .e = e };

	unpack(&v);
	if (ev != NULL)
		step(&v, ev);
	settle(&v);
	pack(&v);
}

/* An opening that names no loop of ours. */
static void
refuse_loop(struct am_world *w, struct entry *e, const struct am_event *ev)
{
	struct visit v = { .w = w, .e = e };

	unpack(&v);
	v.up = (struct am_update){ .verdict = AM_REJECTED,
		.reject = { .code = "unknown_loop",
		    .field = AM_STR("loop"),
		    .text = "no loop of this name" },
		.next = v.c,
		.wake_at = AM_NEVER };
	tell(&v, ev);
	am_arena_reset(&w->scratch);
}

static void
apply(struct am_world *w, const struct am_event *ev)
{
	struct entry *e = find_or_make(w, ev->complaint_id);

	if (e->packed.n == 0)
		e->def =
		    w->opts.loop != NULL ? w->opts.loop(w->opts.arg, ev) : NULL;
	if (e->def == NULL)
		refuse_loop(w, e, ev);
	else
		visit(w, e, ev);
}

/* What this instant caused elsewhere. */
static void
deliver_posts(struct am_world *w)
{
	if (w->posts == NULL)
		return;
	while (w->posts != NULL) {
		struct post *p = w->posts;

		w->posts = p->next;
		if (w->posts == NULL)
			w->posts_tail = &w->posts;
		apply(w, &p->event);
	}
	am_arena_reset(&w->posted);
}

/* ---- the clock ---- */

struct am_world *
am_world_new(const struct am_world_opts *opts, am_ms now)
{
	struct am_world *w = calloc(1, sizeof(*w));

	AM_ASSERT(w != NULL);
	w->opts = *opts;
	w->now = now;
	w->posts_tail = &w->posts;
	am_arena_init(&w->scratch, 1 << 20);
	am_arena_init(&w->posted, 1 << 16);
	return w;
}

void
am_world_free(struct am_world *w)
{
	struct entry *e, *next;

	if (w == NULL)
		return;
	HASH_ITER(hh, w->entries, e, next)
	{
		HASH_DEL(w->entries, e);
		am_buf_fini(&e->packed);
		free(e->outs);
		free(e);
	}
	free(w->heap);
	am_arena_fini(&w->scratch);
	am_arena_fini(&w->posted);
	free(w);
}

int
am_world_put(struct am_world *w, const struct am_loopdef *def,
    const struct am_complaint *c)
{
	struct entry *e;

	if (c->status == AM_NONE || am_complaint_check(def, c) != 0)
		return -AM_EINVAL;
	e = find_or_make(w, c->id);
	if (e->packed.n > 0)
		return -AM_ECONFLICT;
	e->def = def;
	am_record_pack(c, &e->packed);
	for (size_t i = 0; i < c->waiting_n; i++) {
		struct out o = { .at = c->waiting[i].queued ? w->now : AM_NEVER,
			.fate = { 0, "delivered", "" } };

		memcpy(o.id, c->waiting[i].id, 16);
		add_out(e, &o);
	}
	e->wake_at = am_wake_at(def, c);
	schedule(w, e);
	return 0;
}

bool
am_world_step(struct am_world *w, am_ms until)
{
	struct entry *e;

	if (w->heap_n == 0 || w->heap[0]->at > until)
		return false;
	e = w->heap[0];
	if (e->at > w->now)
		w->now = e->at;
	visit(w, e, NULL);
	deliver_posts(w);
	return true;
}

void
am_world_run(struct am_world *w, am_ms until)
{
	while (am_world_step(w, until))
		continue;
	if (until > w->now && until != AM_NEVER)
		w->now = until;
}

void
am_world_tell(struct am_world *w, const struct am_event *ev)
{
	if (ev->at > w->now) {
		am_world_run(w, ev->at - 1);
		w->now = ev->at;
	}
	apply(w, ev);
	deliver_posts(w);
}

am_ms
am_world_now(const struct am_world *w)
{
	return w->now;
}

am_ms
am_world_next(const struct am_world *w)
{
	return w->heap_n > 0 ? w->heap[0]->at : AM_NEVER;
}

size_t
am_world_broken(const struct am_world *w)
{
	return w->broken;
}
