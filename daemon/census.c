/*
 * census - see census.h.
 *
 * The index of wake-ups holds every complaint, the outboxes every follow-up
 * that waits; both are read by ZSCAN, which meets each member that stays
 * whatever becomes of its score meanwhile. Reads only, outside of turns. Of a
 * follow-up its first bytes are enough.
 *
 * How long to rest behind a page is told by what the page took: so the walk is
 * as light on a slow machine, and under a sanitizer, as on a fast one.
 */
#include "daemon/census.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <time.h>

#include "base/str.h"
#include "codec/record.h"
#include "daemon/view.h"
#include "ops/census_build.h"

#define PAGE 256
/* A page's time that we measure is about half of what it costs: Redis's
 * replies are parsed before we see them. */
#define REST_LEISURE 40 /* times what was measured */
#define REST_HURRY 0	/* a pass of the loop: others have their turn */
#define REST_MAX_US 2000000

struct waiter {
	STAILQ_ENTRY(waiter) link;
	am_ms from; /* no walk that began earlier will do */
	am_census_cb *cb;
	void *arg;
};

struct am_census_taker {
	struct am_engine *engine;
	struct am_census *last; /* the newest that tells something */
	am_ms last_tried;	/* when the last walk began, 0: none yet */
	STAILQ_HEAD(, waiter) waiters;
	struct event *timer;
	bool resting; /* a walk is on, and the timer goes on with it */
	/* the walk */
	struct am_census_build *build; /* NULL: none is on */
	am_ms began;
	size_t shard_i;
	struct am_shard *shard;
	struct am_arena arena; /* of the shard: names of outboxes */
	struct am_arena page;
	const char **outs;
	size_t outs_n, outs_i; /* outs_i 0: the wake-ups; else outs[i - 1] */
	char scan[32];
	bool scanned;
	struct am_batch *ids, *records;
	const redisReply *rows;
	size_t row; /* the next one of them */
	int64_t spent_ns;
};

static int64_t
cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void next_shard(struct am_census_taker *k);

static void
rest(struct am_census_taker *k, int64_t us)
{
	const struct timeval tv = { .tv_sec = us / 1000000,
		.tv_usec = us % 1000000 };

	evtimer_add(k->timer, &tv);
}

static void
drop_page(struct am_census_taker *k)
{
	am_batch_free(k->ids);
	am_batch_free(k->records);
	k->ids = k->records = NULL;
	k->rows = NULL;
	am_arena_reset(&k->page);
}

/* Behind a page: its batches go, and the walk rests for what it took. */
static void
page_over(struct am_census_taker *k)
{
	int64_t us = k->spent_ns / 1000 *
		     (STAILQ_EMPTY(&k->waiters) ? REST_LEISURE : REST_HURRY);

	drop_page(k);
	k->spent_ns = 0;
	k->resting = true;
	rest(k, us < REST_MAX_US ? us : REST_MAX_US);
}

static void
shard_lost(struct am_census_taker *k)
{
	drop_page(k);
	am_census_build_missing(k->build);
	next_shard(k);
}

/* ---- a page of complaints ---- */

static void
meet(struct am_census_taker *k, const struct am_loopdef *def,
    const struct am_complaint *c)
{
	const struct am_census_met met = {
		.id = c->id,
		.loop = am_str_c(def->name),
		.stage = am_str_c(
		    c->stage < def->stages_n ? def->stages[c->stage].name : ""),
		.tier =
		    am_str_c(c->tier < def->tiers_n ? def->tiers[c->tier] : ""),
		.owner = c->owner,
		.due = am_view_due(def, c),
		.held = c->status == AM_HELD,
	};

	am_census_build_case(k->build, &met, am_engine_now());
}

static void ask_loop(struct am_census_taker *k, struct am_str ref);

/* False: its definition must be fetched first. */
static bool
take_record(struct am_census_taker *k, struct am_str id, struct am_str bytes)
{
	const struct am_loopdef *def;
	struct am_complaint c;
	bool unusable = false;

	if (bytes.n == 0)
		return true; /* it has just been forgotten */
	if (am_record_unpack(id, bytes, &k->page, &c) != 0) {
		am_census_build_unreadable(k->build);
		return true;
	}
	if (c.status != AM_OPEN && c.status != AM_HELD)
		return true;
	def = am_shard_loop(k->shard, c.loop_ref, &unusable);
	if (def == NULL && !unusable) {
		ask_loop(k, am_arena_dup(&k->page, c.loop_ref));
		return false;
	}
	if (def == NULL)
		am_census_build_unreadable(k->build);
	else
		meet(k, def, &c);
	return true;
}

static void
take_records(struct am_census_taker *k)
{
	const redisReply *ids = am_batch_reply(k->ids, 0)->element[1];
	int64_t began = cpu_ns();

	for (; k->row < k->rows->elements; k->row++) {
		struct am_str id = am_reply_str(ids->element[2 * k->row]);

		if (!take_record(
			k, id, am_reply_str(k->rows->element[k->row]))) {
			k->spent_ns += cpu_ns() - began;
			return;
		}
	}
	/* counted behind the page: a record may be looked at twice in it */
	k->spent_ns += cpu_ns() - began;
	page_over(k);
}

struct loop_query {
	struct am_census_taker *k;
	struct am_str ref;
};

static void
on_loop(void *arg, int rc, struct am_batch *b)
{
	struct loop_query *q = arg;
	struct am_census_taker *k = q->k;
	bool unusable = false;

	if (rc != 0) {
		am_batch_free(b);
		shard_lost(k);
		return;
	}
	if (am_shard_loop(k->shard, q->ref, &unusable) == NULL && !unusable)
		am_shard_loop_add(
		    k->shard, q->ref, am_reply_str(am_batch_reply(b, 0)));
	am_batch_free(b);
	take_records(k);
}

static void
ask_loop(struct am_census_taker *k, struct am_str ref)
{
	struct loop_query *q = am_arena_alloc(&k->page, sizeof(*q));
	struct am_batch *b = am_store_query(k->shard->store);

	*q = (struct loop_query){ k, ref };
	am_cmd(b, "GET");
	am_args(
	    b, am_key(am_store_keys(k->shard->store), &k->page, "loop", ref));
	am_store_query_send(k->shard->store, b, on_loop, q);
}

static void
on_records(void *arg, int rc, struct am_batch *b)
{
	struct am_census_taker *k = arg;
	const redisReply *r = rc == 0 ? am_batch_reply(b, 0) : NULL;
	const redisReply *ids = am_batch_reply(k->ids, 0)->element[1];

	k->records = b;
	if (r == NULL || r->type != REDIS_REPLY_ARRAY ||
	    2 * r->elements != ids->elements) {
		shard_lost(k);
		return;
	}
	k->rows = r;
	k->row = 0;
	take_records(k);
}

/* ---- a page of follow-ups ---- */

static void
on_heads(void *arg, int rc, struct am_batch *b)
{
	struct am_census_taker *k = arg;
	int64_t began = cpu_ns();
	struct am_str endpoint;

	k->records = b;
	if (rc != 0) {
		shard_lost(k);
		return;
	}
	(void)am_out_parse(am_str_c(k->outs[k->outs_i - 1]), &endpoint);
	for (size_t i = 0; i < am_batch_cmds(b); i++) {
		am_ms now = am_engine_now(), fired = now;

		if (am_fu_record_fired(
			am_reply_str(am_batch_reply(b, i)), &fired) != 0)
			fired = now; /* its row has just left */
		am_census_build_waiting(k->build, endpoint, now - fired);
	}
	k->spent_ns += cpu_ns() - began;
	page_over(k);
}

/* ---- pages ---- */

/*
 * Who was met in an earlier page is passed over. The ids left are moved to the
 * front of the answer, each with its score's place.
 */
static size_t
keep_first(struct am_census_taker *k, redisReply *list)
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < list->elements; i += 2) {
		redisReply *id = list->element[i];

		if (!am_census_build_first(k->build, am_reply_str(id)))
			continue;
		list->element[i] = list->element[2 * n];
		list->element[2 * n++] = id;
	}
	list->elements = 2 * n;
	return n;
}

static void
ask_rows(struct am_census_taker *k, const redisReply *ids)
{
	const struct am_keys *keys = am_store_keys(k->shard->store);
	struct am_batch *b = am_store_query(k->shard->store);

	if (k->outs_i == 0)
		am_cmd(b, "MGET");
	for (size_t i = 0; i < ids->elements; i += 2) {
		struct am_str id = am_reply_str(ids->element[i]);

		if (k->outs_i == 0) {
			am_args(b, am_key(keys, &k->page, "c", id));
			continue;
		}
		am_cmd(b, "GETRANGE");
		am_args(b, am_key(keys, &k->page, "fu", id));
		am_argi(b, 0);
		am_argi(b, AM_FU_HEAD_BYTES - 1);
	}
	am_store_query_send(
	    k->shard->store, b, k->outs_i == 0 ? on_records : on_heads, k);
}

static void
on_scan(void *arg, int rc, struct am_batch *b)
{
	struct am_census_taker *k = arg;
	const redisReply *r = rc == 0 ? am_batch_reply(b, 0) : NULL;
	int64_t began = cpu_ns();
	size_t n;

	k->ids = b;
	if (r == NULL || r->type != REDIS_REPLY_ARRAY || r->elements != 2 ||
	    r->element[1]->type != REDIS_REPLY_ARRAY) {
		shard_lost(k);
		return;
	}
	snprintf(k->scan, sizeof(k->scan), "%.*s",
	    AM_ARG(am_reply_str(r->element[0])));
	k->scanned = strcmp(k->scan, "0") == 0;
	n = keep_first(k, r->element[1]);
	k->spent_ns += cpu_ns() - began;
	if (n == 0)
		page_over(k);
	else
		ask_rows(k, r->element[1]);
}

static void
begin_index(struct am_census_taker *k)
{
	am_census_build_index(k->build);
	snprintf(k->scan, sizeof(k->scan), "0");
	k->scanned = false;
}

static void
next_page(struct am_census_taker *k)
{
	const struct am_keys *keys = am_store_keys(k->shard->store);
	struct am_batch *b;

	if (k->scanned && k->outs_i == k->outs_n) {
		next_shard(k);
		return;
	}
	if (k->scanned) {
		k->outs_i++;
		begin_index(k);
	}
	b = am_store_query(k->shard->store);
	am_cmd(b, "ZSCAN");
	if (k->outs_i == 0)
		am_arg(b, keys->wake);
	else
		am_args(b, am_key(keys, &k->page, "out",
			       am_str_c(k->outs[k->outs_i - 1])));
	am_arg(b, k->scan);
	am_arg(b, "COUNT");
	am_argi(b, PAGE);
	am_store_query_send(k->shard->store, b, on_scan, k);
}

/* ---- shards ---- */

static void
on_outs(void *arg, int rc, struct am_batch *b)
{
	struct am_census_taker *k = arg;
	const redisReply *r = rc == 0 ? am_batch_reply(b, 0) : NULL;

	if (r == NULL || r->type != REDIS_REPLY_ARRAY) {
		am_batch_free(b);
		shard_lost(k);
		return;
	}
	k->outs =
	    am_arena_alloc(&k->arena, (r->elements + 1) * sizeof(*k->outs));
	for (size_t i = 0; i < r->elements; i++)
		k->outs[k->outs_n++] =
		    am_arena_cstr(&k->arena, am_reply_str(r->element[i]));
	am_census_build_parked(k->build, am_reply_int(am_batch_reply(b, 1)));
	am_batch_free(b);
	next_page(k);
}

/* ---- the walk ---- */

static void
start_walk(struct am_census_taker *k)
{
	const struct am_conf *conf = k->engine->conf;
	uint8_t key[16];

	if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
		am_panic(__FILE__, __LINE__, "no random bytes");
	k->began = k->last_tried = am_engine_now();
	k->build = am_census_build_new(k->began, key, k->engine->shards_n);
	for (size_t i = 0; i < conf->loops_n; i++)
		for (size_t s = 0; s < conf->loops[i]->stages_n; s++)
			am_census_build_stage(k->build,
			    am_str_c(conf->loops[i]->name),
			    am_str_c(conf->loops[i]->stages[s].name));
	for (size_t i = 0; i < conf->endpoints_n; i++)
		am_census_build_endpoint(
		    k->build, am_str_c(conf->endpoints[i]->name));
	k->shard_i = 0;
	next_shard(k);
}

/* Those that this one serves; asked anew by a callback, others stay. */
static void
serve(struct am_census_taker *k, struct am_census *c)
{
	STAILQ_HEAD(, waiter) late = STAILQ_HEAD_INITIALIZER(late);
	struct waiter *w;

	(void)am_census_ref(c);
	STAILQ_CONCAT(&late, &k->waiters);
	while ((w = STAILQ_FIRST(&late)) != NULL) {
		STAILQ_REMOVE_HEAD(&late, link);
		if (c->started_at < w->from) {
			STAILQ_INSERT_TAIL(&k->waiters, w, link);
			continue;
		}
		w->cb(w->arg, c);
		free(w);
	}
	am_census_unref(c);
}

static void
end_walk(struct am_census_taker *k)
{
	struct am_census *c = am_census_build_end(k->build, am_engine_now());

	k->build = NULL;
	if (k->last == NULL || c->missing_n < c->shards_n) {
		am_census_unref(k->last);
		k->last = am_census_ref(c);
	}
	serve(k, c);
	am_census_unref(c);
	if (!STAILQ_EMPTY(&k->waiters))
		rest(k, 0);
}

static void
next_shard(struct am_census_taker *k)
{
	const struct am_keys *keys;
	struct am_batch *b;

	if (k->shard_i == k->engine->shards_n) {
		end_walk(k);
		return;
	}
	k->shard = k->engine->shards[k->shard_i++];
	am_arena_reset(&k->arena);
	k->outs_n = k->outs_i = 0;
	begin_index(k);
	keys = am_store_keys(k->shard->store);
	b = am_store_query(k->shard->store);
	am_cmd(b, "SMEMBERS");
	am_arg(b, keys->outs);
	am_cmd(b, "SCARD");
	am_arg(b, keys->parked);
	am_store_query_send(k->shard->store, b, on_outs, k);
}

/* A rest is over, or somebody has asked. */
static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct am_census_taker *k = arg;

	(void)fd;
	(void)what;
	if (k->build != NULL) {
		if (k->resting) {
			k->resting = false;
			next_page(k);
		}
		return; /* else an answer is waited for */
	}
	/* of a time to come: the clock was set back, and it is old */
	if (k->last != NULL && k->last->started_at <= am_engine_now())
		serve(k, k->last);
	if (k->build == NULL && !STAILQ_EMPTY(&k->waiters))
		start_walk(k);
}

/* ---- life ---- */

struct am_census_taker *
am_census_taker_new(struct am_engine *e)
{
	struct am_census_taker *k = calloc(1, sizeof(*k));

	AM_ASSERT(k != NULL);
	k->engine = e;
	STAILQ_INIT(&k->waiters);
	am_arena_init(&k->arena, 4096);
	am_arena_init(&k->page, 256 * 1024);
	k->timer = evtimer_new(e->base, on_timer, k);
	AM_ASSERT(k->timer != NULL);
	return k;
}

void
am_census_taker_free(struct am_census_taker *k)
{
	struct waiter *w;

	if (k == NULL)
		return;
	while ((w = STAILQ_FIRST(&k->waiters)) != NULL) {
		STAILQ_REMOVE_HEAD(&k->waiters, link);
		free(w);
	}
	event_free(k->timer);
	drop_page(k);
	am_census_build_free(k->build);
	am_census_unref(k->last);
	am_arena_fini(&k->arena);
	am_arena_fini(&k->page);
	free(k);
}

void
am_census_get(struct am_engine *e, am_ms max_age, am_census_cb *cb, void *arg)
{
	struct am_census_taker *k = e->census;
	struct waiter *w = calloc(1, sizeof(*w));

	AM_ASSERT(w != NULL);
	w->from = am_engine_now() - max_age;
	w->cb = cb;
	w->arg = arg;
	STAILQ_INSERT_TAIL(&k->waiters, w, link);
	rest(k, 0); /* a walk that rests goes on */
}

struct am_census *
am_census_last(struct am_engine *e, am_ms max_age)
{
	struct am_census_taker *k = e->census;
	am_ms age = am_engine_now() - k->last_tried;

	if (k->build == NULL && STAILQ_EMPTY(&k->waiters) &&
	    (age > max_age || age < 0)) /* the clock was set back */
		start_walk(k);
	return k->last;
}
