#pragma once

/*
 * http_int - what the files of the listener know of each other (layer: intake).
 *
 * http.c: the listening socket, and room. http_conn.c: one connection from its
 * accept to its end. http_stream.c: one that goes on. http_answer.c: the bytes
 * of an answer.
 */

#include <sys/queue.h>

#include "base/buf.h"
#include "intake/http.h"

#define AM_HTTP_LINGER AM_SECOND /* for a client to read the answer */

struct am_http_conn;

struct am_http_held {
	struct am_http_request pub; /* first: handlers know this part */
	struct am_http *http;
	struct am_http_conn *conn; /* NULL: gone */
	const struct am_http_route *route;
	TAILQ_ENTRY(am_http_held) link;
};

enum am_http_state {
	AM_HTTP_READ_HEAD,
	AM_HTTP_READ_BODY,
	AM_HTTP_HANDED, /* the handler has it */
	AM_HTTP_WRITE,
	AM_HTTP_STREAM,
	AM_HTTP_LINGERING,
	AM_HTTP_DEAD,
};

struct am_http_stream {
	am_http_stream_ended *ended; /* NULL: nobody to tell */
	void *arg;
};

struct am_http_conn {
	struct am_http *http;
	int fd;
	enum am_http_state state;
	struct event *readable, *writable, *timer;
	struct sockaddr_storage peer;
	am_ms since;	  /* CLOCK_MONOTONIC */
	struct am_buf in; /* head, until it is whole */
	size_t seen;
	struct am_http_held *req;
	char *body; /* in the request's arena */
	size_t body_got, promised;
	struct am_buf out;
	size_t sent, drained;
	bool streams; /* in http->streams, and counted there */
	struct am_http_stream stream;
	TAILQ_ENTRY(am_http_conn) link;
};

TAILQ_HEAD(am_http_conns, am_http_conn);
TAILQ_HEAD(am_http_helds, am_http_held);

struct am_http {
	struct event_base *base;
	struct am_http_opts opts;
	void *arg;
	int fd, spare; /* -1: none */
	struct event *acceptable, *rest, *reap;
	struct am_http_conns conns; /* by age, oldest first */
	struct am_http_conns streams;
	struct am_http_conns dead;
	unsigned conns_n, streams_n;
	bool stopping;
	struct am_http_helds held, spent;
	size_t promised; /* bytes of bodies on their way */
	am_ms said_at;
	unsigned unsaid;
	struct am_http_counts counts;
};

/* Takes fd. */
void am_http_conn_new(
    struct am_http *h, int fd, const struct sockaddr_storage *peer, am_ms now);
/* Closed now, freed by the reaper. */
void am_http_conn_end(struct am_http_conn *c);
/* To the client; what it does not take now waits in c->out. */
void am_http_conn_write(struct am_http_conn *c);
/* Free what has ended. */
void am_http_reap(struct am_http *h);
void am_http_held_free(struct am_http_held *r);
/* Its connection has gone from it: free it soon. */
void am_http_held_spent(struct am_http_held *r);
/* Whoever waits for the stream's end hears of it. */
void am_http_stream_tell(struct am_http_conn *c);
/* After a write, to a stream or not: has its reader stood still for too long?
 */
void am_http_stream_watch(struct am_http_conn *c, bool progress);
/* It has. */
void am_http_stream_cut(struct am_http_conn *c, const char *reason);
void am_http_streams_stop(struct am_http *h);

void am_http_timer(struct event *timer, am_ms in);
/* Trouble that clients can make at will: one line a second. */
void am_http_say(struct am_http *h, const char *event, const char *reason);

/* The head of an answer that goes on. */
void
am_http_write_stream(struct am_buf *out, const char *type, const char *headers);
void am_http_write_answer(
    struct am_buf *out, const struct am_http_answer *a, bool with_body);
void
am_http_write_problem(struct am_buf *body, const struct am_http_problem *p);
