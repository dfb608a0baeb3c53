/*
 * redis - see redis.h.
 *
 * Batches stand in one queue in the order in which they were sent, and Redis
 * answers in order, so a reply belongs to the head of the queue; what hiredis
 * hands to its callback as private data is not looked at, for a batch may be
 * gone when a dropped context is freed. A context is only freed from the
 * `later` event, never inside one of its own callbacks: 0.14.1 crashes.
 *
 * Failures (and the word that the connection is down) are told from that event
 * too, so no callback runs before the call that caused it has returned.
 */
#include "store/redis_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <event2/dns.h>
#include <event2/event.h>

#include "base/str.h"
#include "store/adapter.h"
#include "store/clock.h"
#include "store/reply.h"

#define BACKOFF_MIN ((am_ms)100)
#define BACKOFF_MAX (5 * AM_SECOND)

enum conn_state {
	CONN_DOWN, /* waiting for `retry` */
	CONN_RESOLVING,
	CONN_CONNECTING,
	CONN_GREETING,
	CONN_UP,
	CONN_CLOSED, /* am_redis_free() was called */
};

struct am_redis {
	struct event_base *base;
	struct evdns_base *dns;
	struct am_redis_opts opts;
	struct am_arena own, scratch;
	am_redis_state_cb *cb;
	void *arg;
	enum conn_state state;
	unsigned refs; /* the caller, batches out, a lookup, `later` at close */
	redisAsyncContext *ac, *dropped;
	struct am_adapter io;
	struct event *retry, *timeout, *later;
	struct evdns_getaddrinfo_request *lookup;
	unsigned attempts;
	am_ms connect_by; /* deadline while connecting */
	am_ms armed;	  /* what `timeout` is set to; AM_NEVER: not */
	struct am_batch *sent, **sent_tail;
	struct am_batch *failed, **failed_tail;
	struct am_batch_pool pool;
	int64_t client_id;
	unsigned generation; /* counts connections made */
	bool tell_down;
	char why[384], told[384];
};

void
am_redis_ref(struct am_redis *r)
{
	r->refs++;
}

void
am_redis_unref(struct am_redis *r)
{
	AM_ASSERT(r->refs > 0);
	if (--r->refs > 0)
		return;
	am_batch_pool_close(&r->pool);
	am_arena_fini(&r->own);
	am_arena_fini(&r->scratch);
	free(r);
}

struct am_batch_pool *
am_redis_pool(struct am_redis *r)
{
	return &r->pool;
}

struct am_arena *
am_reply_arena(void *arg)
{
	struct am_redis *r = arg;

	return r->sent != NULL ? &r->sent->arena : &r->scratch;
}

/* ---- telling, on the loop ---- */

static void
fail_later(struct am_redis *r, struct am_batch *b, int rc)
{
	b->rc = rc;
	b->next = NULL;
	*r->failed_tail = b;
	r->failed_tail = &b->next;
	event_active(r->later, EV_TIMEOUT, 0);
}

void
am_redis_defer(
    struct am_redis *r, struct am_batch *b, int rc, am_batch_cb *cb, void *arg)
{
	b->cb = cb;
	b->arg = arg;
	fail_later(r, b, rc);
}

static void
free_dropped(struct am_redis *r)
{
	redisAsyncContext *ac = r->dropped;

	r->dropped = NULL;
	if (ac != NULL)
		redisAsyncFree(ac); /* its callbacks see that it is not r->ac */
}

static void
redis_finish(struct am_redis *r)
{
	event_free(r->retry);
	event_free(r->timeout);
	event_free(r->later);
	am_redis_unref(r);
}

static void
on_later(evutil_socket_t fd, short what, void *arg)
{
	struct am_redis *r = arg;
	struct am_batch *b;

	(void)fd;
	(void)what;
	free_dropped(r);
	r->refs++;
	if (r->tell_down && r->state != CONN_CLOSED) {
		r->tell_down = false;
		snprintf(r->told, sizeof r->told, "%s", r->why);
		if (r->cb != NULL)
			r->cb(r->arg, false, r->told);
	}
	while ((b = r->failed) != NULL) {
		r->failed = b->next;
		if (r->failed == NULL)
			r->failed_tail = &r->failed;
		if (r->state == CONN_CLOSED)
			b->rc = -AM_ECANCELED;
		b->cb(b->arg, b->rc, b);
	}
	if (r->state == CONN_CLOSED && r->lookup == NULL && r->dropped == NULL)
		redis_finish(r);
	am_redis_unref(r);
}

/* ---- time ---- */

void
am_set_timer(struct event *ev, am_ms delay)
{
	struct timeval tv;

	if (delay < 0)
		delay = 0;
	tv.tv_sec = (time_t)(delay / 1000);
	tv.tv_usec = (suseconds_t)(delay % 1000 * 1000);
	event_add(ev, &tv);
}

static am_ms
next_deadline(const struct am_redis *r)
{
	am_ms at = r->connect_by;

	for (const struct am_batch *b = r->sent; b != NULL; b = b->next)
		if (b->deadline < at)
			at = b->deadline;
	return at;
}

/* Leaves the timer alone when it fires early enough: on_timeout looks again. */
static void
arm_timeout(struct am_redis *r, am_ms at, am_ms now)
{
	if (at >= r->armed)
		return;
	r->armed = at;
	am_set_timer(r->timeout, at - now + 1);
}

/* ---- the connection ---- */

static void
schedule_retry(struct am_redis *r)
{
	am_ms cap = BACKOFF_MIN << (r->attempts < 6 ? r->attempts : 6);
	uint32_t random;

	if (cap > BACKOFF_MAX)
		cap = BACKOFF_MAX;
	evutil_secure_rng_get_bytes(&random, sizeof random);
	r->attempts++;
	am_set_timer(r->retry, cap / 2 + (am_ms)(random % (uint32_t)(cap / 2)));
}

/* The one way down: what is on the wire fails with rc, a retry is armed. */
static void
redis_down(struct am_redis *r, int rc, const char *why)
{
	struct am_batch *b, *next;
	bool was_up = r->state == CONN_UP;

	snprintf(r->why, sizeof r->why, "%s", why);
	if (r->ac != NULL) {
		AM_ASSERT(r->dropped == NULL);
		r->dropped = r->ac;
		r->ac = NULL;
	}
	r->connect_by = AM_NEVER;
	if (r->state != CONN_CLOSED)
		r->state = CONN_DOWN;
	b = r->sent;
	r->sent = NULL;
	r->sent_tail = &r->sent;
	for (; b != NULL; b = next) {
		next = b->next;
		fail_later(r, b, rc);
	}
	if (was_up || strcmp(r->why, r->told) != 0)
		r->tell_down = true;
	event_active(r->later, EV_TIMEOUT, 0);
	if (r->state != CONN_CLOSED)
		schedule_retry(r);
}

static void
on_reply(redisAsyncContext *ac, void *reply, void *privdata)
{
	struct am_redis *r = ac->data;
	struct am_batch *b = r->sent;

	(void)privdata;
	if (r->ac != ac || reply == NULL)
		return; /* dropped: its batches have been told */
	AM_ASSERT(b != NULL && b->got < b->n);
	b->replies[b->got++] = reply;
	if (b->got < b->n)
		return;
	r->sent = b->next;
	if (r->sent == NULL)
		r->sent_tail = &r->sent;
	b->next = NULL;
	b->cb(b->arg, 0, b);
}

static void
put_on_wire(struct am_redis *r, struct am_batch *b)
{
	am_ms now = am_clock_boot();

	am_batch_seal(b);
	b->sent_at = now;
	b->deadline = now + (b->timeout > 0 ? b->timeout : r->opts.timeout);
	b->next = NULL;
	*r->sent_tail = b;
	r->sent_tail = &b->next;
	for (size_t i = 0; i < b->n; i++)
		if (redisAsyncFormattedCommand(r->ac, on_reply, NULL,
			b->out.p + b->cmds[i].from,
			b->cmds[i].to - b->cmds[i].from) != REDIS_OK) {
			redis_down(r, -AM_EIO, "Redis connection is closing");
			return;
		}
	arm_timeout(r, b->deadline, now);
}

void
am_redis_send(struct am_redis *r, struct am_batch *b, am_ms timeout,
    am_batch_cb *cb, void *arg)
{
	AM_ASSERT(b->n > 0 && b->got == 0);
	b->cb = cb;
	b->arg = arg;
	b->timeout = timeout;
	if (r->state == CONN_UP)
		put_on_wire(r, b);
	else
		fail_later(r, b, -AM_EIO);
}

/* First words on a new connection; only the PING must be answered well. */
static void
on_greeted(void *arg, int rc, struct am_batch *b)
{
	struct am_redis *r = arg;
	const redisReply *bad = NULL;
	char why[256];

	for (size_t i = 0; rc == 0 && i < b->n && bad == NULL; i++) {
		struct am_str name = am_batch_arg(b, i, 0);

		if (am_str_is(name, "CLIENT"))
			r->client_id = am_reply_int(am_batch_reply(b, i));
		else if (am_reply_is_error(am_batch_reply(b, i)))
			bad = am_batch_reply(b, i);
	}
	if (rc == 0 && bad != NULL) {
		snprintf(why, sizeof why, "Redis does not serve us: %.*s",
		    AM_ARG(am_reply_str(bad)));
		am_batch_free(b);
		redis_down(r, -AM_EIO, why);
		return;
	}
	am_batch_free(b);
	if (rc != 0)
		return; /* down already */
	r->state = CONN_UP;
	r->attempts = 0;
	r->generation++;
	r->tell_down = false;
	r->told[0] = '\0';
	if (r->cb != NULL)
		r->cb(r->arg, true, "");
}

static void
greet(struct am_redis *r)
{
	struct am_batch *b = am_batch_new(r);

	r->state = CONN_GREETING;
	r->connect_by = AM_NEVER;
	if (r->opts.password.n > 0) {
		am_cmd(b, "AUTH");
		if (r->opts.user != NULL)
			am_arg(b, r->opts.user);
		am_args(b, r->opts.password);
	}
	if (r->opts.db != 0) {
		am_cmd(b, "SELECT");
		am_argi(b, r->opts.db);
	}
	if (r->opts.client_name != NULL) {
		am_cmd(b, "CLIENT");
		am_arg(b, "SETNAME");
		am_arg(b, r->opts.client_name);
	}
	am_cmd(b, "CLIENT");
	am_arg(b, "ID");
	am_cmd(b, "PING");
	b->cb = on_greeted;
	b->arg = r;
	b->timeout = 0;
	put_on_wire(r, b);
}

static void
where(const struct am_redis *r, char *buf, size_t n)
{
	if (r->opts.is_unix)
		snprintf(buf, n, "unix://%s", r->opts.path_or_host);
	else
		snprintf(buf, n, "%s:%u", r->opts.path_or_host, r->opts.port);
}

static void
redis_down_at(struct am_redis *r, int rc, const char *text)
{
	char at[160], why[sizeof r->why];

	where(r, at, sizeof at);
	snprintf(why, sizeof why, "Redis at %s: %.160s", at, text);
	redis_down(r, rc, why);
}

static void
down_unreachable(struct am_redis *r, const char *text)
{
	redis_down_at(r, -AM_EIO, text);
}

static void
on_connect(const redisAsyncContext *ac, int status)
{
	struct am_redis *r = ac->data;

	if (r->ac != ac)
		return;
	if (status == REDIS_OK) {
		greet(r);
		return;
	}
	r->ac = NULL; /* hiredis frees it when we return */
	down_unreachable(
	    r, ac->c.errstr[0] != '\0' ? ac->c.errstr : "connection failed");
}

static void
on_disconnect(const redisAsyncContext *ac, int status)
{
	struct am_redis *r = ac->data;

	(void)status;
	if (r->ac != ac)
		return;
	r->ac = NULL; /* as above */
	down_unreachable(
	    r, ac->c.errstr[0] != '\0' ? ac->c.errstr : "closed by the server");
}

/* ip NULL: the unix socket. */
static void
open_context(struct am_redis *r, const char *ip)
{
	redisAsyncContext *ac;

	free_dropped(r);
	if (ip == NULL)
		ac = redisAsyncConnectUnix(r->opts.path_or_host);
	else
		ac = redisAsyncConnect(ip, (int)r->opts.port);
	AM_ASSERT(ac != NULL);
	if (ac->c.err != 0) {
		char text[160];

		snprintf(text, sizeof text, "%s", ac->c.errstr);
		redisAsyncFree(ac);
		down_unreachable(r, text);
		return;
	}
	r->state = CONN_CONNECTING;
	r->ac = ac;
	ac->data = r;
	am_reply_hook(ac->c.reader, r);
	am_adapter_attach(&r->io, r->base, ac);
	redisAsyncSetConnectCallback(ac, on_connect);
	redisAsyncSetDisconnectCallback(ac, on_disconnect);
}

static void
on_resolved(int rc, struct evutil_addrinfo *list, void *arg)
{
	struct am_redis *r = arg;
	char ip[INET6_ADDRSTRLEN] = "";

	r->lookup = NULL;
	if (r->state == CONN_RESOLVING && rc == 0 && list != NULL) {
		const void *a =
		    list->ai_family == AF_INET6
			? (const void *)&((struct sockaddr_in6 *)list->ai_addr)
			      ->sin6_addr
			: (const void *)&((struct sockaddr_in *)list->ai_addr)
			      ->sin_addr;

		inet_ntop(list->ai_family, a, ip, sizeof ip);
	}
	if (list != NULL)
		evutil_freeaddrinfo(list);
	if (r->state == CONN_CLOSED)
		event_active(r->later, EV_TIMEOUT, 0);
	else if (r->state != CONN_RESOLVING)
		; /* given up meanwhile */
	else if (ip[0] == '\0')
		down_unreachable(r, evutil_gai_strerror(rc));
	else
		open_context(r, ip);
	am_redis_unref(r);
}

/*
 * Where to connect to. Sentinel will ask for the master here, Cluster for the
 * node of the shard's slot; all else stays as it is.
 */
static void
locate(struct am_redis *r)
{
	struct evutil_addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_family = AF_UNSPEC };
	struct evdns_getaddrinfo_request *lookup;
	uint8_t addr[16];

	r->connect_by = am_clock_boot() + r->opts.timeout;
	arm_timeout(r, r->connect_by, am_clock_boot());
	if (r->opts.is_unix) {
		if (strlen(r->opts.path_or_host) >=
		    sizeof((struct sockaddr_un *)NULL)->sun_path)
			down_unreachable(r, "path is over 107 bytes; use a "
					    "shorter one");
		else
			open_context(r, NULL);
		return;
	}
	if (inet_pton(AF_INET, r->opts.path_or_host, addr) == 1 ||
	    inet_pton(AF_INET6, r->opts.path_or_host, addr) == 1) {
		open_context(r, r->opts.path_or_host);
		return;
	}
	if (r->dns == NULL) {
		down_unreachable(r, "no resolver for names; use an address");
		return;
	}
	r->state = CONN_RESOLVING;
	r->refs++;
	lookup = evdns_getaddrinfo(
	    r->dns, r->opts.path_or_host, NULL, &hints, on_resolved, r);
	/* NULL: it was answered within the call */
	if (lookup != NULL)
		r->lookup = lookup;
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct am_redis *r = arg;

	(void)fd;
	(void)what;
	if (r->state == CONN_DOWN && r->lookup == NULL)
		locate(r);
	else if (r->state == CONN_DOWN)
		schedule_retry(r); /* a cancelled lookup is on its way out */
}

static void
on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct am_redis *r = arg;
	am_ms now = am_clock_boot(), at = next_deadline(r);
	char text[80];

	(void)fd;
	(void)what;
	r->armed = AM_NEVER;
	if (at > now) {
		if (at != AM_NEVER)
			arm_timeout(r, at, now);
		return;
	}
	if (r->lookup != NULL)
		evdns_getaddrinfo_cancel(r->lookup);
	snprintf(text, sizeof text, "no answer in time; timeout is %lld ms",
	    (long long)(r->sent != NULL && r->sent->timeout > 0
			    ? r->sent->timeout
			    : r->opts.timeout));
	redis_down_at(r, -AM_ETIMEDOUT, text);
}

static const char *
own_str(struct am_redis *r, const char *s)
{
	return s != NULL ? am_arena_cstr(&r->own, am_str_c(s)) : NULL;
}

struct am_redis *
am_redis_new(struct event_base *base, struct evdns_base *dns,
    const struct am_redis_opts *opts, am_redis_state_cb *cb, void *arg)
{
	struct am_redis *r = calloc(1, sizeof *r);

	AM_ASSERT(r != NULL);
	r->base = base;
	r->dns = dns;
	r->cb = cb;
	r->arg = arg;
	r->refs = 1;
	r->armed = r->connect_by = AM_NEVER;
	r->sent_tail = &r->sent;
	r->failed_tail = &r->failed;
	am_arena_init(&r->own, 0);
	am_arena_init(&r->scratch, 0);
	r->opts = *opts;
	r->opts.path_or_host = own_str(r, opts->path_or_host);
	r->opts.user = own_str(r, opts->user);
	r->opts.client_name = own_str(r, opts->client_name);
	r->opts.password = am_arena_dup(&r->own, opts->password);
	if (r->opts.timeout <= 0)
		r->opts.timeout = 5 * AM_SECOND;
	r->retry = event_new(base, -1, 0, on_retry, r);
	r->timeout = event_new(base, -1, 0, on_timeout, r);
	r->later = event_new(base, -1, 0, on_later, r);
	AM_ASSERT(r->retry != NULL && r->timeout != NULL && r->later != NULL);
	am_set_timer(r->retry, 0);
	return r;
}

void
am_redis_free(struct am_redis *r)
{
	if (r == NULL)
		return;
	r->state = CONN_CLOSED;
	r->pool.closed = true;
	r->cb = NULL;
	event_del(r->retry);
	event_del(r->timeout);
	if (r->lookup != NULL)
		evdns_getaddrinfo_cancel(r->lookup);
	explicit_bzero(
	    (char *)(uintptr_t)r->opts.password.p, r->opts.password.n);
	redis_down(r, -AM_ECANCELED, "closed");
}

bool
am_redis_up(const struct am_redis *r)
{
	return r->state == CONN_UP;
}

void
am_redis_restart(struct am_redis *r, const char *why)
{
	if (r->state == CONN_DOWN || r->state == CONN_CLOSED)
		return;
	if (r->lookup != NULL)
		evdns_getaddrinfo_cancel(r->lookup);
	redis_down(r, -AM_EIO, why);
}

int64_t
am_redis_client_id(const struct am_redis *r)
{
	return r->state == CONN_UP ? r->client_id : 0;
}

unsigned
am_redis_generation(const struct am_redis *r)
{
	return r->generation;
}
