/*
 * sum - see sum.h. Misses and escalations are counted from the notes, as every
 * other reader of the feed would; messages where a delivery ends, so that what
 * was dropped before it went out is none.
 */

#include "sim/sum.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

void
am_sum_init(struct am_sum *s)
{
	*s = (struct am_sum){ .events = 0 };
	am_arena_init(&s->a, 0);
}

void
am_sum_fini(struct am_sum *s)
{
	for (size_t i = 0; i < s->clocks_n; i++)
		free(s->clocks[i]->took);
	HASH_CLEAR(hh, s->cases);
	am_arena_fini(&s->a);
}

/* ---- find or make ---- */

struct am_sum_clock *
am_sum_clock(const struct am_sum *s, const char *name)
{
	for (size_t i = 0; i < s->clocks_n; i++) {
		if (strcmp(s->clocks[i]->name, name) == 0)
			return s->clocks[i];
	}
	return NULL;
}

static struct am_sum_clock *
clock_of(struct am_sum *s, const char *name)
{
	struct am_sum_clock *k = am_sum_clock(s, name);

	if (k != NULL || s->clocks_n == AM_SUM_CLOCKS_MAX)
		return k;
	k = am_arena_zalloc(&s->a, sizeof(*k));
	k->name = am_arena_cstr(&s->a, am_str_c(name));
	s->clocks[s->clocks_n++] = k;
	return k;
}

/* The clocks of a loop by slot, looked up once a loop. */
static void
know_loop(struct am_sum *s, const struct am_loopdef *def)
{
	if (s->def == def)
		return;
	s->def = def;
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++)
		s->slots[i] = def->clocks[i].name != NULL
				  ? clock_of(s, def->clocks[i].name)
				  : NULL;
}

static struct am_sum_way *
way_of(struct am_sum *s, enum am_role to, struct am_str endpoint)
{
	struct am_sum_way *w;

	for (size_t i = 0; i < s->ways_n; i++) {
		w = &s->ways[i];
		if (w->to == to && am_str_is(endpoint, w->endpoint))
			return w;
	}
	if (s->ways_n == AM_SUM_WAYS_MAX)
		return &s->ways[AM_SUM_WAYS_MAX - 1];
	w = &s->ways[s->ways_n++];
	*w = (struct am_sum_way){ .to = to,
		.endpoint = am_arena_cstr(&s->a, endpoint) };
	return w;
}

struct am_sum_case *
am_sum_case(const struct am_sum *s, const char *id)
{
	struct am_sum_case *k;

	HASH_FIND_STR(s->cases, id, k);
	return k;
}

static struct am_sum_case *
case_of(struct am_sum *s, const struct am_told *t)
{
	struct am_sum_case *k = *t->own;

	if (k != NULL)
		return k;
	k = am_arena_zalloc(&s->a, sizeof(*k));
	memcpy(k->id, t->id.p, t->id.n);
	HASH_ADD_STR(s->cases, id, k);
	*t->own = k;
	return k;
}

static void
add_refusal(struct am_sum *s, const struct am_told *t)
{
	const struct am_reject *why = &t->up->reject;
	const char *event = am_event_spec(t->event->type)->name;
	struct am_sum_refusal *r;

	for (size_t i = 0; i < s->refusals_n; i++) {
		r = &s->refusals[i];
		if (strcmp(r->event, event) == 0 &&
		    strcmp(r->code, why->code) == 0 &&
		    am_str_is(why->field, r->field)) {
			r->n++;
			return;
		}
	}
	if (s->refusals_n == AM_SUM_REFUSALS_MAX ||
	    why->field.n >= sizeof(r->field))
		return;
	r = &s->refusals[s->refusals_n++];
	*r = (struct am_sum_refusal){ .event = event, .n = 1 };
	strncpy(r->code, why->code, sizeof(r->code) - 1);
	if (why->field.n > 0)
		memcpy(r->field, why->field.p, why->field.n);
}

/* ---- a step ---- */

static bool
live(const struct am_clock *k)
{
	return k->state == AM_CLK_RUNNING || k->state == AM_CLK_STOPPED;
}

static void
add_took(struct am_sum_clock *k, am_ms took)
{
	if (k->took_n == k->took_cap) {
		k->took_cap = k->took_cap > 0 ? k->took_cap * 2 : 64;
		k->took = realloc(k->took, k->took_cap * sizeof(*k->took));
		AM_ASSERT(k->took != NULL);
	}
	k->took[k->took_n++] = took;
	k->sorted = false;
}

static void
add_clocks(struct am_sum *s, const struct am_told *t)
{
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		const struct am_clock *was = &t->before->clocks[i];
		const struct am_clock *is = &t->up->next.clocks[i];
		struct am_sum_clock *k = s->slots[i];

		if (k == NULL || (was->entry == is->entry && !live(was)))
			continue;
		k->started += (uint64_t)(is->entry - was->entry);
		if (was->entry == is->entry && is->state == AM_CLK_MET) {
			k->met++;
			add_took(k, is->consumed);
		}
	}
}

static struct am_sum_clock *
clock_of_note(struct am_sum *s, const struct am_note *n)
{
	for (size_t i = 0; i < n->pairs_n; i++) {
		if (!am_str_is(n->pairs[i].key, "clock"))
			continue;
		for (size_t k = 0; k < AM_CLOCKS_MAX; k++) {
			if (s->slots[k] != NULL &&
			    am_str_is(n->pairs[i].value, s->slots[k]->name))
				return s->slots[k];
		}
	}
	return NULL;
}

static void
add_note(struct am_sum *s, struct am_sum_case *c, const struct am_note *n)
{
	struct am_sum_clock *k;

	if (strcmp(n->name, "deadline.missed") == 0) {
		c->missed++;
		k = clock_of_note(s, n);
		if (k != NULL)
			k->missed++;
	} else if (strcmp(n->name, "deadline.warned") == 0) {
		k = clock_of_note(s, n);
		if (k != NULL)
			k->warned++;
	} else if (strcmp(n->name, "escalation.raised") == 0) {
		c->raised++;
		k = clock_of_note(s, n);
		if (k != NULL)
			k->raised++;
	} else if (strcmp(n->name, "loop.reopened") == 0) {
		c->reopened++;
		s->reopened++;
	} else if (strcmp(n->name, "followup.suppressed") == 0) {
		s->suppressed++;
	}
}

static enum am_role
role_of(const struct am_loopdef *def, const struct am_waiting *w)
{
	const struct am_clockdef *d = &def->clocks[w->clock];

	if (w->rung >= AM_RUNG_NOTICE)
		return (enum am_role)((w->rung - AM_RUNG_NOTICE) % 8);
	return w->rung < d->rungs_n ? d->rungs[w->rung].to : AM_ROLE_OWNER;
}

static void
add_end(struct am_sum *s, struct am_sum_case *c, const struct am_told *t)
{
	struct am_str state = am_event_get(t->event, "state");
	uint8_t id[16];
	struct am_sum_way *way;

	if (am_fu_id_parse(am_event_get(t->event, "followup_id"), id) != 0)
		return;
	for (size_t i = 0; i < t->before->waiting_n; i++) {
		const struct am_waiting *w = &t->before->waiting[i];

		if (memcmp(w->id, id, 16) != 0)
			continue;
		way = way_of(s, role_of(t->def, w), w->endpoint);
		if (am_str_is(state, "delivered")) {
			way->sent++;
			c->sent++;
		} else if (am_str_is(state, "dead")) {
			way->dead++;
			c->dead++;
		}
		return;
	}
}

static void
add_followups(struct am_sum *s, struct am_sum_case *c, const struct am_told *t)
{
	for (const struct am_followup *f = t->up->followups; f != NULL;
	     f = f->next) {
		struct am_sum_way *way = way_of(s, f->to, f->endpoint);

		if (f->dead) {
			way->dead++;
			c->dead++;
		} else if (f->group.n > 0) {
			way->grouped++;
		}
	}
}

static void
add_verdict(struct am_sum *s, struct am_sum_case *c, const struct am_told *t)
{
	if (t->event->type == AM_EV_WAKE ||
	    t->event->type == AM_EV_FOLLOWUP_ENDED)
		return;
	s->events++;
	switch (t->up->verdict) {
	case AM_APPLIED:
		s->applied++;
		break;
	case AM_DUPLICATE:
		s->duplicates++;
		break;
	case AM_IGNORED:
		s->ignored++;
		break;
	case AM_REJECTED:
		s->refused++;
		c->refused++;
		add_refusal(s, t);
		break;
	}
}

void
am_sum_add(struct am_sum *s, const struct am_told *t)
{
	struct am_sum_case *c = case_of(s, t);
	const struct am_complaint *next = &t->up->next;

	add_verdict(s, c, t);
	if (t->up->verdict != AM_APPLIED)
		return;
	know_loop(s, t->def);
	add_clocks(s, t);
	for (const struct am_note *n = t->up->notes; n != NULL; n = n->next)
		add_note(s, c, n);
	if (t->event->type == AM_EV_FOLLOWUP_ENDED)
		add_end(s, c, t);
	add_followups(s, c, t);
	c->status = next->status;
	c->outcome = next->outcome;
	c->closed_at = next->closed_at;
}

/* ---- figures ---- */

size_t
am_sum_opened(const struct am_sum *s)
{
	size_t n = 0;

	for (struct am_sum_case *c = s->cases; c != NULL; c = c->hh.next)
		n += c->status != AM_NONE;
	return n;
}

size_t
am_sum_open(const struct am_sum *s)
{
	size_t n = 0;

	for (struct am_sum_case *c = s->cases; c != NULL; c = c->hh.next)
		n += c->status == AM_OPEN || c->status == AM_HELD;
	return n;
}

size_t
am_sum_closed(const struct am_sum *s, enum am_outcome outcome)
{
	size_t n = 0;

	for (struct am_sum_case *c = s->cases; c != NULL; c = c->hh.next)
		n += c->status == AM_CLOSED && c->outcome == outcome;
	return n;
}

uint64_t
am_sum_missed(const struct am_sum *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->clocks_n; i++)
		n += s->clocks[i]->missed;
	return n;
}

uint64_t
am_sum_raised(const struct am_sum *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->clocks_n; i++)
		n += s->clocks[i]->raised;
	return n;
}

uint64_t
am_sum_sent(const struct am_sum *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->ways_n; i++)
		n += s->ways[i].sent;
	return n;
}

static int
by_span(const void *x, const void *y)
{
	am_ms a = *(const am_ms *)x, b = *(const am_ms *)y;

	return a < b ? -1 : a > b;
}

am_ms
am_sum_took(struct am_sum_clock *k, int pct)
{
	if (k->took_n == 0)
		return 0;
	if (!k->sorted)
		qsort(k->took, k->took_n, sizeof(*k->took), by_span);
	k->sorted = true;
	/* nearest rank */
	return k->took[((size_t)pct * k->took_n + 99) / 100 - 1];
}

static void
add_clock_json(struct am_buf *b, struct am_sum_clock *k)
{
	am_buf_adds(b, b->p[b->n - 1] == '[' ? "{" : ",{");
	am_buf_addkv(b, "clock", am_str_c(k->name));
	am_buf_addki(b, "started", (int64_t)k->started);
	am_buf_addki(b, "met", (int64_t)k->met);
	am_buf_addki(b, "missed", (int64_t)k->missed);
	am_buf_addki(b, "warned", (int64_t)k->warned);
	am_buf_addki(b, "escalated", (int64_t)k->raised);
	if (k->took_n > 0) {
		am_buf_addki(b, "p50_ms", am_sum_took(k, 50));
		am_buf_addki(b, "p90_ms", am_sum_took(k, 90));
	}
	am_buf_addc(b, '}');
}

static void
add_ways_json(struct am_buf *b, const struct am_sum *s)
{
	am_buf_addkey(b, "messages");
	am_buf_addc(b, '[');
	for (size_t i = 0; i < s->ways_n; i++) {
		const struct am_sum_way *w = &s->ways[i];

		am_buf_adds(b, i > 0 ? ",{" : "{");
		am_buf_addkv(b, "to", am_str_c(am_role_str(w->to)));
		am_buf_addkv(b, "endpoint", am_str_c(w->endpoint));
		am_buf_addki(b, "sent", (int64_t)w->sent);
		am_buf_addki(b, "dead", (int64_t)w->dead);
		am_buf_addki(b, "grouped", (int64_t)w->grouped);
		am_buf_addc(b, '}');
	}
	am_buf_addc(b, ']');
}

static void
add_refusals_json(struct am_buf *b, const struct am_sum *s)
{
	am_buf_addkey(b, "refusals");
	am_buf_addc(b, '[');
	for (size_t i = 0; i < s->refusals_n; i++) {
		const struct am_sum_refusal *r = &s->refusals[i];

		am_buf_adds(b, i > 0 ? ",{" : "{");
		am_buf_addkv(b, "event", am_str_c(r->event));
		am_buf_addkv(b, "code", am_str_c(r->code));
		am_buf_addkv(b, "field", am_str_c(r->field));
		am_buf_addki(b, "n", (int64_t)r->n);
		am_buf_addc(b, '}');
	}
	am_buf_addc(b, ']');
}

void
am_sum_json(struct am_sum *s, struct am_buf *b)
{
	am_buf_addc(b, '{');
	am_buf_addki(b, "complaints", (int64_t)am_sum_opened(s));
	am_buf_addki(b, "open", (int64_t)am_sum_open(s));
	am_buf_addkey(b, "closed");
	am_buf_addc(b, '{');
	for (int o = AM_OUTCOME_NONE + 1; o < AM_OUTCOMES_N; o++) {
		size_t n = am_sum_closed(s, (enum am_outcome)o);

		if (n > 0)
			am_buf_addki(
			    b, am_outcome_str((enum am_outcome)o), (int64_t)n);
	}
	am_buf_addc(b, '}');
	am_buf_addki(b, "reopened", (int64_t)s->reopened);
	am_buf_addki(b, "missed", (int64_t)am_sum_missed(s));
	am_buf_addki(b, "escalated", (int64_t)am_sum_raised(s));
	am_buf_addki(b, "sent", (int64_t)am_sum_sent(s));
	am_buf_addki(b, "suppressed", (int64_t)s->suppressed);
	am_buf_addki(b, "events", (int64_t)s->events);
	am_buf_addki(b, "applied", (int64_t)s->applied);
	am_buf_addki(b, "ignored", (int64_t)s->ignored);
	am_buf_addki(b, "duplicates", (int64_t)s->duplicates);
	am_buf_addki(b, "refused", (int64_t)s->refused);
	am_buf_addkey(b, "clocks");
	am_buf_addc(b, '[');
	for (size_t i = 0; i < s->clocks_n; i++) {
		if (s->clocks[i]->started > 0)
			add_clock_json(b, s->clocks[i]);
	}
	am_buf_addc(b, ']');
	add_ways_json(b, s);
	add_refusals_json(b, s);
	am_buf_addc(b, '}');
}
