#pragma once

/*
 * http - a listener for requests of HTTP/1.1, one a connection (layer: intake).
 *
 * Every answer ends its connection, so there is never a second request to
 * confuse with the first. Heads are read strictly (http_head.h); a body has a
 * Content-Length. A connection has one deadline from its accept, whatever it
 * does; there are at most so many of them, at most a quarter from one address,
 * and at the limit a connection that has not sent its request within a second
 * makes room for a new one. No TLS: a reverse proxy on the same machine does
 * that, and must not reuse its connections to us.
 *
 * Handlers answer when they can; everything runs on the event loop.
 */

#include <sys/socket.h>

#include "base/arena.h"
#include "intake/http_head.h"

struct event_base;
struct am_http;

struct am_http_request {
	struct am_http_head head;
	struct am_str body;
	/* 127.0.0.1 behind a unix socket; AF_UNSPEC: not known */
	struct sockaddr_storage peer;
	struct am_arena arena; /* for the handler; lives as long */
};

struct am_http_answer {
	unsigned status;
	const char *type; /* of the body; NULL: none */
	struct am_str body;
	unsigned retry_after_s; /* 0: not said */
	const char *headers;	/* more of them, "NAME: VALUE\r\n" each; NULL */
	const char *cache;	/* Cache-Control; NULL: no-store */
};

/*
 * The handler takes the request and gives it back by exactly one of the two
 * functions below, at once or later. A client that has gone meanwhile, or a
 * deadline that has passed, makes no difference to it.
 */
typedef void am_http_handler(void *arg, struct am_http_request *req);
void am_http_answer(
    struct am_http_request *req, const struct am_http_answer *answer);
/* RFC 7807: {"type":"about:blank","title":…,"status":…,"detail":…} */
void am_http_problem(struct am_http_request *req, unsigned status,
    unsigned retry_after_s, const char *detail);

struct am_http_problem {
	unsigned status, retry_after_s; /* 0: not said */
	const char *detail;
	const char *code;    /* a word for programs; NULL: none */
	struct am_str field; /* what it is about; n == 0: none */
	size_t at;	     /* which of a list; SIZE_MAX: no list */
	const char *headers; /* as of an answer; NULL */
};
void am_http_problem_with(
    struct am_http_request *req, const struct am_http_problem *p);

struct am_http_route {
	unsigned methods; /* enum am_http_method, or-ed */
	const char *path; /* "/metrics"; "/v1/callback/": all that begin so */
	am_http_handler *handle;
};

struct am_http_opts {
	const struct am_http_route *routes; /* as of am_http_routes() */
	size_t routes_n;
	size_t max_body_bytes;
	unsigned max_conns;   /* 0: 1024; never over half of the descriptors */
	unsigned max_streams; /* 0: an eighth of them, at most 32 */
	am_ms deadline;	      /* of a connection; 0: 10 s */
	am_ms stall;	      /* of a stream's reader; 0: a minute */
};

struct am_http_counts {
	uint64_t requests; /* that came to a handler */
	uint64_t refused;  /* that did not */
	uint64_t cut;	   /* connections without a request in time */
	uint64_t shed;	   /* for want of room or descriptors */
};

struct am_http *am_http_new(
    struct event_base *base, const struct am_http_opts *opts, void *arg);
/* At once. Requests that handlers hold are gone with it. */
void am_http_free(struct am_http *h);

/* "127.0.0.1:8480" "[::1]:8480" as a socket that listens; the caller owns it.
 * -AM_EINVAL, -AM_ECONFLICT (in use) or -AM_EIO with *diag. */
AM_MUSTCHECK int
am_http_bind(const char *listen_at, int *fd, struct am_diag *diag);
/* Takes the socket, in place of the one before; -1: none any more.
 * Connections that are open stay. */
void am_http_serve(struct am_http *h, int fd);
void am_http_limit(struct am_http *h, size_t max_body_bytes);
/* 0 as in am_http_opts; who is there already may stay. */
void am_http_room(struct am_http *h, unsigned max_conns);
/* Borrowed for as long as h lives; tried in order. */
void
am_http_routes(struct am_http *h, const struct am_http_route *routes, size_t n);

/*
 * An answer that goes on: server-sent events. It has no length and no deadline
 * and ends by its connection's end. Streams have places of their own, apart
 * from max_conns.
 */
struct am_http_stream;

/* The client has gone, was cut, or am_http_stop() or am_http_free() came; not
 * told after am_http_stream_end(). The stream is freed when this returns. Comes
 * from the event loop, never from inside a call below. */
typedef void am_http_stream_ended(void *arg);

/*
 * Gives the request back in any case. NULL: no stream, and nothing more to do:
 * it was answered by 503 (all places are taken, or we stop) or was a HEAD,
 * which gets the same headers, or its client has gone. headers: as of
 * am_http_answer.
 */
struct am_http_stream *
am_http_stream_begin(struct am_http_request *req, const char *type,
    const char *headers, am_http_stream_ended *ended, void *arg);
/*
 * All of it, now or when the client takes it. One who has 64 KiB unread in our
 * memory when more comes is cut, and so is one who takes nothing for a minute
 * while something waits: so write a comment now and then. Ignored once the
 * stream has ended.
 */
void am_http_stream_write(struct am_http_stream *s, struct am_str bytes);
/* Bytes that wait in our memory: above 0 a next state may better wait, too. */
size_t am_http_stream_unread(const struct am_http_stream *s);
/* Close behind what was written. The stream is gone with it. */
void am_http_stream_end(struct am_http_stream *s);
unsigned am_http_streams(const struct am_http *h);

/* Take nothing new. Who has sent nothing yet is let go, who is half way has two
 * seconds; streams end; the rest is answered. */
void am_http_stop(struct am_http *h);
/* No connection waits for its request to end or for its answer. */
bool am_http_quiet(const struct am_http *h);

unsigned am_http_conns(const struct am_http *h);
const struct am_http_counts *am_http_counts(const struct am_http *h);
