/*
 * casewalk - see casewalk.h.
 *
 * The index of wake-ups holds every complaint and is read by ZSCAN, which meets
 * each one that stays, and now and then one twice; `seen` drops the second. A
 * query may outlive the walk: its answer finds the walk freed and frees itself.
 */

#include "daemon/casewalk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "codec/record.h"

#define SCAN 256
#define RECORDS 64    /* in one MGET */
#define LINES 512     /* of journals in one batch */
#define LOOPS_MAX 16  /* definitions asked for in one batch */
#define WAIT_US 10000 /* until a reader that is slow is asked again */

struct am_casewalk {
	struct am_casewalk *next; /* in the engine's list */
	struct am_casewalk_user user;
	struct am_engine *engine;
	struct am_conf *conf;
	struct am_casewalk_count count;
	struct event *timer;
	struct asked *asked; /* the query under way */
	bool stop;
	bool asking; /* what must be known first */
	size_t unreachable;
	int rc;
	/* hashes of the ids met: open addressing, 0 is none */
	uint64_t *seen;
	size_t seen_n, seen_cap;
	/* the shard */
	size_t shard_i;
	struct am_shard *shard;
	char scan[24];
	bool scanned;
	struct am_arena page; /* ids of a scan, records of a page */
	struct am_str *ids;
	size_t ids_n, ids_at;
	struct wanted {
		struct am_str id, record;
		uint32_t lines;
	} * wanted;
	size_t wanted_n, wanted_at, chunk_n;
	struct am_str loops[LOOPS_MAX]; /* asked for behind the journals */
	size_t loops_n;
	struct am_arena scratch, fold;
};

/* A query; the walk forgets it when it is freed. */
struct asked {
	struct am_casewalk *walk;
	void (*next)(struct am_casewalk *w, const struct am_batch *b);
};

static void next_step(struct am_casewalk *w);
static void next_shard(struct am_casewalk *w);

/* ---- each once ---- */

static bool
seen_put(uint64_t *seen, size_t cap, uint64_t h)
{
	size_t i = h & (cap - 1);

	for (; seen[i] != 0; i = (i + 1) & (cap - 1)) {
		if (seen[i] == h)
			return false;
	}
	seen[i] = h;
	return true;
}

static void
seen_grow(struct am_casewalk *w)
{
	size_t cap = w->seen_cap > 0 ? w->seen_cap * 2 : 4096;
	uint64_t *seen = calloc(cap, sizeof(*seen));

	AM_ASSERT(seen != NULL);
	for (size_t i = 0; i < w->seen_cap; i++) {
		if (w->seen[i] != 0)
			(void)seen_put(seen, cap, w->seen[i]);
	}
	free(w->seen);
	w->seen = seen;
	w->seen_cap = cap;
}

/* False: it was met before. */
static bool
is_new(struct am_casewalk *w, struct am_str id)
{
	static const uint8_t key[16] = "amends casewalk";
	uint64_t h = am_siphash(key, id.p, id.n);

	if (w->seen_n * 2 >= w->seen_cap)
		seen_grow(w);
	if (!seen_put(w->seen, w->seen_cap, h != 0 ? h : 1))
		return false;
	w->seen_n++;
	return true;
}

/* ---- queries ---- */

static void
on_answer(void *arg, int rc, struct am_batch *b)
{
	struct asked *q = arg;
	struct am_casewalk *w = q->walk;

	if (w == NULL) {
		am_batch_free(b);
		free(q);
		return;
	}
	w->asked = NULL;
	if (rc == -AM_ECANCELED) { /* the engine ends, and says so itself */
		w->stop = true;
	} else if (rc != 0) {
		if (w->unreachable++ == 0)
			w->rc = rc;
		next_shard(w);
	} else {
		q->next(w, b);
	}
	am_batch_free(b);
	free(q);
}

static void
ask(struct am_casewalk *w, struct am_batch *b,
    void (*next)(struct am_casewalk *w, const struct am_batch *b))
{
	struct asked *q = calloc(1, sizeof(*q));

	AM_ASSERT(q != NULL);
	q->walk = w;
	q->next = next;
	w->asked = q;
	am_store_query_send(w->shard->store, b, on_answer, q);
}

static struct am_str
key(struct am_casewalk *w, struct am_batch *b, const char *kind,
    struct am_str name)
{
	return am_key(
	    am_store_keys(w->shard->store), am_batch_arena(b), kind, name);
}

/* ---- journals ---- */

static const struct am_loopdef *
loop_of(struct am_casewalk *w, struct am_str ref)
{
	bool unusable = false;

	return am_shard_loop(w->shard, ref, &unusable);
}

static void
take_loops(struct am_casewalk *w, const struct am_batch *b)
{
	for (size_t i = 0; i < w->loops_n; i++) {
		bool unusable = false;

		if (am_shard_loop(w->shard, w->loops[i], &unusable) == NULL &&
		    !unusable)
			am_shard_loop_add(w->shard, w->loops[i],
			    am_reply_str(am_batch_reply(b, w->chunk_n + i)));
	}
}

static void
fold(struct am_casewalk *w, const struct wanted *k, const redisReply *log)
{
	struct am_casefile f;
	struct am_complaint c;

	am_arena_reset(&w->fold);
	if (am_record_unpack(k->id, k->record, &w->fold, &c) != 0)
		return;
	am_casefile_begin(&f, &w->fold, loop_of(w, c.loop_ref), &c);
	if (log != NULL && log->type == REDIS_REPLY_ARRAY)
		for (size_t i = 0; i < log->elements; i++)
			am_casefile_line(
			    &f, am_reply_str(log->element[i]), &w->scratch);
	am_casefile_end(&f);
	w->count.folded++;
	w->count.unread += f.unread;
	w->user.each(w->user.arg, &f);
}

static void
on_journals(struct am_casewalk *w, const struct am_batch *b)
{
	take_loops(w, b);
	for (size_t i = 0; i < w->chunk_n && !w->stop; i++)
		fold(w, &w->wanted[w->wanted_at + i], am_batch_reply(b, i));
	w->wanted_at += w->chunk_n;
	next_step(w);
}

/* Its definition comes with the journals, unless it is known. */
static void
want_loop(struct am_casewalk *w, const struct wanted *k)
{
	struct am_complaint c;
	bool unusable = false;

	am_arena_reset(&w->fold);
	if (w->loops_n == LOOPS_MAX ||
	    am_record_unpack(k->id, k->record, &w->fold, &c) != 0 ||
	    am_shard_loop(w->shard, c.loop_ref, &unusable) != NULL || unusable)
		return;
	for (size_t i = 0; i < w->loops_n; i++)
		if (am_str_eq(w->loops[i], c.loop_ref))
			return;
	w->loops[w->loops_n++] = am_arena_dup(&w->page, c.loop_ref);
}

static void
ask_journals(struct am_casewalk *w)
{
	struct am_batch *b = am_store_query(w->shard->store);
	size_t lines = 0, n = 0;

	w->loops_n = 0;
	while (w->wanted_at + n < w->wanted_n && (n == 0 || lines < LINES)) {
		const struct wanted *k = &w->wanted[w->wanted_at + n++];

		lines += k->lines;
		am_cmd(b, "LRANGE");
		am_args(b, key(w, b, "log", k->id));
		am_argi(b, 0);
		am_argi(b, -1);
		want_loop(w, k);
	}
	w->chunk_n = n;
	for (size_t i = 0; i < w->loops_n; i++) {
		am_cmd(b, "GET");
		am_args(b, key(w, b, "loop", w->loops[i]));
	}
	ask(w, b, on_journals);
}

/* ---- records ---- */

static void
take_record(struct am_casewalk *w, struct am_str id, struct am_str bytes)
{
	struct am_complaint c;

	am_arena_reset(&w->fold);
	if (bytes.n == 0 || am_record_unpack(id, bytes, &w->fold, &c) != 0)
		return;
	w->count.met++;
	if (!w->user.wants(w->user.arg, &c))
		return;
	w->wanted[w->wanted_n++] =
	    (struct wanted){ id, am_arena_dup(&w->page, bytes), c.seq };
}

static void
on_records(struct am_casewalk *w, const struct am_batch *b)
{
	const redisReply *r = am_batch_reply(b, 0);
	size_t n = r != NULL && r->type == REDIS_REPLY_ARRAY ? r->elements : 0;

	w->wanted = am_arena_alloc(&w->page, (n + 1) * sizeof(*w->wanted));
	w->wanted_n = w->wanted_at = 0;
	for (size_t i = 0; i < n; i++)
		take_record(
		    w, w->ids[w->ids_at + i], am_reply_str(r->element[i]));
	w->ids_at += n > 0 ? n : w->ids_n - w->ids_at;
	next_step(w);
}

static void
ask_records(struct am_casewalk *w)
{
	struct am_batch *b = am_store_query(w->shard->store);

	am_cmd(b, "MGET");
	for (size_t i = w->ids_at; i < w->ids_n && i < w->ids_at + RECORDS; i++)
		am_args(b, key(w, b, "c", w->ids[i]));
	ask(w, b, on_records);
}

/* ---- what must be known first ---- */

static void
on_known(struct am_casewalk *w, const struct am_batch *b)
{
	w->user.answer(w->user.arg, b);
	next_shard(w);
}

static void
ask_known(struct am_casewalk *w)
{
	struct am_batch *b = am_store_query(w->shard->store);

	w->user.ask(w->user.arg, b, w->shard);
	ask(w, b, on_known);
}

/* ---- the index ---- */

static void
on_scan(struct am_casewalk *w, const struct am_batch *b)
{
	const redisReply *r = am_batch_reply(b, 0), *list;

	am_arena_reset(&w->page);
	w->ids_n = w->ids_at = w->wanted_n = w->wanted_at = 0;
	if (r == NULL || r->type != REDIS_REPLY_ARRAY || r->elements != 2) {
		if (w->unreachable++ == 0)
			w->rc = -AM_EPROTO;
		next_shard(w);
		return;
	}
	list = r->element[1];
	snprintf(w->scan, sizeof(w->scan), "%.*s",
	    AM_ARG(am_reply_str(r->element[0])));
	w->scanned = strcmp(w->scan, "0") == 0;
	w->ids = am_arena_alloc(
	    &w->page, (list->elements / 2 + 1) * sizeof(*w->ids));
	for (size_t i = 0; i + 1 < list->elements; i += 2) {
		struct am_str id = am_reply_str(list->element[i]);

		if (is_new(w, id))
			w->ids[w->ids_n++] = am_arena_dup(&w->page, id);
	}
	if (am_batch_reply(b, 1) != NULL) { /* the first of this shard */
		w->count.of += (size_t)am_reply_int(am_batch_reply(b, 1));
		w->count.parked += (size_t)am_reply_int(am_batch_reply(b, 2));
	}
	next_step(w);
}

static void
ask_scan(struct am_casewalk *w)
{
	const struct am_keys *keys = am_store_keys(w->shard->store);
	struct am_batch *b = am_store_query(w->shard->store);

	am_cmd(b, "ZSCAN");
	am_arg(b, keys->wake);
	am_arg(b, w->scan);
	am_arg(b, "COUNT");
	am_argi(b, SCAN);
	if (strcmp(w->scan, "0") == 0) {
		am_cmd(b, "ZCARD");
		am_arg(b, keys->wake);
		am_cmd(b, "SCARD");
		am_arg(b, keys->parked);
	}
	ask(w, b, on_scan);
}

/* ---- the walk ---- */

static void
wait_a_little(struct am_casewalk *w, long us)
{
	const struct timeval tv = { .tv_usec = us };

	event_add(w->timer, &tv);
}

static void
over(struct am_casewalk *w)
{
	w->shard = NULL;
	w->user.done(w->user.arg, w->unreachable, w->rc);
}

static void
next_step(struct am_casewalk *w)
{
	if (w->stop)
		over(w);
	else if (w->asking)
		ask_known(w);
	else if (w->user.ready != NULL && !w->user.ready(w->user.arg))
		wait_a_little(w, WAIT_US);
	else if (w->wanted_at < w->wanted_n)
		ask_journals(w);
	else if (w->ids_at < w->ids_n)
		ask_records(w);
	else if (!w->scanned)
		ask_scan(w);
	else
		next_shard(w);
}

static void
next_shard(struct am_casewalk *w)
{
	w->ids_n = w->ids_at = w->wanted_n = w->wanted_at = 0;
	w->scanned = false;
	memcpy(w->scan, "0", 2);
	free(w->seen); /* an id is one shard's */
	w->seen = NULL;
	w->seen_n = w->seen_cap = 0;
	if (w->shard_i == w->engine->shards_n && w->asking) {
		w->asking = false;
		w->shard_i = 0;
	}
	if (w->stop || w->unreachable != 0 ||
	    w->shard_i == w->engine->shards_n) {
		over(w);
		return;
	}
	w->shard = w->engine->shards[w->shard_i++];
	next_step(w);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct am_casewalk *w = arg;

	(void)fd;
	(void)what;
	if (w->shard == NULL)
		next_shard(w);
	else
		next_step(w);
}

struct am_casewalk *
am_casewalk_start(struct am_engine *e, const struct am_casewalk_user *user)
{
	struct am_casewalk *w = calloc(1, sizeof(*w));

	AM_ASSERT(w != NULL);
	w->user = *user;
	w->asking = user->ask != NULL;
	w->engine = e;
	w->next = e->casewalks;
	e->casewalks = w;
	w->conf = am_conf_ref(e->conf);
	w->timer = evtimer_new(e->base, on_timer, w);
	AM_ASSERT(w->timer != NULL);
	am_arena_init(&w->page, 1 << 18);
	am_arena_init(&w->scratch, 1 << 16);
	am_arena_init(&w->fold, 1 << 16);
	wait_a_little(w, 0);
	return w;
}

void
am_casewalk_free(struct am_casewalk *w)
{
	struct am_casewalk **at;

	if (w == NULL)
		return;
	for (at = &w->engine->casewalks; *at != w; at = &(*at)->next)
		;
	*at = w->next;
	if (w->asked != NULL)
		w->asked->walk = NULL;
	event_free(w->timer);
	am_arena_fini(&w->page);
	am_arena_fini(&w->scratch);
	am_arena_fini(&w->fold);
	am_conf_unref(w->conf);
	free(w->seen);
	free(w);
}

void
am_casewalk_stop(struct am_casewalk *w)
{
	w->stop = true;
}

void
am_casewalks_cancel(struct am_engine *e)
{
	while (e->casewalks != NULL) {
		struct am_casewalk *w = e->casewalks;

		free(w->asked); /* its answer will not come */
		w->asked = NULL;
		w->user.done(w->user.arg, w->unreachable + 1, -AM_ECANCELED);
		if (e->casewalks == w) /* it is their part to free it */
			am_casewalk_free(w);
	}
}

const struct am_casewalk_count *
am_casewalk_count(const struct am_casewalk *w)
{
	return &w->count;
}
