/*
 * verbs_pause - pause and resume: intake, delivery, loop NAME.
 *
 * Written to every shard that this daemon owns, each in a commit of its own
 * shard, and so goes with the shard when another takes it over. What a paused
 * loop held is let go page by page in further commits; the pause itself leaves
 * Redis with the last of them, so that a daemon that dies on the way is still
 * paused and says so.
 */

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "daemon/turn.h"
#include "daemon/view.h"
#include "log/log.h"

#define PAGE 1000 /* follow-ups of an outbox that a commit lets go */

/* One call, for all shards. */
struct call {
	struct am_op op;
	struct view *v;
	struct am_pause pause; /* what, by, reason */
	bool resume;
	bool changed;		    /* in the shard at hand */
	bool more;		    /* it holds more to let go */
	am_ms since;		    /* of the pause that ends there */
	const struct am_batch *got; /* the loads */
	size_t lanes_n;		    /* outboxes among them */
	size_t released;	    /* in the shard at hand */
	size_t done, as_it_was, foreign;
	int rc; /* why it was not done in one that is ours */
};

static bool
is_loop(const struct call *c)
{
	return strncmp(c->pause.what, "loop:", 5) == 0;
}

/* ---- what a loop held ---- */

static void
load_held(struct am_op *op, struct am_turn *t, struct am_batch *b)
{
	struct call *c = (struct call *)op;
	const struct am_keys *keys = am_store_keys(t->sh->store);

	c->lanes_n = t->sh->lanes_n;
	for (size_t i = 0; i < c->lanes_n; i++) {
		struct am_str lane = am_str_c(t->sh->lanes[i]->name);

		am_cmd(b, "ZRANGE");
		am_args(b, am_key(keys, &t->arena, "out", lane));
		am_argi(b, AM_PAUSE_SCORE);
		am_argi(b, AM_PAUSE_SCORE);
		am_arg(b, "BYSCORE");
		am_arg(b, "LIMIT");
		am_argi(b, 0);
		am_argi(b, PAGE);
	}
}

static void
loaded_held(struct am_op *op, struct am_turn *t, const struct am_batch *b)
{
	(void)t;
	((struct call *)op)->got = b;
}

static void
release(
    struct call *c, struct am_turn *t, const char *lane, const redisReply *ids)
{
	if (ids == NULL || ids->type != REDIS_REPLY_ARRAY)
		return;
	for (size_t i = 0; i < ids->elements; i++)
		am_commit_fu_score(t->commit, am_str_c(lane),
		    am_reply_str(ids->element[i]), t->now);
	if (ids->elements != 0)
		am_turn_touch(t, am_str_c(lane), t->now);
	c->released += ids->elements;
	c->more = c->more || ids->elements == PAGE;
}

/* ---- the change ---- */

static void
write_was(const struct call *c, struct am_turn *t, struct am_batch *b)
{
	struct am_buf json;

	am_buf_arena(&json, &t->arena, 64);
	am_paused_format_was(c->since, t->now, &json);
	am_cmd(b, "HSET");
	am_args(b, am_paused_key(t->sh, &t->arena));
	am_arg(b, "was");
	am_args(b, am_buf_str(&json));
}

static bool
run_pause(struct am_op *op, struct am_turn *t)
{
	struct call *c = (struct call *)op;
	struct am_batch *b;
	struct am_buf json;

	c->changed = am_paused_find(t->sh, c->pause.what) == NULL;
	if (!c->changed)
		return false;
	c->pause.since = t->now;
	am_buf_arena(&json, &t->arena, 256);
	am_paused_format(&c->pause, &json);
	b = am_commit_raw(t->commit);
	am_cmd(b, "HSET");
	am_args(b, am_paused_key(t->sh, &t->arena));
	am_arg(b, c->pause.what);
	am_args(b, am_buf_str(&json));
	return true;
}

static bool
run_resume(struct am_op *op, struct am_turn *t)
{
	struct call *c = (struct call *)op;
	const struct am_pause *p = am_paused_find(t->sh, c->pause.what);
	struct am_batch *b;

	c->more = false;
	if (!c->changed && p == NULL)
		return false;
	if (!c->changed)
		c->since = p->since;
	c->changed = true;
	for (size_t i = 0; c->got != NULL && i < c->lanes_n; i++)
		release(c, t, t->sh->lanes[i]->name, am_turn_reply(c->got, i));
	c->got = NULL;
	am_commit_must_go_on(t->commit);
	if (c->more)
		return true;
	if (strcmp(c->pause.what, "intake") != 0) /* entries have own rules */
		write_was(c, t, am_commit_raw(t->commit));
	b = am_commit_raw(t->commit);
	am_cmd(b, "HDEL");
	am_args(b, am_paused_key(t->sh, &t->arena));
	am_arg(b, c->pause.what);
	return true;
}

static void
say_shard(struct call *c)
{
	struct view *v = c->v;

	am_view_open(v);
	am_view_s(v, "shard", v->shard->stream);
	am_view_s(v, "what", c->pause.what);
	am_view_s(v, "state", c->resume ? "running" : "paused");
	am_view_bool(v, "changed", c->changed);
	if (c->resume && is_loop(c))
		am_buf_addki(&v->line, "due", (int64_t)c->released);
	am_view_close(v);
}

static void
shard_done(struct am_op *op, int rc)
{
	struct call *c = (struct call *)op;
	struct am_shard *sh = c->v->shard;

	if (rc != 0) {
		c->foreign += rc == -AM_EFENCED;
		if (rc != -AM_EFENCED) {
			c->rc = rc;
			am_paused_ask(sh); /* what is true in Redis */
		}
		am_view_next_shard(c->v);
		return;
	}
	if (c->changed && c->resume)
		am_paused_clear(sh, c->pause.what, am_engine_now());
	else if (c->changed)
		am_paused_set(sh, &c->pause);
	if (c->more) {
		am_shard_op(sh, &c->op);
		return;
	}
	c->done += c->changed;
	c->as_it_was += !c->changed;
	say_shard(c);
	am_shard_kick(sh);
	am_view_next_shard(c->v);
}

static void
ask_shard(struct view *v)
{
	struct call *c = v->own;

	c->changed = c->more = false;
	c->released = 0;
	am_shard_op(v->shard, &c->op);
}

static void
end_call(struct view *v)
{
	const struct call *c = v->own;
	const char *state = c->resume ? "resumed" : "paused";

	if (c->done != 0)
		am_log_notice(state, "what=%s shards=%zu by=%s reason=%s",
		    am_log_val(am_str_c(c->pause.what)), c->done,
		    am_log_val(am_str_c(c->pause.by)),
		    am_log_val(am_str_c(c->pause.reason)));
	am_view_end_everywhere(v, c->rc, c->foreign, c->done,
	    am_arena_printf(v->a, "%s was %s", c->pause.what,
		c->resume ? "not paused" : "paused already"),
	    am_arena_printf(v->a, "%s is %s", c->pause.what, state));
}

static void
change(struct view *v, const char *what, bool resume)
{
	struct am_str text = am_verb_option(v->argv, v->argc, "--reason");
	struct call *c;

	if (text.n > AM_PAUSE_TEXT) {
		am_ctl_end(v->call, AM_EXIT_USAGE,
		    "--reason is longer than a line; at most %d bytes",
		    AM_PAUSE_TEXT);
		return;
	}
	c = am_arena_zalloc(v->a, sizeof(*c));
	c->v = v;
	c->resume = resume;
	c->pause.what = what;
	c->pause.by = am_arena_printf(v->a, "uid %u", am_ctl_uid(v->call));
	c->pause.reason = am_arena_cstr(v->a, text);
	c->op = (struct am_op){ .run = resume ? run_resume : run_pause,
		.done = shard_done };
	if (resume && is_loop(c)) {
		c->op.load = load_held;
		c->op.loaded = loaded_held;
	}
	v->own = c;
	am_view_walk(v, ask_shard, end_call);
}

void
am_verb_pause_intake(struct view *v)
{
	change(v, "intake", false);
}

void
am_verb_pause_delivery(struct view *v)
{
	change(v, "delivery", false);
}

void
am_verb_resume_intake(struct view *v)
{
	change(v, "intake", true);
}

void
am_verb_resume_delivery(struct view *v)
{
	change(v, "delivery", true);
}

static const char *
loop_named(struct view *v)
{
	return am_arena_printf(v->a, "loop:%.*s", AM_ARG(v->id));
}

void
am_verb_pause_loop(struct view *v)
{
	if (am_conf_loop(v->engine->conf, v->id) != NULL)
		change(v, loop_named(v), false);
	else
		am_ctl_end(v->call, AM_EXIT_NOT_FOUND, "no such loop: %.*s",
		    AM_ARG(v->id));
}

/* Also of a loop that the configuration has no more. */
void
am_verb_resume_loop(struct view *v)
{
	const char *what = loop_named(v);
	bool known = am_conf_loop(v->engine->conf, v->id) != NULL;

	for (size_t i = 0; i < v->engine->shards_n; i++)
		known =
		    known || am_paused_find(v->engine->shards[i], what) != NULL;
	if (known)
		change(v, what, true);
	else
		am_ctl_end(v->call, AM_EXIT_NOT_FOUND, "no such loop: %.*s",
		    AM_ARG(v->id));
}
