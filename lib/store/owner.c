/*
 * owner - see owner.h.
 *
 * A look that finds the shard free (no token, or one of an earlier life of this
 * instance) or silent for ttl takes it in a second batch; WATCH makes the two
 * one. Reading the cursor in the first batch is as good as reading it after the
 * token was replaced, for the cursor is watched too: had an old EXEC that was
 * still on its way run in between, the take-over would have answered nil and a
 * new look would follow. So an unknown outcome needs no code of its own here.
 *
 * The alternative, a lock with an expiry, follows the wall clock of the server
 * and cannot tell a stale owner's write from a good one.
 */
#include "store/store_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/util.h>

#include "base/str.h"
#include "store/clock.h"

#define AGAIN_MIN ((am_ms)50) /* to a second look after a nil */

/* Replies of a look, by index. */
enum {
	LOOK_WATCH,
	LOOK_TOKEN,
	LOOK_CURSOR,
	LOOK_TIME,
	LOOK_BEAT,
	LOOK_STREAM,
	LOOK_TYPES,
};

/* What a look found; lives in the batch of the take-over. */
struct taking {
	struct am_store *s;
	struct am_cursor_row row;
	struct am_stream_info info;
	struct am_str old_token; /* n == 0: none */
	size_t first;		 /* of the writes: MULTI is 0 */
	size_t exec;
};

/* ---- tokens ---- */

static void
token_fresh(struct am_store *s, uint64_t epoch)
{
	struct am_owner *o = &s->owner;

	memcpy(o->before, o->held ? o->text : "", o->held ? sizeof o->text : 1);
	o->token.epoch = epoch;
	snprintf(o->token.instance, sizeof o->token.instance, "%.63s",
	    s->opts.instance);
	evutil_secure_rng_get_bytes(o->token.nonce, sizeof o->token.nonce);
	am_token_format(&o->token, o->text);
}

static bool
token_is_mine(const struct am_owner *o, struct am_str text)
{
	return text.n > 0 &&
	       (am_str_is(text, o->text) || am_str_is(text, o->before));
}

bool
am_owner_has(const struct am_store *s)
{
	return s->owner.phase == AM_OWNER_MINE ||
	       s->owner.phase == AM_OWNER_RELEASING;
}

/* ---- the beat ---- */

static void
add_beat(const struct am_store *s, struct am_batch *b, const char *text)
{
	am_cmd(b, "XADD");
	am_arg(b, s->keys.beat);
	am_arg(b, "MAXLEN");
	am_arg(b, "1");
	am_arg(b, "*");
	am_arg(b, "t");
	am_arg(b, text);
}

static void
confirmed(struct am_store *s, am_ms sent_at)
{
	s->owner.good_until = sent_at + s->opts.owner_ttl / 2;
}

static void
on_full_beat(void *arg, int rc, struct am_batch *b)
{
	struct am_store *s = arg;

	if (!s->freed && rc == 0 && s->owner.phase == AM_OWNER_MINE) {
		const redisReply *r = am_batch_reply(b, 0);

		if (r->type == REDIS_REPLY_ARRAY && r->elements > 0 &&
		    r->element[0]->type == REDIS_REPLY_INTEGER &&
		    r->element[0]->integer == 0)
			am_owner_lost(s, "token changed");
		else if (!am_reply_is_error(r))
			confirmed(s, b->sent_at);
	}
	am_batch_free(b);
}

/* Redis is full: the beat goes as the one script that may run then. */
static void
beat_when_full(struct am_store *s)
{
	struct am_batch *cmds = am_batch_new(s->turns);
	struct am_batch *b = am_batch_new(s->turns);

	add_beat(s, cmds, s->owner.text);
	am_batch_seal(cmds);
	am_script_build(b, &s->keys, am_str_c(s->owner.text), -1, cmds, 0, 1);
	am_batch_free(cmds);
	am_redis_send(s->turns, b, 0, on_full_beat, s);
}

static void
on_beat(void *arg, int rc, struct am_batch *b)
{
	struct am_store *s = arg;
	const redisReply *beat, *token;

	if (s->freed || rc != 0 || s->owner.phase != AM_OWNER_MINE) {
		am_batch_free(b);
		return;
	}
	beat = am_batch_reply(b, 0);
	token = am_batch_reply(b, 1);
	if (am_reply_is_error(token)) {
		am_store_refused(s, token);
	} else if (!token_is_mine(&s->owner, am_reply_str(token))) {
		am_owner_lost(s, "token changed");
	} else if (am_reply_rc(beat) == -AM_EFULL) {
		beat_when_full(s);
		am_store_full(s, true);
	} else if (am_reply_is_error(beat)) {
		am_store_refused(s, beat);
	} else {
		confirmed(s, b->sent_at);
		am_store_full(s, false);
		am_store_refused(s, NULL);
	}
	if (!s->freed && am_batch_cmds(b) > 2)
		am_store_clock(s, b, am_batch_reply(b, 2));
	am_batch_free(b);
}

static void
send_beat(struct am_store *s)
{
	struct am_batch *b = am_batch_new(s->turns);

	add_beat(s, b, s->owner.text);
	am_cmd(b, "GET");
	am_arg(b, s->keys.token);
	if (s->owner.beats++ % 2 == 0)
		am_cmd(b, "TIME");
	am_redis_send(s->turns, b, 0, on_beat, s);
}

/* ---- the take-over ---- */

static void
look_again(struct am_store *s, am_ms delay)
{
	s->owner.phase = AM_OWNER_WATCHING;
	am_set_timer(s->owner.tick, delay);
}

static void
taken(struct am_store *s, const struct taking *t, am_ms sent_at)
{
	struct am_owner *o = &s->owner;
	bool goes_on;

	goes_on = o->held && !s->adopt;
	o->phase = AM_OWNER_MINE;
	o->held = true;
	o->theirs[0] = o->before[0] = '\0';
	confirmed(s, sent_at);
	am_set_timer(o->tick, s->opts.owner_ttl / 4);
	am_store_owned(s, &t->row, &t->info, goes_on);
}

static void
not_taken(struct am_store *s, int rc, const redisReply *error)
{
	if (rc == -AM_EFENCED) { /* somebody was faster, or a late EXEC */
		look_again(s, AGAIN_MIN);
		return;
	}
	look_again(s, s->opts.owner_ttl / 4);
	am_store_refused(s, error);
}

static void
on_full_taken(void *arg, int rc, struct am_batch *b)
{
	struct taking *t = arg;
	struct am_store *s = t->s;
	const redisReply *r = rc == 0 ? am_batch_reply(b, 0) : NULL;

	if (s->freed || rc != 0 || s->owner.phase != AM_OWNER_TAKING)
		; /* the connection's end brings a new look */
	else if (r->type != REDIS_REPLY_ARRAY || r->elements == 0)
		not_taken(s, -AM_EBUSY, r);
	else if (am_reply_int(r->element[0]) == 0)
		not_taken(s, -AM_EFENCED, NULL);
	else
		taken(s, t, b->sent_at);
	am_batch_free(b);
}

/* The writes of the take-over again, past the memory limit. */
static void
take_when_full(struct am_store *s, struct taking *t, struct am_batch *cmds)
{
	struct am_batch *b = am_batch_new(s->turns);
	struct taking *copy = am_arena_alloc(am_batch_arena(b), sizeof *copy);

	*copy = *t;
	copy->old_token = am_arena_dup(am_batch_arena(b), t->old_token);
	am_script_build(
	    b, &s->keys, copy->old_token, -1, cmds, t->first, t->exec);
	am_redis_send(s->turns, b, 0, on_full_taken, copy);
}

static void
on_taken(void *arg, int rc, struct am_batch *b)
{
	struct taking *t = arg;
	struct am_store *s = t->s;
	const redisReply *error = NULL;

	if (s->freed || rc != 0 || s->owner.phase != AM_OWNER_TAKING) {
		am_batch_free(b); /* as above */
		return;
	}
	rc = am_exec_rc(b, &error);
	if (rc == -AM_EFULL)
		take_when_full(s, t, b);
	else if (rc == 0 || rc == -AM_EPROTO)
		/* of these writes only those for show may fail */
		taken(s, t, b->sent_at);
	else
		not_taken(s, rc, error);
	am_batch_free(b);
}

static void
random_hex(char out[33])
{
	uint8_t raw[16];

	evutil_secure_rng_get_bytes(raw, sizeof raw);
	for (size_t i = 0; i < sizeof raw; i++)
		snprintf(out + 2 * i, 3, "%02x", raw[i]);
}

/* A shard that is new, or that a person adopted, gets a cursor of its own. */
static void
renew_cursor(const struct am_store *s, struct taking *t)
{
	struct am_cursor_row *row = &t->row;

	if (row->exists && !s->adopt)
		return;
	random_hex(row->c.dataset);
	if (!row->exists || s->halt == AM_SHARD_HALTED_BEHIND) {
		snprintf(row->c.id, sizeof row->c.id, "0-0");
		row->base = (int64_t)t->info.added - (int64_t)t->info.length -
			    (int64_t)(row->c.applied + row->c.lost);
	}
	row->exists = true;
}

static void
add_cursor(const struct am_store *s, struct am_batch *b,
    const struct am_cursor_row *row)
{
	am_cmd(b, "HSET");
	am_arg(b, s->keys.cursor);
	am_arg(b, "id");
	am_arg(b, row->c.id);
	am_arg(b, "applied");
	am_argi(b, (int64_t)row->c.applied);
	am_arg(b, "lost");
	am_argi(b, (int64_t)row->c.lost);
	am_arg(b, "commit");
	am_argi(b, (int64_t)row->c.commit);
	am_arg(b, "dataset");
	am_arg(b, row->c.dataset);
	am_arg(b, "base");
	am_argi(b, row->base);
	am_arg(b, "epoch");
	am_argi(b, (int64_t)row->epoch);
}

static void
take(struct am_store *s, const struct am_batch *look, struct taking *found)
{
	struct am_batch *b = am_batch_new(s->turns);
	struct taking *t = am_arena_alloc(am_batch_arena(b), sizeof *t);
	struct am_str old = am_reply_str(am_batch_reply(look, LOOK_TOKEN));
	struct am_token was;

	if (am_token_parse(old, &was) == 0 && was.epoch > found->row.epoch)
		found->row.epoch = was.epoch;
	if (!token_is_mine(&s->owner, old)) {
		found->row.epoch++;
		s->left_behind = s->left_behind || old.n != 0;
	}
	*t = *found;
	t->old_token = am_arena_dup(am_batch_arena(b), old);
	renew_cursor(s, t);
	token_fresh(s, t->row.epoch);
	t->first = 1;
	am_cmd(b, "MULTI");
	am_cmd(b, "SET");
	am_arg(b, s->keys.token);
	am_arg(b, s->owner.text);
	add_cursor(s, b, &t->row);
	add_beat(s, b, s->owner.text);
	am_stream_add_make(s, b, &t->info, &t->row.c, t->row.base);
	t->exec = am_batch_cmds(b);
	am_cmd(b, "EXEC");
	s->owner.phase = AM_OWNER_TAKING;
	am_redis_send(s->turns, b, 0, on_taken, t);
}

/* ---- the look ---- */

/*
 * Has the present token been silent for ttl? Whatever is new (another token,
 * another beat) starts the wait again.
 */
static bool
is_silent(struct am_store *s, struct am_str token, const redisReply *beats)
{
	struct am_owner *o = &s->owner;
	am_ms now = am_clock_boot();
	struct am_str id = { NULL, 0 };

	if (beats != NULL && beats->type == REDIS_REPLY_ARRAY &&
	    beats->elements > 0 && beats->element[0]->elements > 0)
		id = am_reply_str(beats->element[0]->element[0]);
	if (!am_str_is(token, o->theirs) || !am_str_is(id, o->beat_id)) {
		snprintf(o->theirs, sizeof o->theirs, "%.*s", AM_ARG(token));
		snprintf(o->beat_id, sizeof o->beat_id, "%.*s", AM_ARG(id));
		o->seen_at = now;
	}
	return now - o->seen_at >= s->opts.owner_ttl;
}

/* Its own earlier life, when the lock says that this is over. */
static bool
is_own_past(const struct am_store *s, struct am_str token)
{
	struct am_token t;

	return s->opts.lock_held && am_token_parse(token, &t) == 0 &&
	       strncmp(t.instance, s->opts.instance, sizeof t.instance - 1) ==
		   0;
}

void
am_owner_watch_on(struct am_store *s)
{
	struct am_owner *o = &s->owner;
	am_ms left = o->seen_at + s->opts.owner_ttl - am_clock_boot();
	am_ms poll = s->opts.owner_ttl / 4;

	o->phase = AM_OWNER_WATCHING;
	am_set_timer(o->tick, left < poll ? left : poll);
}

static void
disown(struct am_store *s)
{
	s->owner.text[0] = s->owner.before[0] = '\0';
	s->owner.held = false;
	am_store_disowned(s);
}

/* The first error in a look that is not about a key's type. */
static const redisReply *
look_error(const struct am_batch *b)
{
	for (size_t i = 0; i < LOOK_STREAM; i++)
		if (am_reply_is_error(am_batch_reply(b, i)) &&
		    am_reply_rc(am_batch_reply(b, i)) != -AM_EPROTO)
			return am_batch_reply(b, i);
	return NULL;
}

/* Mine again, free, or silent for ttl: may it be taken? */
static bool
is_free(struct am_store *s, struct am_str token, const redisReply *beats)
{
	return token.n == 0 || token_is_mine(&s->owner, token) ||
	       is_own_past(s, token) || is_silent(s, token, beats);
}

static void
decide(struct am_store *s, const struct am_batch *b)
{
	struct am_str token = am_reply_str(am_batch_reply(b, LOOK_TOKEN));
	struct taking found = { .s = s };

	am_cursor_parse(am_batch_reply(b, LOOK_CURSOR), &found.row);
	am_stream_info_parse(am_batch_reply(b, LOOK_STREAM), &found.info);
	if (s->owner.held && !token_is_mine(&s->owner, token))
		disown(s); /* it was taken from us meanwhile */
	if (s->freed)
		return;
	if (!is_free(s, token, am_batch_reply(b, LOOK_BEAT))) {
		am_owner_watch_on(s);
		s->halt = AM_SHARD_STARTING; /* the owner's matter */
		s->broken = false;
		am_stream_next(s);
	} else if (am_check_shard(s, b, LOOK_TYPES, &found.row, &found.info)) {
		take(s, b, &found);
	} else if (!s->freed) {
		look_again(s, s->opts.owner_ttl);
	}
	am_store_settle(s);
}

static void
on_look(void *arg, int rc, struct am_batch *b)
{
	struct am_store *s = arg;
	const redisReply *error;

	if (!s->freed && rc == 0 && s->owner.phase == AM_OWNER_LOOKING) {
		error = look_error(b);
		if (error != NULL) {
			not_taken(s, -AM_EBUSY, error);
		} else {
			am_store_refused(s, NULL);
			am_store_clock(s, b, am_batch_reply(b, LOOK_TIME));
			if (!s->freed)
				decide(s, b);
		}
	}
	am_batch_free(b);
}

void
am_owner_look(struct am_store *s)
{
	struct am_batch *b;

	if (!am_redis_up(s->turns))
		return;
	s->turn.dead = true; /* its WATCH would not outlive our EXEC */
	b = am_batch_new(s->turns);
	s->owner.phase = AM_OWNER_LOOKING;
	am_cmd(b, "WATCH");
	am_arg(b, s->keys.token);
	am_arg(b, s->keys.cursor);
	am_cmd(b, "GET");
	am_arg(b, s->keys.token);
	am_cmd(b, "HGETALL");
	am_arg(b, s->keys.cursor);
	am_cmd(b, "TIME");
	am_cmd(b, "XREVRANGE");
	am_arg(b, s->keys.beat);
	am_arg(b, "+");
	am_arg(b, "-");
	am_arg(b, "COUNT");
	am_arg(b, "1");
	am_cmd(b, "XINFO");
	am_arg(b, "STREAM");
	am_arg(b, s->keys.stream);
	AM_ASSERT(am_batch_cmds(b) == LOOK_TYPES);
	am_check_ask_types(s, b);
	am_redis_send(s->turns, b, 0, on_look, s);
}

/* ---- the tick ---- */

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct am_store *s = arg;
	struct am_owner *o = &s->owner;

	(void)fd;
	(void)what;
	if (!am_redis_up(s->turns))
		return;
	switch (o->phase) {
	case AM_OWNER_MINE:
		am_set_timer(o->tick, s->opts.owner_ttl / 4);
		send_beat(s);
		am_store_settle(s); /* a held clock may have settled */
		break;
	case AM_OWNER_WATCHING:
		if (o->theirs[0] != '\0' && s->halt == AM_SHARD_STARTING &&
		    am_clock_boot() - o->seen_at < s->opts.owner_ttl)
			am_owner_poll(s);
		else
			am_owner_look(s);
		break;
	case AM_OWNER_AWAY:
		am_owner_look(s);
		break;
	case AM_OWNER_LOOKING:
	case AM_OWNER_TAKING:
	case AM_OWNER_RELEASING:
	case AM_OWNER_RELEASED:
		break; /* a reply is to come, or nothing */
	}
}

/* ---- the end ---- */

void
am_owner_lost(struct am_store *s, const char *why)
{
	if (!am_owner_has(s))
		return;
	(void)why;
	s->owner.phase = AM_OWNER_AWAY;
	s->owner.good_until = 0;
	disown(s);
	if (s->freed)
		return;
	am_set_timer(s->owner.tick, 0);
	am_owner_turn_over(s);
	am_store_settle(s);
}

void
am_owner_check(struct am_store *s, const redisReply *token)
{
	if (s->owner.phase == AM_OWNER_MINE && !am_reply_is_error(token) &&
	    !token_is_mine(&s->owner, am_reply_str(token)))
		am_owner_lost(s, "token changed");
}

static void
release_done(struct am_store *s)
{
	struct am_owner *o = &s->owner;
	void (*done)(void *) = o->released;

	o->phase = AM_OWNER_RELEASED;
	o->good_until = 0;
	o->theirs[0] = '\0';
	o->release = false;
	disown(s);
	o->released = NULL;
	event_del(o->tick);
	am_store_settle(s);
	if (!s->freed && done != NULL)
		done(o->released_arg);
}

static void
on_released(void *arg, int rc, struct am_batch *b)
{
	struct am_store *s = arg;

	(void)rc; /* done or not: a standby takes it, at the latest after ttl */
	am_batch_free(b);
	if (!s->freed && s->owner.phase == AM_OWNER_RELEASING)
		release_done(s);
}

static void
on_release_watched(void *arg, int rc, struct am_batch *b)
{
	struct am_store *s = arg;
	bool mine =
	    rc == 0 && !s->freed &&
	    token_is_mine(&s->owner, am_reply_str(am_batch_reply(b, 1)));

	am_batch_free(b);
	if (s->freed || s->owner.phase != AM_OWNER_RELEASING)
		return;
	if (!mine) {
		release_done(s);
		return;
	}
	b = am_batch_new(s->turns);
	am_cmd(b, "MULTI");
	am_cmd(b, "DEL");
	am_arg(b, s->keys.token);
	add_beat(s, b, "released"); /* wakes whoever waits for a beat */
	am_cmd(b, "EXEC");
	am_redis_send(s->turns, b, 0, on_released, s);
}

void
am_owner_turn_over(struct am_store *s)
{
	struct am_owner *o = &s->owner;
	struct am_batch *b;

	if (o->release && !am_redis_up(s->turns))
		am_commit_resolve(s, false); /* nobody will wait for it */
	if (s->freed || !o->release || s->turn.phase != AM_TURN_NONE ||
	    o->phase == AM_OWNER_RELEASING || o->phase == AM_OWNER_TAKING)
		return;
	if (o->phase != AM_OWNER_MINE || !am_redis_up(s->turns)) {
		release_done(s);
		return;
	}
	o->phase = AM_OWNER_RELEASING;
	b = am_batch_new(s->turns);
	am_cmd(b, "WATCH");
	am_arg(b, s->keys.token);
	am_cmd(b, "GET");
	am_arg(b, s->keys.token);
	am_redis_send(s->turns, b, 0, on_release_watched, s);
}

/* ---- connection and life ---- */

void
am_owner_up(struct am_store *s)
{
	if (s->owner.phase == AM_OWNER_AWAY)
		am_owner_look(s);
}

/* What we hold stays ours: the next look finds our token or another. */
void
am_owner_down(struct am_store *s)
{
	struct am_owner *o = &s->owner;

	if (o->phase == AM_OWNER_RELEASED)
		return;
	event_del(o->tick);
	o->phase = AM_OWNER_AWAY;
	if (o->release)
		am_owner_turn_over(s);
}

void
am_owner_init(struct am_store *s)
{
	s->owner.tick = event_new(s->base, -1, 0, on_tick, s);
	AM_ASSERT(s->owner.tick != NULL);
}

void
am_owner_fini(struct am_store *s)
{
	event_free(s->owner.tick);
}
