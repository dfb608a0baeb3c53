/*
 * http_conn - read, hand over, write, linger, close.
 *
 * A connection is freed by an event of its own (`reap`), never inside one of
 * its callbacks, and a request when its handler has answered: neither holds the
 * other longer than both live.
 *
 * Closing a socket with unread bytes makes the kernel reset it, and the client
 * never sees the answer. So behind an answer our side is shut, and what still
 * comes is read and dropped for a moment.
 */

#include "intake/http_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/str.h"
#include "log/log.h"

#define PROMISED_MAX ((size_t)64 << 20) /* bytes of bodies at once */
#define LINGER_BYTES_MAX ((size_t)4 << 20)

/* ---- ends ---- */

void
am_http_conn_end(struct am_http_conn *c)
{
	struct am_http *h = c->http;

	if (c->state == AM_HTTP_DEAD)
		return;
	if (c->state ==
	    AM_HTTP_HANDED) { /* the handler's answer finds nobody */
		c->req->conn = NULL;
		c->req = NULL;
	}
	c->state = AM_HTTP_DEAD;
	event_del(c->readable);
	event_del(c->writable);
	event_del(c->timer);
	close(c->fd);
	h->promised -= c->promised;
	if (c->streams) {
		h->streams_n--;
		TAILQ_REMOVE(&h->streams, c, link);
	} else {
		h->conns_n--;
		TAILQ_REMOVE(&h->conns, c, link);
	}
	TAILQ_INSERT_TAIL(&h->dead, c, link);
	event_active(h->reap, 0, 0);
}

static void
conn_free(struct am_http_conn *c)
{
	event_free(c->readable);
	event_free(c->writable);
	event_free(c->timer);
	am_buf_fini(&c->in);
	am_buf_fini(&c->out);
	free(c);
}

void
am_http_held_free(struct am_http_held *r)
{
	am_arena_fini(&r->pub.arena);
	free(r);
}

/* Its handler has answered, or will never see it. */
void
am_http_held_spent(struct am_http_held *r)
{
	struct am_http *h = r->http;

	if (r->conn != NULL)
		r->conn->req = NULL;
	r->conn = NULL;
	TAILQ_REMOVE(&h->held, r, link);
	TAILQ_INSERT_TAIL(&h->spent, r, link);
	event_active(h->reap, 0, 0);
}

void
am_http_reap(struct am_http *h)
{
	struct am_http_conn *c;
	struct am_http_held *r;

	while ((c = TAILQ_FIRST(&h->dead)) != NULL) {
		TAILQ_REMOVE(&h->dead, c, link);
		if (c->req != NULL) /* never handed over */
			am_http_held_spent(c->req);
		am_http_stream_tell(c);
		conn_free(c);
	}
	while ((r = TAILQ_FIRST(&h->spent)) != NULL) {
		TAILQ_REMOVE(&h->spent, r, link);
		am_http_held_free(r);
	}
}

/* ---- answers ---- */

static void
conn_linger(struct am_http_conn *c)
{
	if (shutdown(c->fd, SHUT_WR) != 0) {
		am_http_conn_end(c);
		return;
	}
	c->state = AM_HTTP_LINGERING;
	event_del(c->writable);
	event_add(c->readable, NULL);
	am_http_timer(c->timer, AM_HTTP_LINGER);
}

void
am_http_conn_write(struct am_http_conn *c)
{
	const size_t before = c->sent;

	while (c->sent < c->out.n) {
		ssize_t n = send(c->fd, c->out.p + c->sent, c->out.n - c->sent,
		    MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			event_add(c->writable, NULL);
			am_http_stream_watch(c, c->sent > before);
			return;
		}
		if (n <= 0) {
			am_http_conn_end(c);
			return;
		}
		c->sent += (size_t)n;
	}
	if (c->state == AM_HTTP_STREAM)
		am_http_stream_watch(c, true);
	else
		conn_linger(c);
}

/* The request is through with; out goes to the client. */
static void
conn_answer(
    struct am_http_conn *c, const struct am_http_answer *a, bool with_body)
{
	event_del(c->readable);
	c->state = AM_HTTP_WRITE;
	am_http_write_answer(&c->out, a, with_body);
	am_http_conn_write(c);
}

/* headers: beyond the usual ones; NULL: none */
static void
conn_refuse(struct am_http_conn *c, unsigned status, const char *headers,
    const char *detail)
{
	bool head_only =
	    c->req != NULL && c->req->pub.head.method == AM_HTTP_HEAD;
	struct am_buf body;

	c->http->counts.refused++;
	am_log_debug("http_refused", "status=%u reason=%s", status,
	    am_log_val(am_str_c(detail)));
	am_buf_init(&body);
	am_http_write_problem(
	    &body, &(struct am_http_problem){
		       .status = status, .detail = detail, .at = SIZE_MAX });
	conn_answer(c,
	    &(struct am_http_answer){ .status = status,
		.type = "application/problem+json",
		.body = am_buf_str(&body),
		.retry_after_s = status == 503 ? 1 : 0,
		.headers = headers },
	    !head_only);
	am_buf_fini(&body);
}

void
am_http_answer(struct am_http_request *req, const struct am_http_answer *answer)
{
	struct am_http_held *r = (struct am_http_held *)req;
	struct am_http_conn *c = r->conn;

	if (c != NULL) {
		c->req = NULL;
		conn_answer(c, answer, req->head.method != AM_HTTP_HEAD);
	}
	r->conn = NULL;
	am_http_held_spent(r);
}

void
am_http_problem_with(
    struct am_http_request *req, const struct am_http_problem *p)
{
	struct am_buf body;

	am_buf_init(&body);
	am_http_write_problem(&body, p);
	am_http_answer(req, &(struct am_http_answer){ .status = p->status,
				.type = "application/problem+json",
				.body = am_buf_str(&body),
				.retry_after_s = p->retry_after_s,
				.headers = p->headers });
	am_buf_fini(&body);
}

void
am_http_problem(struct am_http_request *req, unsigned status,
    unsigned retry_after_s, const char *detail)
{
	am_http_problem_with(req,
	    &(struct am_http_problem){ .status = status,
		.retry_after_s = retry_after_s,
		.detail = detail,
		.at = SIZE_MAX,
		.headers =
		    status == 401 ? "WWW-Authenticate: Signature\r\n" : NULL });
}

/* ---- requests ---- */

static void
hand_over(struct am_http_conn *c)
{
	struct am_http_held *r = c->req;
	struct am_http *h = c->http;

	event_del(c->readable);
	c->state = AM_HTTP_HANDED;
	r->pub.body = (struct am_str){ c->body, c->body_got };
	h->counts.requests++;
	r->route->handle(h->arg, &r->pub);
}

/* NULL when none fits; *allowed: the methods of those with that path. */
static const struct am_http_route *
route_of(
    const struct am_http *h, const struct am_http_head *head, unsigned *allowed)
{
	*allowed = 0;
	for (size_t i = 0; i < h->opts.routes_n; i++) {
		const struct am_http_route *r = &h->opts.routes[i];
		size_t n = strlen(r->path);
		bool all = r->path[n - 1] == '/' && n > 1;

		if (all ? !am_str_prefix(head->path, r->path)
			: !am_str_is(head->path, r->path))
			continue;
		*allowed |= r->methods;
		if ((r->methods & head->method) != 0)
			return r;
	}
	return NULL;
}

static void
refuse_route(struct am_http_conn *c, unsigned allowed)
{
	char headers[64];

	if (allowed == 0) {
		conn_refuse(c, 404, NULL, "nothing is here");
		return;
	}
	snprintf(headers, sizeof(headers), "Allow: %s%s%s%s\r\n",
	    (allowed & AM_HTTP_GET) != 0 ? "GET, " : "",
	    (allowed & AM_HTTP_HEAD) != 0 ? "HEAD, " : "",
	    (allowed & AM_HTTP_OPTIONS) != 0 ? "OPTIONS, " : "",
	    (allowed & AM_HTTP_POST) != 0 ? "POST" : "");
	conn_refuse(c, 405, headers, "this path does not take that method");
}

/* A whole head: is it something that we take, and is there room for it? */
static bool
admit(struct am_http_conn *c, const struct am_http_head *head)
{
	struct am_http *h = c->http;
	unsigned allowed;

	c->req->route = route_of(h, head, &allowed);
	if (c->req->route == NULL) {
		refuse_route(c, allowed);
		return false;
	}
	if (head->body_bytes > h->opts.max_body_bytes) {
		conn_refuse(c, 413, NULL, "the body is over http.max_body");
		return false;
	}
	if (head->body_bytes > PROMISED_MAX - h->promised) {
		h->counts.shed++;
		am_http_say(h, "http_shed", "bodies");
		conn_refuse(c, 503, NULL, "too much is coming in; try again");
		return false;
	}
	c->promised = head->body_bytes;
	h->promised += c->promised;
	return true;
}

/* The head is in c->in, `end` bytes of it; behind it begins the body. */
static void
take_head(struct am_http_conn *c, size_t end)
{
	struct am_http_held *r = calloc(1, sizeof(*r));
	struct am_http_fault fault;
	struct am_str text;
	size_t more;

	AM_ASSERT(r != NULL);
	r->http = c->http;
	r->conn = c;
	r->pub.peer = c->peer;
	am_arena_init(&r->pub.arena, 0);
	TAILQ_INSERT_TAIL(&c->http->held, r, link);
	c->req = r;
	text = am_arena_dup(&r->pub.arena, (struct am_str){ c->in.p, end });
	if (am_http_head_parse(text, &r->pub.head, &fault) != 0) {
		conn_refuse(c, fault.status, NULL, fault.detail);
		return;
	}
	if (!admit(c, &r->pub.head))
		return;
	c->body = am_arena_alloc(&r->pub.arena, r->pub.head.body_bytes + 1);
	more = c->in.n - end;
	if (more > r->pub.head.body_bytes)
		more = r->pub.head.body_bytes; /* the rest is never looked at */
	memcpy(c->body, c->in.p + end, more);
	c->body_got = more;
	am_buf_fini(&c->in);
	c->state = AM_HTTP_READ_BODY;
	if (c->body_got == r->pub.head.body_bytes)
		hand_over(c);
	else if (r->pub.head.expects &&
		 send(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25,
		     MSG_NOSIGNAL) != 25)
		am_http_conn_end(c);
}

/* Bytes that came; -1: none are there, or the connection has ended. */
static ssize_t
get(struct am_http_conn *c, char *p, size_t room)
{
	ssize_t n;

	do
		n = recv(c->fd, p, room, 0);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return n;
	if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
		am_http_conn_end(c);
	return -1;
}

static void
read_head(struct am_http_conn *c)
{
	struct am_http_fault fault;
	size_t end;
	ssize_t n;

	am_buf_reserve(&c->in, AM_HTTP_HEAD_MAX - c->in.n);
	n = get(c, c->in.p + c->in.n, AM_HTTP_HEAD_MAX - c->in.n);
	if (n < 0)
		return;
	c->in.n += (size_t)n;
	if (am_http_head_scan(c->in.p, c->in.n, &c->seen, &end, &fault) != 0)
		conn_refuse(c, fault.status, NULL, fault.detail);
	else if (end > 0)
		take_head(c, end);
}

static void
read_body(struct am_http_conn *c)
{
	size_t want = c->req->pub.head.body_bytes - c->body_got;
	ssize_t n = get(c, c->body + c->body_got, want);

	if (n < 0)
		return;
	c->body_got += (size_t)n;
	if ((size_t)n == want)
		hand_over(c);
}

static void
drain(struct am_http_conn *c)
{
	char dropped[16384];
	ssize_t n = get(c, dropped, sizeof(dropped));

	if (n < 0)
		return;
	c->drained += (size_t)n;
	if (c->drained > LINGER_BYTES_MAX)
		am_http_conn_end(c);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct am_http_conn *c = arg;

	(void)fd;
	(void)what;
	if (c->state == AM_HTTP_READ_HEAD)
		read_head(c);
	else if (c->state == AM_HTTP_READ_BODY)
		read_body(c);
	else if (c->state == AM_HTTP_LINGERING || c->state == AM_HTTP_STREAM)
		drain(c);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	am_http_conn_write(arg);
}

/* The time is over. */
static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct am_http_conn *c = arg;
	bool silent = c->state == AM_HTTP_READ_HEAD && c->in.n == 0;

	(void)fd;
	(void)what;
	if (c->state == AM_HTTP_STREAM) {
		am_http_stream_cut(c, "stalled_stream");
		return;
	}
	if (c->state == AM_HTTP_WRITE || c->state == AM_HTTP_LINGERING ||
	    silent) {
		c->http->counts.cut += silent;
		am_http_conn_end(c);
		return;
	}
	am_http_timer(c->timer, AM_HTTP_LINGER); /* to write this much */
	if (c->state == AM_HTTP_HANDED) {
		c->req->conn = NULL; /* its answer comes too late */
		c->req = NULL;
		conn_refuse(c, 503, NULL, "this takes too long; try again");
		return;
	}
	c->http->counts.cut++;
	conn_refuse(c, 408, NULL,
	    "the request did not come in time; it has ten "
	    "seconds in all");
}

void
am_http_conn_new(
    struct am_http *h, int fd, const struct sockaddr_storage *peer, am_ms now)
{
	struct am_http_conn *c = calloc(1, sizeof(*c));

	AM_ASSERT(c != NULL);
	c->http = h;
	c->fd = fd;
	c->peer = *peer;
	c->since = now;
	am_buf_init(&c->in);
	am_buf_init(&c->out);
	c->readable =
	    event_new(h->base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable = event_new(h->base, fd, EV_WRITE, on_writable, c);
	c->timer = evtimer_new(h->base, on_deadline, c);
	AM_ASSERT(
	    c->readable != NULL && c->writable != NULL && c->timer != NULL);
	TAILQ_INSERT_TAIL(&h->conns, c, link);
	h->conns_n++;
	event_add(c->readable, NULL);
	am_http_timer(c->timer, h->opts.deadline);
}
