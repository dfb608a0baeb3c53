/*
 * verbs_verify - is a journal what was written, and does it lead to the record?
 *
 * Two questions, for a line may be whole and yet not follow: what persons,
 * endpoints and quiet hours were then is not kept. So the chain is looked at by
 * itself when the replay fails, and the answer says which of the two it is.
 * Calendars are kept through their edits, for they are edited every year: the
 * replay goes from the oldest to those in force.
 */

#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "codec/journal.h"
#include "codec/record.h"
#include "core/journal.h"
#include "daemon/view.h"

struct verify {
	struct view *v;
	const redisReply *log;
	struct am_str *lines, *refs; /* refs: loops still to load */
	size_t refs_n;
	const struct am_calendar **past; /* oldest first, NULL: unreadable */
	size_t past_n, at;		 /* those before `at` are over */
	struct as_was { /* definitions with calendars of `at` */
		struct as_was *next;
		const struct am_loopdef *of;
		size_t at;
		struct am_loopdef def;
	} * as_was;
};

/* ---- definitions by the calendars of then ---- */

static const struct am_calendar *
calendar_then(const struct verify *y, const struct am_calendar *now)
{
	for (size_t i = y->at; now != NULL && i < y->past_n; i++)
		if (y->past[i] != NULL &&
		    strcmp(y->past[i]->name, now->name) == 0)
			return y->past[i];
	return now;
}

static const struct am_loopdef *
find_loop(void *arg, struct am_str ref)
{
	struct verify *y = arg;
	bool unusable = false;
	const struct am_loopdef *def =
	    am_shard_loop(y->v->shard, ref, &unusable);
	struct as_was *w = y->as_was;

	if (def == NULL || y->at == y->past_n)
		return def;
	while (w != NULL && w->of != def)
		w = w->next;
	if (w == NULL) {
		w = am_arena_zalloc(y->v->a, sizeof(*w));
		w->next = y->as_was;
		w->of = def;
		w->at = y->past_n;
		y->as_was = w;
	}
	if (w->at == y->at)
		return &w->def;
	w->def = *def;
	w->at = y->at;
	for (size_t i = 0; i < AM_CLOCKS_MAX; i++) {
		struct am_clockdef *k = &w->def.clocks[i];

		k->calendar = calendar_then(y, k->calendar);
		k->bd_calendar = calendar_then(y, k->bd_calendar);
	}
	return &w->def;
}

static bool
next_calendars(void *arg)
{
	struct verify *y = arg;

	if (y->at == y->past_n)
		return false;
	y->at++;
	return true;
}

static void
take_past(struct verify *y, const redisReply *r)
{
	struct view *v = y->v;
	struct am_diag diag;

	if (r == NULL || r->type != REDIS_REPLY_ARRAY)
		return;
	y->past = am_arena_zalloc(v->a, (r->elements + 1) * sizeof(*y->past));
	y->past_n = r->elements;
	for (size_t i = 0; i < r->elements; i++)
		if (am_conf_bind_calendar(v->engine->conf,
			am_reply_str(r->element[i]), v->a, &y->past[i],
			&diag) != 0)
			y->past[i] = NULL;
}

/* ---- the answer ---- */

/* The first line that is not what was written; 0: the chain is whole. */
static uint32_t
broken_line(const struct verify *y)
{
	uint8_t last[AM_CHAIN_LEN] = { 0 }, prev[AM_CHAIN_LEN], h[AM_CHAIN_LEN];
	size_t i = 0;

	for (; i < y->log->elements; i++) {
		if (!am_journal_line_ok(y->lines[i], prev, h) ||
		    memcmp(prev, last, sizeof(prev)) != 0)
			return (uint32_t)i + 1;
		memcpy(last, h, sizeof(last));
	}
	return memcmp(last, y->v->c->chain, sizeof(last)) == 0
		   ? 0
		   : (uint32_t)i + 1;
}

static void
end_bad(struct verify *y, int rc, uint32_t bad)
{
	struct am_ctl_call *call = y->v->call;
	uint32_t broken = broken_line(y);

	if (broken > y->log->elements)
		am_ctl_end(call, AM_EXIT_FAILED,
		    "the record is not what its journal says, or lines are "
		    "missing at the end");
	else if (broken != 0)
		am_ctl_end(call, AM_EXIT_FAILED,
		    "line %" PRIu32 " of the journal is not what was written",
		    broken);
	else if (rc == -AM_ENOENT)
		am_ctl_end(call, AM_EXIT_FAILED,
		    "the journal is whole; the loop that line %" PRIu32
		    " names cannot be used any more, so it is not replayed",
		    bad);
	else if (bad != 0)
		am_ctl_end(call, AM_EXIT_FAILED,
		    "the journal is whole, but line %" PRIu32
		    " does not follow by the configuration in force; persons, "
		    "endpoints or quiet hours were others then",
		    bad);
	else
		am_ctl_end(call, AM_EXIT_FAILED,
		    "the record is not what its journal says");
}

/*
 * What was fired before there were classes lies in class 0 until it ends; made
 * again it has that of its tier. A class says where a row stands, and no more.
 */
static void
class_as_it_stands(const struct am_complaint *is, struct am_complaint *made)
{
	for (size_t i = 0; i < is->waiting_n && i < made->waiting_n; i++)
		if (is->waiting[i].class == 0)
			made->waiting[i].class = 0;
}

static void
replay(struct verify *y)
{
	struct view *v = y->v;
	struct am_complaint state;
	struct am_buf a, b;
	uint32_t bad = 0;
	int rc;

	rc = am_journal_replay_edits(v->id, y->lines, y->log->elements,
	    find_loop, next_calendars, y, v->a, &state, &bad);
	am_buf_arena(&a, v->a, 256);
	am_buf_arena(&b, v->a, 256);
	if (rc == 0) {
		class_as_it_stands(v->c, &state);
		am_record_pack(v->c, &a);
		am_record_pack(&state, &b);
		if (!am_str_eq(am_buf_str(&a), am_buf_str(&b)))
			rc = -AM_ECONFLICT;
	}
	am_view_open(v);
	am_buf_addkv(&v->line, "id", v->id);
	am_view_bool(v, "ok", rc == 0);
	am_view_bool(v, "chain", broken_line(y) == 0);
	am_buf_addki(&v->line, "lines", (int64_t)y->log->elements);
	am_buf_addki(&v->line, "bad_seq", bad);
	am_view_close(v);
	if (rc == 0)
		am_ctl_end(v->call, AM_EXIT_OK, "%s", "");
	else
		end_bad(y, rc, bad);
	am_view_drop(v);
}

/* ---- what the replay needs ---- */

static void
on_loaded(struct view *v, struct am_batch *b)
{
	struct verify *y = v->own;
	bool unusable = false;

	take_past(y, am_batch_reply(b, 0));
	for (size_t i = 0; i < y->refs_n; i++)
		if (am_shard_loop(v->shard, y->refs[i], &unusable) == NULL &&
		    !unusable)
			am_shard_loop_add(v->shard, y->refs[i],
			    am_reply_str(am_batch_reply(b, i + 1)));
	replay(y);
}

/* The loop that the line opens with or goes to. */
static void
name_loop(struct verify *y, struct am_str line)
{
	struct am_journal_entry e;
	bool unusable = false;

	if (am_journal_parse(line, y->v->a, &e) != 0 || e.notes == NULL)
		return;
	for (size_t i = 0; i < e.notes->pairs_n; i++) {
		const struct am_pair *p = &e.notes->pairs[i];

		if ((am_str_is(p->key, "loop") || am_str_is(p->key, "to")) &&
		    am_shard_loop(y->v->shard, p->value, &unusable) == NULL &&
		    !unusable)
			y->refs[y->refs_n++] = p->value;
	}
}

static void
on_journal(struct view *v, struct am_batch *rb)
{
	static const char moved[] = "\"loop.migrated\"";
	const struct am_keys *keys = am_store_keys(v->shard->store);
	struct verify *y = am_arena_zalloc(v->a, sizeof(*y));
	size_t n = am_batch_reply(rb, 1)->elements;
	struct am_batch *b;

	y->v = v;
	y->log = am_batch_reply(rb, 1);
	y->lines = am_arena_alloc(v->a, (n + 1) * sizeof(*y->lines));
	y->refs = am_arena_alloc(v->a, (2 * n + 1) * sizeof(*y->refs));
	v->own = y;
	for (size_t i = 0; i < n; i++) {
		y->lines[i] = am_reply_str(y->log->element[i]);
		if (i == 0 || memmem(y->lines[i].p, y->lines[i].n, moved,
				  sizeof(moved) - 1) != NULL)
			name_loop(y, y->lines[i]);
	}
	b = am_view_query(v);
	am_cmd(b, "LRANGE");
	am_arg(b, am_arena_printf(v->a, "%scalendars:past", keys->prefix));
	am_argi(b, 0);
	am_argi(b, -1);
	for (size_t i = 0; i < y->refs_n; i++) {
		am_cmd(b, "GET");
		am_args(b, am_key(keys, v->a, "loop", y->refs[i]));
	}
	am_view_send(v, b, on_loaded);
}

void
am_verb_verify(struct view *v)
{
	am_view_complaint(v, on_journal);
}
