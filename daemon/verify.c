/*
 * verify - see verify.h.
 *
 * What persons, endpoints and quiet hours were then is not kept, so a line may
 * be whole and yet not follow: the chain is looked at by itself when the replay
 * fails, and the answer says which of the two it is. Calendars are kept through
 * their edits, for they are edited every year: the replay goes from the oldest
 * to those in force.
 */

#include "daemon/verify.h"

#include <string.h>

#include "base/str.h"
#include "codec/journal.h"
#include "codec/record.h"
#include "core/journal.h"

struct am_as_was { /* definitions with calendars of `at` */
	struct am_as_was *next;
	const struct am_loopdef *of;
	size_t at;
	struct am_loopdef def;
};

/* ---- definitions by the calendars of then ---- */

static const struct am_calendar *
calendar_then(const struct am_verify *y, const struct am_calendar *now)
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
	struct am_verify *y = arg;
	bool unusable = false;
	const struct am_loopdef *def = am_shard_loop(y->sh, ref, &unusable);
	struct am_as_was *w = y->as_was;

	if (def == NULL || y->at == y->past_n)
		return def;
	while (w != NULL && w->of != def)
		w = w->next;
	if (w == NULL) {
		w = am_arena_zalloc(y->a, sizeof(*w));
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
	struct am_verify *y = arg;

	if (y->at == y->past_n)
		return false;
	y->at++;
	return true;
}

static void
take_past(struct am_verify *y, const redisReply *r)
{
	struct am_diag diag;

	if (r == NULL || r->type != REDIS_REPLY_ARRAY)
		return;
	y->past = am_arena_zalloc(y->a, (r->elements + 1) * sizeof(*y->past));
	y->past_n = r->elements;
	for (size_t i = 0; i < r->elements; i++)
		if (am_conf_bind_calendar(y->sh->engine->conf,
			am_reply_str(r->element[i]), y->a, &y->past[i],
			&diag) != 0)
			y->past[i] = NULL;
}

/* ---- the answer ---- */

static void
end(struct am_verify *y, enum am_verify_result result)
{
	y->result = result;
	y->cb(y->arg, y);
}

/* The first line that is not what was written; 0: the chain is whole. */
static uint32_t
broken_line(const struct am_verify *y)
{
	uint8_t last[AM_CHAIN_LEN] = { 0 }, prev[AM_CHAIN_LEN], h[AM_CHAIN_LEN];
	size_t i = 0;

	for (; i < y->lines_n; i++) {
		if (!am_journal_line_ok(y->lines[i], prev, h) ||
		    memcmp(prev, last, sizeof(prev)) != 0)
			return (uint32_t)i + 1;
		memcpy(last, h, sizeof(last));
	}
	return memcmp(last, y->c.chain, sizeof(last)) == 0 ? 0
							   : (uint32_t)i + 1;
}

static enum am_verify_result
judge(const struct am_verify *y, int rc)
{
	if (rc == 0)
		return AM_VERIFY_OK;
	if (y->broken > y->lines_n)
		return AM_VERIFY_RECORD;
	if (y->broken != 0)
		return AM_VERIFY_LINE;
	if (rc == -AM_ENOENT)
		return AM_VERIFY_NO_LOOP;
	return y->bad != 0 ? AM_VERIFY_OTHERS : AM_VERIFY_RECORD;
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
replay(struct am_verify *y)
{
	struct am_complaint state;
	struct am_buf a, b;
	int rc;

	rc = am_journal_replay_edits(y->id, y->lines, y->lines_n, find_loop,
	    next_calendars, y, y->a, &state, &y->bad);
	am_buf_arena(&a, y->a, 256);
	am_buf_arena(&b, y->a, 256);
	if (rc == 0) {
		class_as_it_stands(&y->c, &state);
		am_record_pack(&y->c, &a);
		am_record_pack(&state, &b);
		if (!am_str_eq(am_buf_str(&a), am_buf_str(&b)))
			rc = -AM_ECONFLICT;
	}
	y->broken = broken_line(y);
	end(y, judge(y, rc));
}

/* ---- what the replay needs ---- */

/* The loop is in memory, or known to be of no use. */
static bool
knows_loop(const struct am_verify *y, struct am_str ref)
{
	bool unusable = false;

	return am_shard_loop(y->sh, ref, &unusable) != NULL || unusable;
}

static void
have_loops(struct am_verify *y)
{
	bool unusable = false;

	if (am_shard_loop(y->sh, y->c.loop_ref, &unusable) == NULL)
		end(y, AM_VERIFY_UNUSABLE);
	else
		replay(y);
}

static void
on_loops(void *arg, int rc, struct am_batch *b)
{
	struct am_verify *y = arg;

	if (rc != 0) {
		am_batch_free(b);
		y->rc = rc;
		end(y, AM_VERIFY_AWAY);
		return;
	}
	y->more = b;
	for (size_t i = 0; i < y->refs_n; i++)
		if (!knows_loop(y, y->refs[i]))
			am_shard_loop_add(y->sh, y->refs[i],
			    am_reply_str(am_batch_reply(b, i)));
	have_loops(y);
}

/* The loop that the line opens with or goes to. */
static void
name_loop(struct am_verify *y, struct am_str line)
{
	struct am_journal_entry e;

	if (am_journal_parse(line, y->a, &e) != 0 || e.notes == NULL)
		return;
	for (size_t i = 0; i < e.notes->pairs_n; i++) {
		const struct am_pair *p = &e.notes->pairs[i];

		if ((am_str_is(p->key, "loop") || am_str_is(p->key, "to")) &&
		    y->refs_n < y->refs_room && !knows_loop(y, p->value))
			y->refs[y->refs_n++] = p->value;
	}
}

static void
name_loops(struct am_verify *y)
{
	static const char moved[] = "\"loop.migrated\"";

	y->refs_room = 2 * y->lines_n + 1;
	y->refs = am_arena_alloc(y->a, y->refs_room * sizeof(*y->refs));
	if (!knows_loop(y, y->c.loop_ref))
		y->refs[y->refs_n++] = y->c.loop_ref;
	for (size_t i = 0; i < y->lines_n; i++)
		if (i == 0 || memmem(y->lines[i].p, y->lines[i].n, moved,
				  sizeof(moved) - 1) != NULL)
			name_loop(y, y->lines[i]);
}

static void
ask_loops(struct am_verify *y)
{
	struct am_batch *b = am_store_query(y->sh->store);

	for (size_t i = 0; i < y->refs_n; i++) {
		am_cmd(b, "GET");
		am_args(b, am_key(am_store_keys(y->sh->store), y->a, "loop",
			       y->refs[i]));
	}
	am_store_query_send(y->sh->store, b, on_loops, y);
}

static void
on_record(void *arg, int rc, struct am_batch *b)
{
	struct am_verify *y = arg;
	const redisReply *log;
	struct am_str bytes;

	if (rc != 0) {
		am_batch_free(b);
		y->rc = rc;
		end(y, AM_VERIFY_AWAY);
		return;
	}
	y->record = b;
	bytes = am_reply_str(am_batch_reply(b, 0));
	if (bytes.n == 0) {
		end(y, AM_VERIFY_ABSENT);
		return;
	}
	if (am_record_unpack(y->id, bytes, y->a, &y->c) != 0) {
		end(y, AM_VERIFY_UNREADABLE);
		return;
	}
	log = am_batch_reply(b, 1);
	y->lines_n = log != NULL ? log->elements : 0;
	y->lines = am_arena_alloc(y->a, (y->lines_n + 1) * sizeof(*y->lines));
	for (size_t i = 0; i < y->lines_n; i++)
		y->lines[i] = am_reply_str(log->element[i]);
	take_past(y, am_batch_reply(b, 2));
	name_loops(y);
	if (y->refs_n != 0)
		ask_loops(y);
	else
		have_loops(y);
}

static void
add_list(struct am_batch *b, struct am_str key)
{
	am_cmd(b, "LRANGE");
	am_args(b, key);
	am_argi(b, 0);
	am_argi(b, -1);
}

void
am_verify_begin(struct am_verify *y, struct am_shard *sh, struct am_str id,
    struct am_arena *a, am_verify_cb *cb, void *arg)
{
	const struct am_keys *keys = am_store_keys(sh->store);
	struct am_batch *b = am_store_query(sh->store);

	*y = (struct am_verify){
		.sh = sh, .id = id, .a = a, .cb = cb, .arg = arg
	};
	am_cmd(b, "GET");
	am_args(b, am_key(keys, a, "c", id));
	add_list(b, am_key(keys, a, "log", id));
	add_list(
	    b, am_str_c(am_arena_printf(a, "%scalendars:past", keys->prefix)));
	am_store_query_send(sh->store, b, on_record, y);
}

void
am_verify_drop(struct am_verify *y)
{
	am_batch_free(y->record);
	am_batch_free(y->more);
	y->record = y->more = NULL;
}

const char *
am_verify_text(const struct am_verify *y)
{
	switch (y->result) {
	case AM_VERIFY_OK:
		return "";
	case AM_VERIFY_AWAY:
		return "Redis is away";
	case AM_VERIFY_ABSENT:
		return "there is no such complaint";
	case AM_VERIFY_UNREADABLE:
		return am_arena_printf(y->a,
		    "the record of %.*s cannot be read (it is parked or of a "
		    "newer version)",
		    AM_ARG(y->id));
	case AM_VERIFY_UNUSABLE:
		return am_arena_printf(y->a,
		    "%.*s is on loop %.*s, which cannot be used: its "
		    "definition is missing or names what is no more in conf",
		    AM_ARG(y->id), AM_ARG(y->c.loop_ref));
	case AM_VERIFY_NO_LOOP:
		return am_arena_printf(y->a,
		    "the journal is whole; the loop that line %u names cannot "
		    "be used any more, so it is not replayed",
		    y->bad);
	case AM_VERIFY_OTHERS:
		return am_arena_printf(y->a,
		    "the journal is whole, but line %u does not follow by the "
		    "configuration in force; persons, endpoints or quiet hours "
		    "were others then",
		    y->bad);
	case AM_VERIFY_LINE:
		return am_arena_printf(y->a,
		    "line %u of the journal is not what was written",
		    y->broken);
	case AM_VERIFY_RECORD:
		break;
	}
	return y->broken != 0 ? "the record is not what its journal says, or "
				"lines are missing at the end"
			      : "the record is not what its journal says";
}
