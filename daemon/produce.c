/*
 * produce - a request's way: who, from where, how often, which key, what, and
 * then into the streams.
 *
 * A wrong credential, a producer that is not there and one without any are the
 * same 401 in the same time; the log alone has the word. Who has proved to be a
 * producer is told exactly what is wrong. Nothing of a body is logged.
 */

#include "daemon/produce.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/hash.h"
#include "base/str.h"
#include "core/bucket.h"
#include "daemon/paused.h"
#include "daemon/strangers.h"
#include "daemon/writer.h"
#include "intake/form.h"
#include "intake/produced.h"
#include "intake/verify.h"
#include "log/log.h"

#define RETRY_AFTER_S 5
#define FULL_AFTER_S 1
#define KEY_MAX 255

/* A producer by its name, over reloads. */
struct account {
	TAILQ_ENTRY(account) link;
	struct am_produce_count count;
	char *name;
	struct am_bucket bucket;
	am_ms *ring;
};

/* A request that is being written. */
struct post {
	TAILQ_ENTRY(post) link;
	struct am_produce *produce;
	struct am_http_request *req;
	struct am_conf *conf; /* shared: fields borrow from it */
	struct account *account;
	struct am_produced said;
	struct am_write write;
};

TAILQ_HEAD(accounts, account);
TAILQ_HEAD(posts, post);

struct am_produce {
	struct am_engine *engine;
	struct am_writer *writer; /* NULL: nobody may send */
	struct accounts accounts;
	struct posts open;
	uint64_t strangers;
	struct am_hush refused, redis;
};

/* ---- accounts ---- */

static struct account *
account_of(struct am_produce *p, const char *name)
{
	struct account *a;

	TAILQ_FOREACH(a, &p->accounts, link)
	if (strcmp(a->name, name) == 0)
		return a;
	a = calloc(1, sizeof(*a));
	AM_ASSERT(a != NULL && (a->name = strdup(name)) != NULL);
	a->count.name = a->name;
	TAILQ_INSERT_TAIL(&p->accounts, a, link);
	return a;
}

/* Unlike towards an endpoint nothing of ours went out before: it starts full.
 */
static void
set_rate(struct account *a, uint32_t n, am_ms per)
{
	if (a->bucket.n == n && (n == 0 || a->bucket.per == per))
		return;
	free(a->ring);
	a->ring = calloc(n > 0 ? n : 1, sizeof(*a->ring));
	AM_ASSERT(a->ring != NULL);
	am_bucket_init(
	    &a->bucket, n, per, a->ring, am_engine_monotonic() - per);
}

void
am_produce_reconfigure(struct am_produce *p)
{
	const struct am_conf *conf = p->engine->conf;

	for (size_t i = 0; i < conf->http.producers_n; i++) {
		const struct am_conf_producer *of = conf->http.producers[i];

		set_rate(account_of(p, of->name), of->rate_n, of->rate_per);
	}
	if (conf->http.producers_n > 0 && p->writer == NULL)
		p->writer = am_writer_new(p->engine);
}

/* ---- refusals ---- */

static void
fail(struct am_produce *p, struct account *a, struct am_http_request *req,
    const struct am_http_problem *problem)
{
	struct am_produce_count *c = &a->count;

	if (problem->status == 429)
		c->limited++;
	else if (problem->status == 503)
		c->unavailable++;
	else if (problem->status == 403)
		c->unauthorized++;
	else
		c->refused++;
	am_hush_say(problem->status == 503 ? &p->redis : &p->refused,
	    problem->status == 503 ? "event_unwritten" : "event_refused",
	    "producer", a->name, problem->code);
	am_http_problem_with(req, problem);
}

static void
fail_with(struct am_produce *p, struct account *a, struct am_http_request *req,
    unsigned status, const char *code, const char *detail)
{
	fail(p, a, req,
	    &(struct am_http_problem){ .status = status,
		.detail = detail,
		.code = code,
		.at = SIZE_MAX,
		.retry_after_s = status == 503 ? RETRY_AFTER_S : 0 });
}

/* ---- who ---- */

static struct am_verify_request
verify_request(const struct am_http_request *req)
{
	return (struct am_verify_request){ .headers = req->head.headers,
		.headers_n = req->head.headers_n,
		.body = req->body,
		.now_s = am_engine_now() / 1000 };
}

/* "NAME" of /v1/events/NAME; n == 0: none. */
static struct am_str
name_of(struct am_http_request *req)
{
	struct am_str path = req->head.path, name = { NULL, 0 };

	if (!am_str_prefix(path, AM_PRODUCE_NAMED))
		return name;
	name = (struct am_str){ path.p + strlen(AM_PRODUCE_NAMED),
		path.n - strlen(AM_PRODUCE_NAMED) };
	if (name.n == 0 || am_path_decode(name, &req->arena, &name) != 0)
		name = AM_STR("/"); /* nobody's */
	return name;
}

/* Who sent it, NULL: nobody that we know, and *why in a word. *named: whom it
 * calls itself, if there is one of that name. */
static const struct am_conf_producer *
find(const struct am_conf *conf, struct am_http_request *req,
    const struct am_conf_producer **named, const char **why)
{
	const struct am_verify_request r = verify_request(req);
	const struct am_conf_producer *found = NULL;
	struct am_str name = name_of(req);
	const char *word;

	*named = name.n > 0 ? am_conf_producer(conf, name) : NULL;
	*why = "no_signature";
	if (name.n > 0) {
		const struct am_conf_producer *p =
		    *named != NULL ? *named : conf->http.producers[0];
		int rc = am_verify_producer(p, &r, why);

		if (*named == NULL)
			*why = "no_such_producer";
		return rc == 0 ? *named : NULL;
	}
	for (size_t i = 0; i < conf->http.producers_n; i++) {
		const struct am_conf_producer *p = conf->http.producers[i];

		if (am_verify_producer(p, &r, &word) != 0) {
			if (strcmp(word, "no_signature") != 0)
				*why = word;
		} else if (found == NULL) {
			found = p;
		}
	}
	return found;
}

static void
refuse_stranger(struct am_produce *p, struct am_http_request *req,
    const struct am_conf_producer *named, const char *why)
{
	if (named != NULL)
		account_of(p, named->name)->count.unauthorized++;
	else
		p->strangers++;
	am_hush_say(&p->refused, "event_refused", "producer",
	    named != NULL ? named->name : "-", why);
	am_http_problem_with(
	    req, &(struct am_http_problem){ .status = 401,
		     .detail = "the credential is missing or not right",
		     .code = "unauthorized",
		     .at = SIZE_MAX,
		     .headers = "WWW-Authenticate: Signature, Bearer, Basic "
				"realm=\"amends\"\r\n" });
}

/* ---- how often ---- */

static bool
within_rate(
    struct am_produce *p, struct account *a, struct am_http_request *req)
{
	am_ms now = am_engine_monotonic(), again;

	if (a->bucket.n == 0)
		return true;
	if (am_bucket_room(&a->bucket, now, &again) > 0) {
		am_bucket_take(&a->bucket, now);
		return true;
	}
	fail(p, a, req,
	    &(struct am_http_problem){ .status = 429,
		.detail = "more requests than this producer may send; wait as "
			  "Retry-After says",
		.code = "rate",
		.at = SIZE_MAX,
		.retry_after_s = (unsigned)((again - now + 999) / 1000) });
	return false;
}

/* ---- Idempotency-Key ---- */

/* A string of structured headers (RFC 8941): "…" with \" and \\ in it. */
static bool
read_string(struct am_str s, struct am_arena *a, struct am_str *out)
{
	char *p = am_arena_alloc(a, s.n + 1);
	size_t n = 0;

	if (s.n < 2 || s.p[0] != '"' || s.p[s.n - 1] != '"')
		return false;
	for (size_t i = 1; i + 1 < s.n; i++) {
		char c = s.p[i];

		if (c == '\\' && ++i + 1 < s.n &&
		    (s.p[i] == '"' || s.p[i] == '\\'))
			c = s.p[i];
		else if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			return false;
		p[n++] = c;
	}
	*out = (struct am_str){ p, n };
	return n > 0 && n <= KEY_MAX;
}

/* The key in force, NULL: none; false: it was refused. */
static bool
read_key(struct am_produce *p, const struct am_conf_producer *of,
    struct account *a, struct am_http_request *req, struct am_str *key)
{
	struct am_str given = am_http_header(
	    req->head.headers, req->head.headers_n, "idempotency-key");
	const struct post *other;

	*key = (struct am_str){ NULL, 0 };
	if (given.p == NULL && !of->idempotency_required)
		return true;
	if (given.p == NULL) {
		fail_with(p, a, req, 400, "idempotency_key_missing",
		    "send Idempotency-Key: \"KEY\", another for each event");
		return false;
	}
	if (!read_string(given, &req->arena, key)) {
		fail_with(p, a, req, 400, "idempotency_key_malformed",
		    "Idempotency-Key is a string in double quotes, of 1 to 255 "
		    "characters of ASCII");
		return false;
	}
	TAILQ_FOREACH(other, &p->open, link)
	if (other->account == a && am_str_eq(other->write.key, *key)) {
		fail(p, a, req,
		    &(struct am_http_problem){ .status = 409,
			.detail = "the request with this Idempotency-Key is "
				  "still running; ask again",
			.code = "idempotency_key_running",
			.at = SIZE_MAX,
			.retry_after_s = FULL_AFTER_S });
		return false;
	}
	return true;
}

/* ---- the answer ---- */

static void
add_event(struct am_buf *b, const struct am_engine *e,
    const struct am_write_event *ev)
{
	am_buf_addc(b, '{');
	am_buf_addkey(b, "complaint");
	if (ev->complaint.n > 0)
		am_buf_addjson(b, ev->complaint);
	else
		am_buf_adds(b, "null");
	am_buf_addkv(b, "event_id", ev->event_id);
	am_buf_addkv(b, "stream_id", ev->stream_id);
	if (e->shards_n > 1)
		am_buf_addkv(b, "stream", am_str_c(ev->stream));
	am_buf_addkey(b, "duplicate");
	am_buf_adds(b, ev->duplicate ? "true" : "false");
	am_buf_addc(b, '}');
}

static void
say_accepted(struct post *post)
{
	const struct am_produced *said = &post->said;
	const struct am_write *w = &post->write;
	struct am_produce_count *c = &post->account->count;
	struct am_buf b;

	am_buf_init(&b);
	if (!said->list && w->n == 1) {
		add_event(&b, post->produce->engine, &w->v[0]);
	} else {
		am_buf_adds(&b, "{\"events\":[");
		for (size_t i = 0; i < w->n; i++) {
			if (i > 0)
				am_buf_addc(&b, ',');
			add_event(&b, post->produce->engine, &w->v[i]);
		}
		am_buf_addc(&b, ']');
		am_buf_addki(&b, "passed_over", (int64_t)said->passed_over);
		am_buf_addc(&b, '}');
	}
	am_buf_addc(&b, '\n');
	for (size_t i = 0; i < w->n; i++) {
		c->accepted += !w->v[i].duplicate;
		c->duplicate += w->v[i].duplicate;
	}
	c->passed_over += said->passed_over;
	am_http_answer(post->req, &(struct am_http_answer){ .status = 202,
				      .type = "application/json",
				      .body = am_buf_str(&b) });
	am_buf_fini(&b);
}

static void
post_free(struct post *post)
{
	TAILQ_REMOVE(&post->produce->open, post, link);
	am_conf_unref(post->conf);
	free(post);
}

static const char *
code_of(int rc)
{
	return rc == -AM_EFULL	     ? "redis_full"
	       : rc == -AM_EREFUSED  ? "durability"
	       : rc == -AM_ETIMEDOUT ? "redis_slow"
	       : rc == -AM_EIO	     ? "redis_away"
				     : "redis_refuses";
}

static void
on_written(void *arg, struct am_write *w, int rc, const char *why)
{
	struct post *post = arg;
	struct am_produce *p = post->produce;

	(void)w;
	if (rc == 0)
		say_accepted(post);
	else if (rc == -AM_ECONFLICT)
		fail_with(p, post->account, post->req, 422,
		    "idempotency_key_reused",
		    "this Idempotency-Key came with another body before; use "
		    "another key");
	else
		fail_with(p, post->account, post->req, 503, code_of(rc),
		    am_arena_printf(&post->req->arena,
			"this cannot be kept now (%s); send it again", why));
	post_free(post);
}

/* ---- a request ---- */

static void
write_post(struct am_produce *p, struct post *post)
{
	struct am_arena *a = &post->req->arena;
	struct am_write *w = &post->write;
	struct am_sha256 sha;

	w->arena = a;
	w->n = post->said.n;
	w->v = am_arena_zalloc(a, (w->n + 1) * sizeof(*w->v));
	w->producer = am_str_c(post->account->name);
	for (size_t i = 0; i < w->n; i++) {
		const struct am_produced_event *e = &post->said.v[i];

		w->v[i] = (struct am_write_event){ .fields = e->fields,
			.n = e->n,
			.producer = w->producer,
			.source = e->source,
			.event_id = e->event_id,
			.complaint_id = e->complaint_id };
	}
	am_sha256_init(&sha);
	am_sha256_add(&sha, post->req->body.p, post->req->body.n);
	am_sha256_end(&sha, w->body_hash);
	w->done = on_written;
	w->arg = post;
	am_writer_send(p->writer, w);
}

static bool
read_body(struct am_produce *p, const struct am_conf_producer *of,
    struct account *a, struct am_http_request *req, struct am_str key,
    struct am_produced *said)
{
	struct am_produced_request r = { .producer = of,
		.headers = req->head.headers,
		.headers_n = req->head.headers_n,
		.body = req->body,
		.decode = { .now = am_engine_now(),
		    .max_skew = p->engine->conf->max_skew,
		    .trust_event_time = p->engine->conf->trust_event_time } };
	struct am_produced_fault fault;

	/* the key is never signed: first, it would make a request that somebody
	 * sends again with another key another event */
	r.id = am_verify_message_id(of, r.headers, r.headers_n);
	if (r.id.n == 0)
		r.id = key;
	if (am_produced_read(&r, &req->arena, said, &fault) == 0)
		return true;
	fail(p, a, req,
	    &(struct am_http_problem){ .status = fault.status,
		.detail = fault.text,
		.code = fault.code,
		.field = fault.field,
		.at = fault.at });
	return false;
}

static void
take(struct am_produce *p, const struct am_conf_producer *of, struct account *a,
    struct am_http_request *req)
{
	struct am_produced said;
	const char *busy = NULL;
	struct am_str key;
	struct post *post;

	if (!am_peer_in(of->allow_net, of->allow_net_n, &req->peer)) {
		fail_with(p, a, req, 403, "address",
		    "this producer does not send from this address; see "
		    "allow_net");
		return;
	}
	if (!within_rate(p, a, req) || !read_key(p, of, a, req, &key) ||
	    !read_body(p, of, a, req, key, &said))
		return;
	if (am_paused_intake(p->engine) != NULL)
		busy = "intake is paused; send it again later";
	else if (!am_writer_room(p->writer, req->body.n))
		busy = "too much waits to be kept; send it again";
	if (busy != NULL) {
		fail(p, a, req,
		    &(struct am_http_problem){ .status = 503,
			.detail = busy,
			.code = "busy",
			.at = SIZE_MAX,
			.retry_after_s = FULL_AFTER_S });
		return;
	}
	post = calloc(1, sizeof(*post));
	AM_ASSERT(post != NULL);
	post->produce = p;
	post->req = req;
	post->conf = am_conf_ref(p->engine->conf);
	post->account = a;
	post->said = said;
	post->write.key = key;
	TAILQ_INSERT_TAIL(&p->open, post, link);
	am_log_debug("events", "producer=%s n=%zu passed_over=%zu", a->name,
	    said.n, said.passed_over);
	if (said.n > 0) {
		write_post(p, post);
		return;
	}
	say_accepted(post); /* nothing in it is for us */
	post_free(post);
}

void
am_produce_on_request(void *arg, struct am_http_request *req)
{
	struct am_engine *e = arg;
	struct am_produce *p = e->produce;
	const struct am_conf_producer *of, *named;
	const char *why;

	if (e->conf->http.producers_n == 0 || p->writer == NULL) {
		am_http_problem(req, 404, 0, "nothing is here");
		return;
	}
	of = find(e->conf, req, &named, &why);
	if (of == NULL)
		refuse_stranger(p, req, named, why);
	else
		take(p, of, account_of(p, of->name), req);
}

/* ---- OPTIONS ---- */

/* "eventemitter.example.com", perhaps with a scheme and a port */
static bool
origin_ok(struct am_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') &&
		    !(s.p[i] >= 'A' && s.p[i] <= 'Z') &&
		    !(s.p[i] >= '0' && s.p[i] <= '9') &&
		    memchr(".-_:/[]", s.p[i], 7) == NULL)
			return false;
	return s.n > 0 && s.n <= 255;
}

/* Requests a minute that whoever sends here may be told; 0: no limit. The
 * lowest where the producer is not named. */
static uint64_t
allowed_rate(const struct am_conf *conf, struct am_str name)
{
	const struct am_conf_producer *named =
	    name.n > 0 ? am_conf_producer(conf, name) : NULL;
	uint64_t least = 0;

	for (size_t i = 0; i < conf->http.producers_n; i++) {
		const struct am_conf_producer *p = conf->http.producers[i];
		uint64_t rate;

		if (p->rate_n == 0 || (named != NULL && p != named))
			continue;
		rate = (uint64_t)p->rate_n * 60000 / (uint64_t)p->rate_per;
		if (rate == 0)
			rate = 1;
		if (least == 0 || rate < least)
			least = rate;
	}
	return least;
}

void
am_produce_on_options(void *arg, struct am_http_request *req)
{
	const struct am_engine *e = arg;
	struct am_str origin = am_http_header(
	    req->head.headers, req->head.headers_n, "webhook-request-origin");
	uint64_t rate = allowed_rate(e->conf, name_of(req));
	const char *headers = "Allow: OPTIONS, POST\r\n";

	if (e->conf->http.producers_n == 0) {
		am_http_problem(req, 404, 0, "nothing is here");
		return;
	}
	if (origin.p != NULL && !origin_ok(origin)) {
		am_http_problem(req, 400, 0,
		    "WebHook-Request-Origin is the name of a host");
		return;
	}
	if (origin.n > 0)
		headers = am_arena_printf(&req->arena,
		    "%sWebHook-Allowed-Origin: %.*s\r\n"
		    "WebHook-Allowed-Rate: %s\r\n",
		    headers, AM_ARG(origin),
		    rate == 0 ? "*"
			      : am_arena_printf(&req->arena, "%llu",
				    (unsigned long long)rate));
	am_http_answer(
	    req, &(struct am_http_answer){ .status = 200, .headers = headers });
}

/* ---- life ---- */

struct am_produce *
am_produce_new(struct am_engine *e)
{
	struct am_produce *p = calloc(1, sizeof(*p));

	AM_ASSERT(p != NULL);
	p->engine = e;
	TAILQ_INIT(&p->accounts);
	TAILQ_INIT(&p->open);
	am_produce_reconfigure(p);
	return p;
}

void
am_produce_free(struct am_produce *p)
{
	struct account *a;
	struct post *post;

	if (p == NULL)
		return;
	am_writer_free(p->writer);
	while ((post = TAILQ_FIRST(&p->open)) != NULL)
		post_free(post);
	while ((a = TAILQ_FIRST(&p->accounts)) != NULL) {
		TAILQ_REMOVE(&p->accounts, a, link);
		free(a->ring);
		free(a->name);
		free(a);
	}
	free(p);
}

bool
am_produce_quiet(const struct am_produce *p)
{
	return TAILQ_EMPTY(&p->open);
}

const struct am_produce_count *
am_produce_count(const struct am_produce *p, size_t i)
{
	const struct account *a = TAILQ_FIRST(&p->accounts);

	for (; a != NULL && i > 0; i--)
		a = TAILQ_NEXT(a, link);
	return a != NULL ? &a->count : NULL;
}

uint64_t
am_produce_strangers(const struct am_produce *p)
{
	return p->strangers;
}

const char *
am_produce_wrong(const struct am_produce *p)
{
	if (p->writer == NULL)
		return NULL;
	return am_paused_intake(p->engine) != NULL ? "intake is paused"
						   : am_writer_wrong(p->writer);
}

void
am_produce_status(const struct am_produce *p, struct am_buf *out)
{
	const struct am_produce_count *c;
	const char *wrong = am_produce_wrong(p);

	am_buf_addkey(out, "events");
	if (p->writer == NULL) {
		am_buf_adds(out, "null");
		return;
	}
	am_buf_addc(out, '{');
	am_buf_addkey(out, "ready");
	am_buf_adds(out, wrong == NULL ? "true" : "false");
	am_buf_addkv(out, "why", am_str_c(wrong));
	am_buf_addki(out, "waiting", (int64_t)am_writer_waiting(p->writer));
	am_buf_addki(out, "strangers", (int64_t)p->strangers);
	am_buf_addkey(out, "producers");
	am_buf_addc(out, '[');
	for (size_t i = 0; (c = am_produce_count(p, i)) != NULL; i++) {
		am_buf_adds(out, i > 0 ? ",{" : "{");
		am_buf_addkv(out, "name", am_str_c(c->name));
		am_buf_addki(out, "accepted", (int64_t)c->accepted);
		am_buf_addki(out, "duplicate", (int64_t)c->duplicate);
		am_buf_addki(out, "passed_over", (int64_t)c->passed_over);
		am_buf_addki(out, "refused", (int64_t)c->refused);
		am_buf_addki(out, "unauthorized", (int64_t)c->unauthorized);
		am_buf_addki(out, "limited", (int64_t)c->limited);
		am_buf_addki(out, "unavailable", (int64_t)c->unavailable);
		am_buf_addc(out, '}');
	}
	am_buf_adds(out, "]}");
}
