/*
 * turn - the one way in which a shard changes.
 *
 * A turn is a chain of batches on the store's turn connection: the first one
 * sets the fence, then come the loads, then one commit. Slices of replies stay
 * where they are (the batches are held until the turn ends) instead of being
 * copied. Rejected: a cache of complaints between turns; the loads it saves
 * cost less than the two ways to be wrong that it adds.
 */

#include "daemon/turn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "codec/record.h"
#include "daemon/alerts.h"
#include "daemon/erase.h"
#include "daemon/marks.h"
#include "daemon/watch.h"
#include "log/log.h"

struct am_turn *
am_turn_new(struct am_shard *sh)
{
	struct am_turn *t = calloc(1, sizeof(*t));

	AM_ASSERT(t != NULL);
	t->sh = sh;
	am_arena_init(&t->arena, 1 << 20);
	return t;
}

static void
drop_held(struct am_turn *t)
{
	for (size_t i = 0; i < t->held_n; i++)
		am_batch_free(t->held[i]);
	t->held_n = 0;
}

void
am_turn_free(struct am_turn *t)
{
	drop_held(t);
	am_arena_fini(&t->arena);
	free(t);
}

static void
hold(struct am_turn *t, struct am_batch *b)
{
	AM_ASSERT(t->held_n < AM_COUNT(t->held));
	t->held[t->held_n++] = b;
}

struct am_batch *
am_turn_open_as(struct am_shard *sh, enum am_turn_kind kind,
    void (*run)(struct am_turn *), void (*done)(struct am_turn *, int))
{
	struct am_turn *t = sh->turn;

	AM_ASSERT(!sh->turn_open);
	sh->turn_open = true;
	sh->last_kind = (int)kind;
	am_arena_reset(&t->arena);
	*t = (struct am_turn){ .sh = sh,
		.kind = kind,
		.arena = t->arena,
		.now = am_shard_now(sh),
		.generation = sh->generation,
		.run = run,
		.done = done };
	t->lines_tail = &t->lines;
	return am_turn_begin(sh->store);
}

void
am_turn_log(struct am_turn *t, enum am_log_level level, const char *event,
    const char *fmt, ...)
{
	struct am_line *line = am_arena_zalloc(&t->arena, sizeof(*line));
	va_list ap;
	char buf[1024];

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	line->level = level;
	line->event = event;
	line->text = am_arena_cstr(&t->arena, am_str_c(buf));
	*t->lines_tail = line;
	t->lines_tail = &line->next;
}

static void
committed(struct am_turn *t)
{
	for (struct am_touch *w = t->touches; w != NULL; w = w->next)
		am_lane_due(am_shard_lane(t->sh, w->outbox), w->at);
	am_endpoints_learn(t);
	if (t->erased)
		am_erasures_look(t->sh->erasures);
	am_watch_committed(t);
	am_log_hold(true);
	for (struct am_line *line = t->lines; line != NULL; line = line->next)
		am_log(line->level, line->event, "%s", line->text);
	am_log_hold(false);
}

static void
turn_over(struct am_turn *t, int rc)
{
	struct am_shard *sh = t->sh;

	if (rc == 0)
		committed(t);
	t->done(t, rc);
	drop_held(t);
	sh->turn_open = false;
	if (rc == 0)
		sh->refused = t->empty ? sh->refused : 0;
	else if (rc != -AM_EFENCED && rc != -AM_ECANCELED)
		sh->retry_at =
		    am_engine_monotonic() +
		    am_backoff(50, 2000, sh->refused++, (uint64_t)t->now);
	am_shard_kick(sh);
	am_engine_turn_ended(sh->engine);
}

void
am_turn_abandon(struct am_turn *t, int rc)
{
	if (t->commit != NULL) {
		am_commit_free(t->commit);
		t->commit = NULL;
	}
	if (am_turn_open(t->sh->store))
		am_turn_end(t->sh->store);
	t->empty = true;
	turn_over(t, rc);
}

/* ---- loads ---- */

static size_t
bucket_of(struct am_str id)
{
	static const uint8_t key[16] = "am_turn_case key";

	return am_siphash(key, id.p, id.n) % AM_TURN_BUCKETS;
}

struct am_case *
am_turn_find(struct am_turn *t, struct am_str id)
{
	struct am_case *c = t->buckets[bucket_of(id)];

	while (c != NULL && !am_str_eq(c->id, id))
		c = c->chain;
	return c;
}

struct am_case *
am_turn_case(struct am_turn *t, struct am_str id)
{
	size_t b = bucket_of(id);
	struct am_case *c = am_turn_find(t, id);

	if (c != NULL)
		return c;
	c = am_arena_zalloc(&t->arena, sizeof(*c));
	c->id = id;
	c->cur.id = id;
	c->chain = t->buckets[b];
	t->buckets[b] = c;
	if (t->cases_n == t->cases_cap) {
		size_t cap = t->cases_cap != 0 ? 2 * t->cases_cap : 64;
		struct am_case **cases =
		    am_arena_alloc(&t->arena, cap * sizeof(struct am_case *));

		if (t->cases_n != 0)
			memcpy(cases, t->cases, t->cases_n * sizeof(*cases));
		t->cases = cases;
		t->cases_cap = cap;
	}
	t->cases[t->cases_n++] = c;
	return c;
}

static void
on_batch(void *arg, int rc, struct am_batch *b)
{
	struct am_turn *t = arg;

	if (rc != 0) {
		am_batch_free(b);
		if (rc == -AM_ECANCELED && t->sh->released)
			rc = -AM_EFENCED;
		turn_over(t, rc);
		return;
	}
	hold(t, b);
	t->next(t, b);
}

void
am_turn_send(struct am_turn *t, struct am_batch *b,
    void (*next)(struct am_turn *t, struct am_batch *b))
{
	t->next = next;
	am_turn_load(t->sh->store, b, on_batch, t);
}

static void
run(struct am_turn *t)
{
	void (*more)(struct am_turn *) = t->more;

	if (more != NULL) { /* what was loaded names more to load */
		t->more = NULL;
		more(t);
		return;
	}
	t->commit = am_commit_new(t->sh->store);
	t->run(t);
}

/* The definition of a loaded case; false when it must be fetched first. */
static bool
find_loop(struct am_turn *t, struct am_case *c)
{
	bool unusable = false;

	c->def = am_shard_loop(t->sh, c->cur.loop_ref, &unusable);
	if (unusable)
		c->unusable = "loop";
	return c->def != NULL || unusable;
}

static void
on_loops(struct am_turn *t, struct am_batch *b)
{
	size_t n = 0;

	for (size_t i = 0; i < t->cases_n; i++) {
		struct am_case *c = t->cases[i];

		if (!c->exists || c->def != NULL || c->unusable != NULL)
			continue;
		if (!find_loop(t, c)) {
			am_shard_loop_add(t->sh, c->cur.loop_ref,
			    am_reply_str(am_turn_reply(b, n)));
			(void)find_loop(t, c);
		}
		n++;
	}
	run(t);
}

static void
load_loops(struct am_turn *t)
{
	const struct am_keys *keys = am_store_keys(t->sh->store);
	struct am_batch *b = NULL;

	for (size_t i = 0; i < t->cases_n; i++) {
		struct am_case *c = t->cases[i];

		if (!c->exists || c->unusable != NULL || find_loop(t, c))
			continue;
		if (b == NULL)
			b = am_turn_more(t->sh->store);
		am_cmd(b, "GET");
		am_args(b, am_key(keys, &t->arena, "loop", c->cur.loop_ref));
	}
	if (b != NULL)
		am_turn_send(t, b, on_loops);
	else
		run(t);
}

static void
unpack_case(struct am_turn *t, struct am_case *c, const redisReply *r)
{
	struct am_str bytes = am_reply_str(r);
	int rc;

	if (r == NULL || r->type == REDIS_REPLY_NIL)
		return;
	c->exists = true;
	rc = am_record_unpack(c->id, bytes, &t->arena, &c->cur);
	if (rc != 0)
		c->unusable =
		    rc == -AM_EUNSUPPORTED ? "newer_record" : "broken_record";
}

static void
on_cases(struct am_turn *t, struct am_batch *b)
{
	const redisReply *r = am_batch_reply(b, am_batch_cmds(b) - 1);

	if (r == NULL || r->type != REDIS_REPLY_ARRAY ||
	    r->elements != t->cases_n - t->loaded_n) {
		am_turn_abandon(t, -AM_EPROTO);
		return;
	}
	for (size_t i = 0; i < r->elements; i++)
		unpack_case(t, t->cases[t->loaded_n + i], r->element[i]);
	t->loaded_n = t->cases_n;
	load_loops(t);
}

static void
on_rest(struct am_turn *t, struct am_batch *b)
{
	(void)b;
	load_loops(t);
}

void
am_turn_load_cases(struct am_turn *t, struct am_batch *b)
{
	const struct am_keys *keys = am_store_keys(t->sh->store);

	if (t->cases_n == t->loaded_n) {
		if (b != NULL)
			am_turn_send(t, b, on_rest);
		else
			load_loops(t);
		return;
	}
	if (b == NULL)
		b = am_turn_more(t->sh->store);
	am_cmd(b, "MGET");
	for (size_t i = t->loaded_n; i < t->cases_n; i++)
		am_args(b, am_key(keys, &t->arena, "c", t->cases[i]->id));
	am_turn_send(t, b, on_cases);
}

/* ---- steps ---- */

void
am_turn_touch(struct am_turn *t, struct am_str outbox, am_ms at)
{
	struct am_touch *w = am_arena_alloc(&t->arena, sizeof(*w));

	*w = (struct am_touch){ t->touches, outbox, at };
	t->touches = w;
}

static void
park(struct am_turn *t, struct am_case *c, const char *why)
{
	if (c->parked)
		return;
	c->parked = true;
	am_log_err("complaint_parked", "id=%.*s shard=%s reason=%s",
	    AM_ARG(c->id), t->sh->stream, why);
	am_commit_park(t->commit, c->id, why);
}

/* Follow-ups of this complaint that are on the wire right now. */
static void
mark_in_flight(struct am_turn *t, struct am_case *c)
{
	for (size_t i = 0; i < c->cur.waiting_n; i++)
		c->cur.waiting[i].in_flight =
		    am_shard_on_wire(t->sh, c->cur.waiting[i].id);
}

/* What it has let into the outboxes. */
static void
touch_lanes(struct am_turn *t, const struct am_update *up)
{
	for (const struct am_followup *f = up->followups; f != NULL;
	     f = f->next)
		if (!f->dead && f->queued)
			am_turn_touch(t,
			    am_out_name(&t->arena, f->endpoint, f->class),
			    f->not_before > f->fired_at ? f->not_before
							: f->fired_at);
	for (const struct am_fu_change *f = up->changes; f != NULL; f = f->next)
		if (f->release)
			am_turn_touch(t,
			    am_out_name(&t->arena, f->endpoint, f->class),
			    f->at);
}

/* Follow-ups that end without an attempt get their line here. */
static void
log_ends(struct am_turn *t, const struct am_case *c, const struct am_update *up)
{
	char id[AM_FU_ID_LEN + 1];

	for (const struct am_followup *f = up->followups; f != NULL;
	     f = f->next) {
		if (!f->dead)
			continue;
		am_fu_id_format(f->id, id);
		am_turn_log(t, AM_LOG_WARN, "followup_dead",
		    "id=%s complaint=%.*s shard=%s rung=%.*s reason=%s", id,
		    AM_ARG(c->id), t->sh->stream, AM_ARG(f->rung_name),
		    f->dead_reason);
	}
	for (const struct am_fu_change *f = up->changes; f != NULL;
	     f = f->next) {
		if (f->release)
			continue;
		am_fu_id_format(f->id, id);
		am_turn_log(t,
		    strcmp(f->state, "dead") == 0 ? AM_LOG_WARN : AM_LOG_INFO,
		    am_arena_printf(&t->arena, "followup_%s", f->state),
		    "id=%s complaint=%.*s shard=%s endpoint=%.*s reason=%s", id,
		    AM_ARG(c->id), t->sh->stream, AM_ARG(f->endpoint),
		    f->reason);
	}
}

void
am_turn_count_end(struct am_turn *t, const char *state)
{
	if (strcmp(state, "delivered") == 0)
		t->counts.delivered++;
	else if (strcmp(state, "dead") == 0)
		t->counts.dead++;
	else if (strcmp(state, "unknown") == 0)
		t->counts.unknown++;
	else
		t->counts.suppressed++;
}

static void
count(struct am_turn *t, const struct am_update *up)
{
	switch (up->verdict) {
	case AM_APPLIED:
		t->counts.applied++;
		break;
	case AM_DUPLICATE:
		t->counts.duplicate++;
		break;
	case AM_IGNORED:
		t->counts.ignored++;
		break;
	case AM_REJECTED:
		t->counts.rejected++;
		break;
	}
	for (const struct am_followup *f = up->followups; f != NULL;
	     f = f->next) {
		t->counts.fired++;
		t->counts.dead += f->dead;
	}
	for (const struct am_fu_change *f = up->changes; f != NULL; f = f->next)
		if (!f->release)
			am_turn_count_end(t, f->state);
}

struct am_update *
am_turn_step(struct am_turn *t, struct am_case *c, const struct am_event *ev)
{
	struct am_update *up;
	struct am_complaint before;
	int rc;

	if (c->unusable != NULL) {
		park(t, c, c->unusable);
		return NULL;
	}
	if (t->sh->in_flight != NULL)
		mark_in_flight(t, c);
	up = am_arena_zalloc(&t->arena, sizeof(*up));
	up->arena = &t->arena;
	/* an entry's time is Redis's: what it starts has begun by then */
	rc =
	    am_step(c->def, &c->cur, ev, ev->at > t->now ? ev->at : t->now, up);
	if (rc != 0) {
		c->unusable = "invariant";
		park(t, c, c->unusable);
		return NULL;
	}
	count(t, up);
	if (up->verdict == AM_REJECTED || up->verdict == AM_DUPLICATE)
		return up;
	log_ends(t, c, up);
	am_watch_step(t, c->def, ev, up);
	before = c->cur;
	am_commit_update(t->commit, &before, up, up->next.tier, ev->trace_id);
	am_marks_keep(t, ev, up);
	touch_lanes(t, up);
	t->erased = t->erased || up->erase;
	c->cur = up->next;
	c->exists = !up->forget;
	return up;
}

/* ---- commit ---- */

static void
add_counts(struct am_counts *to, const struct am_counts *c)
{
	to->applied += c->applied;
	to->duplicate += c->duplicate;
	to->ignored += c->ignored;
	to->rejected += c->rejected;
	to->unmatched += c->unmatched;
	to->fired += c->fired;
	to->delivered += c->delivered;
	to->dead += c->dead;
	to->suppressed += c->suppressed;
	to->unknown += c->unknown;
	to->retried += c->retried;
}

static void
on_commit(void *arg, int rc, struct am_commit *commit)
{
	struct am_turn *t = arg;

	if (rc == 0) {
		t->sh->wake_at = am_commit_wake(commit);
		add_counts(&t->sh->engine->counts, &t->counts);
	}
	t->commit = commit; /* done() may read answers */
	turn_over(t, rc);
	am_commit_free(commit);
	t->commit = NULL;
}

void
am_turn_commit_send(struct am_turn *t)
{
	struct am_commit *c = t->commit;

	am_alert_dead(t);
	if (t->now - t->sh->trimmed_at > 10 * AM_SECOND) {
		t->sh->trimmed_at = t->now;
		am_commit_trim(c, t->now);
	}
	am_commit_ask_wake(c);
	t->commit = NULL;
	am_commit_send(c, on_commit, t);
	/* while Redis works on this turn, what the last one claimed may go */
	am_shard_start_sendings(t->sh);
}
