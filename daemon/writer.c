/*
 * writer - a queue, a batch on the wire, its replies.
 *
 * Before a batch goes, what Redis is like may be a second old at most, else it
 * is asked first. What is refused in one script (a full Redis refuses a script
 * before its first line) is not written at all; an unknown outcome is told as a
 * refusal, and the index makes the repeat of what had been written a duplicate.
 *
 * An Idempotency-Key is claimed in a step before, in the stream that its own
 * hash names: the body decides on the stream of an event, and another body must
 * still meet the key.
 */

#include "daemon/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "daemon/shard.h"
#include "log/log.h"

#define IDEM_TTL "86400000" /* ms: a day */
#define BATCH_WRITES 256    /* requests in one batch */
#define BATCH_BYTES ((size_t)1 << 20)
#define WAITING_MAX 1024
#define WAITING_BYTES ((size_t)32 << 20)
#define FACTS_AGE AM_SECOND
#define ANSWER_MAX (4 * AM_SECOND) /* a request has ten in all */
#define REPLICAS_WAIT 1000	   /* ms */
#define MEMORY_PCT 85

enum wire { FREE, ASKING, WRITING };

struct am_writer {
	struct am_engine *engine;
	struct am_redis *redis;
	char client_name[96];
	struct event *flush;
	enum wire wire;
	struct am_redis_facts facts;
	am_ms facts_at; /* monotonic; 0: of no connection that is up */
	char down[AM_WRITE_DETAIL_MAX], why[AM_WRITE_DETAIL_MAX];
	unsigned replicas; /* that the batch on the wire waits for; 0: none */
	bool freed;
	struct am_write *queue, **tail;
	struct am_write *sent; /* with the batch on the wire */
	size_t waiting, waiting_bytes;
};

static const char write_script[] =
    "#!lua\n"
    "local out, i = {}, 2\n"
    "for k = 2, #KEYS do\n"
    "  local n = tonumber(ARGV[i + 1])\n"
    "  local known = redis.call('GET', KEYS[k])\n"
    "  out[#out + 1] = known and 1 or 0\n"
    "  if not known then\n"
    "    known = redis.call('XADD', KEYS[1], '*',\n"
    "                       unpack(ARGV, i + 2, i + 1 + n)) .. ' ' .. ARGV[i]\n"
    "    redis.call('SET', KEYS[k], known, 'PX', ARGV[1])\n"
    "  end\n"
    "  out[#out + 1] = known\n"
    "  i = i + 2 + n\n"
    "end\n"
    "return out\n";

/* 1: it is this body's, now or before */
static const char claim_script[] =
    "#!lua\n"
    "local known = redis.call('GET', KEYS[1])\n"
    "if not known then\n"
    "  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[1])\n"
    "end\n"
    "return (not known or known == ARGV[2]) and 1 or 0\n";

/* ---- what Redis keeps ---- */

static int
facts_ok(const struct am_writer *wr, char *why, size_t n)
{
	const struct am_conf *conf = wr->engine->conf;
	const struct am_redis_facts *f = &wr->facts;
	const char *need = conf->redis.require_durability;

	if (wr->facts_at == 0) {
		snprintf(why, n, "%s",
		    wr->down[0] != '\0' ? wr->down : "Redis is not reached");
		return -AM_EIO;
	}
	if (f->policy[0] != '\0' && strcmp(f->policy, "noeviction") != 0) {
		snprintf(why, n, "Redis drops keys (%s)", f->policy);
		return -AM_EREFUSED;
	}
	if (f->maxmemory > 0 &&
	    f->used_memory / MEMORY_PCT >= f->maxmemory / 100) {
		snprintf(
		    why, n, "Redis is over %d %% of its memory", MEMORY_PCT);
		return -AM_EFULL;
	}
	/* D3 is D2 and the replicas, which are asked behind the write */
	if (need != NULL &&
	    f->durability[1] < (need[1] == '3' ? '2' : need[1])) {
		snprintf(why, n, "Redis keeps by class %s, and %s is required",
		    f->durability, need);
		return -AM_EREFUSED;
	}
	return 0;
}

/* 0: the writes are not to wait */
static unsigned
replicas_wanted(const struct am_writer *wr)
{
	const struct am_conf *conf = wr->engine->conf;
	const char *need = conf->redis.require_durability;

	if (need == NULL || strcmp(need, "D3") != 0)
		return 0;
	return conf->redis.wait_replicas > 0 ? conf->redis.wait_replicas : 1;
}

/* ---- the queue ---- */

static void
kick(struct am_writer *wr)
{
	if (wr->queue != NULL && wr->wire == FREE)
		event_active(wr->flush, 0, 0);
}

static void
done(struct am_writer *wr, struct am_write *w, int rc, const char *why)
{
	wr->waiting--;
	wr->waiting_bytes -= w->bytes;
	w->done(w->arg, w, rc, why);
}

static void
enqueue(struct am_writer *wr, struct am_write *w)
{
	w->next = NULL;
	*wr->tail = w;
	wr->tail = &w->next;
}

static struct am_write *
dequeue(struct am_writer *wr)
{
	struct am_write *w = wr->queue;

	wr->queue = w->next;
	if (wr->queue == NULL)
		wr->tail = &wr->queue;
	w->next = NULL;
	return w;
}

static void
refuse_all(struct am_writer *wr, int rc, const char *why)
{
	struct am_write *w = wr->queue, *next;

	wr->queue = NULL;
	wr->tail = &wr->queue;
	for (; w != NULL; w = next) {
		next = w->next;
		done(wr, w, rc, why);
	}
}

/* ---- commands ---- */

static bool
goes_to(const struct am_writer *wr, const struct am_write_event *e, size_t i)
{
	return e->complaint_id.n == 0 ||
	       am_shard_of(e->complaint_id, wr->engine->shards_n) == i;
}

static struct am_str
hex(struct am_arena *a, const uint8_t *p, size_t n)
{
	struct am_buf b;

	am_buf_arena(&b, a, 2 * n);
	am_buf_addhex(&b, p, n);
	return am_buf_str(&b);
}

static struct am_str
event_key(
    const struct am_keys *k, struct am_arena *a, const struct am_write_event *e)
{
	struct am_sha256 sha;
	uint8_t hash[32];

	am_sha256_init(&sha);
	am_sha256_addl(&sha, e->producer);
	am_sha256_addl(&sha, e->source);
	am_sha256_addl(&sha, e->event_id);
	am_sha256_end(&sha, hash);
	return am_key(k, a, "idem", hex(a, hash, 16));
}

static void
add_claim(struct am_writer *wr, struct am_batch *b, const struct am_write *w)
{
	struct am_arena *a = am_batch_arena(b);
	struct am_sha256 sha;
	uint8_t hash[32];
	const struct am_keys *k;

	am_sha256_init(&sha);
	am_sha256_addl(&sha, w->producer);
	am_sha256_addl(&sha, w->key);
	am_sha256_end(&sha, hash);
	k = am_store_keys(
	    wr->engine->shards[am_shard_of_hash(hash, wr->engine->shards_n)]
		->store);
	am_cmd(b, "EVAL");
	am_arg(b, claim_script);
	am_arg(b, "1");
	am_args(b, am_key(k, a, "idem:k", hex(a, hash, 16)));
	am_arg(b, IDEM_TTL);
	am_args(b, hex(a, w->body_hash, 32));
}

/* The events of w that the i-th stream gets; false: none. */
static bool
add_writes(struct am_writer *wr, struct am_batch *b, const struct am_write *w,
    size_t i)
{
	const struct am_keys *k = am_store_keys(wr->engine->shards[i]->store);
	size_t here = 0;

	for (size_t j = 0; j < w->n; j++)
		here += goes_to(wr, &w->v[j], i);
	if (here == 0)
		return false;
	am_cmd(b, "EVAL");
	am_arg(b, write_script);
	am_argi(b, (int64_t)here + 1);
	am_arg(b, k->stream);
	for (size_t j = 0; j < w->n; j++)
		if (goes_to(wr, &w->v[j], i))
			am_args(b, event_key(k, am_batch_arena(b), &w->v[j]));
	am_arg(b, IDEM_TTL);
	for (size_t j = 0; j < w->n; j++) {
		const struct am_write_event *e = &w->v[j];

		if (!goes_to(wr, e, i))
			continue;
		am_args(b, e->complaint_id);
		am_argi(b, (int64_t)e->n * 2);
		for (size_t f = 0; f < e->n; f++) {
			am_args(b, e->fields[f].key);
			am_args(b, e->fields[f].value);
		}
	}
	return true;
}

/* ---- replies ---- */

/* "STREAMID COMPLAINT" of one event */
static int
read_answer(const struct am_writer *wr, struct am_write *w,
    struct am_write_event *e, size_t shard, const redisReply *was,
    const redisReply *known)
{
	struct am_str s = am_reply_str(known);
	const char *blank = s.n > 0 ? memchr(s.p, ' ', s.n) : NULL;

	if (blank == NULL || was->type != REDIS_REPLY_INTEGER)
		return -AM_EPROTO;
	if (e->stream_id.n > 0) { /* of a stream before; it is new if any is */
		e->duplicate &= was->integer == 1;
		return 0;
	}
	s = am_arena_dup(w->arena, s);
	blank = memchr(s.p, ' ', s.n);
	e->stream_id = (struct am_str){ s.p, (size_t)(blank - s.p) };
	e->complaint = (struct am_str){ blank + 1, s.n - e->stream_id.n - 1 };
	e->stream = wr->engine->shards[shard]->stream;
	e->duplicate = was->integer == 1;
	return 0;
}

static int
read_writes(const struct am_writer *wr, struct am_write *w, size_t shard,
    const redisReply *r)
{
	size_t at = 0;
	int rc = 0;

	if (am_reply_is_error(r))
		return am_reply_rc(r);
	for (size_t j = 0; rc == 0 && j < w->n; j++) {
		if (!goes_to(wr, &w->v[j], shard))
			continue;
		if (r->type != REDIS_REPLY_ARRAY || at + 2 > r->elements)
			return -AM_EPROTO;
		rc = read_answer(
		    wr, w, &w->v[j], shard, r->element[at], r->element[at + 1]);
		at += 2;
	}
	return rc;
}

static const char *
word_of(int rc)
{
	switch (rc) {
	case -AM_EFULL:
		return "Redis is full";
	case -AM_EBUSY:
		return "Redis takes no writes now";
	case -AM_ETIMEDOUT:
		return "Redis does not answer";
	case -AM_EIO:
		return "Redis is not reached";
	default:
		return "Redis does not take it";
	}
}

/* How many replies of b are of w, from the at-th; its rc. */
static size_t
read_one(struct am_writer *wr, struct am_write *w, const struct am_batch *b,
    size_t at)
{
	size_t n = 0;

	w->rc = 0;
	if (w->key.n > 0 && !w->claimed) {
		const redisReply *r = am_batch_reply(b, at);

		if (am_reply_is_error(r))
			w->rc = am_reply_rc(r);
		else if (am_reply_int(r) != 1)
			w->rc = -AM_ECONFLICT;
		return 1;
	}
	for (size_t i = 0; i < wr->engine->shards_n; i++) {
		bool any = false;
		int rc;

		for (size_t j = 0; j < w->n; j++)
			any |= goes_to(wr, &w->v[j], i);
		if (!any)
			continue;
		rc = read_writes(wr, w, i, am_batch_reply(b, at + n++));
		if (rc != 0)
			w->rc = rc;
	}
	return n;
}

/* The reply of WAIT ends a batch that has one. */
static bool
too_few_replicas(const struct am_writer *wr, const struct am_batch *b)
{
	const redisReply *r = am_batch_reply(b, am_batch_cmds(b) - 1);

	return wr->replicas > 0 && (am_reply_is_error(r) ||
				       am_reply_int(r) < (int64_t)wr->replicas);
}

static void
end_one(struct am_writer *wr, struct am_write *w, int rc, bool few)
{
	if (rc != 0)
		w->rc = rc;
	if (w->rc == 0 && w->key.n > 0 && !w->claimed) {
		w->claimed = true;
		enqueue(wr, w);
	} else if (w->rc == 0 && few) {
		done(wr, w, -AM_EREFUSED,
		    "too few replicas have it; D3 is required");
	} else {
		done(wr, w, w->rc, word_of(w->rc));
	}
}

/* The last reply of a writer that was given up. */
static bool
gone(struct am_writer *wr, struct am_batch *b)
{
	if (!wr->freed)
		return false;
	am_batch_free(b);
	free(wr);
	return true;
}

static void
on_written(void *arg, int rc, struct am_batch *b)
{
	struct am_writer *wr = arg;
	struct am_write *w = wr->sent, *next;
	bool few = rc == 0 && too_few_replicas(wr, b);
	size_t at = 0;

	if (gone(wr, b))
		return;
	wr->wire = FREE;
	wr->sent = NULL;
	for (next = w; rc == 0 && next != NULL; next = next->next)
		at += read_one(wr, next, b, at);
	for (; w != NULL; w = next) {
		next = w->next;
		end_one(wr, w, rc, few);
	}
	am_batch_free(b);
	kick(wr);
}

/* ---- the wire ---- */

static am_ms
patience(const struct am_writer *wr)
{
	am_ms t = wr->engine->conf->redis.command_timeout;

	return t < ANSWER_MAX ? t : ANSWER_MAX;
}

static void
send_batch(struct am_writer *wr)
{
	struct am_batch *b = am_batch_new(wr->redis);
	struct am_write **tail = &wr->sent;
	size_t n = 0, bytes = 0;

	while (wr->queue != NULL && n < BATCH_WRITES && bytes < BATCH_BYTES) {
		struct am_write *w = dequeue(wr);

		if (w->key.n > 0 && !w->claimed)
			add_claim(wr, b, w);
		else
			for (size_t i = 0; i < wr->engine->shards_n; i++)
				(void)add_writes(wr, b, w, i);
		n++;
		bytes += w->bytes;
		*tail = w;
		tail = &w->next;
	}
	wr->replicas = replicas_wanted(wr);
	if (wr->replicas > 0) {
		am_cmd(b, "WAIT");
		am_argi(b, wr->replicas);
		am_argi(b, REPLICAS_WAIT);
	}
	wr->wire = WRITING;
	am_redis_send(wr->redis, b, patience(wr), on_written, wr);
}

static void
on_facts(void *arg, int rc, struct am_batch *b)
{
	struct am_writer *wr = arg;
	const redisReply *info = rc == 0 ? am_batch_reply(b, 0) : NULL;

	if (gone(wr, b))
		return;
	wr->wire = FREE;
	wr->facts_at = 0;
	if (info != NULL && info->type == REDIS_REPLY_STRING) {
		struct am_str text = am_reply_str(info);

		am_facts_memory(&wr->facts, text);
		am_facts_durability(&wr->facts, text, am_batch_reply(b, 1));
		wr->facts_at = am_engine_monotonic();
	} else if (info != NULL) {
		snprintf(wr->down, sizeof(wr->down), "%s",
		    word_of(am_reply_rc(info)));
	}
	am_batch_free(b);
	if (wr->facts_at == 0)
		refuse_all(wr, rc != 0 ? rc : -AM_EBUSY,
		    rc != 0 ? word_of(rc) : wr->down);
	kick(wr);
}

static void
ask_facts(struct am_writer *wr)
{
	struct am_batch *b = am_batch_new(wr->redis);

	am_cmd(b, "INFO");
	am_cmd(b, "CONFIG");
	am_arg(b, "GET");
	am_arg(b, "appendfsync");
	wr->wire = ASKING;
	am_redis_send(wr->redis, b, patience(wr), on_facts, wr);
}

static bool
facts_old(const struct am_writer *wr)
{
	return wr->facts_at == 0 ||
	       am_engine_monotonic() - wr->facts_at > FACTS_AGE;
}

static void
on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct am_writer *wr = arg;
	char why[AM_WRITE_DETAIL_MAX];
	int rc;

	(void)fd;
	(void)what;
	if (wr->queue == NULL || wr->wire != FREE)
		return;
	if (!am_redis_up(wr->redis)) {
		refuse_all(wr, -AM_EIO, word_of(-AM_EIO));
		return;
	}
	if (facts_old(wr)) {
		ask_facts(wr);
		return;
	}
	rc = facts_ok(wr, why, sizeof(why));
	if (rc != 0)
		refuse_all(wr, rc, why);
	else
		send_batch(wr);
}

/* Who asks makes the next answer fresh: a proxy that sends us nothing while we
 * are not ready would never learn that we are again. */
const char *
am_writer_wrong(struct am_writer *wr)
{
	if (wr->wire == FREE && am_redis_up(wr->redis) && facts_old(wr))
		ask_facts(wr);
	return facts_ok(wr, wr->why, sizeof(wr->why)) == 0 ? NULL : wr->why;
}

bool
am_writer_room(const struct am_writer *wr, size_t bytes)
{
	/* what is made of a body may be more than the body: over the bound by
	 * one request, and not without one */
	return wr->waiting < WAITING_MAX && bytes <= WAITING_BYTES &&
	       wr->waiting_bytes <= WAITING_BYTES - bytes;
}

void
am_writer_send(struct am_writer *wr, struct am_write *w)
{
	w->bytes = 0;
	w->claimed = false;
	for (size_t j = 0; j < w->n; j++)
		for (size_t f = 0; f < w->v[j].n; f++)
			w->bytes +=
			    w->v[j].fields[f].key.n + w->v[j].fields[f].value.n;
	wr->waiting++;
	wr->waiting_bytes += w->bytes;
	enqueue(wr, w);
	kick(wr);
}

bool
am_writer_quiet(const struct am_writer *wr)
{
	return wr->waiting == 0;
}

size_t
am_writer_waiting(const struct am_writer *wr)
{
	return wr->waiting;
}

/* ---- life ---- */

static void
on_redis(void *arg, bool up, const char *why)
{
	struct am_writer *wr = arg;

	wr->facts_at = 0;
	snprintf(wr->down, sizeof(wr->down), "%s", why);
	if (up && wr->wire == FREE)
		ask_facts(wr); /* so that readiness is known */
	else if (!up)
		am_log_warn("producers_redis", "state=down reason=%s",
		    am_log_val(am_str_c(why)));
}

struct am_writer *
am_writer_new(struct am_engine *e)
{
	const struct am_conf *conf = e->conf;
	struct am_writer *wr = calloc(1, sizeof(*wr));
	const char *at = e->redis_path;
	struct am_redis_opts opts = {
		.is_unix = at != NULL || conf->redis.kind == AM_REDIS_UNIX,
		.path_or_host = at != NULL ? at : conf->redis.path_or_host,
		.port = conf->redis.port,
		.db = conf->redis.db,
		.user = conf->redis.user,
		.password = conf->redis.password.value,
		.timeout = conf->redis.command_timeout,
	};

	AM_ASSERT(wr != NULL);
	wr->engine = e;
	wr->tail = &wr->queue;
	snprintf(wr->client_name, sizeof(wr->client_name), "%s:intake",
	    conf->instance);
	opts.client_name = wr->client_name;
	wr->flush = event_new(e->base, -1, 0, on_flush, wr);
	AM_ASSERT(wr->flush != NULL);
	wr->redis = am_redis_new(e->base, e->dns, &opts, on_redis, wr);
	return wr;
}

void
am_writer_free(struct am_writer *wr)
{
	if (wr == NULL)
		return;
	am_redis_free(wr->redis);
	event_free(wr->flush);
	wr->freed = true;
	if (wr->wire == FREE)
		free(wr);
}
