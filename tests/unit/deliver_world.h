#pragma once

/*
 * deliver_world - what the tests of lib/deliver share: a loop, endpoints made
 * by hand, scripted receivers on loopback, and the outcomes in order. The
 * caller's clock is `now`, moved by the test; only timeouts of libcurl are
 * real, and short.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "base/str.h"
#include "deliver/deliver.h"

#define OUTCOMES_MAX 256
#define ENDPOINTS_MAX 4
#define CALLS_MAX 256
#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* What a receiver does with each connection or request. */
struct script {
	const char *answer; /* NULL: none */
	size_t answer_n;    /* 0: strlen */
	const char *filler; /* sent filler_n times behind answer */
	size_t filler_n;
	bool reset_at_once; /* RST before a byte was read */
	bool never_read;
	bool reset_after; /* RST when the request was read */
	bool hang_up;	  /* FIN behind the answer */
	bool by_bytes;	  /* one byte each 40 ms */
};

struct receiver {
	struct world *world;
	struct evconnlistener *listener;
	unsigned port;
	struct script script;
	unsigned connections, requests;
	unsigned open, open_most; /* requests not answered yet */
	char *call[CALLS_MAX];	  /* head and body of each request */
	struct call *calls;
};

/* One connection at a receiver. */
struct call {
	struct receiver *rx;
	struct bufferevent *bev;
	struct event *drip;
	const char *rest; /* of the answer, when by_bytes */
	bool answered;
	struct call *next;
};

struct outcome {
	struct am_send_result r;
	char excerpt[4097];
};

/* A configuration as lib/conf would make it: a value that never changes. */
struct frozen {
	struct am_conf conf;
	struct am_conf_endpoint ep[ENDPOINTS_MAX];
	const struct am_conf_endpoint *eps[ENDPOINTS_MAX];
	char url[ENDPOINTS_MAX][128];
	struct frozen *next;
};

struct world {
	struct event_base *base;
	struct evdns_base *dns;
	struct event *guard;
	bool stuck;
	struct am_deliver *deliver;
	struct am_conf_endpoint ep[ENDPOINTS_MAX]; /* of the next configure */
	char url[ENDPOINTS_MAX][128];
	size_t endpoints_n;
	struct frozen *confs;
	struct receiver rx[ENDPOINTS_MAX];
	size_t n;
	struct outcome out[OUTCOMES_MAX];
	size_t out_n;
	am_ms now;
	bool sending; /* inside of am_deliver_send() */
};

/* ---- receiver ---- */

static inline void
call_free(struct call *c)
{
	struct call **at = &c->rx->calls;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (c->drip != NULL)
		event_free(c->drip);
	bufferevent_free(c->bev);
	free(c);
}

static inline void
call_reset(struct call *c)
{
	struct linger l = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(
	    bufferevent_getfd(c->bev), SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	call_free(c);
}

static inline void
call_on_drip(evutil_socket_t fd, short what, void *arg)
{
	struct call *c = arg;

	(void)fd;
	(void)what;
	if (*c->rest != '\0')
		bufferevent_write(c->bev, c->rest++, 1);
}

static inline void
call_on_written(struct bufferevent *bev, void *arg)
{
	struct call *c = arg;

	(void)bev;
	if (c->answered && c->rx->script.hang_up)
		call_free(c);
}

static inline void
call_answer(struct call *c)
{
	const struct script *s = &c->rx->script;
	struct evbuffer *out = bufferevent_get_output(c->bev);

	if (s->reset_after) {
		call_reset(c);
		return;
	}
	if (s->answer == NULL)
		return;
	c->rx->open--;
	c->answered = true;
	if (s->by_bytes) {
		struct timeval tv = { 0, 40000 };

		c->rest = s->answer;
		c->drip = event_new(bufferevent_get_base(c->bev), -1,
		    EV_PERSIST, call_on_drip, c);
		event_add(c->drip, &tv);
		return;
	}
	evbuffer_add(
	    out, s->answer, s->answer_n > 0 ? s->answer_n : strlen(s->answer));
	for (size_t i = 0; i < s->filler_n; i++)
		evbuffer_add(out, s->filler, strlen(s->filler));
}

/* Keeps the request when it is whole; a head and what it says of a body. */
static inline bool
call_take(struct call *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	struct receiver *rx = c->rx;
	struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
	size_t n;
	char *text;
	const char *length;

	if (end.pos < 0)
		return false;
	n = evbuffer_get_length(in);
	text = calloc(1, n + 1);
	evbuffer_copyout(in, text, n);
	length = strcasestr(text, "content-length:");
	n = (size_t)end.pos + 4 +
	    (length != NULL ? strtoul(length + 15, NULL, 10) : 0);
	if (evbuffer_get_length(in) < n) {
		free(text);
		return false;
	}
	evbuffer_drain(in, n);
	text[n] = '\0';
	assert_true(rx->requests < CALLS_MAX);
	rx->call[rx->requests++] = text;
	if (++rx->open > rx->open_most)
		rx->open_most = rx->open;
	return true;
}

static inline void
call_on_read(struct bufferevent *bev, void *arg)
{
	struct call *c = arg;

	(void)bev;
	if (call_take(c))
		call_answer(c);
}

static inline void
call_on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		call_free(arg);
}

static inline void
receiver_on_accept(struct evconnlistener *l, evutil_socket_t fd,
    struct sockaddr *sa, int sa_n, void *arg)
{
	struct receiver *rx = arg;
	struct call *c = calloc(1, sizeof(*c));

	(void)sa;
	(void)sa_n;
	rx->connections++;
	c->rx = rx;
	c->next = rx->calls;
	rx->calls = c;
	c->bev = bufferevent_socket_new(
	    evconnlistener_get_base(l), fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(
	    c->bev, call_on_read, call_on_written, call_on_event, c);
	if (rx->script.reset_at_once)
		call_reset(c);
	else if (!rx->script.never_read)
		bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

static inline unsigned
port_of(evutil_socket_t fd)
{
	struct sockaddr_in in;
	socklen_t n = sizeof(in);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &n), 0);
	return ntohs(in.sin_port);
}

static inline void
receiver_start(struct world *w, struct receiver *rx)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	rx->world = w;
	rx->script.answer = OK_ANSWER;
	rx->listener = evconnlistener_new_bind(w->base, receiver_on_accept, rx,
	    LEV_OPT_CLOSE_ON_FREE, 128, (struct sockaddr *)&in, sizeof(in));
	assert_non_null(rx->listener);
	rx->port = port_of(evconnlistener_get_fd(rx->listener));
}

static inline void
receiver_stop(struct receiver *rx)
{
	while (rx->calls != NULL)
		call_free(rx->calls);
	if (rx->listener != NULL)
		evconnlistener_free(rx->listener);
	for (unsigned i = 0; i < rx->requests; i++)
		free(rx->call[i]);
	memset(rx, 0, sizeof(*rx));
}

/* The value of a header of a kept request; static, for one use. */
static inline const char *
header(const struct receiver *rx, unsigned i, const char *name)
{
	static char value[256];
	char key[64];
	const char *p;

	assert_true(i < rx->requests);
	snprintf(key, sizeof(key), "\r\n%s: ", name);
	p = strcasestr(rx->call[i], key);
	if (p == NULL)
		return NULL;
	p += strlen(key);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(p, "\r\n"), p);
	return value;
}

/* ---- world ---- */

static inline void
world_on_guard(evutil_socket_t fd, short what, void *arg)
{
	struct world *w = arg;

	(void)fd;
	(void)what;
	w->stuck = true;
}

static inline void
world_endpoint(struct world *w, size_t i, const char *scheme, const char *host,
    unsigned port)
{
	static const char *const names[ENDPOINTS_MAX] = { "crm", "desk", "shop",
		"bank" };
	struct am_conf_endpoint *ep = &w->ep[i];
	bool v6 = strchr(host, ':') != NULL;

	snprintf(w->url[i], sizeof(w->url[i]),
	    v6 ? "%s://[%s]:%u/hook?a=b" : "%s://%s:%u/hook?a=b", scheme, host,
	    port);
	*ep = (struct am_conf_endpoint){
		.name = names[i],
		.built = true,
		.url = w->url[i],
		.scheme = scheme,
		.host = host,
		.port = port,
		.allow_http = true,
		.allow_net = { { .family = AF_INET,
		    .addr = { 127 },
		    .bits = 8 } },
		.allow_net_n = 1,
		.secrets_n = 1,
		.keys = { "0123456789abcdef01234567" },
		.keys_n = { 24 },
		.timeout = 300,
		.connect_timeout = 200,
		.retry = { .retry_after_max = AM_DAY },
		.inflight = 8,
		.breaker_failures = 5,
		.breaker_cooldown = 30 * AM_SECOND,
		.breaker_cooldown_max = 10 * AM_MINUTE,
		.max_response_bytes = 4096,
	};
}

/* n endpoints, each with a receiver that answers 200. */
static inline struct world *
world_new(size_t n)
{
	struct world *w = calloc(1, sizeof(*w));

	w->base = event_base_new();
	w->dns = evdns_base_new(w->base, 0);
	w->guard = evtimer_new(w->base, world_on_guard, w);
	w->now = 1800000000000;
	w->n = n;
	for (size_t i = 0; i < n; i++) {
		receiver_start(w, &w->rx[i]);
		world_endpoint(w, i, "http", "127.0.0.1", w->rx[i].port);
	}
	w->endpoints_n = n;
	w->deliver = am_deliver_new(w->base, w->dns);
	return w;
}

/* Puts the endpoints as they stand in w->ep in force. */
static inline void
world_configure(struct world *w)
{
	struct frozen *f = calloc(1, sizeof(*f));

	memcpy(f->ep, w->ep, sizeof(f->ep));
	memcpy(f->url, w->url, sizeof(f->url));
	for (size_t i = 0; i < w->endpoints_n; i++) {
		f->eps[i] = &f->ep[i];
		if (f->ep[i].url != NULL)
			f->ep[i].url = f->url[i];
	}
	f->conf.endpoints = f->eps;
	f->conf.endpoints_n = w->endpoints_n;
	f->conf.refs = 2; /* ours is never the last: see world_free() */
	f->next = w->confs;
	w->confs = f;
	am_deliver_configure(w->deliver, &f->conf, w->now);
}

static inline void
world_free(struct world *w)
{
	am_deliver_free(w->deliver);
	while (w->confs != NULL) {
		struct frozen *f = w->confs;

		w->confs = f->next;
		assert_int_equal(f->conf.refs, 2);
		free(f);
	}
	for (size_t i = 0; i < ENDPOINTS_MAX; i++)
		receiver_stop(&w->rx[i]);
	evdns_base_free(w->dns, 1);
	event_base_loop(w->base, EVLOOP_NONBLOCK);
	event_free(w->guard);
	event_base_free(w->base);
	free(w);
}

static inline void
world_on_sent(void *arg, const struct am_send_result *r)
{
	struct world *w = arg;
	struct outcome *o = &w->out[w->out_n];

	assert_false(w->sending); /* never before am_deliver_send() returns */
	assert_true(w->out_n < OUTCOMES_MAX);
	o->r = *r;
	assert_true(r->excerpt.n < sizeof(o->excerpt));
	if (r->excerpt.n > 0)
		memcpy(o->excerpt, r->excerpt.p, r->excerpt.n);
	o->excerpt[r->excerpt.n] = '\0';
	o->r.excerpt = (struct am_str){ NULL, 0 };
	w->out_n++;
}

static inline void
world_send(struct world *w, const char *endpoint, const char *id)
{
	w->sending = true;
	am_deliver_send(w->deliver, endpoint,
	    &(struct am_send_what){ .id = id, .body = AM_STR("{\"投诉\":1}") },
	    w->now, world_on_sent, w);
	w->sending = false;
}

/* Turns the loop until n outcomes are there; fails after five seconds. */
static inline void
world_wait(struct world *w, size_t n)
{
	struct timeval tv = { 5, 0 };

	evtimer_add(w->guard, &tv);
	while (w->out_n < n && !w->stuck)
		event_base_loop(w->base, EVLOOP_ONCE);
	evtimer_del(w->guard);
	if (w->stuck)
		fail_msg("%zu outcomes of %zu after 5 s", w->out_n, n);
}

/* Sends one to the first endpoint and gives its outcome. */
static inline const struct am_send_result *
world_try(struct world *w)
{
	world_send(w, "crm", "fu1");
	world_wait(w, w->out_n + 1);
	return &w->out[w->out_n - 1].r;
}

static inline void
expect_result(const struct am_send_result *r, enum am_send_class class,
    int status, const char *reason)
{
	if (r->class != class || r->status != status ||
	    strcmp(r->reason, reason) != 0)
		fail_msg("class %d, status %d, %s (%s); wanted %d, %d, %s",
		    r->class, r->status, r->reason, r->detail, class, status,
		    reason);
}

static inline unsigned
world_room(struct world *w, const char *endpoint)
{
	am_ms again;

	return am_deliver_room(w->deliver, endpoint, w->now, &again);
}

static inline struct am_lane_view
world_view(const struct world *w, size_t i)
{
	struct am_lane_view v;

	assert_true(am_deliver_view(w->deliver, i, &v));
	return v;
}
