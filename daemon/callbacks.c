/*
 * callbacks - from a gateway's request to stream entries, and back.
 *
 * The order of the checks says nothing to a stranger: an endpoint that is not
 * there, one that takes no callbacks and a wrong token are the same 404, and
 * the token is compared in all three cases. Whoever has the token is told what
 * else is wrong.
 *
 * Entries go out by each shard's query connection, the same that carries its
 * turns: an entry that was acknowledged is there for the next read, and what
 * is known of that connection (down, refusing) need not be learnt twice.
 */

#include "daemon/callbacks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/str.h"
#include "daemon/shard.h"
#include "daemon/strangers.h"
#include "intake/callback.h"
#include "intake/form.h"
#include "intake/http.h"
#include "intake/parts.h"
#include "log/log.h"

#define RETRY_AFTER_S 5

struct counts {
	uint64_t receipts, replies; /* written */
	uint64_t silent;	    /* said nothing that we know */
	uint64_t unwritten;	    /* Redis did not take them: 503 */
	uint64_t refused;	    /* wrong token, address or signature */
};

TAILQ_HEAD(hearings, hearing);

struct am_callbacks {
	struct am_engine *engine;
	struct am_parts *parts;
	struct event *timer; /* of pieces */
	struct hearings open;
	struct am_hush strangers, redis;
	struct counts counts;
};

/* What is on its way into the streams. */
struct hearing {
	TAILQ_ENTRY(hearing) link;
	struct am_callbacks *cb;
	struct am_http_request *req; /* NULL: pieces whose time is over */
	struct am_conf *conf;	     /* shared: the endpoint is of it */
	const struct am_conf_endpoint *ep;
	const struct am_provider_callback *kind;
	struct am_arena arena;
	const struct am_callback_said *says;
	size_t says_n, receipts, replies;
	struct am_parts_key *joined; /* done when all is written */
	size_t joined_n;
	size_t waiting; /* shards */
	int rc;
};

/* ---- into the streams ---- */

static void arm(struct am_callbacks *cb);

static void
answer(const struct hearing *h)
{
	const struct am_provider_callback *k = h->kind;
	struct am_http_answer a = { .status = 204 };

	if (k->answer != NULL)
		a = (struct am_http_answer){ .status = 200,
			.type = k->answer_type,
			.body = am_str_c(k->answer) };
	am_http_answer(h->req, &a);
}

static void
hearing_free(struct hearing *h)
{
	TAILQ_REMOVE(&h->cb->open, h, link);
	am_arena_fini(&h->arena);
	am_conf_unref(h->conf);
	free(h);
}

static void
hearing_end(struct hearing *h)
{
	struct am_callbacks *cb = h->cb;
	struct counts *c = &cb->counts;

	if (h->rc == 0) {
		c->receipts += h->receipts;
		c->replies += h->replies;
		for (size_t i = 0; i < h->joined_n; i++)
			am_parts_done(cb->parts, &h->joined[i]);
	} else {
		c->unwritten++;
		am_hush_say(&cb->redis, "callback_unwritten", "endpoint",
		    h->ep->name, am_err_str(h->rc));
	}
	if (h->req != NULL && h->rc == 0)
		answer(h);
	else if (h->req != NULL)
		am_http_problem(h->req, 503, RETRY_AFTER_S,
		    "this cannot be kept now; send it again");
	hearing_free(h);
	arm(cb);
}

static void
on_written(void *arg, int rc, struct am_batch *b)
{
	struct hearing *h = arg;

	for (size_t i = 0; rc == 0 && i < am_batch_cmds(b); i++)
		if (am_reply_is_error(am_batch_reply(b, i)))
			rc = am_reply_rc(am_batch_reply(b, i));
	if (rc != 0)
		h->rc = rc;
	am_batch_free(b);
	if (--h->waiting == 0)
		hearing_end(h);
}

static void
add_entries(
    struct am_batch *b, const struct am_shard *sh, const struct hearing *h)
{
	for (size_t i = 0; i < h->says_n; i++) {
		const struct am_callback_said *said = &h->says[i];

		am_cmd(b, "XADD");
		am_arg(b, am_store_keys(sh->store)->stream);
		am_arg(b, "*");
		for (size_t k = 0; k < said->n; k++) {
			am_args(b, said->fields[k].key);
			am_args(b, said->fields[k].value);
		}
	}
}

static void
hearing_write(struct hearing *h)
{
	struct am_engine *e = h->cb->engine;

	if (h->says_n == 0 || e->shards_n == 0) {
		h->rc = e->shards_n == 0 ? -AM_ECANCELED : 0;
		hearing_end(h);
		return;
	}
	h->waiting = e->shards_n;
	for (size_t i = 0; i < e->shards_n; i++) {
		struct am_batch *b = am_store_query(e->shards[i]->store);

		add_entries(b, e->shards[i], h);
		am_store_query_send(e->shards[i]->store, b, on_written, h);
	}
}

static struct hearing *
hearing_new(struct am_callbacks *cb, const struct am_conf_endpoint *ep)
{
	struct hearing *h = calloc(1, sizeof(*h));

	AM_ASSERT(h != NULL);
	h->cb = cb;
	h->conf = am_conf_ref(cb->engine->conf);
	h->ep = ep;
	am_arena_init(&h->arena, 0);
	TAILQ_INSERT_TAIL(&cb->open, h, link);
	return h;
}

/* ---- pieces ---- */

/* A piece becomes the whole text, or nothing yet. False: nothing. */
static bool
join(struct hearing *h, struct am_callback_said *said)
{
	struct am_parts_key key = { am_str_c(h->ep->name), said->from,
		said->part.ref, said->part.of };
	struct am_parts_text whole;

	switch (am_parts_add(h->cb->parts, &key, said->part.no, said->id,
	    said->text, am_engine_monotonic(), &h->arena, &whole)) {
	case AM_PARTS_WHOLE:
		am_callback_reply(&h->arena, h->ep->name, whole.id,
		    whole.key.from, whole.text, &said->fields, &said->n);
		h->joined[h->joined_n++] = whole.key;
		return true;
	case AM_PARTS_ALONE:
		return true;
	case AM_PARTS_WAITS:
	case AM_PARTS_KNOWN:
		break;
	}
	return false;
}

/* Texts whose missing pieces did not come. */
static void
give_out(struct am_callbacks *cb)
{
	struct am_parts_text t;
	struct am_arena a;

	am_arena_init(&a, 0);
	while (am_parts_over(cb->parts, am_engine_monotonic(), &a, &t)) {
		const struct am_conf_endpoint *ep =
		    am_conf_endpoint(cb->engine->conf, t.key.endpoint);
		struct am_callback_said *said;
		struct hearing *h;

		if (ep == NULL) { /* taken away since */
			am_parts_done(cb->parts, &t.key);
			continue;
		}
		h = hearing_new(cb, ep);
		said = am_arena_zalloc(&h->arena, sizeof(*said));
		am_callback_reply(&h->arena, ep->name, t.id, t.key.from, t.text,
		    &said->fields, &said->n);
		h->joined = am_arena_alloc(&h->arena, sizeof(*h->joined));
		h->joined[0] = (struct am_parts_key){
			.endpoint = am_arena_dup(&h->arena, t.key.endpoint),
			.from = am_arena_dup(&h->arena, t.key.from),
			.ref = am_arena_dup(&h->arena, t.key.ref),
			.of = t.key.of
		};
		h->joined_n = h->says_n = h->replies = 1;
		h->says = said;
		am_log_info("callback_pieces",
		    "endpoint=%s reason=some-did-not-come", ep->name);
		hearing_write(h);
	}
	am_arena_fini(&a);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct am_callbacks *cb = arg;

	(void)fd;
	(void)what;
	give_out(cb);
	arm(cb);
}

static void
arm(struct am_callbacks *cb)
{
	am_ms at = am_parts_next(cb->parts);
	am_ms wait = at - am_engine_monotonic();
	struct timeval tv;

	if (at == AM_NEVER) {
		event_del(cb->timer);
		return;
	}
	if (wait < 0)
		wait = 0;
	tv = (struct timeval){ wait / 1000, wait % 1000 * 1000 };
	event_add(cb->timer, &tv);
}

/* ---- who calls ---- */

static bool
takes_callbacks(const struct am_conf_endpoint *ep)
{
	return ep != NULL && ep->callback_token.value.n > 0 &&
	       ep->callback_url != NULL && ep->provider != NULL &&
	       (ep->provider->receipt.in_use || ep->provider->inbound.in_use);
}

/* The endpoint of /v1/callback/NAME/TOKEN; NULL: none, or a wrong token. *tail
 * is the path behind NAME, as it came, with the query. */
static const struct am_conf_endpoint *
find(const struct am_conf *conf, struct am_http_request *req,
    struct am_str *tail)
{
	const struct am_conf_endpoint *ep = NULL;
	struct am_str rest = { req->head.path.p + strlen(AM_CALLBACKS_PATH),
		req->head.path.n - strlen(AM_CALLBACKS_PATH) };
	const char *slash = rest.n > 0 ? memchr(rest.p, '/', rest.n) : NULL;
	struct am_str name = rest, token = { NULL, 0 };
	struct am_str want = AM_STR("no endpoint has this token");
	bool same;

	if (slash != NULL) {
		name.n = (size_t)(slash - rest.p);
		token = (struct am_str){ slash + 1, rest.n - name.n - 1 };
	}
	*tail = (struct am_str){ name.p + name.n,
		req->head.target.n - strlen(AM_CALLBACKS_PATH) - name.n };
	if (am_path_decode(name, &req->arena, &name) == 0 &&
	    am_path_decode(token, &req->arena, &token) == 0)
		ep = am_conf_endpoint(conf, name);
	if (!takes_callbacks(ep))
		ep = NULL;
	if (ep != NULL)
		want = ep->callback_token.value;
	same = am_verify_same(token, want);
	return same ? ep : NULL;
}

static int
verified(const struct am_conf_endpoint *ep, enum am_provider_verify verify,
    const struct am_verify_request *r, const char **why)
{
	static const enum am_verify_scheme schemes[] = {
		[AM_VERIFY_NONE] = AM_VERIFIES_NOTHING,
		[AM_VERIFY_TWILIO] = AM_VERIFIES_TWILIO,
		[AM_VERIFY_VONAGE_SIG] = AM_VERIFIES_VONAGE_SIG,
		[AM_VERIFY_VONAGE_JWT] = AM_VERIFIES_VONAGE_JWT,
	};
	struct am_verify_keys keys;

	am_callback_keys(ep, verify, &keys);
	return am_verify(schemes[verify], &keys, r, why);
}

/* By every scheme that the provider's blocks name. */
static int
check_sender(const struct am_conf_endpoint *ep,
    const struct am_callback_params *params, struct am_http_request *req,
    struct am_str tail, const char **why)
{
	const struct am_provider_callback *blocks[] = { &ep->provider->receipt,
		&ep->provider->inbound };
	struct am_verify_request r = {
		.headers = req->head.headers,
		.headers_n = req->head.headers_n,
		.url = am_str_c(am_arena_printf(
		    &req->arena, "%s%.*s", ep->callback_url, AM_ARG(tail))),
		.query = params->query,
		.query_n = params->query_n,
		.params = params->v,
		.params_n = params->n,
		.is_form = !params->json,
		.body = req->body,
		.now_s = am_engine_now() / 1000,
	};

	for (size_t i = 0; i < AM_COUNT(blocks); i++)
		if (blocks[i]->in_use &&
		    verified(ep, blocks[i]->verify, &r, why) != 0)
			return -AM_EREFUSED;
	return 0;
}

/* ---- a callback ---- */

static void
hear(struct am_callbacks *cb, const struct am_conf_endpoint *ep,
    const struct am_callback_params *params, struct am_http_request *req)
{
	struct hearing *h = hearing_new(cb, ep);
	struct am_callback_heard heard;
	struct am_callback_said *v;
	size_t n = 0;

	am_callback_hear(ep, params, &h->arena, &heard);
	v = am_arena_alloc(&h->arena, (heard.n + 1) * sizeof(*v));
	h->joined =
	    am_arena_alloc(&h->arena, (heard.n + 1) * sizeof(*h->joined));
	for (size_t i = 0; i < heard.n; i++) {
		v[n] = heard.v[i];
		if (v[n].part.of == 0 || join(h, &v[n]))
			n++;
	}
	h->req = req;
	h->kind = heard.kind;
	h->says = v;
	h->says_n = n;
	h->receipts = heard.receipts;
	h->replies = n - heard.receipts;
	cb->counts.silent += heard.silent;
	am_log_info("callback",
	    "endpoint=%s receipts=%zu replies=%zu silent=%zu", ep->name,
	    heard.receipts, heard.replies, heard.silent);
	hearing_write(h);
}

static void
refuse(struct am_callbacks *cb, struct am_http_request *req, unsigned status,
    const char *endpoint, const char *reason, const char *detail)
{
	cb->counts.refused++;
	am_hush_say(
	    &cb->strangers, "callback_refused", "endpoint", endpoint, reason);
	am_http_problem(req, status, 0, detail);
}

static unsigned
status_of(int rc)
{
	return rc == -AM_EUNSUPPORTED ? 415 : rc == -AM_ETOOBIG ? 413 : 400;
}

void
am_callbacks_on_request(void *arg, struct am_http_request *req)
{
	struct am_callbacks *cb = ((struct am_engine *)arg)->callbacks;
	struct am_callback_params params;
	const struct am_conf_endpoint *ep;
	struct am_str tail;
	char why[200];
	const char *word;
	int rc;

	ep = find(cb->engine->conf, req, &tail);
	if (ep == NULL) {
		refuse(cb, req, 404, "-", "no_such_path", "nothing is here");
		return;
	}
	if (!am_peer_in(ep->callback_net, ep->callback_net_n, &req->peer)) {
		refuse(cb, req, 403, ep->name, "address",
		    "callbacks of this endpoint do not come from this "
		    "address; see callback_net");
		return;
	}
	rc = am_callback_read(am_http_header(req->head.headers,
				  req->head.headers_n, "content-type"),
	    req->head.query, req->body, &req->arena, &params, why);
	if (rc != 0) {
		refuse(cb, req, status_of(rc), ep->name, "unreadable", why);
		return;
	}
	if (check_sender(ep, &params, req, tail, &word) != 0) {
		refuse(cb, req, 401, ep->name, word,
		    "the signature is not that of this request");
		return;
	}
	hear(cb, ep, &params, req);
}

/* ---- life ---- */

struct am_callbacks *
am_callbacks_new(struct am_engine *e)
{
	struct am_callbacks *cb = calloc(1, sizeof(*cb));

	AM_ASSERT(cb != NULL);
	cb->engine = e;
	TAILQ_INIT(&cb->open);
	cb->parts = am_parts_new();
	cb->timer = event_new(e->base, -1, 0, on_timer, cb);
	AM_ASSERT(cb->timer != NULL);
	return cb;
}

void
am_callbacks_free(struct am_callbacks *cb)
{
	struct hearing *h;

	if (cb == NULL)
		return;
	/* a store that has gone calls nobody back */
	while ((h = TAILQ_FIRST(&cb->open)) != NULL)
		hearing_free(h);
	event_free(cb->timer);
	if (am_parts_waiting(cb->parts) > 0)
		am_log_warn("callback_pieces", "n=%zu reason=lost",
		    am_parts_waiting(cb->parts));
	am_parts_free(cb->parts);
	free(cb);
}

void
am_callbacks_stop(struct am_callbacks *cb)
{
	am_parts_hurry(cb->parts);
	give_out(cb);
}

bool
am_callbacks_quiet(const struct am_callbacks *cb)
{
	return TAILQ_EMPTY(&cb->open);
}

void
am_callbacks_status(const struct am_callbacks *cb, struct am_buf *out)
{
	const struct counts *c = &cb->counts;

	am_buf_addki(out, "receipts", (int64_t)c->receipts);
	am_buf_addki(out, "replies", (int64_t)c->replies);
	am_buf_addki(out, "silent", (int64_t)c->silent);
	am_buf_addki(out, "refused", (int64_t)c->refused);
	am_buf_addki(out, "unwritten", (int64_t)c->unwritten);
	am_buf_addki(out, "pieces", (int64_t)am_parts_waiting(cb->parts));
}
