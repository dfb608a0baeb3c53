/*
 * sample - asking, see sample.h.
 *
 * A shard is asked in steps: what is there, what lies behind the cursor and in
 * each outbox that there is, which wake-ups are due and may fire. Then, when
 * they have changed, the newest letters and rejects, which are large, no more
 * often than every ten seconds; and every five minutes the days that are over.
 * Answers are kept as the batches that they came in.
 */

#include "daemon/sample_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "codec/record.h"
#include "daemon/view.h"
#include "intake/event.h"

#define AGE_MIN AM_SECOND
#define DEADLINE (2 * AM_SECOND)
#define LETTERS_EVERY (10 * AM_SECOND)
#define DAYS_EVERY (5 * AM_MINUTE)

static struct am_shard *
shard_of(const struct am_shard_sample *p)
{
	return p->sampler->engine->shards[p->i];
}

static const struct am_keys *
keys_of(const struct am_shard_sample *p)
{
	return am_store_keys(shard_of(p)->store);
}

/* ---- the end of it ---- */

static void
tell(struct am_sampler *s)
{
	struct am_wanted *w = s->wanted, *next;
	struct am_sample *sample = am_sample_ref(s->last);

	s->wanted = NULL;
	s->wanted_tail = &s->wanted;
	for (; w != NULL; w = next) {
		next = w->next;
		if (w->cb != NULL)
			w->cb(w->arg, sample);
		free(w);
	}
	am_sample_unref(sample);
}

static void
finish(struct am_sampler *s)
{
	struct am_sample *sample = am_sample_make(s);

	s->asking = false;
	event_del(s->deadline);
	for (size_t i = 0; i < s->shards_n; i++)
		s->shards[i].counted = false;
	am_sample_unref(s->last);
	s->last = sample;
	tell(s);
}

static void
drop_next(struct am_shard_sample *p)
{
	for (size_t i = 0; i < AM_COUNT(p->next); i++) {
		am_batch_free(p->next[i]);
		p->next[i] = NULL;
	}
}

static void
part_over(struct am_shard_sample *p)
{
	struct am_sampler *s = p->sampler;

	drop_next(p);
	p->asking = false;
	if (!p->counted)
		return; /* too late for this sample, good for the next */
	p->counted = false;
	if (--s->waiting_n == 0 && s->asking)
		finish(s);
}

/* The batch belongs to the answer; false: there is none. */
static bool
takes(struct am_shard_sample *p, int rc, struct am_batch *b, size_t i)
{
	if (rc != 0) {
		am_batch_free(b);
		part_over(p);
		return false;
	}
	p->next[i] = b;
	return true;
}

/* ---- days that are over ---- */

static void
ask_day(struct am_shard_sample *p, struct am_batch *b, int32_t day)
{
	char text[9];

	am_sample_day(day, text);
	am_cmd(b, "HGETALL");
	am_args(
	    b, am_key(keys_of(p), am_batch_arena(b), "kpi", am_str_c(text)));
}

static void
on_days(void *arg, int rc, struct am_batch *b)
{
	struct am_shard_sample *p = arg;

	if (rc == 0) {
		am_batch_free(p->days);
		p->days = b;
	} else {
		am_batch_free(b);
		p->days_at = 0;
	}
	part_over(p);
}

static void
ask_days(struct am_shard_sample *p)
{
	int32_t today = am_sample_today(p->sampler->engine->conf, p->now);
	struct am_batch *b;

	if (p->days != NULL && p->days_from == today - 2 &&
	    p->now - p->days_at < DAYS_EVERY && p->now >= p->days_at) {
		part_over(p);
		return;
	}
	p->days_from = today - 2;
	p->days_at = p->now;
	b = am_store_query(shard_of(p)->store);
	for (int32_t i = 2; i < AM_SAMPLE_DAYS; i++)
		ask_day(p, b, today - i);
	am_store_query_send(shard_of(p)->store, b, on_days, p);
}

/* ---- letters ---- */

static struct am_letter_group *
group_of(struct am_letters *l, struct am_str a, struct am_str b)
{
	struct am_letter_group *g;

	for (size_t i = 0; i < l->groups_n; i++)
		if (am_str_is(a, l->groups[i].a) &&
		    am_str_is(b, l->groups[i].b))
			return &l->groups[i];
	if (l->groups_n == AM_SAMPLE_GROUPS)
		return NULL;
	g = &l->groups[l->groups_n++];
	*g = (struct am_letter_group){ .a = am_arena_cstr(&l->arena, a),
		.b = am_arena_cstr(&l->arena, b) };
	return g;
}

/* Newest first. */
static void
read_letters(struct am_letters *l, const redisReply *r, bool dead)
{
	am_arena_reset(&l->arena);
	l->groups_n = 0;
	for (size_t i = 0; r != NULL && i < r->elements; i++) {
		const redisReply *e = r->element[i];
		struct am_letter_group *g;
		uint64_t ms, seq;

		if (e->elements != 2)
			continue;
		g = group_of(l, am_entry_field(e, dead ? "endpoint" : "code"),
		    am_entry_field(e, dead ? "reason" : "field"));
		if (g == NULL || g->n++ != 0)
			continue;
		g->entry =
		    am_arena_cstr(&l->arena, am_reply_str(e->element[0]));
		if (am_stream_id_parse(am_str_c(g->entry), &ms, &seq) == 0)
			g->newest_at = (am_ms)ms;
		g->id = am_arena_cstr(&l->arena, am_entry_field(e, "id"));
		g->complaint =
		    am_arena_cstr(&l->arena, am_entry_field(e, "complaint"));
		g->text = am_arena_cstr(&l->arena, am_entry_field(e, "text"));
	}
}

static void
on_letters(void *arg, int rc, struct am_batch *b)
{
	struct am_shard_sample *p = arg;

	if (rc == 0) {
		read_letters(&p->dead, am_batch_reply(b, 0), true);
		read_letters(&p->rejects, am_batch_reply(b, 1), false);
	} else {
		p->dead.read_at = 0;
	}
	am_batch_free(b);
	ask_days(p);
}

/* A member of the answer to XINFO STREAM; NULL: there is none. */
static const redisReply *
info(const redisReply *r, const char *name)
{
	if (r == NULL || r->type != REDIS_REPLY_ARRAY)
		return NULL;
	for (size_t i = 0; i + 1 < r->elements; i += 2)
		if (am_str_is(am_reply_str(r->element[i]), name))
			return r->element[i + 1];
	return NULL;
}

static bool
has_changed(struct am_letters *l, const redisReply *stream)
{
	struct am_str last = am_reply_str(info(stream, "last-generated-id"));
	bool same;

	l->length = am_reply_int(info(stream, "length"));
	same = l->read_at != 0 && l->read_length == l->length &&
	       am_str_is(last, l->last);
	snprintf(l->last, sizeof(l->last), "%.*s", AM_ARG(last));
	l->read_length = l->length;
	return !same;
}

static void
add_newest(struct am_batch *b, const char *key, int64_t n)
{
	am_cmd(b, "XREVRANGE");
	am_arg(b, key);
	am_arg(b, "+");
	am_arg(b, "-");
	am_arg(b, "COUNT");
	am_argi(b, n);
}

static void
ask_letters(struct am_shard_sample *p)
{
	am_ms since = p->now - p->dead.read_at;
	bool dead, rejects;
	struct am_batch *b;

	p->dead.length =
	    am_reply_int(info(am_batch_reply(p->first, FIRST_DEAD), "length"));
	p->rejects.length = am_reply_int(
	    info(am_batch_reply(p->first, FIRST_REJECTS), "length"));
	if (p->dead.read_at != 0 && since >= 0 && since < LETTERS_EVERY) {
		ask_days(p);
		return;
	}
	dead = has_changed(&p->dead, am_batch_reply(p->first, FIRST_DEAD));
	rejects =
	    has_changed(&p->rejects, am_batch_reply(p->first, FIRST_REJECTS));
	p->dead.read_at = p->rejects.read_at = p->now;
	if (!dead && !rejects) {
		ask_days(p);
		return;
	}
	b = am_store_query(shard_of(p)->store);
	add_newest(b, keys_of(p)->dead, AM_SAMPLE_LETTERS);
	add_newest(b, keys_of(p)->rejects, AM_SAMPLE_REJECTS);
	am_store_query_send(shard_of(p)->store, b, on_letters, p);
}

/* ---- what is due ---- */

static void
on_third(void *arg, int rc, struct am_batch *b)
{
	struct am_shard_sample *p = arg;

	if (!takes(p, rc, b, 2))
		return;
	am_batch_free(p->first);
	am_batch_free(p->second);
	am_batch_free(p->third);
	p->first = p->next[0];
	p->second = p->next[1];
	p->third = p->next[2];
	memset(p->next, 0, sizeof(p->next));
	p->asked_at = p->now;
	p->answered_at = am_engine_now();
	p->fresh = true;
	ask_letters(p);
}

am_ms
am_sample_unread(const struct am_shard_sample *p)
{
	const redisReply *r = am_sample_reply(
	    p->next[1] != NULL ? p->next[1] : p->second, SECOND_UNREAD);
	uint64_t ms, seq;

	if (r == NULL || r->type != REDIS_REPLY_ARRAY || r->elements == 0 ||
	    r->element[0]->elements == 0 ||
	    am_stream_id_parse(
		am_reply_str(r->element[0]->element[0]), &ms, &seq) != 0)
		return AM_NEVER;
	return (am_ms)ms;
}

/* Events first: what is due behind an unread one waits for it. */
static void
on_second(void *arg, int rc, struct am_batch *b)
{
	struct am_shard_sample *p = arg;
	const char *wake = keys_of(p)->wake;
	const char *until;
	am_ms unread;

	if (!takes(p, rc, b, 1))
		return;
	unread = am_sample_unread(p);
	b = am_store_query(shard_of(p)->store);
	until = am_arena_printf(am_batch_arena(b), "(%lld",
	    (long long)(unread < p->now ? unread : p->now));
	am_cmd(b, "ZRANGE");
	am_arg(b, wake);
	am_arg(b, "-inf");
	am_arg(b, until);
	am_arg(b, "BYSCORE");
	am_arg(b, "LIMIT");
	am_argi(b, 0);
	am_argi(b, 1);
	am_arg(b, "WITHSCORES");
	am_cmd(b, "ZCOUNT");
	am_arg(b, wake);
	am_arg(b, "-inf");
	am_arg(b, until);
	am_store_query_send(shard_of(p)->store, b, on_third, p);
}

/* ---- behind the cursor and in the outboxes ---- */

static void
ask_out(struct am_shard_sample *p, struct am_batch *b, struct am_str name)
{
	static const am_ms spans[] = { 0, AM_MINUTE, 5 * AM_MINUTE, AM_HOUR,
		AM_DAY };
	struct am_str key = am_key(keys_of(p), am_batch_arena(b), "out", name);

	for (size_t i = 0; i <= AM_COUNT(spans); i++) {
		am_cmd(b, "ZCOUNT");
		am_args(b, key);
		if (i == AM_COUNT(spans))
			am_arg(b, "-inf");
		else
			am_arg(b, am_arena_printf(am_batch_arena(b), "(%lld",
				      (long long)(p->now - spans[i])));
		if (i == 0)
			am_arg(b, "+inf");
		else
			am_argi(b, p->now - spans[i - 1]);
	}
	am_cmd(b, "ZRANGE");
	am_args(b, key);
	am_argi(b, 0);
	am_argi(b, 0);
	am_arg(b, "WITHSCORES");
}

static void
on_first(void *arg, int rc, struct am_batch *b)
{
	struct am_shard_sample *p = arg;
	const redisReply *outs, *cursor;
	struct am_str at = { NULL, 0 };

	if (!takes(p, rc, b, 0))
		return;
	outs = am_batch_reply(b, FIRST_OUTS);
	cursor = am_batch_reply(b, FIRST_CURSOR);
	if (cursor != NULL && cursor->elements == 1)
		at = am_reply_str(cursor->element[0]);
	b = am_store_query(shard_of(p)->store);
	am_cmd(b, "XRANGE");
	am_arg(b, keys_of(p)->stream);
	if (at.n != 0)
		am_arg(
		    b, am_arena_printf(am_batch_arena(b), "(%.*s", AM_ARG(at)));
	else
		am_arg(b, "-");
	am_arg(b, "+");
	am_arg(b, "COUNT");
	am_argi(b, 1);
	am_cmd(b, "XINFO");
	am_arg(b, "GROUPS");
	am_arg(b, keys_of(p)->stream);
	for (size_t i = 0; outs != NULL && i < outs->elements; i++)
		ask_out(p, b, am_reply_str(outs->element[i]));
	am_store_query_send(shard_of(p)->store, b, on_second, p);
}

static void
add_info(struct am_batch *b, const char *key)
{
	am_cmd(b, "XINFO");
	am_arg(b, "STREAM");
	am_arg(b, key);
}

static void
add_one(struct am_batch *b, const char *cmd, const char *key)
{
	am_cmd(b, cmd);
	am_arg(b, key);
}

static void
ask_shard(struct am_shard_sample *p, am_ms now)
{
	struct am_shard *sh = shard_of(p);
	const struct am_keys *keys = keys_of(p);
	struct am_batch *b = am_store_query(sh->store);
	int32_t today = am_sample_today(p->sampler->engine->conf, now);

	p->asking = true;
	p->now = now;
	add_one(b, "HGETALL", keys->tally);
	add_info(b, keys->dead);
	add_info(b, keys->rejects);
	add_one(b, "SCARD", keys->parked);
	am_cmd(b, "HGETALL");
	am_args(b, am_endpoints_key(sh, am_batch_arena(b)));
	am_cmd(b, "HGETALL");
	am_arg(b, am_arena_printf(am_batch_arena(b), "%spaused", keys->prefix));
	add_one(b, "SMEMBERS", keys->outs);
	add_one(b, "HMGET", keys->cursor);
	am_arg(b, "id");
	ask_day(p, b, today);
	ask_day(p, b, today - 1);
	if (p->i == 0) { /* a person may have set it otherwise */
		am_cmd(b, "INFO");
		am_cmd(b, "CONFIG");
		am_arg(b, "GET");
		am_arg(b, "appendfsync");
	}
	am_store_query_send(sh->store, b, on_first, p);
}

/* ---- who wants one ---- */

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct am_sampler *s = arg;

	(void)fd;
	(void)what;
	if (s->asking)
		finish(s);
}

void
am_sample_refresh(struct am_engine *e)
{
	struct am_sampler *s = e->sampler;

	if (s->last == NULL || s->asking)
		return;
	am_sample_unref(s->last);
	s->last = am_sample_make(s);
}

static void
on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct am_sampler *s = arg;

	(void)fd;
	(void)what;
	if (s->last != NULL && !s->asking)
		tell(s);
}

static void
ask(struct am_sampler *s)
{
	const struct timeval wait = { .tv_sec = DEADLINE / AM_SECOND };
	am_ms now = am_engine_now();

	s->asking = true;
	s->began = am_engine_monotonic();
	s->waiting_n = 0;
	event_add(s->deadline, &wait);
	for (size_t i = 0; i < s->shards_n; i++) {
		struct am_shard_sample *p = &s->shards[i];

		p->counted = true;
		p->fresh = false;
		s->waiting_n++;
		if (!p->asking) /* else its last answer is not in yet */
			ask_shard(p, now);
	}
}

static void
want(struct am_sampler *s, am_sample_cb *cb, void *arg)
{
	struct am_wanted *w = malloc(sizeof(*w));

	AM_ASSERT(w != NULL);
	*w = (struct am_wanted){ NULL, cb, arg };
	*s->wanted_tail = w;
	s->wanted_tail = &w->next;
}

void
am_sample_get(struct am_engine *e, am_ms max_age, am_sample_cb *cb, void *arg)
{
	struct am_sampler *s = e->sampler;
	am_ms age = am_engine_monotonic() - s->began;

	want(s, cb, arg);
	if (s->asking)
		return;
	if (s->last != NULL && age < (max_age > AGE_MIN ? max_age : AGE_MIN))
		event_active(s->answer, 0, 0);
	else
		ask(s);
}

void
am_sample_forget(struct am_engine *e, void *arg)
{
	for (struct am_wanted *w = e->sampler->wanted; w != NULL; w = w->next)
		if (w->arg == arg)
			w->cb = NULL;
}

/* ---- life ---- */

struct am_sampler *
am_sampler_new(struct am_engine *e)
{
	struct am_sampler *s = calloc(1, sizeof(*s));

	AM_ASSERT(s != NULL);
	s->engine = e;
	s->wanted_tail = &s->wanted;
	s->shards_n = e->conf->redis.streams_n;
	s->shards = calloc(s->shards_n, sizeof(*s->shards));
	s->deadline = event_new(e->base, -1, 0, on_deadline, s);
	s->answer = event_new(e->base, -1, 0, on_answer, s);
	AM_ASSERT(
	    s->shards != NULL && s->deadline != NULL && s->answer != NULL);
	for (size_t i = 0; i < s->shards_n; i++) {
		struct am_shard_sample *p = &s->shards[i];

		p->sampler = s;
		p->i = i;
		p->dead.length = p->rejects.length = -1;
		am_arena_init(&p->dead.arena, 0);
		am_arena_init(&p->rejects.arena, 0);
	}
	return s;
}

static void
part_fini(struct am_shard_sample *p)
{
	drop_next(p);
	am_batch_free(p->first);
	am_batch_free(p->second);
	am_batch_free(p->third);
	am_batch_free(p->days);
	am_arena_fini(&p->dead.arena);
	am_arena_fini(&p->rejects.arena);
}

void
am_sampler_free(struct am_sampler *s)
{
	struct am_wanted *w, *next;

	if (s == NULL)
		return;
	for (w = s->wanted; w != NULL; w = next) {
		next = w->next;
		free(w);
	}
	for (size_t i = 0; i < s->shards_n; i++)
		part_fini(&s->shards[i]);
	free(s->shards);
	am_sample_unref(s->last);
	event_free(s->deadline);
	event_free(s->answer);
	free(s);
}
