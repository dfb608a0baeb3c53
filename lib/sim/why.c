/*
 * why - see why.h.
 *
 * Rejected: to rebuild the spans from the notes of holds alone. Extensions,
 * tiers, emergencies, reopenings and migrations all stop or restart clocks in
 * ways of their own, and a second reading of those rules would drift.
 *
 * The state goes through its packed form between two lines, as in a replay, so
 * that memory is that of one step. Unlike a replay this goes on when a line is
 * not what was written then: what today's rules cannot tell is `otherwise`.
 */

#include "sim/why.h"

#include <string.h>

#include "base/str.h"
#include "codec/record.h"
#include "core/clock.h"

/* A list in an arena that grows by doubling. */
struct list {
	void *p;
	size_t n, cap;
};

struct slot {
	struct list spans, holds, moves;
	bool halved;
	am_ms due, ended;
	uint64_t cause;
	uint16_t entry;
	am_ms consumed; /* as the fold has it */
};

struct fold {
	struct am_arena *a; /* of what is told */
	struct am_arena scratch;
	struct am_buf state;
	struct am_str id;
	am_loop_lookup *loops;
	void *arg;
	struct slot slots[AM_CLOCKS_MAX];
};

static void *
push(struct am_arena *a, struct list *l, size_t size)
{
	if (l->n == l->cap) {
		size_t cap = l->cap > 0 ? l->cap * 2 : 4;
		char *p = am_arena_alloc(a, cap * size);

		if (l->n > 0)
			memcpy(p, l->p, l->n * size);
		l->p = p;
		l->cap = cap;
	}
	return memset((char *)l->p + l->n++ * size, 0, size);
}

static void
add_span(struct am_arena *a, struct slot *s, am_ms from, am_ms to,
    const struct am_calendar *cal)
{
	struct am_why_span *sp = push(a, &s->spans, sizeof(*sp));

	*sp = (struct am_why_span){ from, to, cal,
		am_calendar_span(cal, from, to) };
}

/* ---- one step of the fold ---- */

struct seen {
	struct fold *f;
	const struct am_loopdef *was_def, *is_def;
	const struct am_complaint *was, *is;
	const struct am_journal_entry *e;
	am_ms resumed_at; /* a hold ended in it; AM_NEVER: none did */
};

static void
restart(struct slot *s, const struct seen *x, const struct am_clock *k)
{
	*s = (struct slot){ .due = AM_NEVER,
		.ended = AM_NEVER,
		.cause = k->cause,
		.entry = k->entry,
		.halved = x->is->cycle > 1 };
}

/*
 * Time was counted from then on to the event, or to the end of the hold that a
 * wake-up found to be over. By which calendar is seen from the figure: an
 * emergency or another loop may have changed it in the very step.
 */
static void
count(struct slot *s, const struct seen *x, size_t i, am_ms from, am_ms ms)
{
	const struct am_calendar *const tries[] = {
		am_clock_calendar(x->was_def, x->was, i),
		am_clock_calendar(x->is_def, x->is, i),
		NULL,
	};
	const am_ms ends[] = { x->e->event.at, x->resumed_at };

	for (size_t t = 0; t < AM_COUNT(tries) * AM_COUNT(ends); t++) {
		am_ms to = ends[t % AM_COUNT(ends)];
		const struct am_calendar *cal = tries[t / AM_COUNT(ends)];

		if (to != AM_NEVER && am_calendar_span(cal, from, to) == ms) {
			add_span(x->f->a, s, from, to, cal);
			return;
		}
	}
	/* counted to another instant: `otherwise` will say so */
}

static am_ms
later(am_ms a, am_ms b)
{
	return a > b ? a : b;
}

static void
look_at_clock(const struct seen *x, size_t i)
{
	const struct am_clock *was = &x->was->clocks[i];
	const struct am_clock *is = &x->is->clocks[i];
	struct slot *s = &x->f->slots[i];
	am_ms ms = is->consumed - was->consumed;

	if (is->entry != was->entry || is->cause != was->cause) {
		restart(s, x, is);
		was = is;
	} else if (ms < 0) {
		s->spans.n = 0; /* counted anew from its start */
	} else if (was->state == AM_CLK_RUNNING &&
		   (is->state != AM_CLK_RUNNING ||
		       is->running_since != was->running_since)) {
		count(s, x, i, was->running_since, ms);
	} else if (ms > 0) { /* resumed and ended in one step */
		/* a hold that was told late frees no instant counted before */
		count(s, x, i, later(x->resumed_at, was->running_since), ms);
	}
	if (is->state == AM_CLK_RUNNING) {
		s->due = am_clock_due(x->is_def, x->is, i);
		s->ended = AM_NEVER;
	} else if (is->state != AM_CLK_STOPPED && am_clock_live(was)) {
		s->ended = x->e->event.at;
	}
	s->consumed = is->consumed;
}

static struct am_str
pair(const struct am_note *n, const char *key)
{
	for (size_t i = 0; i < n->pairs_n; i++) {
		if (am_str_is(n->pairs[i].key, key))
			return n->pairs[i].value;
	}
	return AM_STR("");
}

static am_ms
instant(const struct am_note *n, const char *key)
{
	int64_t v;

	return am_str_i64(pair(n, key), &v) == 0 ? v : AM_NEVER;
}

/* The slot of a clock's name, of those that were started. */
static struct slot *
slot_of(const struct seen *x, struct am_str name)
{
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		if (x->is_def->clocks[i].name != NULL &&
		    am_str_is(name, x->is_def->clocks[i].name) &&
		    x->is->clocks[i].entry > 0)
			return &x->f->slots[i];
	}
	return NULL;
}

static void
look_at_move(const struct seen *x, const struct am_note *n)
{
	struct slot *s = slot_of(x, pair(n, "clock"));
	const struct am_event *ev = &x->e->event;
	struct am_arena *a = x->f->a;
	struct am_why_move *m;

	if (s == NULL)
		return;
	m = push(a, &s->moves, sizeof(*m));
	*m = (struct am_why_move){
		.at = ev->at,
		.from = instant(n, "old"),
		.to = instant(n, "new"),
		.event = am_str_c(am_event_spec(ev->type)->name),
		.reason = am_arena_dup(a, pair(n, "reason")),
		.by = am_arena_dup(a, am_event_get(ev, "by")),
		.approver = am_arena_dup(a, am_event_get(ev, "approver")),
	};
}

static void
begin_hold(const struct seen *x)
{
	struct am_str reason = am_arena_dup(x->f->a, x->is->hold_reason);

	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		struct slot *s = &x->f->slots[i];
		struct am_why_hold *h;

		if (!am_clock_holds(i) ||
		    x->is->clocks[i].state != AM_CLK_STOPPED)
			continue;
		h = push(x->f->a, &s->holds, sizeof(*h));
		*h =
		    (struct am_why_hold){ x->is->held_since, AM_NEVER, reason };
	}
}

static void
end_hold(const struct seen *x, am_ms at)
{
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		struct list *l = &x->f->slots[i].holds;
		struct am_why_hold *h = l->p;

		if (l->n == 0 || h[l->n - 1].to != AM_NEVER)
			continue;
		h += l->n - 1; /* an event that came late may be older */
		h->to = at > h->from ? at : h->from;
	}
}

static void
look_at(struct seen *x)
{
	x->resumed_at = AM_NEVER;
	for (const struct am_note *n = x->e->notes; n != NULL; n = n->next) {
		if (strcmp(n->name, "complaint.resumed") == 0)
			x->resumed_at = instant(n, "resumed_at");
	}
	if (x->resumed_at != AM_NEVER)
		end_hold(x, x->resumed_at);
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++)
		look_at_clock(x, i);
	for (const struct am_note *n = x->e->notes; n != NULL; n = n->next) {
		if (strcmp(n->name, "deadline.moved") == 0)
			look_at_move(x, n);
	}
	if (x->was->status == AM_HELD && x->is->status != AM_HELD &&
	    x->resumed_at == AM_NEVER)
		end_hold(x, x->e->event.at);
	if (x->is->status == AM_HELD &&
	    (x->was->status != AM_HELD ||
		x->was->held_since != x->is->held_since))
		begin_hold(x);
}

/* ---- the fold ---- */

static const struct am_loopdef *
find_loop(const struct fold *f, const struct am_complaint *c,
    const struct am_journal_entry *e)
{
	if (c->status != AM_NONE)
		return f->loops(f->arg, c->loop_ref);
	for (const struct am_note *n = e->notes; n != NULL; n = n->next) {
		if (strcmp(n->name, "complaint.opened") == 0)
			return f->loops(f->arg, pair(n, "loop"));
	}
	return NULL;
}

/* The definition that a migration goes to is that of the step. */
static const struct am_loopdef *
next_loop(const struct fold *f, const struct am_journal_entry *e,
    const struct am_loopdef *def)
{
	struct am_str to;

	if (e->event.type != AM_EV_MIGRATED ||
	    !am_str_is(e->verdict, "applied"))
		return def;
	for (const struct am_note *n = e->notes; n != NULL; n = n->next) {
		to = pair(n, "to");
		if (strcmp(n->name, "loop.migrated") == 0 && to.n > 0)
			return f->loops(f->arg, to);
	}
	return NULL;
}

/* False: from here on the journal cannot be followed. */
static bool
fold_line(struct fold *f, struct am_str line)
{
	struct am_update up = { .arena = &f->scratch };
	struct am_complaint cur = { .id = f->id };
	const struct am_loopdef *was, *is;
	struct am_journal_entry e;

	am_arena_reset(&f->scratch);
	if (f->state.n > 0 &&
	    am_record_unpack(f->id,
		am_arena_dup(&f->scratch, am_buf_str(&f->state)), &f->scratch,
		&cur) != 0)
		return false;
	if (am_journal_parse(line, &f->scratch, &e) != 0)
		return false;
	was = find_loop(f, &cur, &e);
	is = was != NULL ? next_loop(f, &e, was) : NULL;
	e.event.complaint_id = f->id;
	if (is == NULL || am_step(is, &cur, &e.event, e.now, &up) != 0 ||
	    up.verdict == AM_REJECTED)
		return false;
	am_buf_reset(&f->state);
	am_record_pack(&up.next, &f->state);
	look_at(&(struct seen){ .f = f,
	    .was_def = was,
	    .is_def = is,
	    .was = &cur,
	    .is = &up.next,
	    .e = &e });
	return true;
}

/* ---- the answer ---- */

static bool
started(const struct am_loopdef *def, const struct am_clock *k, size_t i)
{
	return def->clocks[i].name != NULL && k->state != AM_CLK_OFF &&
	       k->entry > 0;
}

/* What conf grants, and how it was cut. */
static void
tell_budget(struct am_why *w, const struct am_loopdef *def,
    const struct am_complaint *c)
{
	const struct am_clockdef *d = &def->clocks[w->clock];
	const struct am_clock *k = &c->clocks[w->clock];

	w->written = d->budget;
	if (c->tier < def->tiers_n && d->tier_budget[c->tier].n >= 0) {
		w->written = d->tier_budget[c->tier];
		w->of_tier = true;
	}
	w->extra = k->extra;
	w->budget = k->budget;
	w->started = k->started;
}

static void
tell_time(struct am_why *w, const struct am_loopdef *def,
    const struct am_complaint *c, am_ms now, struct am_arena *a, struct slot *s)
{
	const struct am_calendar *cal = am_clock_calendar(def, c, w->clock);
	const struct am_clock *k = &c->clocks[w->clock];
	am_ms known = 0, ahead = 0;

	for (size_t i = 0; i < s->spans.n; i++)
		known += ((struct am_why_span *)s->spans.p)[i].ms;
	w->otherwise = k->consumed - known;
	w->consumed = k->consumed;
	w->sum = k->consumed;
	w->due = s->due;
	if (k->state == AM_CLK_RUNNING) {
		am_ms ran = am_calendar_span(cal, k->running_since, now);

		w->due = am_clock_due(def, c, w->clock);
		w->consumed += ran;
		if (w->due != AM_NEVER && w->due > k->running_since) {
			add_span(a, s, k->running_since, w->due, cal);
			ahead = am_calendar_span(cal, k->running_since, w->due);
		}
		w->sum += ahead;
		if (w->due != AM_NEVER && w->sum > w->budget)
			w->sum = w->budget; /* it was used up before */
	}
	w->left = w->budget > w->consumed ? w->budget - w->consumed : 0;
}

size_t
am_why(const struct am_loopdef *def, const struct am_complaint *c,
    const struct am_str *lines, size_t n, am_loop_lookup *loops, void *arg,
    am_ms now, struct am_arena *a, struct am_why out[AM_CLOCKS_MAX])
{
	struct fold f = { .a = a, .id = c->id, .loops = loops, .arg = arg };
	size_t found = 0;

	am_arena_init(&f.scratch, 64 * 1024);
	am_buf_init(&f.state);
	for (size_t i = 0; i < n && fold_line(&f, lines[i]); i++)
		continue;
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		const struct am_clock *k = &c->clocks[i];
		struct slot *s = &f.slots[i];
		struct am_why *w = &out[found];

		if (!started(def, k, i))
			continue;
		if (s->entry != k->entry || s->cause != k->cause)
			*s =
			    (struct slot){ .due = AM_NEVER, .ended = AM_NEVER };
		found++;
		*w = (struct am_why){ .clock = i,
			.halved = s->halved && i >= AM_CLOCK_STAGE0 &&
				  i < AM_CLOCK_CALLBACK,
			.ended = s->ended };
		tell_budget(w, def, c);
		tell_time(w, def, c, now, a, s);
		w->spans = s->spans.p;
		w->spans_n = s->spans.n;
		w->holds = s->holds.p;
		w->holds_n = s->holds.n;
		w->moves = s->moves.p;
		w->moves_n = s->moves.n;
	}
	am_buf_fini(&f.state);
	am_arena_fini(&f.scratch);
	return found;
}

bool
am_why_window(const struct am_why *w, size_t i, am_ms *from, am_ms *to)
{
	am_ms room = w->sum - w->otherwise;

	for (size_t s = 0; s < w->spans_n && room > 0; s++) {
		const struct am_why_span *sp = &w->spans[s];

		for (size_t k = 0; am_calendar_window(
			 sp->calendar, sp->from, sp->to, k, from, to);
		     k++) {
			if (*to - *from > room)
				*to = *from + room;
			if (i-- == 0)
				return room > 0;
			room -= *to - *from;
		}
	}
	return false;
}
