/*
 * verbs_silence - silence add, list, end.
 *
 * A silence is written to every shard that this daemon owns, under one id, each
 * in a commit of its own shard, and so goes with the shard when another takes
 * it over. What a silence held has its end for a score; when it is ended early,
 * that score becomes now in the same commit, and each is judged anew at once.
 */

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/str.h"
#include "base/time.h"
#include "daemon/turn.h"
#include "daemon/view.h"
#include "log/log.h"

#define ID_BYTES 4
/* Of a shard: each is held against each follow-up. */
#define IN_FORCE_MAX 1000
#define AUTHOR_MAX_BYTES 64

/* One call, for all shards. */
struct call {
	struct am_op op;
	struct view *v;
	struct am_silence silence;  /* to add; or, when found, to end */
	struct am_silences known;   /* of the shard at work */
	const struct am_batch *got; /* the loads of `end` */
	size_t lanes_n;		    /* outboxes among them */
	size_t shards_n;	    /* that took it */
	bool full;		    /* one has no room for it */
	struct am_str *seen;	    /* ids that were listed */
	size_t seen_n;
};

static struct call *
new_call(struct view *v)
{
	struct call *c = am_arena_zalloc(v->a, sizeof(*c));

	c->v = v;
	v->own = c;
	return c;
}

static void
print_silence(struct view *v, const struct am_silence *s, const char *state)
{
	struct am_buf *b = &v->line;

	am_view_open(v);
	am_buf_addkv(b, "id", s->id);
	am_view_s(v, "state", state);
	am_buf_addkey(b, "match");
	am_buf_addc(b, '{');
	for (size_t i = 0; i < s->match_n; i++)
		am_buf_addkv(
		    b, am_arena_cstr(v->a, s->match[i].key), s->match[i].value);
	am_buf_addc(b, '}');
	am_buf_addkv(b, "author", s->author);
	am_buf_addkv(b, "reason", s->reason);
	am_view_time(v, "from", s->from);
	am_view_time(v, "until", s->until);
	if (s->ended != 0)
		am_view_time(v, "ended", s->ended);
	am_view_close(v);
}

/* ---- what is common to add and end ---- */

static void
load_known(struct call *c, struct am_turn *t, struct am_batch *b)
{
	am_cmd(b, "HGETALL");
	am_args(b, am_shard_silences_key(t->sh, &t->arena));
	(void)c;
}

/* Those that ended long ago leave. */
static void
forget_old(struct call *c, struct am_turn *t)
{
	struct am_batch *b;

	for (size_t i = 0; i < c->known.n; i++) {
		const struct am_silence *s = &c->known.list[i];
		am_ms end = s->ended != 0 ? s->ended : s->until;

		if (end + AM_SILENCE_KEEP > t->now)
			continue;
		b = am_commit_raw(t->commit);
		am_cmd(b, "HDEL");
		am_args(b, am_shard_silences_key(t->sh, &t->arena));
		am_args(b, s->id);
	}
}

static void
write_silence(struct am_turn *t, const struct am_silence *s)
{
	struct am_batch *b;
	struct am_buf json;

	am_buf_arena(&json, &t->arena, 256);
	am_silence_format(s, &json);
	b = am_commit_raw(t->commit);
	am_cmd(b, "HSET");
	am_args(b, am_shard_silences_key(t->sh, &t->arena));
	am_args(b, s->id);
	am_args(b, am_buf_str(&json));
}

static void
on_shard_done(struct am_op *op, int rc)
{
	struct call *c = (struct call *)op;
	struct view *v = c->v;

	am_silences_forget(&c->known);
	v->shard->silences.known = false; /* read again when needed */
	if (rc == 0)
		c->shards_n++;
	else if (rc != -AM_EFENCED)
		am_view_lost(v, rc);
	am_view_next_shard(v);
}

static void
no_shard(struct view *v)
{
	if (v->unreachable != 0)
		am_view_end(v);
	else
		am_ctl_end(v->call, AM_EXIT_REFUSED,
		    "no shard is owned by this daemon now; ask the one that "
		    "does (`shard list`)");
}

/* ---- add ---- */

static struct am_str
option(struct view *v, const char *name)
{
	return am_verb_option(v->argv, v->argc, name);
}

static bool
has_all(struct view *v)
{
	static const struct {
		const char *name, *other, *what;
	} needs[] = {
		{ "--match", NULL, "--match KEY=VALUE (what it is for)" },
		{ "--author", NULL, "--author NAME (who says so)" },
		{ "--reason", NULL, "--reason TEXT (why)" },
		{ "--for", "--until", "--for 2h or --until TIME (its end)" },
	};
	struct am_buf b;

	am_buf_arena(&b, v->a, 256);
	for (size_t i = 0; i < AM_COUNT(needs); i++) {
		if (option(v, needs[i].name).n != 0 ||
		    (needs[i].other != NULL &&
			option(v, needs[i].other).n != 0))
			continue;
		am_buf_adds(&b, b.n != 0 ? ", " : "");
		am_buf_adds(&b, needs[i].what);
	}
	if (b.n == 0 && option(v, "--author").n > AUTHOR_MAX_BYTES) {
		am_ctl_end(v->call, AM_EXIT_USAGE,
		    "--author is longer than a name; at most %d bytes",
		    AUTHOR_MAX_BYTES);
		return false;
	}
	if (b.n == 0)
		return true;
	am_ctl_end(v->call, AM_EXIT_USAGE, "a silence needs %.*s",
	    AM_ARG(am_buf_str(&b)));
	return false;
}

static bool
read_end(struct view *v, struct am_silence *s)
{
	struct am_str span = option(v, "--for"), at = option(v, "--until");
	struct am_duration d;

	if (span.n != 0 && at.n != 0) {
		am_ctl_end(
		    v->call, AM_EXIT_USAGE, "give --for or --until, not both");
		return false;
	}
	if (span.n != 0 && (am_duration_parse(span, &d) != 0 ||
			       d.unit == AM_UNIT_BD || d.n <= 0)) {
		am_ctl_end(v->call, AM_EXIT_USAGE,
		    "--for %.*s is no span; give one like 30m, 2h or 3d",
		    AM_ARG(span));
		return false;
	}
	if (span.n != 0)
		s->until = s->from + d.n;
	else if (am_rfc3339_parse(at, &s->until) != 0 || s->until <= s->from) {
		am_ctl_end(v->call, AM_EXIT_USAGE,
		    "--until %.*s is no time to come; give one like "
		    "2026-11-21T18:00:00+08:00",
		    AM_ARG(at));
		return false;
	}
	return true;
}

static bool
read_matchers(struct view *v, struct am_silence *s)
{
	struct am_pair *match =
	    am_arena_zalloc(v->a, (v->argc + 1) * sizeof(*match));
	struct am_str word;
	char what[200];

	for (size_t i = 0;
	     (word = am_verb_option_at(v->argv, v->argc, "--match", i)).n != 0;
	     i++) {
		if (am_silence_matcher(word, &match[i], what) != 0) {
			am_ctl_end(v->call, AM_EXIT_USAGE, "%s", what);
			return false;
		}
		for (size_t k = 0; k < i; k++)
			if (am_str_eq(match[k].key, match[i].key)) {
				am_ctl_end(v->call, AM_EXIT_USAGE,
				    "two matchers for %.*s can never both "
				    "match; add two silences",
				    AM_ARG(match[i].key));
				return false;
			}
		s->match_n = i + 1;
	}
	s->match = match;
	return true;
}

static struct am_str
new_id(struct view *v)
{
	uint8_t raw[ID_BYTES];
	struct am_buf b;

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		am_panic(__FILE__, __LINE__, "no random bytes");
	am_buf_arena(&b, v->a, 16);
	am_buf_adds(&b, "s-");
	am_buf_addhex(&b, raw, sizeof(raw));
	return am_buf_str(&b);
}

static void
load_add(struct am_op *op, struct am_turn *t, struct am_batch *b)
{
	load_known((struct call *)op, t, b);
}

static void
loaded_add(struct am_op *op, struct am_turn *t, const struct am_batch *b)
{
	struct call *c = (struct call *)op;

	(void)t;
	am_silences_read(&c->known, am_turn_reply(b, 0));
}

static bool
run_add(struct am_op *op, struct am_turn *t)
{
	struct call *c = (struct call *)op;
	size_t in_force = 0;

	for (size_t i = 0; i < c->known.n; i++)
		in_force += am_silence_active(&c->known.list[i], t->now);
	c->full = c->full || in_force >= IN_FORCE_MAX;
	if (c->full)
		return false;
	forget_old(c, t);
	write_silence(t, &c->silence);
	return true;
}

static void
start_op(struct view *v)
{
	am_shard_op(v->shard, &((struct call *)v->own)->op);
}

static void
end_add(struct view *v)
{
	struct call *c = v->own;
	char until[32];

	if (c->full) {
		am_ctl_end(v->call, AM_EXIT_REFUSED,
		    "%d silences are in force already; end some that others "
		    "make needless (`silence list`)",
		    IN_FORCE_MAX);
		return;
	}
	if (c->shards_n == 0) {
		no_shard(v);
		return;
	}
	am_rfc3339_format(c->silence.until, until);
	am_log_notice("silence_added", "id=%.*s until=%s author=%s uid=%u",
	    AM_ARG(c->silence.id), until, am_log_val(c->silence.author),
	    am_ctl_uid(v->call));
	print_silence(v, &c->silence, "active");
	am_view_end(v);
}

void
am_verb_silence_add(struct view *v)
{
	struct call *c = new_call(v);
	struct am_silence *s = &c->silence;

	if (!has_all(v))
		return;
	s->from = am_engine_now();
	if (!read_end(v, s) || !read_matchers(v, s))
		return;
	s->author = option(v, "--author");
	s->reason = option(v, "--reason");
	s->id = new_id(v);
	c->op.load = load_add;
	c->op.loaded = loaded_add;
	c->op.run = run_add;
	c->op.done = on_shard_done;
	am_view_walk(v, start_op, end_add);
}

/* ---- list ---- */

static bool
is_seen(struct call *c, struct am_str id)
{
	for (size_t i = 0; i < c->seen_n; i++)
		if (am_str_eq(c->seen[i], id))
			return true;
	return false;
}

static const char *
state_of(const struct am_silence *s, am_ms now)
{
	if (am_silence_active(s, now))
		return "active";
	return s->ended != 0 ? "ended" : "expired";
}

static void
on_listed(struct view *v, struct am_batch *b)
{
	struct call *c = v->own;
	bool all = option(v, "--all").p != NULL;
	am_ms now = am_engine_now();
	struct am_str *seen;

	am_silences_read(&c->known, am_batch_reply(b, 0));
	seen =
	    am_arena_alloc(v->a, (c->seen_n + c->known.n + 1) * sizeof(*seen));
	if (c->seen_n != 0)
		memcpy(seen, c->seen, c->seen_n * sizeof(*seen));
	c->seen = seen;
	for (size_t i = 0; i < c->known.n; i++) {
		const struct am_silence *s = &c->known.list[i];
		am_ms end = s->ended != 0 ? s->ended : s->until;

		if (is_seen(c, s->id) || end + AM_SILENCE_KEEP <= now ||
		    (!all && !am_silence_active(s, now)))
			continue;
		c->seen[c->seen_n++] = am_arena_dup(v->a, s->id);
		print_silence(v, s, state_of(s, now));
	}
	am_silences_forget(&c->known);
	am_view_next_shard(v);
}

static void
ask_listed(struct view *v)
{
	struct am_batch *b = am_view_query(v);

	am_cmd(b, "HGETALL");
	am_args(b, am_shard_silences_key(v->shard, v->a));
	am_view_send(v, b, on_listed);
}

void
am_verb_silence_list(struct view *v)
{
	(void)new_call(v);
	am_view_walk(v, ask_listed, NULL);
}

/* ---- end ---- */

/* What it holds stands in the outboxes with its end for a score. */
static void
load_end(struct am_op *op, struct am_turn *t, struct am_batch *b)
{
	struct call *c = (struct call *)op;
	const struct am_keys *keys = am_store_keys(t->sh->store);

	load_known(c, t, b);
	c->lanes_n = t->sh->lanes_n;
	for (size_t i = 0; i < c->lanes_n; i++) {
		struct am_str lane = am_str_c(t->sh->lanes[i]->name);

		am_cmd(b, "ZRANGE");
		am_args(b, am_key(keys, &t->arena, "out", lane));
		am_argi(b, c->silence.until);
		am_argi(b, c->silence.until);
		am_arg(b, "BYSCORE");
	}
}

static void
loaded_end(struct am_op *op, struct am_turn *t, const struct am_batch *b)
{
	struct call *c = (struct call *)op;

	(void)t;
	am_silences_read(&c->known, am_turn_reply(b, 0));
	c->got = b;
}

static void
release(struct am_turn *t, const char *lane, const redisReply *ids)
{
	for (size_t i = 0; ids != NULL && i < ids->elements; i++)
		am_commit_fu_score(t->commit, am_str_c(lane),
		    am_reply_str(ids->element[i]), t->now);
	if (ids != NULL && ids->elements != 0)
		am_turn_touch(t, am_str_c(lane), t->now);
}

static bool
run_end(struct am_op *op, struct am_turn *t)
{
	struct call *c = (struct call *)op;

	for (size_t i = 0; i < c->known.n; i++) {
		struct am_silence s = c->known.list[i];

		if (!am_str_eq(s.id, c->silence.id) ||
		    !am_silence_active(&s, t->now))
			continue;
		s.ended = t->now;
		write_silence(t, &s);
		for (size_t k = 0; k < c->lanes_n; k++)
			release(t, t->sh->lanes[k]->name,
			    am_turn_reply(c->got, 1 + k));
		return true;
	}
	return false; /* it has ended by itself */
}

static void
on_sought(struct view *v, struct am_batch *b)
{
	struct call *c = v->own;
	struct am_str json = am_reply_str(am_batch_reply(b, 0));

	if (json.n == 0 || am_silence_parse(v->id, am_arena_dup(v->a, json),
			       v->a, &c->silence) != 0) {
		am_view_next_shard(v);
		return;
	}
	v->found = true;
	if (am_silence_active(&c->silence, am_engine_now()))
		am_shard_op(v->shard, &c->op);
	else
		am_view_next_shard(v);
}

static void
seek(struct view *v)
{
	struct am_batch *b = am_view_query(v);

	am_cmd(b, "HGET");
	am_args(b, am_shard_silences_key(v->shard, v->a));
	am_args(b, v->id);
	am_view_send(v, b, on_sought);
}

static void
end_end(struct view *v)
{
	struct call *c = v->own;

	if (!v->found) {
		am_view_not_found(v, "silence");
	} else if (c->shards_n == 0 && v->unreachable == 0) {
		am_ctl_end(v->call, AM_EXIT_REFUSED,
		    "%.*s has ended, or its shard is another daemon's",
		    AM_ARG(v->id));
	} else {
		am_log_notice("silence_ended", "id=%.*s uid=%u", AM_ARG(v->id),
		    am_ctl_uid(v->call));
		am_view_end(v);
	}
}

void
am_verb_silence_end(struct view *v)
{
	struct call *c = new_call(v);

	c->op.load = load_end;
	c->op.loaded = loaded_end;
	c->op.run = run_end;
	c->op.done = on_shard_done;
	am_view_walk(v, seek, end_end);
}
