/*
 * verbs_erase - a person's data leave by an operator's hand.
 *
 * Named by complaint, or by who complained: then the personal data of all that
 * is kept are gone through first. Each shard's complaints are stepped in turns
 * like all others, the sweeps behind them are waited for, and then it is said
 * what was taken away and what nobody here can reach.
 */

#include <string.h>

#include "base/str.h"
#include "daemon/erase.h"
#include "daemon/view.h"
#include "daemon/walk.h"

#define SCAN_PAGE 256

/* One complaint that is asked for. */
struct target {
	struct am_erase_wait wait;
	struct erasing *erasing;
	struct am_str id;
	bool found;
	bool again; /* it was erased before */
	bool here;  /* in the shard at hand, to be swept */
};

struct erasing {
	struct am_walk walk;
	struct view *v;
	struct am_str by, customer;
	struct target *targets;
	size_t targets_n, cap;
	struct am_str *ids; /* of targets, for the walk */
	char scan[24];
	size_t sweeping, done, foreign;
	const char *wrong;
};

static struct erasing *
of_walk(struct am_walk *w)
{
	return (struct erasing *)w;
}

static void
add_target(struct erasing *e, struct am_str id)
{
	for (size_t i = 0; i < e->targets_n; i++)
		if (am_str_eq(e->targets[i].id, id))
			return;
	if (e->targets_n == e->cap) {
		struct target *more;

		e->cap = e->cap * 2 + 16;
		more = am_arena_zalloc(e->v->a, e->cap * sizeof(*more));
		if (e->targets_n != 0)
			memcpy(more, e->targets, e->targets_n * sizeof(*more));
		e->targets = more;
	}
	e->targets[e->targets_n++] =
	    (struct target){ .id = am_arena_dup(e->v->a, id) };
}

/* ---- the end ---- */

static void
say_unreached(struct erasing *e, const char *rewrite)
{
	struct view *v = e->v;

	am_view_open(v);
	am_view_s(v, "not_reached",
	    "receivers, gateways and mail servers keep what they were told; "
	    "snapshots and the append-only file of Redis keep all of it until "
	    "they are written anew");
	am_view_s(v, "rewrite", rewrite);
	am_view_close(v);
}

static void
end_all(struct erasing *e)
{
	struct am_ctl_call *call = e->v->call;
	size_t missing = 0;

	for (size_t i = 0; i < e->targets_n; i++)
		missing += !e->targets[i].found;
	if (e->wrong != NULL)
		am_ctl_end(call, AM_EXIT_FAILED,
		    "stopped after %zu: %s; the same command goes on", e->done,
		    e->wrong);
	else if (missing > 0 && e->foreign > 0)
		am_ctl_end(call, AM_EXIT_REFUSED,
		    "%zu not found here, and %zu shards are not owned by this "
		    "daemon now; ask their owner",
		    missing, e->foreign);
	else if (missing > 0 || e->targets_n == 0)
		am_ctl_end(call, AM_EXIT_NOT_FOUND,
		    "no such complaint: %zu of %zu; erased: %zu", missing,
		    e->targets_n, e->done);
	else if (e->foreign > 0 && e->customer.n > 0)
		am_ctl_end(call, AM_EXIT_REFUSED,
		    "erased: %zu; %zu shards are not owned by this daemon now, "
		    "ask their owner, too",
		    e->done, e->foreign);
	else
		am_ctl_end(call, AM_EXIT_OK, "erased: %zu", e->done);
}

static void
on_rewrite(struct view *v, struct am_batch *b)
{
	const redisReply *r = am_batch_reply(b, 0);
	struct erasing *e = v->own;

	say_unreached(e, am_reply_is_error(r)
			     ? am_arena_cstr(v->a, am_reply_str(r))
			     : "started");
	end_all(e);
	am_view_drop(v);
}

static void
no_rewrite(struct view *v)
{
	say_unreached(v->own, "Redis is away");
	end_all(v->own);
}

static void
finish(struct view *v)
{
	struct erasing *e = v->own;
	struct am_batch *b;

	if (am_verb_option(v->argv, v->argc, "rewrite").p == NULL) {
		if (e->done > 0)
			say_unreached(e, "not asked for, see --rewrite");
		end_all(e);
		return;
	}
	v->end = no_rewrite;
	v->shard_i = v->engine->shards_n;
	v->shard = v->engine->shards[0];
	b = am_view_query(v);
	am_cmd(b, "BGREWRITEAOF");
	am_view_send(v, b, on_rewrite);
}

/* ---- one shard ---- */

static void
say_erased(struct erasing *e, const struct target *g)
{
	const struct am_erased *took = &g->wait.erased;
	struct view *v = e->v;

	am_view_open(v);
	am_buf_addkv(&v->line, "id", g->id);
	am_view_s(v, "shard", v->shard->stream);
	am_view_s(v, "state", g->again ? "erased before" : "erased");
	am_buf_addki(&v->line, "entries", (int64_t)took->entries);
	am_buf_addki(&v->line, "rejects", (int64_t)took->rejects);
	am_buf_addki(&v->line, "letters", (int64_t)took->letters);
	am_view_close(v);
	e->done++;
}

static void
on_swept(struct am_erase_wait *w, int rc)
{
	struct target *g = (struct target *)w;
	struct erasing *e = g->erasing;

	if (rc == 0)
		say_erased(e, g);
	else
		e->wrong = rc == -AM_ECANCELED
			       ? "the daemon is stopping"
			       : "the shard is not owned by this daemon any "
				 "more";
	if (--e->sweeping != 0)
		return;
	if (e->wrong != NULL)
		e->v->shard_i = e->v->engine->shards_n;
	am_view_next_shard(e->v);
}

/* All at once: in which order they are swept is not known. */
static void
await_sweeps(struct erasing *e)
{
	for (size_t i = 0; i < e->targets_n; i++)
		e->sweeping += e->targets[i].here;
	if (e->sweeping == 0) {
		am_view_next_shard(e->v);
		return;
	}
	for (size_t i = 0; i < e->targets_n; i++) {
		struct target *g = &e->targets[i];

		if (!g->here)
			continue;
		g->here = false;
		g->erasing = e;
		g->wait =
		    (struct am_erase_wait){ .id = g->id, .done = on_swept };
		am_erasures_wait(e->v->shard->erasures, &g->wait);
	}
}

static bool
erase_one(struct am_walk *w, struct am_turn *t, struct am_case *c, am_ms wake)
{
	struct erasing *e = of_walk(w);
	struct am_pair field = { AM_STR("approver"), e->by };
	const struct am_update *up = NULL;
	struct am_event ev;
	size_t i = 0;

	(void)wake;
	if (!c->exists)
		return false;
	while (!am_str_eq(e->targets[i].id, c->id))
		i++;
	e->targets[i].found = e->targets[i].here = true;
	if (c->unusable == NULL) {
		am_turn_internal(t, &ev, AM_EV_ERASED, c->id);
		ev.event_id = am_str_c(am_arena_printf(
		    &t->arena, "erase-%lld", (long long)t->now));
		ev.actor_id = e->by;
		ev.fields = &field;
		ev.fields_n = e->by.n > 0;
		up = am_turn_step(t, c, &ev);
	}
	e->targets[i].again = up == NULL || up->verdict != AM_APPLIED;
	if (e->targets[i].again) /* a parked one, or what came since */
		am_commit_erase(t->commit, c->id);
	return true;
}

static void
shard_stepped(struct am_walk *w, int rc)
{
	struct erasing *e = of_walk(w);

	if (rc == -AM_EFENCED) {
		e->foreign++;
		am_view_next_shard(e->v);
		return;
	}
	if (rc != 0) {
		e->wrong = am_err_str(rc);
		e->v->shard_i = e->v->engine->shards_n;
		am_view_next_shard(e->v);
		return;
	}
	await_sweeps(e);
}

static void
step_shard(struct view *v)
{
	struct erasing *e = v->own;

	if (!v->shard->running) {
		e->foreign++;
		am_view_next_shard(v);
		return;
	}
	for (size_t i = 0; i < e->targets_n; i++)
		e->targets[i].here = false;
	memset(&e->walk, 0, sizeof(e->walk));
	e->walk.ids = e->ids;
	e->walk.ids_n = e->targets_n;
	e->walk.step = erase_one;
	e->walk.done = shard_stepped;
	am_walk_start(v->shard, &e->walk);
}

static void
step_all(struct view *v)
{
	struct erasing *e = v->own;

	e->ids = am_arena_alloc(v->a, (e->targets_n + 1) * sizeof(*e->ids));
	for (size_t i = 0; i < e->targets_n; i++)
		e->ids[i] = e->targets[i].id;
	am_view_walk(v, step_shard, finish);
}

/* ---- by who complained ---- */

static void scan(struct view *v);

static void
on_personal(struct view *v, struct am_batch *b)
{
	struct erasing *e = v->own;
	const redisReply *ids = am_batch_reply(v->held[0], 0)->element[1];

	for (size_t i = 0; i < ids->elements / 2; i++) {
		const redisReply *r = am_batch_reply(b, i);

		for (size_t k = 0; r != NULL && k < r->elements; k++)
			if (am_str_eq(am_reply_str(r->element[k]), e->customer))
				add_target(
				    e, am_reply_str(ids->element[2 * i]));
	}
	am_view_drop(v);
	if (strcmp(e->scan, "0") == 0) {
		am_view_next_shard(v);
		return;
	}
	scan(v);
}

static void
on_scanned(struct view *v, struct am_batch *b)
{
	static const char *const names[] = { "customer.id", "customer.phone",
		"customer.email", "customer.ref" };
	const redisReply *r = am_batch_reply(b, 0);
	struct erasing *e = v->own;
	struct am_batch *more;

	if (am_reply_is_error(r) || r->elements != 2) {
		am_view_lost(v, am_reply_rc(r));
		am_view_next_shard(v);
		return;
	}
	snprintf(e->scan, sizeof(e->scan), "%.*s",
	    AM_ARG(am_reply_str(r->element[0])));
	more = am_view_query(v);
	if (r->element[1]->elements == 0)
		am_cmd(more, "PING");
	for (size_t i = 0; i + 1 < r->element[1]->elements; i += 2) {
		am_cmd(more, "HMGET");
		am_args(
		    more, am_key(am_store_keys(v->shard->store), v->a, "pii",
			      am_reply_str(r->element[1]->element[i])));
		for (size_t k = 0; k < AM_COUNT(names); k++)
			am_arg(more, names[k]);
	}
	am_view_send(v, more, on_personal);
}

static void
scan(struct view *v)
{
	struct erasing *e = v->own;
	struct am_batch *b = am_view_query(v);

	am_cmd(b, "ZSCAN");
	am_arg(b, am_store_keys(v->shard->store)->wake);
	am_arg(b, e->scan);
	am_arg(b, "COUNT");
	am_argi(b, SCAN_PAGE);
	am_view_send(v, b, on_scanned);
}

static void
scan_shard(struct view *v)
{
	struct erasing *e = v->own;

	snprintf(e->scan, sizeof(e->scan), "0");
	scan(v);
}

static void
scanned_all(struct view *v)
{
	struct erasing *e = v->own;

	if (v->unreachable != 0)
		am_view_end(v);
	else if (e->targets_n == 0)
		am_ctl_end(v->call, AM_EXIT_NOT_FOUND,
		    "no complaint here is of that customer");
	else
		step_all(v);
}

void
am_verb_erase(struct view *v)
{
	struct erasing *e = am_arena_zalloc(v->a, sizeof(*e));
	struct am_str id;

	e->v = v;
	e->by = am_verb_option(v->argv, v->argc, "by");
	e->customer = am_verb_option(v->argv, v->argc, "customer");
	v->own = e;
	for (size_t i = 0;
	     (id = am_verb_arg(v->verb, v->argv, v->argc, i)).n != 0; i++)
		add_target(e, id);
	if ((e->targets_n == 0) == (e->customer.n == 0))
		am_ctl_end(v->call, AM_EXIT_USAGE,
		    "name complaints, or --customer with an id, a number or an "
		    "address");
	else if (e->customer.n > 0)
		am_view_walk(v, scan_shard, scanned_all);
	else
		step_all(v);
}
