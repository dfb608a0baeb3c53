/*
 * http_stream - an answer that goes on: server-sent events.
 *
 * A stream is a connection that has left the list of those with a deadline. Its
 * owner is told of the end by the reaper, never from inside a write: who writes
 * to all his readers in turn may keep them in a list and take them out of it
 * when he is told.
 *
 * What the client does not take lies in two places. The kernel's part is made
 * small, so that a reader who stands still is known for one, and does not see
 * an hour old news when it goes on.
 */

#include "intake/http_int.h"

#include <string.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <event2/event.h>

#include "base/str.h"
#include "log/log.h"

#define UNREAD_MAX ((size_t)64 << 10)
#define KERNEL_BYTES (64 << 10)
#define RETRY_AFTER_S 5

static struct am_http_conn *
conn_of(const struct am_http_stream *s)
{
	char *p = (char *)(uintptr_t)s;

	return (struct am_http_conn *)(void *)(p - offsetof(struct am_http_conn,
						       stream));
}

/* What the kernel holds counts, too; comfort, which not every socket has. */
static void
be_lively(const struct am_http_conn *c)
{
	const unsigned ms = (unsigned)c->http->opts.stall;
	const int bytes = KERNEL_BYTES;

	if (setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) !=
		0 ||
	    setsockopt(c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms)) !=
		0)
		am_log_debug("http_stream", "socket options are not taken");
}

struct am_http_stream *
am_http_stream_begin(struct am_http_request *req, const char *type,
    const char *headers, am_http_stream_ended *ended, void *arg)
{
	struct am_http_held *r = (struct am_http_held *)req;
	struct am_http_conn *c = r->conn;
	struct am_http *h = r->http;

	if (c == NULL) {
		am_http_held_spent(r);
		return NULL;
	}
	if (h->stopping || h->streams_n >= h->opts.max_streams) {
		h->counts.shed++;
		am_http_say(h, "http_shed", "streams");
		am_http_problem(req, 503, RETRY_AFTER_S,
		    "too many streams are open; try again");
		return NULL;
	}
	be_lively(c);
	TAILQ_REMOVE(&h->conns, c, link);
	h->conns_n--;
	TAILQ_INSERT_TAIL(&h->streams, c, link);
	h->streams_n++;
	c->streams = true;
	h->promised -= c->promised;
	c->promised = 0;
	am_http_write_stream(&c->out, type, headers);
	am_http_held_spent(r);
	if (req->head.method == AM_HTTP_HEAD) {
		c->state = AM_HTTP_WRITE;
		am_http_conn_write(c);
		return NULL;
	}
	event_del(c->timer);
	c->state = AM_HTTP_STREAM;
	c->stream = (struct am_http_stream){ ended, arg };
	event_add(c->readable, NULL); /* only its end is of interest */
	am_http_conn_write(c);
	return &c->stream;
}

void
am_http_stream_cut(struct am_http_conn *c, const char *reason)
{
	c->http->counts.cut++;
	am_http_say(c->http, "http_cut", reason);
	am_http_conn_end(c);
}

/* The owner may write nothing while something waits: a clock of our own. */
void
am_http_stream_watch(struct am_http_conn *c, bool progress)
{
	if (c->state != AM_HTTP_STREAM)
		return;
	if (c->sent == c->out.n)
		event_del(c->timer);
	else if (progress || !event_pending(c->timer, EV_TIMEOUT, NULL))
		am_http_timer(c->timer, c->http->opts.stall);
}

/* Drop what the client has taken. */
static void
forget_sent(struct am_http_conn *c)
{
	c->out.n -= c->sent;
	memmove(c->out.p, c->out.p + c->sent, c->out.n);
	c->sent = 0;
}

void
am_http_stream_write(struct am_http_stream *s, struct am_str bytes)
{
	struct am_http_conn *c = conn_of(s);

	if (c->state != AM_HTTP_STREAM)
		return;
	if (c->out.n - c->sent >= UNREAD_MAX) {
		am_http_stream_cut(c, "slow_stream");
		return;
	}
	if (c->sent > 0)
		forget_sent(c);
	am_buf_addstr(&c->out, bytes);
	am_http_conn_write(c);
}

size_t
am_http_stream_unread(const struct am_http_stream *s)
{
	const struct am_http_conn *c = conn_of(s);

	return c->out.n - c->sent;
}

/* What was written goes out yet, for a moment. */
static void
finish(struct am_http_conn *c)
{
	c->state = AM_HTTP_WRITE;
	event_del(c->readable);
	am_http_timer(c->timer, AM_HTTP_LINGER);
	am_http_conn_write(c);
}

void
am_http_stream_end(struct am_http_stream *s)
{
	struct am_http_conn *c = conn_of(s);

	s->ended = NULL;
	if (c->state == AM_HTTP_STREAM)
		finish(c);
}

void
am_http_stream_tell(struct am_http_conn *c)
{
	am_http_stream_ended *ended = c->stream.ended;

	c->stream.ended = NULL;
	if (ended != NULL)
		ended(c->stream.arg);
}

void
am_http_streams_stop(struct am_http *h)
{
	struct am_http_conn *c, *next;

	for (c = TAILQ_FIRST(&h->streams); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->state == AM_HTTP_STREAM)
			finish(c);
	}
}

unsigned
am_http_streams(const struct am_http *h)
{
	return h->streams_n;
}
