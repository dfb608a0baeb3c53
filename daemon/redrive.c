/*
 * redrive - see redrive.h.
 *
 * A page of ids is read outside of a turn and its rows inside of one: what has
 * left meanwhile has no row, and what has been tried meanwhile is judged as it
 * stands.
 */

#include "daemon/redrive.h"

#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "daemon/turn.h"

static void ask_page(struct am_redrive *r);

static struct am_str
out_name(const struct am_redrive *r, struct am_arena *a)
{
	return am_out_name(a, am_str_c(r->endpoint), r->class);
}

/* ---- the act ---- */

static void
load_rows(struct am_op *op, struct am_turn *t, struct am_batch *b)
{
	const struct am_redrive *r = (struct am_redrive *)op;

	am_cmd(b, "MGET");
	for (size_t i = 0; i < r->ids_n; i++)
		am_args(b, am_key(am_store_keys(t->sh->store), &t->arena, "fu",
			       am_str_c(r->ids[i])));
}

static void
rows_loaded(struct am_op *op, struct am_turn *t, const struct am_batch *b)
{
	struct am_redrive *r = (struct am_redrive *)op;
	const redisReply *rows = am_turn_reply(b, 0);

	r->rows_n = 0;
	r->rows = am_arena_zalloc(&t->arena, r->ids_n * sizeof(*r->rows));
	for (size_t i = 0; rows != NULL && i < rows->elements; i++)
		r->rows_n += am_fu_record_unpack(am_str_c(r->ids[i]),
				 am_reply_str(rows->element[i]), &t->arena,
				 &r->rows[r->rows_n]) == 0;
}

/* It failed, and waits for another try of its own. */
static bool
is_wanted(const struct am_redrive *r, const struct am_turn *t,
    const struct am_fu_record *f)
{
	return f->attempts_total != 0 && f->attempts_n != 0 &&
	       f->attempts[f->attempts_n - 1].result != AM_TRY_STARTED &&
	       f->progress == AM_FU_QUEUED && f->digest.n == 0 &&
	       f->fired_at >= r->since && !am_shard_on_wire(t->sh, f->id);
}

static void
say_row(struct am_redrive *r, const struct am_fu_record *f)
{
	char id[AM_FU_ID_LEN + 1];
	struct view *v = r->v;

	am_fu_id_format(f->id, id);
	am_view_open(v);
	am_view_s(v, "id", id);
	am_view_s(v, "shard", v->shard->stream);
	am_buf_addkv(&v->line, "complaint", f->complaint);
	am_buf_addkv(&v->line, "endpoint", f->endpoint);
	am_view_time(v, "fired_at", f->fired_at);
	am_buf_addki(&v->line, "attempts", f->attempts_total);
	am_view_close(v);
}

static bool
run_page(struct am_op *op, struct am_turn *t)
{
	struct am_redrive *r = (struct am_redrive *)op;
	size_t n = 0;

	for (size_t i = 0; i < r->rows_n; i++) {
		struct am_fu_record *f = &r->rows[i];

		if (!is_wanted(r, t, f))
			continue;
		n++;
		if (r->dry) {
			say_row(r, f);
			continue;
		}
		f->next_at = f->fired_at; /* its place in the order */
		am_commit_fu_set(t->commit, f, f->next_at);
		am_turn_touch(t, out_name(r, &t->arena), f->next_at);
	}
	r->changed += n;
	r->passed += r->dry ? r->ids_n : r->ids_n - n;
	return n != 0 && !r->dry;
}

static void
page_done(struct am_op *op, int rc)
{
	struct am_redrive *r = (struct am_redrive *)op;

	if (rc != 0)
		r->done(r, rc);
	else
		ask_page(r);
}

/* ---- its pages ---- */

static void
on_page(void *arg, int rc, struct am_batch *b)
{
	struct am_redrive *r = arg;
	const redisReply *ids = rc == 0 ? am_batch_reply(b, 0) : NULL;

	r->ids_n = 0;
	for (size_t i = 0; ids != NULL && i < ids->elements; i++) {
		struct am_str id = am_reply_str(ids->element[i]);

		if (id.n == AM_FU_ID_LEN && r->ids_n < AM_REDRIVE_PAGE)
			memcpy(r->ids[r->ids_n++], id.p, id.n);
	}
	am_batch_free(b);
	if (rc != 0) {
		r->done(r, rc);
	} else if (r->ids_n != 0) {
		am_shard_op(r->v->shard, &r->op);
	} else if (r->class + 1 < AM_FU_CLASSES) {
		r->class ++;
		r->passed = 0;
		ask_page(r);
	} else {
		r->done(r, 0);
	}
}

/* What is not due yet: the rest goes without us. */
static void
ask_page(struct am_redrive *r)
{
	struct am_store *store = r->v->shard->store;
	struct am_batch *b = am_store_query(store);
	struct am_arena *a = am_batch_arena(b);

	am_cmd(b, "ZRANGE");
	am_args(b, am_key(am_store_keys(store), a, "out", out_name(r, a)));
	am_args(b, am_str_c(am_arena_printf(a, "(%lld", (long long)r->now)));
	am_arg(b, "+inf");
	am_arg(b, "BYSCORE");
	am_arg(b, "LIMIT");
	am_argi(b, (int64_t)r->passed);
	am_argi(b, AM_REDRIVE_PAGE);
	am_store_query_send(store, b, on_page, r);
}

void
am_redrive_shard(struct am_redrive *r)
{
	r->op = (struct am_op){ .load = load_rows,
		.loaded = rows_loaded,
		.run = run_page,
		.done = page_done };
	r->now = am_shard_now(r->v->shard);
	r->changed = r->passed = 0;
	r->class = 0;
	ask_page(r);
}

/* ---- the verb ---- */

bool
am_verb_since(struct view *v, am_ms *since)
{
	struct am_str text = am_verb_option(v->argv, v->argc, "--since");
	am_ms now = am_engine_now(), at = 0;
	struct am_duration d;

	if (text.n != 0 && am_duration_parse(text, &d) == 0 &&
	    d.unit != AM_UNIT_BD && d.n > 0)
		at = now - d.n;
	else if (text.n != 0 &&
		 (am_rfc3339_parse(text, &at) != 0 || at > now)) {
		am_ctl_end(v->call, AM_EXIT_USAGE,
		    "--since %.*s is no time that has been; give one like "
		    "2026-11-21T18:00:00+08:00, or a span like 2h",
		    AM_ARG(text));
		return false;
	}
	*since = at;
	return true;
}

static void
shard_done(struct am_redrive *r, int rc)
{
	struct view *v = r->v;

	if (rc != 0) {
		am_view_lost(v, rc);
	} else {
		am_view_open(v);
		am_view_s(v, "shard", v->shard->stream);
		am_buf_addki(&v->line, r->dry ? "would_change" : "changed",
		    (int64_t)r->changed);
		am_view_close(v);
	}
	am_view_next_shard(v);
}

static void
start_shard(struct view *v)
{
	am_redrive_shard(v->own);
}

void
am_redrive_verb(struct view *v)
{
	struct am_str name = am_verb_option(v->argv, v->argc, "--endpoint");
	struct am_redrive *r = am_arena_zalloc(v->a, sizeof(*r));

	if ((name.n != 0) == (v->id.n != 0)) {
		am_ctl_end(v->call, AM_EXIT_USAGE,
		    "name a follow-up or an --endpoint; usage: %s",
		    v->verb->usage);
		return;
	}
	if (am_conf_endpoint(v->engine->conf, name) == NULL) {
		am_ctl_end(v->call, AM_EXIT_NOT_FOUND,
		    "no such endpoint: %.*s; `endpoints` names them",
		    AM_ARG(name));
		return;
	}
	r->v = v;
	r->endpoint = am_arena_cstr(v->a, name);
	r->dry = am_verb_option(v->argv, v->argc, "--dry-run").p != NULL;
	r->done = shard_done;
	if (!am_verb_since(v, &r->since))
		return;
	v->own = r;
	am_view_walk(v, start_shard, NULL);
}
