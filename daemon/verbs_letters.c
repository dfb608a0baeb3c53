/*
 * verbs_letters - dead and rejects: replay and drop, one entry or all.
 *
 * Each page is an act of its own, so that --all on a long stream does not hold
 * the shard.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "codec/record.h"
#include "daemon/alerts.h"
#include "daemon/redrive.h"
#include "daemon/turn.h"

#define PAGE 64

struct letters {
	struct am_op op;
	struct view *v; /* in the call's arena, as this is */
	const redisReply *loaded;
	char to[64];	     /* the last one when the act began */
	char from[64];	     /* page: entries from here */
	size_t page_n;	     /* entries in this page */
	size_t changed;	     /* entries acted on, all pages */
	bool all;	     /* pages, not one entry */
	bool by_id;	     /* of all the one with this follow-up */
	bool dry;	     /* says which, and changes nothing */
	am_ms since;	     /* of all those that died from then on; 0: all */
	const char *refused; /* why nothing was done */
};

/* ---- pages ---- */

static const char *
stream_key(const struct letters *a)
{
	const struct am_keys *keys = am_store_keys(a->v->shard->store);

	return strncmp(a->v->verb->name, "dead", 4) == 0 ? keys->dead
							 : keys->rejects;
}

static void
load_page(struct am_op *op, struct am_turn *t, struct am_batch *b)
{
	struct letters *a = (struct letters *)op;

	(void)t;
	am_cmd(b, "XRANGE");
	am_arg(b, stream_key(a));
	if (a->all) {
		am_arg(b, a->from);
		am_arg(b, a->to);
		am_arg(b, "COUNT");
		am_argi(b, PAGE);
		am_cmd(b, "XREVRANGE");
		am_arg(b, stream_key(a));
		am_arg(b, "+");
		am_arg(b, "-");
		am_arg(b, "COUNT");
		am_argi(b, 1);
	} else {
		am_args(b, a->v->id);
		am_args(b, a->v->id);
	}
}

static bool
is_since(const struct letters *a, struct am_str at)
{
	int64_t ms;

	return a->since == 0 || (am_str_i64(at, &ms) == 0 && ms >= a->since);
}

static bool
entry_wanted(const struct letters *a, const redisReply *e)
{
	struct am_str only =
	    am_verb_option(a->v->argv, a->v->argc, "--endpoint");

	return e->elements == 2 && e->element[1]->type == REDIS_REPLY_ARRAY &&
	       (only.n == 0 ||
		   am_str_eq(only, am_entry_field(e, "endpoint"))) &&
	       is_since(a, am_entry_field(e, "at")) &&
	       (!a->by_id || am_str_eq(a->v->id, am_entry_field(e, "id")));
}

/* What comes in later, a replayed one that fails again too, is not of this
 * act. */
static void
end_here(struct letters *a, const redisReply *newest)
{
	if (newest != NULL && newest->type == REDIS_REPLY_ARRAY &&
	    newest->elements == 1)
		snprintf(a->to, sizeof(a->to), "%.*s",
		    AM_ARG(am_reply_str(newest->element[0]->element[0])));
}

static void
page_loaded(struct am_op *op, struct am_turn *t, const struct am_batch *b)
{
	struct letters *a = (struct letters *)op;
	const redisReply *r = am_turn_reply(b, 0);

	a->loaded = r;
	a->page_n = 0;
	if (a->all && a->to[0] == '+')
		end_here(a, am_turn_reply(b, 1));
	if (r == NULL || r->type != REDIS_REPLY_ARRAY)
		return;
	a->page_n = r->elements;
	if (strcmp(a->v->verb->name, "dead replay") != 0)
		return;
	for (size_t i = 0; i < r->elements; i++)
		if (entry_wanted(a, r->element[i]))
			(void)am_turn_case(
			    t, am_entry_field(r->element[i], "complaint"));
}

static void
drop_entry(struct letters *a, struct am_turn *t, const redisReply *e)
{
	struct am_batch *b = am_commit_raw(t->commit);

	am_cmd(b, "XDEL");
	am_arg(b, stream_key(a));
	am_args(b, am_reply_str(e->element[0]));
}

/* Its complaint has it on its list again. */
static bool
take_back(struct letters *a, struct am_turn *t, struct am_str id,
    const struct am_fu_record *f)
{
	struct am_case *c = am_turn_case(t, f->complaint);
	const struct am_update *up;
	struct am_pair p[7];
	struct am_event ev;

	if (!c->exists) {
		a->refused = "its complaint is no more";
		return false;
	}
	p[0] = (struct am_pair){ AM_STR("followup_id"), id };
	p[1] = (struct am_pair){ AM_STR("endpoint"), f->endpoint };
	p[2] = (struct am_pair){ AM_STR("clock"),
		am_str_c(am_arena_printf(&t->arena, "%u", f->clock)) };
	p[3] = (struct am_pair){ AM_STR("rung"),
		am_str_c(am_arena_printf(&t->arena, "%u", f->rung)) };
	p[4] = (struct am_pair){ AM_STR("entry"),
		am_str_c(am_arena_printf(&t->arena, "%u", f->entry)) };
	p[5] = (struct am_pair){ AM_STR("cycle"),
		am_str_c(am_arena_printf(&t->arena, "%u", f->cycle)) };
	p[6] = (struct am_pair){ AM_STR("class"),
		am_str_c(am_arena_printf(&t->arena, "%u", f->class)) };
	am_turn_internal(t, &ev, AM_EV_FOLLOWUP_REVIVED, f->complaint);
	ev.fields = p;
	ev.fields_n = AM_COUNT(p);
	up = am_turn_step(t, c, &ev);
	if (up == NULL || up->verdict != AM_APPLIED) {
		a->refused = "its complaint does not take it back";
		return false;
	}
	return true;
}

/* The same id, the same bytes; a fresh list of attempts. */
static bool
revive(struct letters *a, struct am_turn *t, const redisReply *e)
{
	struct am_str id = am_entry_field(e, "id");
	struct am_str body = am_entry_field(e, "body");
	struct am_fu_record f;

	if (am_fu_record_unpack(
		id, am_entry_field(e, "record"), &t->arena, &f) != 0 ||
	    f.endpoint.n == 0 || body.n == 0) {
		a->refused = "it has no endpoint or no body to send again";
		return false;
	}
	if (!am_fu_is_alert(&f) && !take_back(a, t, id, &f))
		return false;
	f.attempts_total = 0;
	f.replayed = true;
	am_fu_take_back(&f);
	f.next_at = t->now;
	f.body = body;
	if (am_fu_is_queued(t, &f)) {
		am_commit_fu_set(t->commit, &f, t->now);
		am_turn_touch(
		    t, am_out_name(&t->arena, f.endpoint, f.class), t->now);
	} else {
		am_commit_fu_set(t->commit, &f, AM_FU_BEHIND);
	}
	return true;
}

/* When the entry first came: as an earlier replay said, or by its own id. */
static struct am_str
first_came(struct letters *a, const redisReply *e)
{
	struct am_str at = am_entry_field(e, "f." AM_RECEIVED_AT);
	uint64_t ms, seq;

	if (at.n != 0)
		return at;
	if (am_stream_id_parse(am_entry_field(e, "id"), &ms, &seq) != 0)
		return am_entry_field(e, "at");
	return am_str_c(am_arena_printf(a->v->a, "%" PRIu64, ms));
}

/* Back onto the stream, with its event_id and the time it first came. */
static bool
reinject(struct letters *a, struct am_turn *t, const redisReply *e)
{
	const redisReply *kv = e->element[1];
	struct am_batch *b;
	bool has_id = false;

	if (am_entry_field(e, "cut").n != 0) {
		a->refused = "it was cut when it was kept; its producer must "
			     "send it again";
		return false;
	}
	b = am_commit_raw(t->commit);
	am_cmd(b, "XADD");
	am_arg(b, t->sh->stream);
	am_arg(b, "*");
	for (size_t i = 0; i + 1 < kv->elements; i += 2) {
		struct am_str key = am_reply_str(kv->element[i]);

		if (!am_str_prefix(key, "f."))
			continue;
		key.p += 2;
		key.n -= 2;
		if (am_str_is(key, AM_RECEIVED_AT))
			continue;
		has_id = has_id || am_str_is(key, "event_id");
		am_args(b, key);
		am_args(b, am_reply_str(kv->element[i + 1]));
	}
	if (!has_id) {
		am_arg(b, "event_id");
		am_args(b, am_entry_field(e, "id"));
	}
	am_arg(b, AM_RECEIVED_AT);
	am_args(b, first_came(a, e));
	return true;
}

static void
say_entry(struct letters *a, const redisReply *e)
{
	static const char *const fields[] = { "id", "complaint", "endpoint",
		"reason" };
	struct view *v = a->v;

	am_view_open(v);
	am_buf_addkv(&v->line, "entry", am_reply_str(e->element[0]));
	am_view_s(v, "shard", v->shard->stream);
	for (size_t i = 0; i < AM_COUNT(fields); i++)
		am_buf_addkv(&v->line, fields[i], am_entry_field(e, fields[i]));
	am_view_close(v);
}

static bool
act_on_entry(struct letters *a, struct am_turn *t, const redisReply *e)
{
	const char *verb = a->v->verb->name;

	if (a->dry) {
		say_entry(a, e);
		return true;
	}
	if (strcmp(verb, "dead replay") == 0 && !revive(a, t, e))
		return false;
	if (strcmp(verb, "rejects replay") == 0 && !reinject(a, t, e))
		return false;
	drop_entry(a, t, e);
	return true;
}

static bool
run_page(struct am_op *op, struct am_turn *t)
{
	struct letters *a = (struct letters *)op;
	size_t before = a->changed;

	for (size_t i = 0; i < a->page_n; i++) {
		const redisReply *e = a->loaded->element[i];

		a->changed += entry_wanted(a, e) && act_on_entry(a, t, e);
	}
	if (a->page_n != 0) { /* the next page starts behind this one */
		const redisReply *last = a->loaded->element[a->page_n - 1];

		snprintf(a->from, sizeof(a->from), "(%.*s",
		    AM_ARG(am_reply_str(last->element[0])));
	}
	return a->changed != before && !a->dry;
}

static void
page_done(struct am_op *op, int rc)
{
	struct letters *a = (struct letters *)op;
	struct view *v = a->v;

	if (rc == 0 && a->all && a->page_n == PAGE && am_ctl_alive(v->call)) {
		am_shard_op(v->shard, op);
		return;
	}
	if (rc == 0 && a->all && v->shard_i < v->engine->shards_n) {
		am_view_next_shard(v);
		return;
	}
	if (rc == 0 && a->by_id && a->changed == 0 && a->refused == NULL) {
		am_view_drop(v);
		am_view_not_found(v, "dead follow-up");
		return;
	}
	if (a->changed != 0)
		a->refused = NULL; /* some could not; the count says it */
	am_view_end_act(
	    v, rc, a->refused, a->dry ? "would_change" : "changed", a->changed);
}

static void
on_entry(struct view *v, struct am_batch *b)
{
	struct letters *a = v->own;
	const redisReply *r = am_batch_reply(b, 0);

	if (am_reply_is_error(r) || r->elements == 0)
		am_view_next_shard(v);
	else
		am_shard_op(v->shard, &a->op);
}

static void
start_page(struct view *v)
{
	struct letters *a = v->own;
	struct am_batch *b;

	if (a->all) {
		snprintf(a->from, sizeof(a->from), "-");
		snprintf(a->to, sizeof(a->to), "+");
		am_shard_op(v->shard, &a->op);
		return;
	}
	b = am_view_query(v);
	am_cmd(b, "XRANGE");
	am_arg(b, stream_key(a));
	am_args(b, v->id);
	am_args(b, v->id);
	am_view_send(v, b, on_entry);
}

static void
no_entry(struct view *v)
{
	am_view_not_found(v, "entry");
}

static void
act_on_entries(struct view *v)
{
	struct letters *a = am_arena_zalloc(v->a, sizeof(*a));
	uint8_t raw[16];

	a->v = v;
	v->own = a;
	a->all = am_verb_option(v->argv, v->argc, "--all").p != NULL;
	if (!a->all && v->id.n == 0) {
		am_ctl_end(v->call, AM_EXIT_USAGE,
		    "name an entry or say --all; usage: %s", v->verb->usage);
		return;
	}
	if (!am_verb_since(v, &a->since))
		return;
	a->dry = am_verb_option(v->argv, v->argc, "--dry-run").p != NULL;
	a->by_id = !a->all && am_fu_id_parse(v->id, raw) == 0;
	a->all = a->all || a->by_id;
	a->op.load = load_page;
	a->op.loaded = page_loaded;
	a->op.run = run_page;
	a->op.done = page_done;
	am_view_walk(v, start_page, no_entry);
}

void
am_verb_dead_replay(struct view *v)
{
	act_on_entries(v);
}

void
am_verb_dead_drop(struct view *v)
{
	act_on_entries(v);
}

void
am_verb_rejects_replay(struct view *v)
{
	act_on_entries(v);
}

void
am_verb_rejects_drop(struct view *v)
{
	act_on_entries(v);
}
