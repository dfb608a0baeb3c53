/* view - the walk over the shards and the JSON that all verbs share. */

#include "daemon/view.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "codec/record.h"

struct view *
am_view_new(struct am_engine *e, struct am_ctl_call *call,
    const struct am_verb *verb, const struct am_str *argv, size_t argc)
{
	struct am_arena *a = am_ctl_arena(call);
	struct view *v = am_arena_zalloc(a, sizeof(*v));
	struct am_str *copy = am_arena_alloc(a, (argc + 1) * sizeof(*copy));

	for (size_t i = 0; i < argc; i++)
		copy[i] = am_arena_dup(a, argv[i]);
	v->engine = e;
	v->call = call;
	v->a = a;
	v->verb = verb;
	v->argv = copy;
	v->argc = argc;
	am_buf_arena(&v->line, a, 512);
	v->id = am_verb_arg(verb, copy, argc, 0);
	return v;
}

/* ---- JSON ---- */

void
am_view_open(struct view *v)
{
	am_buf_reset(&v->line);
	am_buf_addc(&v->line, '{');
}

void
am_view_close(struct view *v)
{
	am_buf_addc(&v->line, '}');
	am_ctl_line(v->call, am_buf_str(&v->line));
}

void
am_view_time(struct view *v, const char *key, am_ms t)
{
	char text[32];

	if (t == AM_NEVER || t == 0) {
		am_buf_addkey(&v->line, key);
		am_buf_adds(&v->line, "null");
		return;
	}
	am_rfc3339_format(t, text);
	am_buf_addkv(&v->line, key, am_str_c(text));
}

void
am_view_bool(struct view *v, const char *key, bool b)
{
	am_buf_addkey(&v->line, key);
	am_buf_adds(&v->line, b ? "true" : "false");
}

void
am_view_s(struct view *v, const char *key, const char *s)
{
	am_buf_addkv(&v->line, key, am_str_c(s));
}

void
am_view_shard(struct view *v, const struct am_shard *sh, int64_t open)
{
	const struct am_cursor *cursor = am_store_cursor(sh->store);
	const struct am_token *token = am_store_token(sh->store);

	am_view_s(v, "stream", sh->stream);
	am_view_s(v, "state", am_shard_state_name(sh));
	am_view_s(v, "why", am_store_why(sh->store));
	am_view_s(
	    v, "owner", token != NULL && !sh->released ? token->instance : "");
	am_view_bool(v, "mine", sh->running);
	am_buf_addki(&v->line, "lag", (int64_t)am_store_lag(sh->store));
	am_view_s(v, "cursor", cursor->id);
	am_buf_addki(&v->line, "applied", (int64_t)cursor->applied);
	am_buf_addki(&v->line, "lost", (int64_t)cursor->lost);
	am_buf_addki(&v->line, "commit", (int64_t)cursor->commit);
	if (open >= 0)
		am_buf_addki(&v->line, "open", open);
	am_view_time(v, "next_wake", sh->wake_at);
}

/* ---- the walk ---- */

void
am_view_lost(struct view *v, int rc)
{
	if (v->unreachable++ == 0)
		v->lost = rc;
}

const char *
am_view_why(const struct view *v)
{
	switch (v->lost) {
	case -AM_EFULL:
		return "Redis is full and takes no writes";
	case -AM_EBUSY:
		return "Redis takes no writes now";
	case -AM_EPROTO:
		return "a write failed; see `shard list`";
	default:
		return "Redis is away";
	}
}

void
am_view_end(struct view *v)
{
	if (v->unreachable != 0)
		am_ctl_end(v->call, AM_EXIT_FAILED,
		    "not done in %zu of %zu shards: %s", v->unreachable,
		    v->engine->shards_n, am_view_why(v));
	else
		am_ctl_end(v->call, AM_EXIT_OK, "%s", "");
}

void
am_view_drop(struct view *v)
{
	for (size_t i = 0; i < AM_COUNT(v->held); i++) {
		am_batch_free(v->held[i]);
		v->held[i] = NULL;
	}
	am_batch_free(v->records);
	v->records = NULL;
}

size_t
am_view_limit(struct view *v, size_t otherwise)
{
	uint64_t n;

	if (am_str_u64(am_verb_option(v->argv, v->argc, "--limit"), &n) != 0)
		return otherwise;
	return (size_t)n;
}

void
am_view_walk(
    struct view *v, void (*start)(struct view *), void (*end)(struct view *))
{
	v->start = start;
	v->end = end != NULL ? end : am_view_end;
	v->shard_i = 0;
	v->shard = NULL;
	am_view_next_shard(v);
}

void
am_view_next_shard(struct view *v)
{
	am_view_drop(v);
	v->offset = 0;
	if (v->shard_i == v->engine->shards_n || !am_ctl_alive(v->call)) {
		v->shard = NULL;
		v->end(v);
		return;
	}
	v->shard = v->engine->shards[v->shard_i++];
	v->start(v);
}

struct am_batch *
am_view_query(struct view *v)
{
	return am_store_query(v->shard->store);
}

static void
on_answer(void *arg, int rc, struct am_batch *b)
{
	struct view *v = arg;

	if (rc != 0) {
		am_batch_free(b);
		am_view_lost(v, rc);
		am_view_next_shard(v);
		return;
	}
	if (v->held[0] == NULL)
		v->held[0] = b;
	else {
		am_batch_free(v->held[1]);
		v->held[1] = b;
	}
	v->next(v, b);
}

void
am_view_send(struct view *v, struct am_batch *b,
    void (*next)(struct view *v, struct am_batch *b))
{
	v->next = next;
	am_store_query_send(v->shard->store, b, on_answer, v);
}

/* ---- one complaint ---- */

struct find {
	void (*next)(struct view *v, struct am_batch *b);
	struct am_batch *record;
};

static void
have_loop(struct view *v)
{
	struct find *f = v->own;
	bool unusable = false;

	v->def = am_shard_loop(v->shard, v->c->loop_ref, &unusable);
	v->found = true;
	if (v->def == NULL) {
		am_ctl_end(v->call, AM_EXIT_FAILED,
		    "%.*s is on loop %.*s, which cannot be used: its "
		    "definition is missing or names what is no more in conf",
		    AM_ARG(v->id), AM_ARG(v->c->loop_ref));
		am_view_drop(v);
		return;
	}
	f->next(v, f->record);
}

static void
on_loop(struct view *v, struct am_batch *b)
{
	bool unusable = false;

	if (am_shard_loop(v->shard, v->c->loop_ref, &unusable) == NULL &&
	    !unusable)
		am_shard_loop_add(v->shard, v->c->loop_ref,
		    am_reply_str(am_batch_reply(b, 0)));
	have_loop(v);
}

static void
on_record(struct view *v, struct am_batch *b)
{
	struct find *f = v->own;
	struct am_str bytes = am_reply_str(am_batch_reply(b, 0));
	bool unusable = false;
	struct am_batch *more;

	if (bytes.n == 0) {
		am_view_next_shard(v);
		return;
	}
	f->record = b;
	v->c = am_arena_zalloc(v->a, sizeof(*v->c));
	if (am_record_unpack(v->id, bytes, v->a, v->c) != 0) {
		v->found = true;
		am_ctl_end(v->call, AM_EXIT_FAILED,
		    "the record of %.*s cannot be read (it is parked or of a "
		    "newer version)",
		    AM_ARG(v->id));
		am_view_drop(v);
		return;
	}
	if (am_shard_loop(v->shard, v->c->loop_ref, &unusable) != NULL ||
	    unusable) {
		have_loop(v);
		return;
	}
	more = am_view_query(v);
	am_cmd(more, "GET");
	am_args(more, am_key(am_store_keys(v->shard->store), v->a, "loop",
			  v->c->loop_ref));
	am_view_send(v, more, on_loop);
}

static void
ask_record(struct view *v)
{
	const struct am_keys *keys = am_store_keys(v->shard->store);
	struct am_batch *b = am_view_query(v);

	am_cmd(b, "GET");
	am_args(b, am_key(keys, v->a, "c", v->id));
	am_cmd(b, "LRANGE");
	am_args(b, am_key(keys, v->a, "log", v->id));
	am_argi(b, 0);
	am_argi(b, -1);
	am_view_send(v, b, on_record);
}

static void
end_not_found(struct view *v)
{
	am_view_not_found(v, "complaint");
}

void
am_view_complaint(
    struct view *v, void (*next)(struct view *v, struct am_batch *b))
{
	struct find *f = am_arena_zalloc(v->a, sizeof(*f));

	f->next = next;
	v->own = f;
	am_view_walk(v, ask_record, end_not_found);
}

void
am_view_end_everywhere(struct view *v, int rc, size_t foreign, size_t done,
    const char *before, const char *now)
{
	char theirs[100] = "";

	if (foreign != 0)
		snprintf(theirs, sizeof(theirs),
		    "; %zu of %zu shards are another daemon's: say it there, "
		    "too",
		    foreign, v->engine->shards_n);
	if (rc != 0)
		am_ctl_end(v->call, AM_EXIT_FAILED, "not done everywhere: %s%s",
		    am_err_str(rc), theirs);
	else if (foreign == v->engine->shards_n)
		am_ctl_end(v->call, AM_EXIT_REFUSED,
		    "no shard is owned by this daemon now; say it where they "
		    "are");
	else if (done == 0)
		am_ctl_end(v->call, AM_EXIT_OK, "%s%s", before, theirs);
	else
		am_ctl_end(v->call, AM_EXIT_OK, "%s in %zu shard%s%s", now,
		    done, done == 1 ? "" : "s", theirs);
}

void
am_view_not_found(struct view *v, const char *what)
{
	if (v->unreachable != 0)
		am_ctl_end(v->call, AM_EXIT_FAILED,
		    "%s: cannot look for %s %.*s", am_view_why(v), what,
		    AM_ARG(v->id));
	else
		am_ctl_end(v->call, AM_EXIT_NOT_FOUND, "no such %s: %.*s", what,
		    AM_ARG(v->id));
}

void
am_view_end_act(
    struct view *v, int rc, const char *refused, const char *counted, size_t n)
{
	am_view_drop(v);
	if (rc == -AM_EFENCED) {
		am_ctl_end(v->call, AM_EXIT_REFUSED,
		    "shard %s is not owned by this daemon now",
		    v->shard->stream);
	} else if (rc != 0) {
		am_ctl_end(
		    v->call, AM_EXIT_FAILED, "not done: %s", am_err_str(rc));
	} else if (refused != NULL) {
		am_ctl_end(v->call, AM_EXIT_REFUSED, "%s", refused);
	} else {
		am_view_open(v);
		am_view_s(v, "shard", v->shard->stream);
		am_buf_addki(&v->line, counted, (int64_t)n);
		am_view_close(v);
		am_ctl_end(v->call, AM_EXIT_OK, "%s", "");
	}
}

am_ms
am_view_due(const struct am_loopdef *def, const struct am_complaint *c)
{
	if (c->status == AM_CLOSED)
		return AM_NEVER;
	return am_clock_due(def, c, (size_t)AM_CLOCK_STAGE0 + c->stage);
}

am_ms
am_view_consumed(const struct am_clockdef *cd, const struct am_clock *k)
{
	if (k->state != AM_CLK_RUNNING)
		return k->consumed;
	return k->consumed + am_calendar_span(cd->calendar, k->running_since,
				 am_engine_now());
}
